package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) createToken(p person, key string, change map[string]any) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"name": "Nightly import", "scopes": []string{"clients:read"}, "expires_at": w.Clock.Now().Add(24 * time.Hour)}
	for k, v := range change {
		body[k] = v
	}
	return w.Call(auth.CreateAPIToken(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Body: body, Key: key})
}

func (w *world) apiToken(p person) auth.APITokenBody {
	w.T.Helper()
	a := w.createToken(p, "", nil)
	w.Want(a, http.StatusCreated, "")
	var b auth.APITokenBody
	a.Into(w.T, &b)
	return b
}

// use calls a route of members that needs a permission.
func (w *world) use(token string, permission access.Permission, read bool) apitest.Answer {
	w.T.Helper()
	op := api.New(api.Route{ID: "use", Area: "test", Method: http.MethodGet, Path: "/v1/use", Permission: permission, PureRead: read},
		func(context.Context, *api.Caller, *struct{}) (*struct{}, error) { return nil, nil })
	return w.Call(op, apitest.Caller{Token: token}, apitest.Request{})
}

func TestAnAPITokenIsShownOnce(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	first, again := w.createToken(p, "once", nil), w.createToken(p, "once", nil)
	w.Want(first, http.StatusCreated, "")
	w.Want(again, http.StatusCreated, "")
	var a, b auth.APITokenBody
	first.Into(t, &a)
	again.Into(t, &b)
	if !keys.IsAPIToken(a.Token) || a.ID != b.ID || b.Token != "" || again.Header.Get("Idempotency-Replayed") == "" {
		t.Errorf("the token is %+v and its repeat %+v; want the token in the first alone", a, b)
	}
	if strings.Contains(w.dump(), a.Token) || strings.Contains(w.Log.String(), a.Token) {
		t.Error("the token is in the table or in the log")
	}
	list := w.Call(auth.ListAPITokens(), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{})
	w.Want(list, http.StatusOK, "")
	if text := string(list.Body); strings.Contains(text, a.Token) || !strings.Contains(text, a.ID) {
		t.Errorf("the list is %s; want the token's id and not the token", text)
	}
}

func TestAnAPITokenIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	tests := []struct {
		name   string
		change map[string]any
	}{
		{"no end", map[string]any{"expires_at": nil}},
		{"an end that is over", map[string]any{"expires_at": w.Clock.Now()}},
		{"more than a year", map[string]any{"expires_at": w.Clock.Now().Add(365*24*time.Hour + time.Second)}},
		{"no scope", map[string]any{"scopes": []string{}}},
		{"a scope that nobody knows", map[string]any{"scopes": []string{"moon:read"}}},
		{"no name", map[string]any{"name": ""}},
	}
	for _, tt := range tests {
		w.In(t).Want(w.createToken(p, "", tt.change), http.StatusUnprocessableEntity, "invalid_input")
	}
	if n := len(w.of("API_TOKEN")); n != 0 {
		t.Errorf("%d tokens were made; want none", n)
	}
}

func TestAnAPITokenActsWithinItsScopesAndTheRightsOfItsMember(t *testing.T) {
	w := newWorld(t)
	p, bob := w.somebody(ada), w.somebody("bob@example.com")
	b := w.apiToken(p)
	for _, read := range []bool{true, false} {
		w.Want(w.use(b.Token, access.ClientsRead, read), http.StatusOK, "")
		w.Want(w.use(b.Token, access.ClientsWrite, read), http.StatusForbidden, "permission_denied")
	}
	w.Want(w.me(b.Token), http.StatusForbidden, "token_not_allowed")
	w.Want(w.use(b.Token[:len(b.Token)-1]+"_", access.ClientsRead, true), http.StatusUnauthorized, "token_invalid")
	w.Want(w.use(keys.NewAPIToken(), access.ClientsRead, true), http.StatusUnauthorized, "token_invalid")

	one := func(op api.Operation, p person) apitest.Answer {
		return w.Call(op, apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: "/v1/me/api-tokens/" + b.ID})
	}
	w.Want(one(auth.GetAPIToken(w.Store), bob), http.StatusNotFound, "token_not_found")
	w.Want(one(auth.DeleteAPIToken(w.Store), bob), http.StatusNotFound, "token_not_found")

	org := w.Store.BindOrganization(p.org, store.Actor{Who: "test"})
	member := id.Member(w.of("API_TOKEN")[0]["member"].(string))
	change := func(change func(*access.Access)) {
		row, err := store.Get[access.Access](context.Background(), org, access.AccessKey(p.org, member))
		w.must(err)
		change(row)
		tx := w.Store.Begin()
		tx.Replace(org, row)
		w.must(tx.Commit(context.Background()))
	}
	change(func(a *access.Access) { a.Role = access.Guest })
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusForbidden, "permission_denied")
	change(func(a *access.Access) { a.Role = access.Owner })
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusOK, "")
	change(func(a *access.Access) { a.Removed = w.Clock.Now().Unix() })
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusUnauthorized, "membership_ended")
	change(func(a *access.Access) { a.Removed = 0 })

	other := w.apiToken(p)
	w.Want(one(auth.DeleteAPIToken(w.Store), p), http.StatusNoContent, "")
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusUnauthorized, "token_invalid")
	w.Want(w.use(other.Token, access.ClientsRead, true), http.StatusOK, "")
	w.Clock.Advance(24 * time.Hour)
	w.Want(w.use(other.Token, access.ClientsRead, true), http.StatusUnauthorized, "token_invalid")
}

