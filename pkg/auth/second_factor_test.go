package auth_test

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
	"pixeltrack.io/platform/pkg/store"
)

// vault makes data keys in memory.
type vault struct {
	mu   sync.Mutex
	keys map[string][]byte
}

func (v *vault) Generate(context.Context) (keys.DataKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := keys.DataKey{Plain: make([]byte, 32), Wrapped: make([]byte, 40)}
	rand.Read(k.Plain)
	rand.Read(k.Wrapped)
	v.keys[string(k.Wrapped)] = k.Plain
	return k, nil
}

func (v *vault) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys[string(wrapped)] == nil {
		return nil, errors.New("not a key of this vault")
	}
	return v.keys[string(wrapped)], nil
}

func (w *world) judge() *secondfactor.Judge {
	return &secondfactor.Judge{Store: w.Store, Seeds: w.seeds, Pseudonyms: w.pseudonyms}
}

// as calls an operation as somebody, with a body.
func (w *world) as(p person, op api.Operation, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(op, apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Body: body})
}

// enrolled is somebody with an authenticator app: its seed, and the recovery codes.
type enrolled struct {
	person
	seed  []byte
	codes []string
}

// begin gives the seed of an app that is being enrolled.
func (w *world) begin(p person) []byte {
	w.T.Helper()
	a := w.as(p, secondfactor.CreateTotp(w.Store, w.seeds), nil)
	w.Want(a, http.StatusCreated, "")
	var s secondfactor.Seed
	a.Into(w.T, &s)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.Secret)
	w.must(err)
	if !strings.Contains(s.URI, "secret="+s.Secret) || !strings.Contains(s.URI, "ada@example.com") || !s.ExpiresAt.Equal(w.Clock.Now().Add(10*time.Minute)) {
		w.T.Errorf("the seed is %+v", s)
	}
	return seed
}

func (w *world) code(seed []byte) string { return totp.Code(seed, totp.Step(w.Clock.Now())) }

// enrol gives a person an app. Its code of this step is used by that, so the clock goes on by one.
func (w *world) enrol(p person) enrolled {
	w.T.Helper()
	seed := w.begin(p)
	a := w.as(p, secondfactor.ConfirmTotp(w.judge()), map[string]any{"code": w.code(seed)})
	w.Want(a, http.StatusCreated, "")
	var c secondfactor.Codes
	a.Into(w.T, &c)
	w.Clock.Advance(totp.Period)
	return enrolled{p, seed, c.RecoveryCodes}
}

// challenge logs in up to the second factor.
func (w *world) challenge(email string) string {
	w.T.Helper()
	a := w.logIn(email, phrase)
	w.Want(a, http.StatusOK, "")
	var in auth.LoggedIn
	a.Into(w.T, &in)
	if !in.SecondFactorRequired || in.Challenge == "" || in.AccessToken != "" || in.RefreshToken != "" {
		w.T.Fatalf("the login = %s; want a challenge and no tokens", a.Body)
	}
	return in.Challenge
}

func (w *world) answer(challenge string, proof map[string]any) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"challenge": challenge}
	for name, v := range proof {
		body[name] = v
	}
	return w.Call(auth.LogInSecondFactor(w.judge(), w.refresh, w.minter), apitest.Caller{}, apitest.Request{Body: body})
}

func code(c string) map[string]any     { return map[string]any{"code": c} }
func recovery(c string) map[string]any { return map[string]any{"recovery_code": c} }

func (w *world) factors(p person) secondfactor.Body {
	w.T.Helper()
	a := w.as(p, secondfactor.GetSecondFactors(), nil)
	w.Want(a, http.StatusOK, "")
	var b secondfactor.Body
	a.Into(w.T, &b)
	return b
}

