package privacy_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

const visitor = "Grace@Example.com"

// visit makes a request without an account.
func (w *world) visit(body map[string]any, source string) apitest.Answer {
	w.T.Helper()
	if body["email"] == nil {
		body["email"] = visitor
	}
	return w.Call(privacy.CreateVisitorRequest(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}, w.links), apitest.Caller{}, apitest.Request{Body: body, Source: source})
}

// visited makes a request that is taken in.
func (w *world) visited(kind string) privacy.VisitorRequestBody {
	w.T.Helper()
	a := w.visit(map[string]any{"type": kind, "description": "What of me?"}, "")
	w.Want(a, http.StatusCreated, "")
	var b privacy.VisitorRequestBody
	a.Into(w.T, &b)
	return b
}

func (w *world) typeCode(request, code string) apitest.Answer {
	w.T.Helper()
	return w.Call(privacy.VerifyVisitorRequest(w.Store, w.links), apitest.Caller{}, apitest.Request{Body: map[string]any{"id": request, "code": code}})
}

func (w *world) code(request string) string { return privacy.VisitorCode(w.links, id.Case(request)) }

// another is a code that is not this one.
func another(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

func (w *world) opened(token string) apitest.Answer {
	w.T.Helper()
	return w.Call(privacy.GetVisitorRequest(w.Store), apitest.Caller{}, apitest.Request{Path: "/v1/privacy/visitor-requests/" + token})
}

func TestAVisitorAsksWithoutAnAccount(t *testing.T) {
	tests := []struct{ kind, state, denial string }{
		{"access", "fulfilled", ""}, {"portability", "fulfilled", ""}, {"know_categories", "fulfilled", ""}, {"know_specific", "fulfilled", ""},
		{"objection", "fulfilled", ""}, {"restriction", "fulfilled", ""}, {"erasure", "denied", "not_held"}, {"rectification", "denied", "not_held"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			w := newWorld(t)
			asked := w.visited(tt.kind)
			if asked.State != "identity_pending" || asked.Needs != "code" || asked.Role != "controller" || asked.Token != "" || asked.DueAt.Sub(w.Clock.Now()) > 30*24*time.Hour {
				t.Errorf("the request = %+v; want one with a date and a role that waits for its code", asked)
			}
			w.must(w.run(privacy.WorkRequests(w.engine)))
			a := w.typeCode(asked.ID, w.code(asked.ID))
			w.Want(a, http.StatusOK, "")
			var got, seen privacy.VisitorRequestBody
			a.Into(t, &got)
			if got.State != tt.state || got.Denial != tt.denial || got.Explanation == "" || (got.Recourse != "") != (tt.state == "denied") || !got.DueAt.Equal(asked.DueAt) {
				t.Errorf("the answer = %+v; want %s", got, tt.state)
			}
			open := w.opened(got.Token)
			w.Want(open, http.StatusOK, "")
			if open.Into(t, &seen); seen.ID != asked.ID || seen.State != tt.state || seen.Token != "" {
				t.Errorf("by its token = %+v; want the request, and the token shown once", seen)
			}
			if all := w.dump() + w.Log.String(); strings.Contains(strings.ToLower(all), "grace") || strings.Contains(all, got.Token) || strings.Contains(all, w.code(asked.ID)) {
				t.Error("the address, the token or the code is kept")
			}
			w.Want(w.opened(another(got.Token)), http.StatusNotFound, "request_not_found")
		})
	}
}

