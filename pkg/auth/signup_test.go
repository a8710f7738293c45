package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

const ada = "ada@example.com"

func TestSignUpIsConfirmed(t *testing.T) {
	w := newWorld(t)
	w.Want(w.signUp(signUpBody(" Ada@Example.com ")), http.StatusAccepted, "")
	for _, kind := range []string{"PROFILE", "USERGATE", "ORGGATE", "ADDRESS"} {
		if len(w.of(kind)) != 0 {
			t.Errorf("there is a %s before the confirmation", kind)
		}
	}
	m, token := w.letter(" Ada@Example.com ")
	if !strings.Contains(strings.ToLower(m.Subject), "confirm") || strings.Contains(m.Text, "Ada") || strings.Contains(w.dump(), token) {
		t.Errorf("the mail is %q; want a confirmation that repeats nothing, with a token that no row holds", m.Subject)
	}
	w.Want(w.confirm(token, "another phrase altogether"), http.StatusUnauthorized, "confirmation_invalid")
	w.Want(w.confirm("no such token", phrase), http.StatusUnauthorized, "confirmation_invalid")
	a := w.confirm(token, phrase)
	w.Want(a, http.StatusCreated, "")
	var made auth.Confirmed
	a.Into(t, &made)
	for _, kind := range []string{"PROFILE", "CREDENTIAL", "MEMBERSHIP", "ACCEPTANCE", "USERGATE", "ORGGATE", "ORGANIZATION", "ACCESS", "ADDRESS"} {
		if n := len(w.of(kind)); n != 1 {
			t.Errorf("%d rows of %s; want 1", n, kind)
		}
	}
	for _, r := range w.rows() {
		text, err := json.Marshal(r)
		w.must(err)
		if strings.HasPrefix(r["PK"].(string), "ORG#") && r["_type"] != "ACCESS" && strings.Contains(string(text), made.User.ID) {
			t.Errorf("a row of the organization leads to the user: %s", text)
		}
		if strings.Contains(string(text), phrase) || strings.Contains(string(text), "1990") {
			t.Errorf("a row holds the password or the date of birth: %s", text)
		}
	}
	if len(w.of("SIGNUP")) != 0 {
		t.Error("the sign-up is still there after its confirmation")
	}
	w.Want(w.confirm(token, phrase), http.StatusUnauthorized, "confirmation_invalid")
	w.tokens(w.logIn("ADA@example.com", phrase))
}

func TestSignUpIsRefused(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name   string
		change map[string]any
		status int
		code   string
	}{
		{"a day before the 13th birthday", map[string]any{"date_of_birth": "2013-03-03"}, 403, "under_age"},
		{"the 13th birthday today", map[string]any{"date_of_birth": "2013-03-02"}, 202, ""},
		{"born tomorrow", map[string]any{"date_of_birth": "2026-03-03"}, 422, "invalid_input"},
		{"born long ago", map[string]any{"date_of_birth": "1850-01-01"}, 422, "invalid_input"},
		{"no address", map[string]any{"email": "ada"}, 422, "invalid_input"},
		{"two addresses", map[string]any{"email": "ada@example.com, bob@example.com"}, 422, "invalid_input"},
		{"an address to throw away", map[string]any{"email": "ada@mailinator.com"}, 422, "disposable_email"},
		{"a short password", map[string]any{"password": "fourteen chars"}, 422, "invalid_input"},
		{"a common password", map[string]any{"password": "correct horse battery staple"}, 422, "password_too_common"},
		{"the address as password", map[string]any{"password": "ada@example.com"}, 422, "password_too_common"},
		{"the organization as password", map[string]any{"organization_name": "Vermilion", "password": "vermilionvermilion"}, 422, "password_too_common"},
		{"another version of the policy", map[string]any{"policy_version": 99}, 422, "invalid_input"},
		{"another text of the policy", map[string]any{"policy_hash": strings.Repeat("0", 64)}, 422, "invalid_input"},
		{"no country", map[string]any{"country": "Germany"}, 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := signUpBody(ada)
			maps.Copy(body, tt.change)
			a := w.signUp(body)
			w.In(t).Want(a, tt.status, tt.code)
			if strings.Contains(string(a.Body), "fourteen chars") || strings.Contains(string(a.Body), "battery") {
				t.Errorf("the refusal repeats the password: %s", a.Body)
			}
		})
	}
}

func TestAChildIsRememberedByTheBrowserAlone(t *testing.T) {
	w := newWorld(t)
	before := w.dump()
	body := signUpBody(ada)
	body["date_of_birth"] = "2015-01-01"
	a := w.signUp(body)
	w.Want(a, http.StatusForbidden, "under_age")
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	if cookie != "__Host-age=1" || !strings.Contains(a.Header.Get("Set-Cookie"), "; Secure; HttpOnly; SameSite=Strict") {
		t.Errorf("Set-Cookie = %q; want the age mark", a.Header.Get("Set-Cookie"))
	}
	if w.dump() != before || strings.Contains(w.Log.String(), "2015") {
		t.Error("something is kept of a child")
	}
	retry := w.Call(auth.SignUp(w.Store, w.pseudonyms, w.links, nil), apitest.Caller{}, apitest.Request{Body: signUpBody(ada), Headers: map[string]string{"Cookie": cookie}})
	w.Want(retry, http.StatusForbidden, "under_age")
}