// subjects lists the subjects of the mails to an address.
func (w *world) subjects(email string) string {
	w.T.Helper()
	var all []string
	for _, m := range w.letters() {
		if m.To == email {
			all = append(all, m.Subject)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func TestAnAuthenticatorApp(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	if b := w.factors(p); b.Enrolled || b.TOTP != nil || b.RecoveryCodesLeft != 0 {
		t.Errorf("the factors are %+v; want none", b)
	}
	w.begin(p) // another takes its place
	seed := w.begin(p)
	if w.gate(p).SecondFactor {
		t.Error("a seed that was not confirmed counts")
	}
	w.tokens(w.logIn(ada, phrase))
	w.Want(w.as(p, secondfactor.ConfirmTotp(w.judge()), code("000000")), http.StatusUnprocessableEntity, "code_wrong")
	e := w.enrol(p)
	if len(e.codes) != 10 || !w.gate(p).SecondFactor {
		t.Fatalf("%d recovery codes, gate %+v; want ten, and a second factor", len(e.codes), w.gate(p))
	}
	for _, secret := range append(e.codes, totp.Text(e.seed), string(e.seed), totp.Text(seed)) {
		if strings.Contains(w.dump(), secret) || strings.Contains(w.Log.String(), secret) {
			t.Errorf("a row or the log holds %q", secret)
		}
	}
	w.Want(w.as(p, secondfactor.CreateTotp(w.Store, w.seeds), nil), http.StatusConflict, "totp_enrolled")
	w.Want(w.as(p, secondfactor.ConfirmTotp(w.judge()), code(w.code(e.seed))), http.StatusConflict, "totp_enrolled")
	if b := w.factors(p); !b.Enrolled || b.TOTP == nil || b.RecoveryCodesLeft != 10 {
		t.Errorf("the factors are %+v; want an app and ten codes", b)
	}

	w.Want(w.logIn(ada, "another phrase altogether"), http.StatusUnauthorized, "invalid_credentials")
	challenge := w.challenge(ada)
	if strings.Contains(w.dump(), challenge) {
		t.Error("a row holds the challenge")
	}
	w.Want(w.answer(challenge, nil), http.StatusUnauthorized, "second_factor_required")
	w.Want(w.answer(challenge, code(totp.Code(e.seed, totp.Step(w.Clock.Now())-1))), http.StatusUnauthorized, "second_factor_wrong") // used to enrol
	tokens := w.tokens(w.answer(challenge, code(w.code(e.seed))))
	w.Want(w.me(tokens.AccessToken), http.StatusOK, "")
	w.Want(w.answer(challenge, recovery(e.codes[0])), http.StatusUnauthorized, "challenge_invalid")
	w.Want(w.answer(w.challenge(ada), code(w.code(e.seed))), http.StatusUnauthorized, "second_factor_wrong") // a code works once

	typed := strings.ToUpper(strings.ReplaceAll(e.codes[0], "-", " "))
	w.tokens(w.answer(w.challenge(ada), recovery(typed)))
	w.Want(w.answer(w.challenge(ada), recovery(e.codes[0])), http.StatusUnauthorized, "second_factor_wrong")
	if left := w.factors(p).RecoveryCodesLeft; left != 9 {
		t.Errorf("%d codes are left; want 9", left)
	}
	a := w.as(p, secondfactor.CreateRecoveryCodes(w.Store, w.pseudonyms), nil)
	w.Want(a, http.StatusCreated, "")
	var fresh secondfactor.Codes
	a.Into(t, &fresh)
	w.Want(w.answer(w.challenge(ada), recovery(e.codes[1])), http.StatusUnauthorized, "second_factor_wrong")
	w.tokens(w.answer(w.challenge(ada), recovery(fresh.RecoveryCodes[9])))

	remove := secondfactor.DeleteTotp(w.judge())
	w.Want(w.as(p, remove, map[string]any{}), http.StatusUnauthorized, "second_factor_required")
	w.Want(w.as(p, remove, code("000000")), http.StatusUnauthorized, "second_factor_wrong")
	w.Clock.Advance(totp.Period)
	w.Want(w.as(p, remove, code(w.code(e.seed))), http.StatusNoContent, "")
	w.Want(w.as(p, remove, code(w.code(e.seed))), http.StatusNotFound, "authenticator_app_not_found")
	w.Want(w.as(p, secondfactor.CreateRecoveryCodes(w.Store, w.pseudonyms), nil), http.StatusNotFound, "second_factor_not_found")
	if b := w.factors(p); b.Enrolled || b.RecoveryCodesLeft != 0 || w.gate(p).SecondFactor {
		t.Errorf("the factors are %+v after the app has gone", b)
	}
	w.tokens(w.logIn(ada, phrase))
	want := strings.Repeat("A login from a new device; ", 5) + "A recovery code was used for your account; A recovery code was used for your account; An authenticator app was added to your account; " +
		"The authenticator app was removed from your account; Your recovery codes were renewed"
	if got := w.subjects(ada); got != want {
		t.Errorf("the mails are %s; want %s", got, want)
	}
}

func TestAnEnrolmentAndAChallengeEnd(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	seed := w.begin(p)
	w.Clock.Advance(10 * time.Minute)
	w.Want(w.as(p, secondfactor.ConfirmTotp(w.judge()), code(w.code(seed))), http.StatusNotFound, "enrolment_not_found")
	e := w.enrol(p)
	challenge := w.challenge(ada)
	w.Clock.Advance(5 * time.Minute)
	w.Want(w.answer(challenge, code(w.code(e.seed))), http.StatusUnauthorized, "challenge_invalid")
	w.Want(w.answer("no such challenge", code(w.code(e.seed))), http.StatusUnauthorized, "challenge_invalid")
}

func TestCodesAreGuessedFiveTimesAtOneLogin(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	challenge := w.challenge(ada)
	for range 5 {
		w.Want(w.answer(challenge, code("000000")), http.StatusUnauthorized, "second_factor_wrong")
	}
	w.Want(w.answer(challenge, code(w.code(e.seed))), http.StatusUnauthorized, "challenge_invalid")
	challenge = w.challenge(ada)
	for range 5 {
		w.Want(w.answer(challenge, code("000000")), http.StatusUnauthorized, "second_factor_wrong")
	}
	// Ten codes were guessed: the account takes no more for a while, and still takes a recovery code.
	challenge = w.challenge(ada)
	a := w.answer(challenge, code(w.code(e.seed)))
	w.Want(a, http.StatusTooManyRequests, "too_many_attempts")
	if a.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	w.tokens(w.answer(challenge, recovery(e.codes[0])))
	w.Clock.Advance(15 * time.Minute)
	w.tokens(w.answer(w.challenge(ada), code(w.code(e.seed))))
}

// TestACodeWorksOnceHoweverManyTryIt lets 100 uses of one code, and of one recovery code, meet.
func TestACodeWorksOnceHoweverManyTryIt(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	now := w.code(e.seed)
	for name, proof := range map[string]map[string]any{"code": code(now), "recovery code": recovery(e.codes[0])} {
		challenge := w.challenge(ada)
		got := map[int]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				a := w.answer(challenge, proof)
				mu.Lock()
				defer mu.Unlock()
				got[a.Status]++
			})
		}
		wg.Wait()
		if got[http.StatusOK] != 1 || got[http.StatusOK]+got[http.StatusUnauthorized]+got[http.StatusTooManyRequests] != 100 {
			t.Errorf("100 uses of one %s = %v; want one of them to get in", name, got)
		}
	}
	if n := len(w.gate(e.person).Sessions); n != 3 {
		t.Errorf("%d sessions; want three: that of the enrolment and one for each", n)
	}
}

