package reading_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mail/reading"
)

func TestText(t *testing.T) {
	tests := []struct {
		name string
		in   mail.Received
		want string
	}{
		{"plain", mail.Received{Text: "Where is it?\r\n\r\nAda\r\n"}, "Where is it?\n\nAda"},
		{"plain before HTML", mail.Received{Text: "plain", HTML: "<p>rich</p>"}, "plain"},
		{"HTML alone", mail.Received{Text: " \n", HTML: "<p>Where is it?</p><div>one</div><div>two</div>"}, "Where is it?\n\none\ntwo"},
		{"control characters", mail.Received{Text: "a\x00b\x1b[31mc\u202ed\u200be\tf"}, "ab[31mcde\tf"},
		{"not UTF-8", mail.Received{Text: "a\xff\xfeb"}, "ab"},
		{"an answer below", mail.Received{Text: "> Is it there?\n\nYes."}, "Yes."},
		{"nothing but quotes", mail.Received{Text: "> Is it there?"}, "> Is it there?"},
		{"long", mail.Received{Text: strings.Repeat("é", 20_001)}, strings.Repeat("é", 19_996) + " […]"},
		{"just not too long", mail.Received{Text: strings.Repeat("é", 20_000)}, strings.Repeat("é", 20_000)},
		{"nothing", mail.Received{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reading.Text(&tt.in); got != tt.want {
				t.Errorf("Text = %q; want %q", got, tt.want)
			}
		})
	}
}

