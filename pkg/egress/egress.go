// Package egress is the client of outgoing connections. It reaches the hosts of the register of sub-processors and no
// others, so that the public list and the traffic agree.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrHost says that a host is in no entry of the register, or that its provider may not receive data.
var ErrHost = errors.New("egress: the host is not in the register")

// Register is what says where data may go.
type Register interface {
	Hosts(ctx context.Context) ([]string, error) // that may receive data now, with all below them
	Refused(host string)                         // tells people that something wanted to reach another
}

// Client makes a client whose calls take patience at most. Base is empty, or the address of a server that stands in for that
// of a host of the register: it is reached as long as the host may be. Redirects are not followed.
func Client(register Register, host, base string, patience time.Duration) *http.Client {
	t := &transport{register: register, next: http.DefaultTransport}
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		t.base, t.host = u.Host, host
	}
	return &http.Client{Timeout: patience, Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type transport struct {
	register   Register
	base, host string // the server that stands in, and for which host
	next       http.RoundTripper
}

// RoundTrip refuses a host that is not registered before anything is sent. Without the register it refuses all.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	name, sealed := r.URL.Hostname(), r.URL.Scheme == "https"
	if t.base != "" && r.URL.Host == t.base {
		name, sealed = t.host, true
	}
	hosts, err := t.register.Hosts(r.Context())
	if err != nil {
		return nil, fmt.Errorf("egress: read the register: %w", err)
	}
	if !sealed || !registered(name, hosts) {
		t.register.Refused(name)
		return nil, fmt.Errorf("%w: %s", ErrHost, name)
	}
	return t.next.RoundTrip(r)
}

// registered says whether a host is one of the registered, or below one.
func registered(host string, hosts []string) bool {
	for _, h := range hosts {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}
