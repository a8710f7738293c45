package password_test

import (
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/auth/password"
)

func TestWeak(t *testing.T) {
	tests := []struct {
		name, password string
		want           string
	}{
		{"fourteen characters", "fourteen chars", password.TooShort},
		{"fifteen", "fifteen charact", ""},
		{"fifteen of another script", "πάντα ῥεῖ καὶ οὐδὲν", ""},
		{"a ligature counts as what it stands for", "fiffteen chars", password.TooShort},
		{"128", strings.Repeat("long words ", 11) + "and end", ""},
		{"129", strings.Repeat("long words ", 12), password.TooLong},
		{"a control character", "fifteen\tcharacters", password.Unfit},
		{"a common one", "correct horse battery staple", password.Common},
		{"a common one in capitals", "QwertyUiopAsdfghjkl", password.Common},
		{"one character", strings.Repeat("é", 20), password.Common},
		{"a short piece", strings.Repeat("ab1", 6), password.Common},
		{"the address", "Ada.Example@Example.com", password.Common},
	}
	for _, tt := range tests {
		if got := password.Weak(tt.password, "ada.example@example.com", "Ada Example"); got != tt.want {
			t.Errorf("%s: Weak(%q) = %q; want %q", tt.name, tt.password, got, tt.want)
		}
	}
}

func TestVerify(t *testing.T) {
	hash := password.Hash("a phrase nobody knows")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("Hash = %q; want a PHC string with the present parameters", hash)
	}
	if hash == password.Hash("a phrase nobody knows") {
		t.Error("two hashes of one password are the same; want a salt of its own each")
	}
	tests := []struct {
		name, hash, password string
		ok, outdated         bool
	}{
		{"right", hash, "a phrase nobody knows", true, false},
		{"right, written another way", password.Hash("café on the corner"), "cafe\u0301 on the corner", true, false},
		{"wrong", hash, "a phrase nobody knew", false, false},
		{"nobody's", "", "a phrase nobody knows", false, false},
		{"unreadable", "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", false, false},
		{"weaker parameters", "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", false, true},
	}
	for _, tt := range tests {
		ok, outdated := password.Verify(tt.hash, tt.password)
		if ok != tt.ok || outdated != tt.outdated {
			t.Errorf("%s: Verify = %v, %v; want %v, %v", tt.name, ok, outdated, tt.ok, tt.outdated)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("c2FsdHNhbHQ", "AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("", "$")
	f.Fuzz(func(t *testing.T, salt, sum string) {
		if ok, _ := password.Verify("$argon2id$v=19$m=8,t=1,p=1$"+salt+"$"+sum, "a phrase nobody knows"); ok {
			t.Errorf("%q and %q are the hash of a password", salt, sum)
		}
	})
}