func TestFromHTML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"paragraphs", "<p>a</p>\n<p>b</p>", "a\n\nb"},
		{"lines", "a<br>b<br><br>c", "a\nb\n\nc"},
		{"words over elements", "<p>Hel<b>lo</b> <i>you</i>!</p>", "Hello you!"},
		{"a list", "<ul><li>one</li><li>two</li></ul>", "- one\n- two"},
		{"a link", `<a href="https://example.com/x">here</a>`, "here <https://example.com/x>"},
		{"a link that says itself", `<a href="https://example.com/x">https://example.com/x</a>`, "https://example.com/x"},
		{"a link to a script", `<a href="javascript:alert(1)">here</a>`, "here"},
		{"what is not seen", "<head><title>t</title><style>x{}</style></head><script>alert(1)</script><!-- c --><template>t</template>a", "a"},
		{"entities", "&lt;b&gt; &amp; &nbsp;&eacute;", "<b> & é"},
		{"a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"broken", "<p>a<div>b</p></i>", "a\n\nb"},
		{"very deep", strings.Repeat("<div>", 5000) + "a", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reading.FromHTML(tt.in); got != tt.want {
				t.Errorf("FromHTML(%q) = %q; want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestUnquoted(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"our own line", "Thanks.\n\nAm Montag schrieb jemand\n" + mail.Above + "\nold", "Thanks.\n\nAm Montag schrieb jemand"},
		{"our own line, quoted", "Thanks.\n> " + mail.Above + "\n> old", "Thanks."},
		{"Gmail", "Thanks.\n\nOn Mon, 2 Mar 2026 at 09:00, PixelTrack <support@pixeltrack.io> wrote:\n> old", "Thanks."},
		{"Gmail, broken in two", "Thanks.\n\nOn Mon, 2 Mar 2026 at 09:00, PixelTrack\n<support@pixeltrack.io> wrote:\n\nold", "Thanks."},
		{"German", "Danke.\n\nAm 02.03.26 um 09:00 schrieb PixelTrack:\nold", "Danke."},
		{"Outlook", "Thanks.\n\nFrom: PixelTrack <support@pixeltrack.io>\nSent: Monday\nTo: Ada\n\nold", "Thanks."},
		{"Outlook, in German", "Danke.\n\nVon: PixelTrack <support@pixeltrack.io>\nGesendet: Montag\n\nold", "Danke."},
		{"an original message", "Thanks.\n-----Original Message-----\nold", "Thanks."},
		{"a signature", "Thanks.\n-- \nAda Example\nStudio", "Thanks."},
		{"answers between quotes", "> one?\nYes.\n> two?\nNo.", "Yes.\nNo."},
		{"a person who writes of writing", "On the invoice somebody wrote: paid.", "On the invoice somebody wrote: paid."},
		{"a person who lists", "From: here\nTo: there", "From: here\nTo: there"},
		{"dashes in a text", "a\n---\nb", "a\n---\nb"},
		{"only a quote", "> one", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reading.Unquoted(tt.in); got != tt.want {
				t.Errorf("Unquoted(%q) = %q; want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestSubject(t *testing.T) {
	for in, want := range map[string]string{
		"Re: AW: Fwd:  The tax ": "The tax", "Reply: it": "Reply: it", "two\r\nlines": "two lines", "": "", "Re:": "", strings.Repeat("é", 300): strings.Repeat("é", 200),
	} {
		if got := reading.Subject(in, 200); got != want {
			t.Errorf("Subject(%q) = %q; want %q", in, got, want)
		}
	}
}

func header(pairs ...string) map[string]mail.Values {
	h := map[string]mail.Values{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
	}
	return h
}

func TestAutomatic(t *testing.T) {
	tests := []struct {
		name, from string
		headers    map[string]mail.Values
		want       string
	}{
		{"a person", "Ada <ada@example.com>", nil, ""},
		{"a person whose program says so", "ada@example.com", header("auto-submitted", "no"), ""},
		{"an answering machine", "ada@example.com", header("auto-submitted", "auto-replied; owner-email=x"), "auto_submitted"},
		{"a machine", "ada@example.com", header("Auto-Submitted", "Auto-Generated"), "auto_submitted"},
		{"a list", "ada@example.com", header("precedence", "list"), "bulk"},
		{"bulk", "ada@example.com", header("Precedence", "Bulk"), "bulk"},
		{"a newsletter", "ada@example.com", header("List-Unsubscribe", "<https://example.com>"), "bulk"},
		{"an old answering machine", "ada@example.com", header("x-autoreply", "yes"), "bulk"},
		{"a bounce", "MAILER-DAEMON@example.com", nil, "bounce"},
		{"nobody's", "ada@example.com", header("return-path", "<>"), "bounce"},
		{"a report", "ada@example.com", header("content-type", "multipart/report; report-type=delivery-status"), "report"},
		{"no sender", "nobody", nil, "no_sender"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reading.Automatic(&mail.Received{From: tt.from, Headers: tt.headers}); got != tt.want {
				t.Errorf("Automatic = %q; want %q", got, tt.want)
			}
		})
	}
}

func TestAuthentic(t *testing.T) {
	tests := []struct {
		name, results string
		want          bool
	}{
		{"DMARC passed", "amazonses.com; spf=pass (x) client-ip=1.2.3.4; dkim=pass header.i=@example.com; dmarc=pass header.from=example.com;", true},
		{"DMARC passed for another domain", "amazonses.com; dmarc=pass header.from=example.org", false},
		{"DMARC failed, DKIM passed", "amazonses.com; dkim=pass header.d=example.com; dmarc=fail header.from=example.com", false},
		{"DMARC said twice", "amazonses.com; dmarc=pass header.from=example.com; dmarc=fail header.from=example.com", false},
		{"DKIM alone", "amazonses.com; dkim=pass header.d=example.com", true},
		{"DKIM of the domain above", "amazonses.com; dkim=pass header.i=@com.example.com; dkim=pass header.i=@example.com", true},
		{"DKIM of another domain", "amazonses.com; dkim=pass header.d=ample.com", false},
		{"DKIM of a top domain", "amazonses.com; dkim=pass header.d=com", false},
		{"DKIM failed", "amazonses.com; dkim=fail header.d=example.com", false},
		{"SPF alone", "amazonses.com; spf=pass smtp.mailfrom=ada@example.com", false},
		{"another server's", "mx.example.com; dmarc=pass header.from=example.com", false},
		{"said in a comment", "amazonses.com; spf=pass (x; dmarc=pass header.from=example.com) client-ip=1.2.3.4", false},
		{"said in a quoted address", `amazonses.com; spf=pass envelope-from="a; dmarc=pass header.from=example.com"@example.org`, false},
		{"none", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &mail.Received{From: "Ada <ada@example.com>", Headers: header("authentication-results", tt.results)}
			if got := reading.Authentic(m, "amazonses.com"); got != tt.want {
				t.Errorf("Authentic(%q) = %v; want %v", tt.results, got, tt.want)
			}
		})
	}
	forged := &mail.Received{From: "ada@example.com", Headers: header("Authentication-Results", "amazonses.com; dmarc=fail header.from=example.com", "Authentication-Results", "amazonses.com; dmarc=pass header.from=example.com")}
	if reading.Authentic(forged, "amazonses.com") {
		t.Error("a result below that of the server counts")
	}
}

func FuzzText(f *testing.F) {
	f.Add("On Monday somebody wrote:\n> a", "<p>a</p>", "Re: a", "amazonses.com; dmarc=pass header.from=example.com")
	f.Add("-- \n", "<table><li><a href=https://x>", "fwd:re:", `a(b"c\`)
	f.Fuzz(func(t *testing.T, text, html, subject, results string) {
		m := &mail.Received{From: "ada@example.com", Text: text, HTML: html, Headers: header("Authentication-Results", results)}
		if got := reading.Text(m); !utf8.ValidString(got) || utf8.RuneCountInString(got) > reading.MaxText {
			t.Errorf("Text = %q", got)
		}
		if got := reading.Subject(subject, 20); !utf8.ValidString(got) || utf8.RuneCountInString(got) > 20 || strings.ContainsAny(got, "\r\n") {
			t.Errorf("Subject = %q", got)
		}
		reading.Authentic(m, "amazonses.com")
		reading.Automatic(m)
	})
}
