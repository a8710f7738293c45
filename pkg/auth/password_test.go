package auth_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/store"
)

const better = "another phrase altogether"

func (w *world) forgot(email string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.ForgotPassword(w.Store, w.pseudonyms, w.links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": email}})
}

func (w *world) reset(token, password string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.ResetPassword(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token, "password": password}})
}

func (w *world) change(token, current, next string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.ChangePassword(w.Store, w.pseudonyms), apitest.Caller{Token: token},
		apitest.Request{Body: map[string]any{"current_password": current, "new_password": next}})
}

// resetTokens are the tokens of the links that were mailed to an address, oldest first.
func (w *world) resetTokens(email string) (tokens []string) {
	w.T.Helper()
	for _, m := range w.letters() {
		if _, link, found := strings.Cut(m.Text, "/reset-password#token="); found && m.To == email {
			tokens = append(tokens, strings.Fields(link)[0])
		}
	}
	return tokens
}

func (w *world) told(email, subject string) (n int) {
	w.T.Helper()
	for _, m := range w.letters() {
		if m.To == email && m.Subject == subject {
			n++
		}
	}
	return n
}

func TestAForgottenPasswordIsReset(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Clock.Advance(time.Minute)
	w.Want(w.forgot(" ADA@example.com "), http.StatusAccepted, "")
	w.Want(w.forgot(ada), http.StatusAccepted, "")
	tokens := w.resetTokens(ada)
	if len(tokens) != 2 || strings.Contains(w.dump(), tokens[0]) {
		t.Fatalf("%d links; want 2, with tokens that no row holds", len(tokens))
	}
	w.Want(w.reset("nonsense", better), http.StatusUnauthorized, "reset_invalid")
	w.Want(w.reset(tokens[0], "too short"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.reset(tokens[0], "passwordpassword1"), http.StatusUnprocessableEntity, "password_too_common")
	w.Want(w.reset(tokens[0], "ada@example.com"), http.StatusUnprocessableEntity, "password_too_common")
	w.Clock.Advance(time.Minute)
	w.Want(w.reset(tokens[0], better), http.StatusNoContent, "")
	w.Want(w.reset(tokens[0], better), http.StatusUnauthorized, "reset_invalid")
	w.Want(w.reset(tokens[1], phrase), http.StatusUnauthorized, "reset_invalid") // the other link ended with the first
	w.Want(w.me(p.tokens.AccessToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.refreshToken(p.tokens.RefreshToken), http.StatusUnauthorized, "session_ended")
	if n := len(w.of("SESSION")); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	w.Want(w.logIn(ada, phrase), http.StatusUnauthorized, "invalid_credentials")
	w.tokens(w.logIn(ada, better))
	if n := w.told(ada, "Your password was changed"); n != 1 {
		t.Errorf("%d mails say that the password was changed; want 1", n)
	}
}

func TestAResetLinkEndsAfterHalfAnHour(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	w.forgot(ada)
	token := w.resetTokens(ada)[0]
	w.Clock.Advance(30*time.Minute - time.Second)
	w.Want(w.reset(token, "too short"), http.StatusUnprocessableEntity, "invalid_input")
	w.Clock.Advance(time.Second)
	w.Want(w.reset(token, better), http.StatusUnauthorized, "reset_invalid")
	if n := len(w.resetTokens(ada)); n != 0 {
		t.Errorf("%d links are still mailed after their time", n)
	}
}

func TestForgottenIsAnsweredTheSame(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	w.Log.Reset()
	known := w.forgot(ada)
	logKnown := w.Log.String()
	w.Log.Reset()
	unknown := w.forgot("bob@example.com")
	logUnknown := w.Log.String()
	if known.Status != unknown.Status || string(known.Body) != string(unknown.Body) || len(known.Header) != len(unknown.Header) {
		t.Errorf("known = %d %s %v; unknown = %d %s %v; want the same", known.Status, known.Body, known.Header, unknown.Status, unknown.Body, unknown.Header)
	}
	work := func(line string) string {
		_, units, _ := strings.Cut(line, `"status"`)
		return strings.TrimSpace(units)
	}
	if work(logKnown) == "" || work(logKnown) != work(logUnknown) {
		t.Errorf("the work is %s of a known and %s of an unknown address; want the same", logKnown, logUnknown)
	}
	rows := w.of("PASSWORD_RESET")
	if len(rows) != 2 || len(rows[0]) != len(rows[1]) || len(rows[0]["user"].(string)) != len(rows[1]["user"].(string)) {
		t.Errorf("the rows are %v; want two of one size", rows)
	}
	for _, m := range w.letters() {
		if m.To == "bob@example.com" {
			t.Errorf("an address without an account got %q", m.Subject)
		}
	}
	for _, r := range rows {
		if r["of"] == "new" {
			w.Want(w.reset(w.links.Token(auth.ResetPurpose, r["id"].(string)), better), http.StatusUnauthorized, "reset_invalid")
		}
	}
	w.Want(w.forgot("ada"), http.StatusUnprocessableEntity, "invalid_input")
}

func TestAnAddressGetsThreeLinksAnHour(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if a := w.forgot(ada); a.Status != http.StatusAccepted {
				t.Errorf("forgot = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if n := len(w.of("PASSWORD_RESET")); n != 3 {
		t.Errorf("%d links; want 3", n)
	}
	w.Clock.Advance(time.Hour)
	w.forgot(ada)
	if n := len(w.resetTokens(ada)); n != 1 {
		t.Errorf("%d links an hour later; want 1", n)
	}
}

func TestOneOfManyUsesOfALinkWins(t *testing.T) {
	uses := 12
	if os.Getenv("PIXELTRACK_PROVE") != "" {
		uses = 100
	}
	w := newWorld(t)
	w.somebody(ada)
	w.forgot(ada)
	token := w.resetTokens(ada)[0]
	w.Clock.Advance(time.Second)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range uses {
		wg.Go(func() {
			a := w.reset(token, better)
			mu.Lock()
			defer mu.Unlock()
			codes[a.Status]++
		})
	}
	wg.Wait()
	if codes[http.StatusNoContent] != 1 || codes[http.StatusUnauthorized] != uses-1 {
		t.Errorf("the answers are %v; want one taken of %d", codes, uses)
	}
	if n := w.told(ada, "Your password was changed"); n != 1 {
		t.Errorf("%d mails say that the password was changed; want 1", n)
	}
}

func TestADeletedAccountIsRestoredWithANewPassword(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.Want(w.delete(p, phrase, closing(p.org)), http.StatusAccepted, "")
	w.Clock.Advance(time.Minute)
	w.forgot(ada)
	w.Want(w.reset(w.resetTokens(ada)[0], better), http.StatusNoContent, "")
	w.Want(w.logIn(ada, better), http.StatusForbidden, "account_deleted")
	w.Want(w.restore(w.restoreToken(ada), better), http.StatusOK, "")
	w.tokens(w.logIn(ada, better))
}

func TestAPasswordIsChanged(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	other := w.tokens(w.logIn(ada, phrase))
	w.forgot(ada)
	link := w.resetTokens(ada)[0]
	w.Clock.Advance(time.Second)
	own := p.tokens.AccessToken
	w.Want(w.change("", phrase, better), http.StatusUnauthorized, "authentication_required")
	w.Want(w.change(own, better, better), http.StatusForbidden, "password_wrong")
	w.Want(w.change(own, phrase, "too short"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.change(own, phrase, "p4ssw0rdp4ssw0rd"), http.StatusUnprocessableEntity, "password_too_common")
	w.Want(w.change(own, phrase, better), http.StatusNoContent, "")
	w.Want(w.me(own), http.StatusOK, "")
	w.Want(w.me(other.AccessToken), http.StatusUnauthorized, "session_ended")
	w.Want(w.reset(link, phrase), http.StatusUnauthorized, "reset_invalid")
	w.Want(w.logIn(ada, phrase), http.StatusUnauthorized, "invalid_credentials")
	w.tokens(w.logIn(ada, better))
	if n := w.told(ada, "Your password was changed"); n != 1 {
		t.Errorf("%d mails say that the password was changed; want 1", n)
	}
	for range 10 {
		w.Want(w.change(own, phrase, better), http.StatusForbidden, "password_wrong")
	}
	a := w.change(own, better, phrase)
	w.Want(a, http.StatusTooManyRequests, "too_many_attempts")
	if a.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
}

// Whoever has their data restricted keeps the means to guard it.
func TestARestrictedPersonSetsAPassword(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	h := w.Store.BindUser(p.user, store.Actor{Who: "test"})
	h.SeeRestricted()
	tx := w.Store.Begin()
	tx.Change(h, access.UserGateKey(p.user), func(u *dynamo.Update) { u.Set("restrict", true).Set("restricted", true) })
	tx.Change(h, account.ProfileKey(p.user), func(u *dynamo.Update) { u.Set("restricted", true) })
	tx.Change(h, account.CredentialKey(p.user), func(u *dynamo.Update) { u.Set("restricted", true) })
	w.must(tx.Commit(t.Context()))
	w.Want(w.change(p.tokens.AccessToken, phrase, better), http.StatusNoContent, "")
	w.forgot(ada)
	w.Clock.Advance(time.Second)
	w.Want(w.reset(w.resetTokens(ada)[0], phrase), http.StatusNoContent, "")
	for _, kind := range []string{"USERGATE", "CREDENTIAL"} {
		if row := w.of(kind)[0]; row["restricted"] != true {
			t.Errorf("the %s is %v; want it restricted as before", kind, row)
		}
	}
}
