package egress_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/egress"
)

// register is one of these tests.
type register struct {
	hosts   []string
	err     error
	refused []string
}

func (r *register) Hosts(context.Context) ([]string, error) { return r.hosts, r.err }
func (r *register) Refused(host string)                     { r.refused = append(r.refused, host) }

func TestOnlyRegisteredHostsAreReached(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}
	}))
	defer here.Close()
	tests := []struct {
		name, host, base, url string
		refused               bool
	}{
		{"another server stands in for the provider's", "api.stripe.com", here.URL, here.URL, false},
		{"a redirect is not followed", "api.stripe.com", here.URL, here.URL + "/away", false},
		{"another server stands in for a provider that gets nothing", "api.resend.com", here.URL, here.URL, true},
		{"no server stands in", "api.stripe.com", "", here.URL, true},
		{"a host of nobody", "api.stripe.com", "", "https://example.com/", true},
		{"a registered host in the clear", "api.stripe.com", "", "http://api.stripe.com/", true},
		{"a host that ends like a registered one", "api.stripe.com", "", "https://evilapi.stripe.com.example.com/", true},
		{"a registered name behind another", "api.stripe.com", "", "https://notapi.stripe.com/", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &register{hosts: []string{"api.stripe.com"}}
			a, err := egress.Client(r, tt.host, tt.base, time.Second).Get(tt.url)
			if err == nil {
				a.Body.Close()
			}
			if errors.Is(err, egress.ErrHost) != tt.refused || (len(r.refused) == 1) != tt.refused {
				t.Errorf("Get(%s) = %v, told of %v; want a refusal that is told: %v", tt.url, err, r.refused, tt.refused)
			}
		})
	}
}

func TestWithoutTheRegisterNothingIsReached(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer here.Close()
	lost := errors.New("the table is away")
	if a, err := egress.Client(&register{hosts: []string{"api.stripe.com"}, err: lost}, "api.stripe.com", here.URL, time.Second).Get(here.URL); !errors.Is(err, lost) {
		t.Errorf("Get = %v, %v; want the failure to read the register", a, err)
	}
}