func TestWhoIsTooYoungToConsentIsMarkedWithoutADate(t *testing.T) {
	for _, tt := range []struct {
		name, born, country string
		want                bool
	}{
		{"15 where 16 is asked for", "2010-03-03", "DE", true},
		{"16 today", "2010-03-02", "DE", false},
		{"15 where 13 is enough", "2010-03-03", "SE", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			body := signUpBody(ada)
			body["date_of_birth"], body["country"] = tt.born, tt.country
			w.Want(w.signUp(body), http.StatusAccepted, "")
			_, token := w.letter(ada)
			w.Want(w.confirm(token, phrase), http.StatusCreated, "")
			gate := w.of("USERGATE")[0]
			if got, _ := gate["too_young"].(bool); got != tt.want {
				t.Errorf("too young = %v; want %v", got, tt.want)
			}
			if strings.Contains(w.dump(), tt.born) {
				t.Error("the date of birth is kept")
			}
		})
	}
}

func TestAKnownAddressIsAnsweredTheSame(t *testing.T) {
	w := newWorld(t)
	w.somebody(ada)
	w.Clock.Advance(2 * time.Hour)
	known, unknown := w.signUp(signUpBody(ada)), w.signUp(signUpBody("bob@example.com"))
	if known.Status != unknown.Status || string(known.Body) != string(unknown.Body) {
		t.Errorf("known = %d %s; unknown = %d %s; want the same", known.Status, known.Body, unknown.Status, unknown.Body)
	}
	size := map[string]int{}
	for _, r := range w.of("SIGNUP") {
		email := r["email"].(string)
		text, err := json.Marshal(r)
		w.must(err)
		size[email] = len(text) - len(email)
	}
	if size[ada] == 0 || size[ada] != size["bob@example.com"] {
		t.Errorf("the rows have %v bytes; want the same", size)
	}
	for _, m := range w.letters() {
		if m.To == ada && (!strings.Contains(m.Subject, "already") || strings.Contains(m.Text, "#token")) {
			t.Errorf("the known address got %q", m.Subject)
		}
	}
	for _, r := range w.of("SIGNUP") {
		if r["email"] == ada {
			w.Want(w.confirm(w.links.Token(auth.ConfirmPurpose, r["id"].(string)), phrase), http.StatusUnauthorized, "confirmation_invalid")
		}
	}
}

func TestAnAddressGetsThreeMailsAnHour(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.Want(w.signUp(signUpBody(ada)), http.StatusAccepted, "")
	}
	if n := len(w.of("MAIL_OUT")); n != 3 {
		t.Errorf("%d mails; want 3", n)
	}
	w.Clock.Advance(time.Hour)
	w.Want(w.signUp(signUpBody(ada)), http.StatusAccepted, "")
	if n := len(w.of("MAIL_OUT")); n != 4 {
		t.Errorf("%d mails an hour later; want 4", n)
	}
}

