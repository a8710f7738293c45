package mail_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/mail"
)

func TestBoxes(t *testing.T) {
	b := mail.Boxes{Domain: "pixeltrack.io"}
	tests := []struct {
		name string
		to   []string
		box  mail.Box
		tag  string
		ok   bool
	}{
		{"support", []string{"support@pixeltrack.io"}, mail.SupportBox, "", true},
		{"with a name, in capitals", []string{"PixelTrack <Support@PixelTrack.IO>"}, mail.SupportBox, "", true},
		{"privacy", []string{"privacy@pixeltrack.io"}, mail.PrivacyBox, "", true},
		{"the officer", []string{"dpo@pixeltrack.io"}, mail.OfficerBox, "", true},
		{"several: privacy comes first", []string{"x@example.com", "support@pixeltrack.io", "privacy@pixeltrack.io"}, mail.PrivacyBox, "", true},
		{"an answer", []string{b.Reply(mail.SupportBox, "01j8.abc")}, mail.SupportBox, "01j8.abc", true},
		{"another domain", []string{"support@example.com", "support@pixeltrack.io.example.com"}, "", "", false},
		{"another name", []string{"supporter@pixeltrack.io"}, "", "", false},
		{"no address", []string{"support", ""}, "", "", false},
		{"nobody", nil, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if box, tag, ok := b.Of(tt.to); box != tt.box || tag != tt.tag || ok != tt.ok {
				t.Errorf("Of(%q) = %q, %q, %v; want %q, %q, %v", tt.to, box, tag, ok, tt.box, tt.tag, tt.ok)
			}
		})
	}
}
