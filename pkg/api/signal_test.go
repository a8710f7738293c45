package api_test

import (
	"context"
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/store"
)

type seenOut struct {
	Body struct {
		OptedOut bool   `json:"opted_out"`
		User     string `json:"user"`
	}
}

// see says what a route knows of its caller.
func see(r api.Route) api.Operation {
	r.ID, r.Area, r.Method, r.Path = "see", "test", http.MethodPost, "/v1/see"
	return api.New(r, func(_ context.Context, c *api.Caller, _ *struct{}) (*seenOut, error) {
		out := &seenOut{}
		out.Body.OptedOut, out.Body.User = c.OptedOut, string(c.User)
		return out, nil
	})
}

func TestGlobalPrivacyControlIsHeardOnEveryRoute(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	tests := []struct {
		name, header, value string
		want                bool
	}{
		{"nothing", "X-Other", "1", false},
		{"the signal", "Sec-GPC", "1", true},
		{"the opposite", "Sec-GPC", "0", false},
		{"a word", "Sec-GPC", "true", false},
		{"a number that begins so", "Sec-GPC", "11", false},
		{"a number that is equal", "Sec-GPC", "1.0", false},
		{"an empty value", "Sec-GPC", "", false},
		{"several, one of which is it", "Sec-GPC", "0, 1", true},
		{"several, none of which is it", "Sec-GPC", "0,true", false},
		{"the cookie of an opt-out", "Cookie", api.OptOutCookie + "=1", true},
		{"another cookie", "Cookie", "opt-out=1", false},
	}
	for _, audience := range []api.Audience{api.Public, api.Users, api.Members} {
		for _, tt := range tests {
			op := see(api.Route{Audience: audience})
			var got seenOut
			a := w.Call(op, owner, apitest.Request{Headers: map[string]string{tt.header: tt.value}})
			w.Want(a, 200, "")
			if a.Into(t, &got.Body); got.Body.OptedOut != tt.want {
				t.Errorf("%s (%v): opted out = %v; want %v", tt.name, audience, got.Body.OptedOut, tt.want)
			}
		}
	}
}

func TestAPublicRouteMayKnowItsCaller(t *testing.T) {
	w := apitest.New(t)
	owner, gone := w.Organization(), w.Organization()
	tx := w.Store.Begin()
	tx.DeleteKey(w.Store.BindUser(gone.User, store.Actor{Who: "test"}), access.UserGateKey(gone.User), "")
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	forged := owner
	forged.Token += "x"
	tests := []struct {
		name   string
		route  api.Route
		caller apitest.Caller
		status int
		code   string
		user   string
	}{
		{"nobody", api.Route{Audience: api.Public, Recognizes: true}, apitest.Caller{}, 200, "", ""},
		{"somebody", api.Route{Audience: api.Public, Recognizes: true}, owner, 200, "", string(owner.User)},
		{"a token of nobody's", api.Route{Audience: api.Public, Recognizes: true}, forged, 401, "token_invalid", ""},
		{"a token that ended", api.Route{Audience: api.Public, Recognizes: true}, gone, 401, "session_ended", ""},
		{"somebody where nobody is known", api.Route{Audience: api.Public}, owner, 200, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			a := w.Call(see(tt.route), tt.caller, apitest.Request{})
			w.Want(a, tt.status, tt.code)
			var got seenOut
			if a.Into(t, &got.Body); got.Body.User != tt.user {
				t.Errorf("the caller = %q; want %q", got.Body.User, tt.user)
			}
		})
	}
}