func TestManySignUpsAtOnceAreThreeMails(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if a := w.signUp(signUpBody(ada)); a.Status != http.StatusAccepted {
				t.Errorf("a sign-up = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if n := len(w.of("MAIL_OUT")); n != 3 {
		t.Errorf("%d mails; want 3", n)
	}
}

func TestTheFirstOfTwoSignUpsWins(t *testing.T) {
	w := newWorld(t)
	w.signUp(signUpBody(ada))
	w.signUp(signUpBody(ada))
	var tokens []string
	for _, r := range w.of("SIGNUP") {
		tokens = append(tokens, w.links.Token(auth.ConfirmPurpose, r["id"].(string)))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for _, token := range append(tokens, tokens...) {
		wg.Go(func() {
			a := w.confirm(token, phrase)
			mu.Lock()
			defer mu.Unlock()
			codes[a.Status]++
		})
	}
	wg.Wait()
	if codes[http.StatusCreated] != 1 || len(w.of("PROFILE")) != 1 || codes[http.StatusInternalServerError] != 0 {
		t.Errorf("the answers are %v with %d profiles; want one made", codes, len(w.of("PROFILE")))
	}
	for _, token := range tokens {
		if a := w.confirm(token, phrase); a.Status != http.StatusConflict && a.Status != http.StatusUnauthorized {
			t.Errorf("a confirmation afterwards = %d; want it refused", a.Status)
		}
	}
}

func TestASignUpEnds(t *testing.T) {
	w := newWorld(t)
	w.signUp(signUpBody(ada))
	_, token := w.letter(ada)
	w.Clock.Advance(30 * time.Minute)
	w.Want(w.confirm(token, phrase), http.StatusUnauthorized, "confirmation_invalid")
	if n := len(w.letters()); n != 0 {
		t.Errorf("%d mails are still wanted of a sign-up that has ended", n)
	}
}

func TestAConfirmationCannotBeGuessed(t *testing.T) {
	w := newWorld(t)
	w.signUp(signUpBody(ada))
	_, token := w.letter(ada)
	for range 10 {
		w.Want(w.confirm(token, "another phrase altogether"), http.StatusUnauthorized, "confirmation_invalid")
	}
	w.Want(w.confirm(token, phrase), http.StatusUnauthorized, "confirmation_invalid")
}

func TestNormal(t *testing.T) {
	tests := []struct{ in, want string }{
		{" Ada@Example.COM ", "ada@example.com"},
		{"ada@exa\uFF4Dple.com", "ada@example.com"},
		{"ada+tag@example.com", "ada+tag@example.com"},
		{"ada", ""},
		{"@example.com", ""},
		{"ada@example", ""},
		{"ada@@example.com", ""},
		{"ada@.example.com", ""},
		{"a..b@example.com", ""},
		{"Ada <ada@example.com>", ""},
		{"ada@example.com\r\nBcc: x@example.org", ""},
		{strings.Repeat("a", 65) + "@example.com", ""},
	}
	for _, tt := range tests {
		if got := account.Normal(tt.in); got != tt.want {
			t.Errorf("Normal(%q) = %q; want %q", tt.in, got, tt.want)
		}
	}
}

func (w *world) resend(email string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.ResendSignUp(w.Store, w.pseudonyms, w.links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": email}})
}

func TestAConfirmationIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.Want(w.signUp(signUpBody(ada)), http.StatusAccepted, "")
	pending, nobody := w.resend(ada), w.resend("bob@example.com")
	if pending.Status != http.StatusAccepted || nobody.Status != pending.Status || string(nobody.Body) != string(pending.Body) {
		t.Errorf("pending = %d %s; nobody = %d %s; want the same", pending.Status, pending.Body, nobody.Status, nobody.Body)
	}
	for range 3 {
		w.Want(w.resend(ada), http.StatusAccepted, "")
	}
	sent := map[string]int{}
	for _, m := range w.letters() {
		sent[m.To]++
	}
	if sent[ada] != 3 || len(sent) != 1 {
		t.Errorf("the mails are %v; want 3 to the one who signs up", sent)
	}
	w.Want(w.resend("ada"), http.StatusUnprocessableEntity, "invalid_input")
	_, token := w.letter(ada)
	w.Want(w.confirm(token, phrase), http.StatusCreated, "")
	w.Clock.Advance(time.Hour)
	w.Want(w.resend(ada), http.StatusAccepted, "")
	if n := len(w.letters()); n != 0 {
		t.Errorf("%d mails after the confirmation; want none", n)
	}
}

// picky is a challenge that one response passes.
type picky string

func (p picky) Passed(_ context.Context, response, _ string) error {
	if response != string(p) {
		return problem.Of(problem.Forbidden, "challenge_failed", "Try the challenge again.")
	}
	return nil
}

func TestASignUpMayHaveToPassAChallenge(t *testing.T) {
	w := newWorld(t)
	for response, want := range map[string]int{"": 403, "wrong": 403, "right": 202} {
		body := signUpBody(ada)
		body["challenge"] = response
		w.Want(w.Call(auth.SignUp(w.Store, w.pseudonyms, w.links, picky("right")), apitest.Caller{}, apitest.Request{Body: body}), want, "")
	}
	if n := len(w.of("SIGNUP")); n != 1 {
		t.Errorf("%d sign-ups; want the one that passed", n)
	}
}

func TestManySignUpsFromOnePlaceAreRefused(t *testing.T) {
	w := newWorld(t)
	from := func(source string) apitest.Answer {
		body := signUpBody(ada)
		return w.Call(auth.SignUp(w.Store, w.pseudonyms, w.links, nil), apitest.Caller{}, apitest.Request{Body: body, Source: source})
	}
	for i := range 490 {
		earlier := store.Actor{Who: "sign-up", Request: fmt.Sprint("earlier-", i)}
		w.must(guard.New(w.Store, w.pseudonyms, earlier, "sign-up", "", "2001:db8:0:7::/64").Within(500, time.Hour).Attempt(context.Background()))
	}
	for i := range 10 {
		w.Want(from(fmt.Sprintf("2001:db8:0:7::%x", i)), http.StatusAccepted, "")
	}
	a := from("2001:db8:0:7::ffff")
	w.Want(a, http.StatusTooManyRequests, "too_many_attempts")
	if a.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	w.Want(from("2001:db8:0:8::1"), http.StatusAccepted, "")
	w.Want(from("192.0.2.1"), http.StatusAccepted, "")
	w.Clock.Advance(time.Hour)
	w.Want(from("2001:db8:0:7::1"), http.StatusAccepted, "")
}
