package mail_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/mail"
)

func provider(t *testing.T, fault func(*http.Request) resend.Fault) (*resend.Server, string) {
	t.Helper()
	s, err := resend.New(resend.Options{Key: "re_local", Clock: &simclock.Clock{}, Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web.URL
}

func sender(t *testing.T, key, url string) *mail.Sender {
	t.Helper()
	s, err := mail.NewSender(key, url, &http.Client{Timeout: mail.Patience})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message() mail.Message {
	text, markup := mail.Render("Confirm", []string{"Hello Ada Example"}, mail.Link{Label: "Confirm", URL: "https://example.org/c?t=1"})
	return mail.Message{From: "PixelTrack <mail@example.org>", To: "ada@example.com", Subject: "Confirm", Text: text, HTML: markup, Key: "msg_1",
		Headers: map[string]string{"X-Entity-Ref-ID": "msg_1"}, Tags: map[string]string{"b": "2", "a": "1"},
		Files: []mail.File{{Name: "a.txt", MediaType: "text/plain", Content: []byte("hi")}}}
}

func TestSend(t *testing.T) {
	ctx := context.Background()
	server, url := provider(t, nil)
	s := sender(t, "re_local", url)
	first, err := s.Send(ctx, message())
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Send(ctx, message())
	if err != nil || second != first {
		t.Errorf("Send again = %q, %v; want %q", second, err, first)
	}
	mails := server.Mails("ada@example.com")
	if len(mails) != 1 {
		t.Fatalf("%d mails; want 1", len(mails))
	}
	m := mails[0]
	if m.Headers["X-Entity-Ref-ID"] != "msg_1" || m.Tags["a"] != "1" || string(m.Attachments[0].Content) != "hi" || len(m.Links) != 1 {
		t.Errorf("mail = %+v; want headers, tags, file and link as sent", m)
	}
}

func TestSendFails(t *testing.T) {
	changed := message()
	changed.Subject = "Another"
	noAddress := message()
	noAddress.To, noAddress.Key = "nobody", "msg_2"
	tests := []struct {
		name  string
		key   string
		mail  mail.Message
		fault resend.Fault
		want  error
	}{
		{name: "an address that is none", key: "re_local", mail: noAddress, want: mail.ErrRefused},
		{name: "another mail under the key", key: "re_local", mail: changed, want: mail.ErrConflict},
		{name: "too many", key: "re_local", mail: message(), fault: resend.Fault{Status: 429}, want: mail.ErrBusy},
		{name: "the provider fails", key: "re_local", mail: message(), fault: resend.Fault{Status: 503}, want: mail.ErrFailed},
		{name: "no answer", key: "re_local", mail: message(), fault: resend.Fault{Drop: true}, want: mail.ErrFailed},
		{name: "a wrong key", key: "re_other", mail: message(), want: mail.ErrFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var fault resend.Fault
			_, url := provider(t, func(*http.Request) resend.Fault { return fault })
			if _, err := sender(t, "re_local", url).Send(context.Background(), message()); err != nil {
				t.Fatal(err)
			}
			fault = tt.fault
			if _, err := sender(t, tt.key, url).Send(context.Background(), tt.mail); !errors.Is(err, tt.want) {
				t.Errorf("Send = %v; want %v", err, tt.want)
			}
		})
	}
}

func TestFetch(t *testing.T) {
	server, url := provider(t, nil)
	id := server.Receive(resend.Inbound{From: "Bob Example <bob@example.com>", To: []string{"help@example.org"}, Subject: "Help", Text: "Blue screen"}, resend.Delivery{})
	s := sender(t, "re_local", url)
	m, err := s.Fetch(context.Background(), id)
	if err != nil || m.Text != "Blue screen" || m.MessageID == "" {
		t.Errorf("Fetch = %+v, %v; want the mail", m, err)
	}
	if _, err := s.Fetch(context.Background(), "none"); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("Fetch of no mail = %v; want ErrRefused", err)
	}
}

func TestRender(t *testing.T) {
	text, markup := mail.Render("<b>Hi</b>", []string{"Dear <script>alert(1)</script>,", "line\nline & more"},
		mail.Link{Label: `"Open"`, URL: `https://example.org/?a=1&b="><img>`})
	for _, bad := range []string{"<script>", "<b>", "<img>", `"Open"`} {
		if strings.Contains(markup, bad) {
			t.Errorf("the HTML holds %s:\n%s", bad, markup)
		}
	}
	for _, want := range []string{"Dear &lt;script&gt;", "line<br>\nline &amp; more", `href="https://example.org/?a=1&amp;b=&#34;`} {
		if !strings.Contains(markup, want) {
			t.Errorf("the HTML lacks %s:\n%s", want, markup)
		}
	}
	if !strings.Contains(text, "Dear <script>alert(1)</script>,\n\nline\nline & more\n\n\"Open\":\nhttps://example.org/?a=1&b=") {
		t.Errorf("text = %q; want it as it is", text)
	}
	if _, markup := mail.Render("S", nil, mail.Link{}); strings.Contains(markup, "<a ") {
		t.Error("a mail without link has one")
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"Invoice 7":                "Invoice 7",
		"Invoice\r\nBcc: x@y.test": "Invoice Bcc: x@y.test",
		" a \t\u2028 b ":           "a b",
		"":                         "",
	} {
		if got := mail.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q; want %q", in, got, want)
		}
	}
}

