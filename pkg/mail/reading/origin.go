package reading

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"

	"pixeltrack.io/platform/pkg/mail"
)

// Automatic says why a mail was not written by a person to us, empty when one may have: an answering machine, a list, a
// report of a mail that could not be delivered (RFC 3834, RFC 2369, RFC 3464). To answer such mails would be to talk to
// machines without end.
func Automatic(m *mail.Received) string {
	sender := strings.ToLower(mail.Bare(m.From))
	local, _, _ := strings.Cut(sender, "@")
	kind := strings.ToLower(strings.TrimSpace(m.Header("Content-Type")))
	switch first, _, _ := strings.Cut(strings.ToLower(m.Header("Auto-Submitted")), ";"); {
	case first != "" && strings.TrimSpace(first) != "no":
		return "auto_submitted"
	case sender == "":
		return "no_sender"
	case local == "mailer-daemon", local == "postmaster", strings.TrimSpace(m.Header("Return-Path")) == "<>":
		return "bounce"
	case strings.HasPrefix(kind, "multipart/report"):
		return "report"
	}
	switch strings.ToLower(strings.TrimSpace(m.Header("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply", "auto-reply":
		return "bulk"
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"} {
		if m.Header(name) != "" {
			return "bulk"
		}
	}
	return ""
}

// Wary says whether a mail asks not to be answered by machines.
func Wary(m *mail.Received) bool {
	wish := strings.ToLower(m.Header("X-Auto-Response-Suppress"))
	return strings.Contains(wish, "all") || strings.Contains(wish, "autoreply")
}

// Authentic says whether the mail server that took a mail in found it to come from the domain of its sender's address:
// DMARC passed for that domain, or, where DMARC is not told of, DKIM for it or for one above it (RFC 8601). Only the result
// that bears the name of that server counts; the sender may have written any other. That the server takes a forged one of
// its own name away (RFC 8601 section 5) is taken on trust: what depends on this answer gives nothing away to its sender.
func Authentic(m *mail.Received, server string) bool {
	_, domain, ok := strings.Cut(strings.ToLower(mail.Bare(m.From)), "@")
	if !ok || server == "" {
		return false
	}
	name, results, err := authres.Parse(plain(m.Header("Authentication-Results")))
	if err != nil || !strings.EqualFold(name, server) {
		return false
	}
	signed, told := false, 0
	passed := false
	for _, r := range results {
		switch r := r.(type) {
		case *authres.DMARCResult:
			told++
			passed = r.Value == authres.ResultPass && strings.EqualFold(r.From, domain)
		case *authres.DKIMResult:
			by := strings.ToLower(r.Domain)
			if _, of, ok := strings.Cut(strings.ToLower(r.Identifier), "@"); by == "" && ok {
				by = of
			}
			signed = signed || r.Value == authres.ResultPass && strings.Contains(by, ".") && (domain == by || strings.HasSuffix(domain, "."+by))
		}
	}
	if told > 0 {
		return told == 1 && passed
	}
	return signed
}

// plain takes comments and quoted texts out of a header, in which a sender could say anything, semicolons included.
func plain(header string) string {
	var b strings.Builder
	depth, inText := 0, false
	for i := 0; i < len(header); i++ {
		switch c := header[i]; {
		case c == '\\':
			i++
		case inText:
			inText = c != '"'
		case c == '"':
			inText = true
			b.WriteByte('x')
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}