// TestTheStoreAloneMakesACodeWorkOnce goes past all limits: only the row's version is between 100 users of one code.
func TestTheStoreAloneMakesACodeWorkOnce(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	j := w.judge()
	for name, proof := range map[string]secondfactor.Proof{"code": {Code: w.code(e.seed)}, "recovery code": {RecoveryCode: e.codes[0]}} {
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := 0
		for i := range 100 {
			wg.Go(func() {
				h := w.Store.BindUser(e.user, store.Actor{Who: "test", Request: fmt.Sprint(i)})
				ctx := context.Background()
				err := store.Again(ctx, store.ErrStale, func() error {
					f, err := secondfactor.Of(ctx, h)
					if err != nil {
						return err
					}
					if err := j.Spend(ctx, f, proof, w.Clock.Now()); err != nil {
						return err
					}
					tx := w.Store.Begin()
					f.Write(tx, h)
					return tx.Commit(ctx)
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("one %s was spent %d times", name, won)
		}
	}
}

func TestReauthenticate(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	again := func(body map[string]any) apitest.Answer {
		return w.as(p, auth.Reauthenticate(w.judge(), w.minter), body)
	}
	w.Clock.Advance(10*time.Minute + time.Second)
	a := w.as(p, secondfactor.CreateTotp(w.Store, w.seeds), nil)
	w.Want(a, http.StatusUnauthorized, "reauthentication_required")
	if h := a.Header.Get("WWW-Authenticate"); !strings.Contains(h, `error="insufficient_user_authentication"`) || !strings.Contains(h, `max_age="600"`) {
		t.Errorf("WWW-Authenticate = %s; want that of RFC 9470", h)
	}
	p.tokens = w.tokens(w.refreshToken(p.tokens.RefreshToken)) // a refresh proves nothing
	refresh := p.tokens.RefreshToken
	w.Want(w.as(p, secondfactor.CreateTotp(w.Store, w.seeds), nil), http.StatusUnauthorized, "reauthentication_required")
	w.Want(again(map[string]any{"password": "another phrase altogether"}), http.StatusUnauthorized, "invalid_credentials")
	p.tokens = w.tokens(again(map[string]any{"password": phrase}))
	if p.tokens.RefreshToken != "" || p.tokens.OrganizationID != string(p.org) {
		t.Errorf("the tokens are %+v; want an access token for the same organization alone", p.tokens)
	}
	p.tokens = w.tokens(w.refreshToken(refresh)) // the session remembers
	refresh = p.tokens.RefreshToken
	e := w.enrol(p)

	w.Clock.Advance(10 * time.Minute)
	p.tokens = w.tokens(w.refreshToken(refresh))
	w.Want(again(map[string]any{"password": phrase}), http.StatusUnauthorized, "second_factor_required")
	w.Want(again(map[string]any{"password": phrase, "code": "000000"}), http.StatusUnauthorized, "second_factor_wrong")
	w.Want(w.as(p, secondfactor.DeleteTotp(w.judge()), recovery(e.codes[1])), http.StatusUnauthorized, "reauthentication_required")
	p.tokens = w.tokens(again(map[string]any{"password": phrase, "code": w.code(e.seed)}))
	w.Want(w.as(p, secondfactor.DeleteTotp(w.judge()), recovery(e.codes[1])), http.StatusNoContent, "")
	for range 10 {
		w.Want(again(map[string]any{"password": "another phrase altogether"}), http.StatusUnauthorized, "invalid_credentials")
	}
	w.Want(again(map[string]any{"password": phrase}), http.StatusTooManyRequests, "too_many_attempts")
}

func TestAShortPasswordKeepsItsSecondFactor(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	const little, long = "quite9 short", "a phrase that nobody else uses, longer"
	alone := w.somebody("bob@example.com")
	w.Want(w.change(alone.tokens.AccessToken, phrase, little), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.change(e.tokens.AccessToken, phrase, "short 7"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.change(e.tokens.AccessToken, phrase, little), http.StatusNoContent, "")
	w.Want(w.as(e.person, secondfactor.DeleteTotp(w.judge()), recovery(e.codes[0])), http.StatusConflict, "password_too_short")
	if !w.gate(e.person).SecondFactor || w.factors(e.person).RecoveryCodesLeft != 10 {
		t.Error("the refusal changed something")
	}
	w.Want(w.change(e.tokens.AccessToken, little, long), http.StatusNoContent, "")
	w.Want(w.as(e.person, secondfactor.DeleteTotp(w.judge()), recovery(e.codes[0])), http.StatusNoContent, "")
	if got := w.subjects(ada); !strings.Contains(got, "recovery code was used") || !strings.Contains(got, "app was removed") {
		t.Errorf("the mails are %s; want one about the code and one about the app", got)
	}
}

func TestARestorationTakesTheSecondFactor(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.somebody(ada))
	w.Want(w.delete(e.person, phrase, closing(e.org)), http.StatusAccepted, "")
	token := w.restoreToken(ada)
	restore := func(proof map[string]any) apitest.Answer {
		body := map[string]any{"token": token, "password": phrase}
		for name, v := range proof {
			body[name] = v
		}
		return w.Call(auth.RestoreAccount(w.judge()), apitest.Caller{}, apitest.Request{Body: body})
	}
	w.Want(restore(nil), http.StatusUnauthorized, "second_factor_required")
	w.Want(restore(code("000000")), http.StatusUnauthorized, "second_factor_wrong")
	w.Want(restore(recovery("0000-0000-0000")), http.StatusUnauthorized, "second_factor_wrong")
	w.Want(restore(code(w.code(e.seed))), http.StatusOK, "")
	w.Want(w.answer(w.challenge(ada), code(w.code(e.seed))), http.StatusUnauthorized, "second_factor_wrong") // it was used to restore
	w.tokens(w.answer(w.challenge(ada), recovery(e.codes[0])))
}

// TestWhatIsShownOnceIsNotShownAgain repeats calls under one Idempotency-Key.
func TestWhatIsShownOnceIsNotShownAgain(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	once := func(op api.Operation, body any) (first, second apitest.Answer) {
		r := apitest.Request{Key: "once " + op.ID, Body: body}
		c := apitest.Caller{Token: p.tokens.AccessToken}
		return w.Call(op, c, r), w.Call(op, c, r)
	}
	first, second := once(secondfactor.CreateTotp(w.Store, w.seeds), nil)
	if first.Status != 201 || second.Status != 201 || len(second.Body) != 0 {
		t.Errorf("a repeat = %d %s; want 201 without the seed", second.Status, second.Body)
	}
	var s secondfactor.Seed
	first.Into(t, &s)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.Secret)
	w.must(err)
	first, second = once(secondfactor.ConfirmTotp(w.judge()), code(w.code(seed)))
	if first.Status != 201 || second.Status != 201 || len(second.Body) != 0 {
		t.Errorf("a repeat = %d %s; want 201 without the codes", second.Status, second.Body)
	}
}
