package privacy_test

import (
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/request"
)

func TestEveryTemplateHasALetterForEveryKind(t *testing.T) {
	for _, template := range privacy.Templates() {
		if template == privacy.MailDisclosed {
			continue // is about no request
		}
		for _, kind := range request.Kinds() {
			l, ok := privacy.Write(template, map[string]string{"case": "dsr_1", "kind": string(kind), "due": "2026-04-01", "until": "2026-03-09", "reason": "insufficient_verification"})
			if !ok || !strings.Contains(l.Subject, "request") || len(l.Paragraphs) == 0 {
				t.Errorf("Write(%s, %s) = %+v; want a letter about a request", template, kind, l)
			}
			if strings.Contains(strings.Join(l.Paragraphs, " "), "a question about") {
				t.Errorf("Write(%s, %s) has no words for the kind", template, kind)
			}
		}
	}
	l, _ := privacy.Write(privacy.MailErasure, map[string]string{"case": "dsr_1", "kind": "erasure"})
	for _, stays := range []string{"36 months", "7 years", "35 days", "the work of an organization"} {
		if !strings.Contains(strings.Join(l.Paragraphs, " "), stays) {
			t.Errorf("the last mail of an erasure does not say of %q that it stays", stays)
		}
	}
	if l, ok := privacy.Write(privacy.MailDisclosed, nil); !ok || !strings.Contains(l.Path, "disclosures") {
		t.Errorf("Write(%s) = %+v; want a letter that leads to the disclosures", privacy.MailDisclosed, l)
	}
	if _, ok := privacy.Write("confirm_sign_up", nil); ok {
		t.Error("Write(confirm_sign_up) is there; want only this area's")
	}
}
