package disposable_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/auth/disposable"
)

func TestAddress(t *testing.T) {
	tests := []struct {
		name, email string
		want        bool
	}{
		{"a listed domain", "ada@mailinator.com", true},
		{"below a listed domain", "ada@x.mailinator.com", true},
		{"the first of the list", "ada@0-mail.com", true},
		{"a provider of many", "ada@gmail.com", false},
		{"a domain of nobody", "ada@example.com", false},
		{"a listed domain as a part of another", "ada@mailinator.com.example.org", false},
		{"a listed name in another domain", "ada@notmailinator.example", false},
		{"no address", "mailinator.com", false},
	}
	for _, tt := range tests {
		if got := disposable.Address(tt.email); got != tt.want {
			t.Errorf("%s: Address(%q) = %v; want %v", tt.name, tt.email, got, tt.want)
		}
	}
}