func TestACodeIsTheOneThatWasMailedWithinItsTime(t *testing.T) {
	tests := []struct {
		name   string
		before func(w *world, request string)
		code   func(w *world, request string) string
		status int
	}{
		{"the code", nil, (*world).code, 200},
		{"another", nil, func(w *world, r string) string { return another(w.code(r)) }, 401},
		{"that of another request", nil, func(w *world, _ string) string { return w.code(w.visited("access").ID) }, 401},
		{"no code", nil, func(*world, string) string { return "grace" }, 422},
		{"at its last moment", func(w *world, _ string) { w.Clock.Advance(10 * time.Minute) }, (*world).code, 200},
		{"after ten minutes", func(w *world, _ string) { w.Clock.Advance(10*time.Minute + time.Second) }, (*world).code, 401},
		{"after four wrong ones", func(w *world, r string) { w.guess(r, 4) }, (*world).code, 200},
		{"after five wrong ones", func(w *world, r string) { w.guess(r, 5) }, (*world).code, 401},
		{"once more", func(w *world, r string) { w.Want(w.typeCode(r, w.code(r)), 200, "") }, (*world).code, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.visited("access").ID
			if tt.before != nil {
				tt.before(w, r)
			}
			a := w.typeCode(r, tt.code(w, r))
			w.Want(a, tt.status, "")
			var b privacy.VisitorRequestBody
			if a.Into(t, &b); (b.Token != "") != (tt.status == 200) {
				t.Errorf("the token is shown: %v", b.Token != "")
			}
		})
	}
	w := newWorld(t)
	w.Want(w.typeCode("dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "12345678"), http.StatusUnauthorized, "code_invalid")
	w.Want(w.typeCode("usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "12345678"), http.StatusUnauthorized, "code_invalid")
}

func (w *world) guess(request string, times int) {
	w.T.Helper()
	for range times {
		w.Want(w.typeCode(request, another(w.code(request))), http.StatusUnauthorized, "code_invalid")
	}
}

func TestWhoHasAnAccountIsSentToIt(t *testing.T) {
	w := newWorld(t)
	hash := account.HashOf(keys.Pseudonyms{Secret: "pseudonyms"}, visitor)
	tx := w.Store.Begin()
	tx.Create(w.Store.BindPlatform(store.Actor{Who: "test"}), &account.Address{User: w.Organization().User, Hash: hash})
	w.must(tx.Commit(context.Background()))
	asked := w.visited("access")
	a := w.typeCode(asked.ID, w.code(asked.ID))
	w.Want(a, http.StatusOK, "")
	var b privacy.VisitorRequestBody
	if a.Into(t, &b); b.State != "denied" || b.Denial != "has_account" || b.Recourse == "" {
		t.Errorf("the answer = %+v; want it to lead to the account", b)
	}
}

func TestAVisitorWhoNeverTypesTheCodeIsDeniedInTime(t *testing.T) {
	w := newWorld(t)
	asked := w.visited("access")
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.Clock.Set(asked.DueAt.Add(-24 * time.Hour))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	dump := w.dumpOfWork()
	if !strings.Contains(dump, "denial:insufficient_verification") || strings.Contains(dump, "_type:DUE") && strings.Contains(dump, "DUE#request") {
		t.Errorf("the request is not denied, or its clock goes on: %s", dump)
	}
	if strings.Contains(dump, privacy.MailDenied) {
		t.Error("an address that nobody confirmed is written to again")
	}
}

func TestAVisitorsRequestIsRefused(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name string
		body map[string]any
	}{
		{"no address", map[string]any{"type": "access", "email": "grace"}},
		{"two addresses", map[string]any{"type": "access", "email": "a@example.com,b@example.com"}},
		{"an opt-out, which takes none", map[string]any{"type": "opt_out"}},
		{"a report about a child", map[string]any{"type": "child_report"}},
		{"a correction without what is right", map[string]any{"type": "rectification"}},
		{"a country that is none", map[string]any{"type": "access", "country": "Germany"}},
	}
	before := w.dump()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.In(t).Want(w.visit(tt.body, ""), http.StatusUnprocessableEntity, "invalid_input") })
	}
	if w.dump() != before {
		t.Error("something is kept of what was refused")
	}
}

func TestNobodyIsFloodedWithCodes(t *testing.T) {
	w := newWorld(t)
	for n := range 4 {
		status, code := http.StatusCreated, ""
		if n == 3 {
			status, code = http.StatusTooManyRequests, "too_many_attempts"
		}
		w.Want(w.visit(map[string]any{"type": "access", "email": []string{visitor, "grace@example.com"}[n%2]}, "192.0.2."+string('1'+rune(n))), status, code)
	}
	w.Clock.Advance(time.Hour)
	w.Want(w.visit(map[string]any{"type": "access"}, ""), http.StatusCreated, "")
}
