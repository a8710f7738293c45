// Package egress is the client of outgoing connections. It reaches the hosts of the register of sub-processors and no
// others, so that the public list and the traffic agree.
package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/privacy/subprocessor"
)

// ErrHost says that a host is in no entry of the register, or that its provider may not receive data.
var ErrHost = errors.New("egress: the host is not in the register")

// Client makes a client whose calls take patience at most. Base is empty, or the address of a server that stands in for a
// provider's, which then may be reached as well. Redirects are not followed.
func Client(now func() time.Time, base string, patience time.Duration) *http.Client {
	t := &transport{now: now, next: http.DefaultTransport}
	if u, err := url.Parse(base); err == nil {
		t.base = u.Host
	}
	return &http.Client{Timeout: patience, Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type transport struct {
	now  func() time.Time
	base string
	next http.RoundTripper
}

// RoundTrip refuses a host that is not registered before anything is sent.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != t.base || t.base == "" {
		if r.URL.Scheme != "https" || !registered(r.URL.Hostname(), subprocessor.Hosts(t.now())) {
			return nil, fmt.Errorf("%w: %s", ErrHost, r.URL.Hostname())
		}
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
