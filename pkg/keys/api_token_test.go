package keys_test

import (
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/keys"
)

func TestAPITokens(t *testing.T) {
	const known = "pt_live_" + "0123456789ABCDEFGHIJKLMNOPQRST" + "4PMbyp"
	tests := []struct {
		name, text string
		want       bool
	}{
		{"a token", known, true},
		{"another character", strings.Replace(known, "789", "987", 1), false},
		{"another checksum", known[:len(known)-1] + "0", false},
		{"one shorter", known[:len(known)-1], false},
		{"one longer", known + "0", false},
		{"another prefix", strings.Replace(known, "live", "test", 1), false},
		{"the prefix alone", keys.APITokenPrefix, false},
		{"a character of no base", strings.Replace(known, "ABC", "A-C", 1), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		if got := keys.IsAPIToken(tt.text); got != tt.want {
			t.Errorf("%s: %q = %v; want %v", tt.name, tt.text, got, tt.want)
		}
	}
	seen := map[string]bool{}
	for range 100 {
		token := keys.NewAPIToken()
		if !keys.IsAPIToken(token) || seen[token] {
			t.Errorf("%q is not a new token", token)
		}
		seen[token] = true
	}
}
