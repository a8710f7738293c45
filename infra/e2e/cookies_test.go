package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/journey"
)

// TestABrowsersCookies goes from a login to a logout as a browser does, through the gateway.
func TestABrowsersCookies(t *testing.T) {
	p := signUp(t)
	kept := map[string]string{}
	call := func(c journey.Call, origin string) journey.Answer {
		t.Helper()
		var sent []string
		for name, value := range kept {
			sent = append(sent, name+"="+value)
		}
		c.Headers = map[string]string{"Cookie": strings.Join(sent, "; "), "Origin": origin}
		a, err := p.Do(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range a.Header.Values("Set-Cookie") {
			cookie, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			if delete(kept, cookie.Name); cookie.MaxAge > 0 {
				kept[cookie.Name] = cookie.Value
			}
		}
		return a
	}
	const own, other = "http://localhost:3000", "https://evil.example.net"
	steps := []struct {
		name   string
		call   journey.Call
		origin string
		status int
		code   string
	}{
		{"a login for another site's page", journey.Call{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password, "cookies": true}}, other, 403, "cross_site"},
		{"a login", journey.Call{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password, "cookies": true}}, own, 200, ""},
		{"a read", journey.Call{Method: "GET", Path: "/v1/me"}, own, 200, ""},
		{"a change", journey.Call{Method: "PATCH", Path: "/v1/me", IfMatch: "*", Body: map[string]any{"job_title": "Designer"}}, own, 200, ""},
		{"a change from another site's page", journey.Call{Method: "PATCH", Path: "/v1/me", IfMatch: "*", Body: map[string]any{"job_title": "Thief"}}, other, 403, "cross_site"},
		{"both ways at once", journey.Call{Method: "GET", Path: "/v1/me", Token: p.token}, own, 400, "two_credentials"},
		{"a refresh from another site's page", journey.Call{Method: "POST", Path: "/v1/auth/refresh", Body: map[string]any{}}, other, 403, "cross_site"},
		{"a refresh", journey.Call{Method: "POST", Path: "/v1/auth/refresh", Body: map[string]any{}}, own, 200, ""},
		{"a client", journey.Call{Method: "POST", Path: "/v1/clients", Key: unique(), Body: map[string]any{"name": "Example Bakery", "currency": "EUR"}}, own, 201, ""},
		{"a logout", journey.Call{Method: "POST", Path: "/v1/auth/logout"}, own, 204, ""},
		{"a read without cookies", journey.Call{Method: "GET", Path: "/v1/me"}, own, 401, "authentication_required"},
	}
	for _, s := range steps {
		if a := call(s.call, s.origin); a.Status != s.status || a.Code() != s.code {
			t.Fatalf("%s = %d %s; want %d %s", s.name, a.Status, a.Body, s.status, s.code)
		}
	}
	if len(kept) != 1 || kept["__Host-device"] == "" {
		t.Errorf("after the logout the browser keeps %d cookies; want what knows the device alone", len(kept))
	}
}
