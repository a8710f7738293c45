package egress_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/egress"
)

func TestOnlyRegisteredHostsAreReached(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}
	}))
	defer here.Close()
	now := func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	tests := []struct {
		name, base, url string
		refused         bool
	}{
		{"another server stands in for the provider's", here.URL, here.URL, false},
		{"a redirect is not followed", here.URL, here.URL + "/away", false},
		{"no server stands in", "", here.URL, true},
		{"a host of nobody", here.URL, "https://example.com/", true},
		{"a registered host in the clear", "", "http://api.stripe.com/", true},
		{"a host that ends like a registered one", "", "https://evilapi.stripe.com.example.com/", true},
		{"a registered name behind another", "", "https://notapi.stripe.com/", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := egress.Client(now, tt.base, time.Second).Get(tt.url)
			if err == nil {
				a.Body.Close()
			}
			if errors.Is(err, egress.ErrHost) != tt.refused {
				t.Errorf("Get(%s) = %v; want a refusal: %v", tt.url, err, tt.refused)
			}
		})
	}
}