func TestTheUseOfAnAPITokenIsKeptToTheHour(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	b := w.apiToken(p)
	shown := func() *time.Time {
		one := w.Call(auth.GetAPIToken(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: "/v1/me/api-tokens/" + b.ID})
		list := w.Call(auth.ListAPITokens(), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{})
		var single auth.APITokenBody
		var all api.List[auth.APITokenBody]
		one.Into(t, &single)
		list.Into(t, &all)
		if len(all.Data) != 1 || (all.Data[0].UsedAt == nil) != (single.UsedAt == nil) {
			t.Fatalf("alone it was used at %v, in the list %+v", single.UsedAt, all.Data)
		}
		return single.UsedAt
	}
	if used := shown(); used != nil {
		t.Errorf("before any use it was used at %v", used)
	}
	row := w.of("API_TOKEN")[0]
	first := w.Clock.Now().Truncate(time.Hour)
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusOK, "")
	w.Log.Reset()
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusOK, "")
	if used := shown(); used == nil || !used.Equal(first) || strings.Contains(w.Log.String(), `"write_units":1`) {
		t.Errorf("used at %v, and the second use cost %s; want %v and no write", used, w.Log, first)
	}
	w.Clock.Advance(time.Hour)
	p.tokens = w.tokens(w.logIn(ada, phrase))
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusOK, "")
	if used := shown(); used == nil || !used.Equal(first.Add(time.Hour)) {
		t.Errorf("an hour later it was used at %v; want %v", used, first.Add(time.Hour))
	}
	if again := w.of("API_TOKEN")[0]; again["_v"] != row["_v"] {
		t.Errorf("using the token wrote the row of its scopes: version %v; want %v", again["_v"], row["_v"])
	}
	w.Want(w.Call(auth.DeleteAPIToken(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: "/v1/me/api-tokens/" + b.ID}), http.StatusNoContent, "")
	if n := len(w.of("API_TOKEN_USE")) + len(w.of("API_TOKEN")) + len(w.of("API_TOKEN_LINK")); n > 0 {
		t.Errorf("the token left %d rows behind", n)
	}
}

func TestAnAPITokenAsksForAFreshProof(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Clock.Advance(11 * time.Minute)
	w.Want(w.createToken(p, "", nil), http.StatusUnauthorized, "reauthentication_required")
}

func TestTheMakingOfAnAPITokenIsMailed(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.apiToken(p)
	if n := w.told(ada, "An API token was made for your account"); n != 1 {
		t.Errorf("%d mails; want 1", n)
	}
}

func TestNobodyHasMoreThanFiftyAPITokens(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	for range access.MaxAPITokens - 3 {
		w.apiToken(p)
	}
	var mu sync.Mutex
	codes := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := w.createToken(p, "", nil)
			mu.Lock()
			defer mu.Unlock()
			codes[fmt.Sprint(a.Status, " ", a.Code())]++
		})
	}
	wg.Wait()
	if n := len(w.of("API_TOKEN")); codes["201 "] != 3 || codes["409 too_many_tokens"] != 5 || n != access.MaxAPITokens {
		t.Errorf("eight at once for three places: %v, and %d tokens in all", codes, n)
	}
	one := w.of("API_TOKEN")[0]["id"].(string)
	w.Want(w.Call(auth.DeleteAPIToken(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: "/v1/me/api-tokens/" + one}), http.StatusNoContent, "")
	w.Want(w.createToken(p, "", nil), http.StatusCreated, "")
	w.Want(w.createToken(p, "", nil), http.StatusConflict, "too_many_tokens")
	w.Clock.Advance(24 * time.Hour)
	w.Want(w.createToken(person{tokens: w.tokens(w.logIn(ada, phrase))}, "", nil), http.StatusCreated, "")
}

// A password that is reset ends sessions, not tokens: programs are not logged in by it.
func TestAnAPITokenOutlivesAPassword(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	b := w.apiToken(p)
	change := map[string]any{"current_password": phrase, "new_password": "another phrase that nobody has"}
	w.Want(w.Call(auth.ChangePassword(w.Store, w.pseudonyms), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Body: change}), http.StatusNoContent, "")
	w.Want(w.use(b.Token, access.ClientsRead, true), http.StatusOK, "")
}

func TestWhatIsNoAPITokenCostsNoCall(t *testing.T) {
	w := newWorld(t)
	b := w.apiToken(w.somebody(ada))
	for _, text := range []string{b.Token[:len(b.Token)-1] + "_", b.Token + "0", keys.APITokenPrefix} {
		w.Log.Reset()
		w.Want(w.use(text, access.ClientsRead, true), http.StatusUnauthorized, "token_invalid")
		if !strings.Contains(w.Log.String(), `"calls":0,`) {
			t.Errorf("%q costs %s; want no call", text, w.Log)
		}
	}
	w.Log.Reset()
	w.Want(w.me(b.Token), http.StatusForbidden, "token_not_allowed")
	if !strings.Contains(w.Log.String(), `"calls":0,`) {
		t.Errorf("a route that takes no token costs %s; want no call", w.Log)
	}
}

func TestARestrictedOrDeletedUsersAPITokenIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*access.UserGate)
		status int
		code   string
	}{
		{"restricted", func(g *access.UserGate) { g.Restrict = true }, http.StatusForbidden, "processing_restricted"},
		{"deleted", func(g *access.UserGate) { g.Deleted = 1 }, http.StatusUnauthorized, "token_invalid"},
		{"logged out everywhere", func(g *access.UserGate) { g.Sessions = nil }, http.StatusOK, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.somebody(ada)
			b := w.apiToken(p)
			gate := w.gate(p)
			tt.change(gate)
			tx := w.Store.Begin()
			tx.Replace(w.Store.BindUser(p.user, store.Actor{Who: "test"}), gate)
			w.must(tx.Commit(context.Background()))
			w.Want(w.use(b.Token, access.ClientsRead, false), tt.status, tt.code)
		})
	}
}
