package auth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
)

func (w *world) sessions(token string) []auth.SessionBody {
	w.T.Helper()
	a := w.Call(auth.ListSessions(), apitest.Caller{Token: token}, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var list auth.SessionList
	a.Into(w.T, &list)
	return list.Data
}

// session is the session of a token.
func (w *world) session(token string) auth.SessionBody {
	w.T.Helper()
	for _, s := range w.sessions(token) {
		if s.Current {
			return s
		}
	}
	w.T.Fatal("no session is the current one")
	return auth.SessionBody{}
}

func (w *world) onSession(op api.Operation, token, session string, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(op, apitest.Caller{Token: token}, apitest.Request{Path: "/v1/me/sessions/" + session, Body: body})
}

func TestSessionsAreListed(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.somebody("bob@example.com")
	began := w.Clock.Now().Truncate(time.Second)
	w.Clock.Advance(time.Minute)
	w.tokens(w.logIn(ada, phrase))
	w.tokens(w.refreshToken(p.tokens.RefreshToken))
	all := w.sessions(p.tokens.AccessToken)
	if len(all) != 2 || all[0].IP != "192.0.2.0/24" || !all[0].BeganAt.Equal(began) || !all[0].UsedAt.Equal(began.Add(time.Minute)) || !all[0].Current || all[1].Current {
		t.Errorf("the sessions are %+v; want Ada's two, the oldest first, used when it was refreshed", all)
	}
	w.Clock.Advance(30*24*time.Hour - time.Second)
	tokens := w.tokens(w.logIn(ada, phrase))
	w.Clock.Advance(time.Second)
	if all := w.sessions(tokens.AccessToken); len(all) != 1 {
		t.Errorf("%d sessions are listed; want the one that was used within 30 days", len(all))
	}
}

func TestASessionIsNamed(t *testing.T) {
	w := newWorld(t)
	p, bob := w.somebody(ada), w.somebody("bob@example.com")
	token, session := p.tokens.AccessToken, w.session(p.tokens.AccessToken).ID
	rename := auth.RenameSession(w.Store)
	w.Want(w.onSession(rename, token, session, map[string]any{"name": "Studio laptop"}), http.StatusOK, "")
	next := w.tokens(w.refreshToken(p.tokens.RefreshToken))
	if s := w.session(next.AccessToken); s.Name != "Studio laptop" || s.ID != session {
		t.Errorf("after a refresh the session is %+v; want its name kept", s)
	}
	tests := []struct {
		name, token, session string
		body                 any
		status               int
		code                 string
	}{
		{"too long", token, session, map[string]any{"name": strings.Repeat("x", 61)}, http.StatusUnprocessableEntity, "invalid_input"},
		{"no name", token, session, map[string]any{}, http.StatusUnprocessableEntity, "invalid_input"},
		{"another person's", bob.tokens.AccessToken, session, map[string]any{"name": "Mine"}, http.StatusNotFound, "session_not_found"},
		{"no id", token, "nonsense", map[string]any{"name": "Mine"}, http.StatusNotFound, "session_not_found"},
		{"no token", "", session, map[string]any{"name": "Mine"}, http.StatusUnauthorized, "authentication_required"},
	}
	for _, tt := range tests {
		w.In(t).Want(w.onSession(rename, tt.token, tt.session, tt.body), tt.status, tt.code)
	}
	w.Want(w.onSession(rename, token, session, map[string]any{"name": ""}), http.StatusOK, "")
	if s := w.session(token); s.Name != "" {
		t.Errorf("the name = %q; want it removed", s.Name)
	}
}

func TestOneSessionIsEnded(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	other := w.tokens(w.logIn(ada, phrase))
	session := w.session(p.tokens.AccessToken).ID
	end := auth.EndSession(w.Store)
	w.Want(w.onSession(end, other.AccessToken, session, nil), http.StatusNoContent, "")
	w.Want(w.me(p.tokens.AccessToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.refreshToken(p.tokens.RefreshToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.onSession(end, other.AccessToken, session, nil), http.StatusNotFound, "session_not_found")
	w.Want(w.onSession(end, other.AccessToken, w.session(other.AccessToken).ID, nil), http.StatusNoContent, "")
	w.Want(w.me(other.AccessToken), http.StatusUnauthorized, "session_ended")
}

// TestAForeignSessionLooksUnknown compares what is answered and what is asked of the store.
func TestAForeignSessionLooksUnknown(t *testing.T) {
	w := newWorld(t)
	p, bob := w.somebody(ada), w.somebody("bob@example.com")
	foreign := w.session(bob.tokens.AccessToken).ID
	unknown := foreign[:len(foreign)-4] + "0000"
	for _, op := range []api.Operation{auth.EndSession(w.Store), auth.RenameSession(w.Store)} {
		var body any
		if op.Method == http.MethodPatch {
			body = map[string]any{"name": "Mine"}
		}
		look := func(session string) (apitest.Answer, string) {
			a := w.onSession(op, p.tokens.AccessToken, session, body)
			lines := strings.Split(strings.TrimSpace(w.Log.String()), "\n")
			_, spent, _ := strings.Cut(lines[len(lines)-1], `"calls":`)
			spent, _, _ = strings.Cut(spent, ",")
			text, _, _ := strings.Cut(string(a.Body), `"request_id"`)
			a.Body = []byte(text)
			return a, spent
		}
		a, spentA := look(foreign)
		b, spentB := look(unknown)
		w.Want(a, http.StatusNotFound, "")
		if a.Status != b.Status || string(a.Body) != string(b.Body) || spentA != spentB || spentA == "" {
			t.Errorf("%s: a foreign session = %d %s with %s calls; an unknown one = %d %s with %s; want the same", op.ID, a.Status, a.Body, spentA, b.Status, b.Body, spentB)
		}
	}
	w.Want(w.me(bob.tokens.AccessToken), http.StatusOK, "")
}

func TestAllOtherSessionsAreEnded(t *testing.T) {
	w := newWorld(t)
	p, bob := w.somebody(ada), w.somebody("bob@example.com")
	others := []auth.Tokens{w.tokens(w.logIn(ada, phrase)), w.tokens(w.logIn(ada, phrase))}
	end := auth.EndOtherSessions(w.Store)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			w.Want(w.Call(end, apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{}), http.StatusNoContent, "")
		})
	}
	both.Wait()
	for _, o := range others {
		w.Want(w.me(o.AccessToken), http.StatusUnauthorized, "session_ended")
		w.Want(w.refreshToken(o.RefreshToken), http.StatusUnauthorized, "session_ended")
	}
	w.Want(w.me(p.tokens.AccessToken), http.StatusOK, "")
	w.Want(w.me(bob.tokens.AccessToken), http.StatusOK, "")
	records := 0
	for _, r := range w.of("AUDIT") {
		if r["action"] == end.ID {
			records++
		}
	}
	if n := len(w.sessions(p.tokens.AccessToken)); n != 1 || records != 1 {
		t.Errorf("%d sessions and %d audit records; want 1 of each", n, records)
	}
}
