package auth_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) me(token string) apitest.Answer {
	w.T.Helper()
	return w.Call(account.GetAccount(), apitest.Caller{Token: token}, apitest.Request{})
}

func (w *world) gate(p person) *access.UserGate {
	w.T.Helper()
	h := w.Store.BindUser(p.user, store.Actor{Who: "test"})
	h.SeeDue()
	gate, err := store.Get[access.UserGate](context.Background(), h, access.UserGateKey(p.user))
	w.must(err)
	return gate
}

func TestLogIn(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	if p.tokens.TokenType != "Bearer" || p.tokens.ExpiresIn != 900 || p.tokens.OrganizationID != string(p.org) {
		t.Errorf("the tokens are %+v; want a bearer of 15 minutes in the organization", p.tokens)
	}
	w.Want(w.me(p.tokens.AccessToken), http.StatusOK, "")
	sessions := w.of("SESSION")
	if len(sessions) != 1 || sessions[0]["ip"] != "192.0.2.0/24" || strings.Contains(w.dump(), p.tokens.RefreshToken) {
		t.Errorf("the sessions are %v; want one, with a shortened address and without a token", sessions)
	}
	for _, secret := range []string{phrase, p.tokens.RefreshToken, p.tokens.AccessToken, ada} {
		if strings.Contains(w.Log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	wrong, unknown := w.logIn(ada, "another phrase altogether"), w.logIn("bob@example.com", phrase)
	w.Want(wrong, http.StatusUnauthorized, "invalid_credentials")
	strip := func(a apitest.Answer) string {
		text, _, _ := strings.Cut(string(a.Body), `"request_id"`)
		return text
	}
	if wrong.Status != unknown.Status || strip(wrong) != strip(unknown) {
		t.Errorf("a wrong password = %s; an unknown address = %s; want the same", wrong.Body, unknown.Body)
	}
	lines := strings.Split(strings.TrimSpace(w.Log.String()), "\n")
	calls := func(line string) string {
		_, rest, _ := strings.Cut(line, `"calls":`)
		n, _, _ := strings.Cut(rest, ",")
		return n
	}
	if a, b := calls(lines[len(lines)-2]), calls(lines[len(lines)-1]); a != b || a == "" {
		t.Errorf("a wrong password costs %q calls, an unknown address %q; want the same", a, b)
	}
}

func TestGuessingIsLimitedByPlace(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 20 {
		wg.Go(func() {
			a := w.logInFrom("198.51.100.7", ada, "another phrase altogether")
			mu.Lock()
			defer mu.Unlock()
			codes[a.Status]++
		})
	}
	wg.Wait()
	if codes[http.StatusUnauthorized] != 10 || codes[http.StatusTooManyRequests] != 10 {
		t.Errorf("20 guesses at once = %v; want 10 of them made", codes)
	}
	a := w.logInFrom("198.51.100.7", ada, phrase)
	w.Want(a, http.StatusTooManyRequests, "too_many_attempts")
	if a.Header.Get("Retry-After") != "900" {
		t.Errorf("Retry-After = %q; want 900", a.Header.Get("Retry-After"))
	}
	w.tokens(w.logInFrom("192.0.2.77", ada, phrase)) // the owner, from elsewhere
	w.Clock.Advance(15 * time.Minute)
	w.tokens(w.logInFrom("198.51.100.7", ada, phrase))
}

func TestSuccessForgetsAttempts(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	for range 3 {
		for range 9 {
			w.Want(w.logIn(ada, "another phrase altogether"), http.StatusUnauthorized, "invalid_credentials")
		}
		w.tokens(w.logIn(ada, phrase))
	}
}

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	first := p.tokens.RefreshToken
	second := w.tokens(w.refreshToken(first))
	if second.RefreshToken == first {
		t.Error("the refresh token did not change")
	}
	w.Want(w.me(second.AccessToken), http.StatusOK, "")
	w.Clock.Advance(30 * time.Second)
	if again := w.tokens(w.refreshToken(first)); again.RefreshToken != second.RefreshToken {
		t.Error("a repeat within the grace gave another successor")
	}
	third := w.tokens(w.refreshToken(second.RefreshToken))
	w.Want(w.refreshToken(first), http.StatusUnauthorized, "token_reused")
	w.Want(w.refreshToken(third.RefreshToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.me(third.AccessToken), http.StatusUnauthorized, "session_ended")
}

func TestASpentRefreshTokenEndsTheSessionAfterItsGrace(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.tokens(w.refreshToken(p.tokens.RefreshToken))
	w.Clock.Advance(31 * time.Second)
	w.Want(w.refreshToken(p.tokens.RefreshToken), http.StatusUnauthorized, "token_reused")
	if n := len(w.of("SESSION")); n != 0 {
		t.Errorf("%d sessions are left; want none", n)
	}
}

func TestManyRefreshesAtOnceAreOneRotation(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	var wg sync.WaitGroup
	var mu sync.Mutex
	successors := map[string]int{}
	for range 30 {
		wg.Go(func() {
			a := w.refreshToken(p.tokens.RefreshToken)
			var tokens auth.Tokens
			if a.Status == http.StatusOK {
				a.Into(t, &tokens)
			}
			mu.Lock()
			defer mu.Unlock()
			successors[tokens.RefreshToken]++
		})
	}
	wg.Wait()
	if len(successors) != 1 || successors[""] != 0 {
		t.Errorf("there are %d successors; want one for all", len(successors))
	}
	if n := w.of("SESSION")[0]["counter"]; n != 2.0 {
		t.Errorf("the counter = %v; want 2", n)
	}
}

func TestRefreshIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	good := p.tokens.RefreshToken
	tests := []struct{ name, token string }{
		{"nonsense", "nonsense"},
		{"an access token", p.tokens.AccessToken},
		{"another mac", good[:len(good)-4] + "AAAA"},
		{"another counter", strings.Replace(good, ".1.", ".2.", 1)},
		{"another session", strings.Replace(good, good[31:35], "0000", 1)},
		{"more behind", good + ".x"},
	}
	for _, tt := range tests {
		w.In(t).Want(w.refreshToken(tt.token), http.StatusUnauthorized, "refresh_token_invalid")
	}
	w.tokens(w.refreshToken(good))
}

func TestASessionEndsUnusedAndAfterAYear(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Clock.Advance(30*24*time.Hour - time.Second)
	tokens := w.tokens(w.refreshToken(p.tokens.RefreshToken))
	w.Clock.Advance(30 * 24 * time.Hour)
	w.Want(w.refreshToken(tokens.RefreshToken), http.StatusUnauthorized, "session_ended")

	tokens = w.tokens(w.logIn(ada, phrase))
	for range 18 {
		w.Clock.Advance(20 * 24 * time.Hour)
		tokens = w.tokens(w.refreshToken(tokens.RefreshToken))
	}
	w.Clock.Advance(5 * 24 * time.Hour)
	w.Want(w.refreshToken(tokens.RefreshToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.me(tokens.AccessToken), http.StatusUnauthorized, "token_expired")
}

func TestLogOutEndsOneSession(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	other := w.tokens(w.logIn(ada, phrase))
	w.Want(w.Call(auth.LogOut(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Key: "once"}), http.StatusNoContent, "")
	w.Want(w.me(p.tokens.AccessToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.refreshToken(p.tokens.RefreshToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.Call(auth.LogOut(w.Store), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{}), http.StatusUnauthorized, "session_ended")
	w.Want(w.me(other.AccessToken), http.StatusOK, "")
	w.Want(w.Call(auth.LogOut(w.Store), apitest.Caller{}, apitest.Request{}), http.StatusUnauthorized, "authentication_required")
}

func TestTheOldestSessionMakesRoom(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	gate := w.gate(p)
	for i := len(gate.Sessions); i < access.MaxSessions; i++ {
		gate.Sessions["ses_01J8ZQ4M2V6TQ0Y7N3W5K9XD"+string(rune('A'+i/8))+string(rune('0'+i%8))] = w.Clock.Now().AddDate(1, 0, i).Unix()
	}
	h := w.Store.BindUser(p.user, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Replace(h, gate)
	w.must(tx.Commit(context.Background()))
	w.Clock.Advance(time.Minute)
	w.tokens(w.logIn(ada, phrase))
	if n := len(w.gate(p).Sessions); n != access.MaxSessions {
		t.Errorf("%d sessions; want %d", n, access.MaxSessions)
	}
	w.Want(w.me(p.tokens.AccessToken), http.StatusUnauthorized, "session_ended")
}

func TestManyLogInsAtOnceAllCount(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if a := w.logIn(ada, phrase); a.Status != http.StatusOK {
				t.Errorf("a login = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if n := len(w.gate(p).Sessions); n != 7 {
		t.Errorf("%d sessions; want 7", n)
	}
}

// memberOf makes a person a member of an organization.
func (w *world) memberOf(p person, of id.Organization) *access.Access {
	w.T.Helper()
	member := w.Member(of, access.Manager)
	h := w.Store.BindUser(p.user, store.Actor{Who: "test"})
	org := w.Store.BindOrganization(of, store.Actor{Who: "test"})
	row, err := store.Get[access.Access](context.Background(), org, access.AccessKey(of, member.Member))
	w.must(err)
	row.User = p.user
	tx := w.Store.Begin()
	tx.Replace(org, row)
	tx.Create(h, &account.Membership{User: p.user, Organization: of, Member: member.Member, Joined: w.Clock.Now().Unix()})
	w.must(tx.Commit(context.Background()))
	return row
}

func TestSwitchOrganization(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	into := func(org string) apitest.Answer {
		return w.Call(auth.SwitchOrganization(w.Store, w.minter), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Body: map[string]any{"organization_id": org}})
	}
	w.Want(into(string(q.org)), http.StatusNotFound, "organization_not_found")
	w.Want(into("nonsense"), http.StatusNotFound, "organization_not_found")

	org := w.Store.BindOrganization(q.org, store.Actor{Who: "test"})
	row := w.memberOf(p, q.org)
	tokens := w.tokens(into(string(q.org)))
	if tokens.OrganizationID != string(q.org) || tokens.RefreshToken != "" {
		t.Errorf("the tokens are %+v; want an access token for the other organization alone", tokens)
	}
	for range 2 { // what answers tokens is not repeated under a key
		again := w.Call(auth.SwitchOrganization(w.Store, w.minter), apitest.Caller{Token: p.tokens.AccessToken},
			apitest.Request{Key: "a key", Body: map[string]any{"organization_id": q.org}})
		if w.tokens(again).AccessToken == "" || again.Header.Get("Idempotency-Replayed") != "" || len(w.of("IDEMPOTENCY")) != 0 {
			t.Errorf("under a key the answer is %s %s; want an access token, and nothing kept", again.Header, again.Body)
		}
	}
	if next := w.tokens(w.refreshToken(p.tokens.RefreshToken)); next.OrganizationID != string(q.org) {
		t.Errorf("a refresh leads to %s; want the organization that the session is in", next.OrganizationID)
	}
	row.Removed = w.Clock.Now().Unix()
	tx := w.Store.Begin()
	tx.Replace(org, row)
	w.must(tx.Commit(context.Background()))
	w.Want(into(string(q.org)), http.StatusNotFound, "organization_not_found")
}

// limit sets what an organization asks of sessions.
func (w *world) limit(org id.Organization, hours, days int) {
	w.T.Helper()
	h := w.Store.BindOrganization(org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Change(h, access.OrganizationGateKey(org), func(u *dynamo.Update) { u.Set("session_idle_hours", hours).Set("session_max_days", days) })
	w.must(tx.Commit(context.Background()))
}

func TestAnOrganizationLimitsSessions(t *testing.T) {
	tests := []struct {
		name        string
		hours, days int
		unused      []time.Duration // between refreshes
		proved      bool            // whether the person shows who they are before the last of them
		want        int
	}{
		{"without limits", 0, 0, []time.Duration{29 * 24 * time.Hour}, false, 200},
		{"used in time", 8, 0, []time.Duration{8 * time.Hour, 8 * time.Hour}, false, 200},
		{"unused a second too long", 8, 0, []time.Duration{8*time.Hour + time.Second}, false, 401},
		{"younger than the limit", 0, 7, []time.Duration{6 * 24 * time.Hour, 24*time.Hour - time.Second}, false, 200},
		{"as old as the limit", 0, 7, []time.Duration{6 * 24 * time.Hour, 24 * time.Hour}, false, 401},
		{"as old as the limit, and proved lately", 0, 7, []time.Duration{6 * 24 * time.Hour, 24 * time.Hour}, true, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.somebody(ada)
			w.limit(p.org, tt.hours, tt.days)
			tokens := p.tokens
			for n, unused := range tt.unused {
				w.Clock.Advance(unused)
				if n < len(tt.unused)-1 {
					tokens = w.tokens(w.refreshToken(tokens.RefreshToken))
					if tt.proved {
						p.tokens.AccessToken = tokens.AccessToken
						w.Want(w.as(p, auth.Reauthenticate(w.judge(), w.minter), map[string]any{"password": phrase}), http.StatusOK, "")
					}
				}
			}
			a := w.refreshToken(tokens.RefreshToken)
			if w.Want(a, tt.want, ""); tt.want != http.StatusOK {
				w.Want(a, tt.want, "session_ended")
				w.Want(w.refreshToken(tokens.RefreshToken), 401, "session_ended") // its token was not spent for nothing
			}
		})
	}
}

// TestALimitIsNotPassedByAnotherOrganization leaves a session unused in an organization without limits, and switches with it
// into one that has them.
func TestALimitIsNotPassedByAnotherOrganization(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	w.memberOf(p, q.org)
	into := func() apitest.Answer {
		return w.Call(auth.SwitchOrganization(w.Store, w.minter), apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Body: map[string]any{"organization_id": string(q.org)}})
	}
	w.limit(q.org, 8, 7)
	w.Clock.Advance(9 * time.Hour)
	p.tokens = w.tokens(w.refreshToken(p.tokens.RefreshToken))
	w.Want(into(), http.StatusUnauthorized, "session_unsuited")
	if next := w.tokens(w.refreshToken(p.tokens.RefreshToken)); next.OrganizationID != string(p.org) {
		t.Errorf("after the refusal the session is in %s; want it where it was", next.OrganizationID)
	}
	proved := w.as(p, auth.Reauthenticate(w.judge(), w.minter), map[string]any{"password": phrase})
	p.tokens.AccessToken = w.tokens(proved).AccessToken
	if got := w.tokens(into()); got.OrganizationID != string(q.org) {
		t.Errorf("after a proof the session is in %s; want it in the other organization", got.OrganizationID)
	}
}

func TestWithoutAKeyNobodyLogsIn(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	w.minter = &auth.Minter{Issuer: w.minter.Issuer, Store: w.Store}
	a := w.logIn(ada, phrase)
	w.Want(a, http.StatusServiceUnavailable, "keys_not_ready")
	if a.Header.Get("Retry-After") == "" || len(w.of("SESSION")) != 1 {
		t.Error("want Retry-After, and no session")
	}
}

func TestKeysRotateWithoutALogout(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	jwks := func() []string {
		var set auth.JWKS
		w.Call(auth.GetJwks(w.Store), apitest.Caller{}, apitest.Request{}).Into(t, &set)
		var ids []string
		for _, k := range set.Keys {
			ids = append(ids, k.KeyID)
			if k.KeyType != "OKP" || k.Curve != "Ed25519" || len(k.X) != 43 {
				t.Errorf("the key is %+v; want an Ed25519 key", k)
			}
		}
		return ids
	}
	w.must(w.run(w.rotate("first")))
	if n := len(jwks()); n != 1 {
		t.Fatalf("%d keys; want 1 however often the job runs", n)
	}
	w.must(w.run(w.rotate("first", "second")))
	if n := len(jwks()); n != 2 {
		t.Fatalf("%d keys are known; want the next one too", n)
	}
	w.minter.Signers["second"] = func(context.Context, []byte) ([]byte, error) {
		t.Error("the next key signed before its time")
		return nil, nil
	}
	w.Clock.Advance(10 * time.Minute)
	w.tokens(w.refreshToken(p.tokens.RefreshToken))
	signed := 0
	w.minter.Signers["second"] = func(ctx context.Context, m []byte) ([]byte, error) {
		signed++
		return w.sign(ctx, m)
	}
	w.Clock.Advance(time.Hour)
	w.tokens(w.logIn(ada, phrase))
	if signed != 1 {
		t.Errorf("the next key signed %d tokens after its time; want 1", signed)
	}
	w.must(w.run(w.rotate("second")))
	if n := len(jwks()); n != 2 {
		t.Errorf("%d keys right after the first was taken away; want 2, for the tokens that it signed", n)
	}
	w.Clock.Advance(time.Hour)
	if n := len(jwks()); n != 1 {
		t.Errorf("%d keys an hour later; want 1", n)
	}
	w.Clock.Advance(48 * time.Hour)
	w.must(w.run(w.rotate("second")))
	w.must(w.run(w.rotate("second", "first")))
	if n := len(jwks()); n != 2 {
		t.Errorf("%d keys when the first is named again; want 2", n)
	}
}
