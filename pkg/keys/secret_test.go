package keys_test

import (
	"regexp"
	"testing"

	"pixeltrack.io/platform/pkg/keys"
)

func TestLinks(t *testing.T) {
	l := keys.Links{Secret: "one secret"}
	token := l.Token("confirm", "sgn_1")
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(token) {
		t.Errorf("Token = %q; want 43 characters for a link", token)
	}
	tests := []struct {
		name        string
		links       keys.Links
		purpose, id string
		want        bool
	}{
		{"the same purpose and id", l, "confirm", "sgn_1", true},
		{"another id", l, "confirm", "sgn_2", false},
		{"another purpose", l, "reset", "sgn_1", false},
		{"another secret", keys.Links{Secret: "another secret"}, "confirm", "sgn_1", false},
		{"parts that join to the same text", l, "confirms", "gn_1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.links.Check(token, tt.purpose, tt.id); got != tt.want {
				t.Errorf("Check = %v; want %v", got, tt.want)
			}
		})
	}
	if keys.HashToken(token) == keys.HashToken(l.Token("confirm", "sgn_2")) {
		t.Error("two tokens have one hash")
	}
}

func TestPseudonyms(t *testing.T) {
	p := keys.Pseudonyms{Secret: "one secret"}
	mark := p.Of("mail", "ada@example.com")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(mark) {
		t.Errorf("Of = %q; want 64 hexadecimal digits", mark)
	}
	if p.Of("mail", "ada@example.com") != mark {
		t.Error("one value has two pseudonyms")
	}
	for name, other := range map[string]string{
		"another value":  p.Of("mail", "bob@example.com"),
		"another kind":   p.Of("phone", "ada@example.com"),
		"another secret": keys.Pseudonyms{Secret: "another"}.Of("mail", "ada@example.com"),
	} {
		if other == mark {
			t.Errorf("%s has the same pseudonym", name)
		}
	}
}