const secret = "whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29rcw=="

func sign(secret, id, stamp, body string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err)
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + stamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func TestVerifyWebhook(t *testing.T) {
	now := time.Date(2031, 3, 2, 9, 0, 0, 0, time.UTC)
	other := "whsec_YW5vdGhlciBzZWNyZXQ="
	stamp := strconv.FormatInt(now.Unix(), 10)
	good := mail.Signature{ID: "msg_1", Timestamp: stamp, Signature: sign(secret, "msg_1", stamp, "{}")}
	with := func(change func(*mail.Signature)) mail.Signature {
		s := good
		change(&s)
		return s
	}
	at := func(d time.Duration) mail.Signature {
		stamp := strconv.FormatInt(now.Add(d).Unix(), 10)
		return mail.Signature{ID: "msg_1", Timestamp: stamp, Signature: sign(secret, "msg_1", stamp, "{}")}
	}
	tests := []struct {
		name      string
		signature mail.Signature
		body      string
		secret    string
		want      error
	}{
		{"signed now", good, "{}", secret, nil},
		{"signed twice while a secret is replaced", with(func(s *mail.Signature) { s.Signature = "v1,AAAA " + s.Signature }), "{}", secret, nil},
		{"with the old of two secrets", good, "{}", other + ", " + secret, nil},
		{"300 seconds old", at(-300 * time.Second), "{}", secret, nil},
		{"300 seconds ahead", at(300 * time.Second), "{}", secret, nil},
		{"301 seconds old", at(-301 * time.Second), "{}", secret, mail.ErrAge},
		{"301 seconds ahead", at(301 * time.Second), "{}", secret, mail.ErrAge},
		{"another body", good, "{ }", secret, mail.ErrSignature},
		{"another id", with(func(s *mail.Signature) { s.ID = "msg_2" }), "{}", secret, mail.ErrSignature},
		{"a newer time", with(func(s *mail.Signature) { s.Timestamp = strconv.FormatInt(now.Unix()+1, 10) }), "{}", secret, mail.ErrSignature},
		{"another secret", good, "{}", other, mail.ErrSignature},
		{"no secret", good, "{}", "", mail.ErrSignature},
		{"an empty secret", mail.Signature{ID: "msg_1", Timestamp: stamp, Signature: sign("whsec_", "msg_1", stamp, "{}")}, "{}", "whsec_", mail.ErrSignature},
		{"another version of the scheme", with(func(s *mail.Signature) { s.Signature = "v2" + s.Signature[2:] }), "{}", secret, mail.ErrSignature},
		{"no headers", mail.Signature{}, "{}", secret, mail.ErrSignature},
		{"old and wrongly signed is wrongly signed", with(func(s *mail.Signature) { s.Timestamp = "0" }), "{}", secret, mail.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := mail.VerifyWebhook(tt.signature, []byte(tt.body), tt.secret, now); !errors.Is(err, tt.want) {
				t.Errorf("VerifyWebhook = %v; want %v", err, tt.want)
			}
		})
	}
}

func TestParseEvent(t *testing.T) {
	e, err := mail.ParseEvent([]byte(`{"type":"email.bounced","created_at":"2026-03-02T09:00:00.126Z","data":{"email_id":"e1","to":["ada@example.com"],"tags":{"message":"msg_1"},"bounce":{"type":"Permanent"}}}`))
	if err != nil || e.Type != mail.EventBounced || e.MailID != "e1" || e.Tags["message"] != "msg_1" || e.Bounce != "Permanent" || e.At.Year() != 2026 {
		t.Errorf("ParseEvent = %+v, %v; want the bounce", e, err)
	}
	e, err = mail.ParseEvent([]byte(`{"type":"email.sent","data":{"tags":[{"name":"message","value":"msg_1"}]}}`))
	if err != nil || e.Tags["message"] != "msg_1" {
		t.Errorf("ParseEvent = %+v, %v; want tags of a list", e, err)
	}
	for _, bad := range []string{"", "null", "[]", "{}", `{"type":1}`, `{"type":"email.sent","created_at":"x"}`} {
		if _, err := mail.ParseEvent([]byte(bad)); !errors.Is(err, mail.ErrEvent) {
			t.Errorf("ParseEvent(%s) = %v; want ErrEvent", bad, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"type":"email.sent","data":{"tags":[{"name":"message","value":"msg_1"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if e, err := mail.ParseEvent(body); (err == nil) != (e.Type != "") {
			t.Errorf("ParseEvent(%q) = %+v, %v", body, e, err)
		}
	})
}
