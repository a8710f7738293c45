package auth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/ceremonytest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

var site = virtualwebauthn.RelyingParty{ID: "example.com", Name: "PixelTrack", Origin: "https://app.example.com"}

func (w *world) desk() *ceremony.Desk {
	w.T.Helper()
	p, err := ceremony.NewParty(site.ID, []string{site.Origin})
	w.must(err)
	return &ceremony.Desk{Store: w.Store, Pseudonyms: w.pseudonyms, Party: p}
}

func (w *world) entry() *auth.Entry {
	return &auth.Entry{Store: w.Store, Refresh: w.refresh, Minter: w.minter}
}

// device is an authenticator with one passkey.
type device struct {
	virtualwebauthn.Authenticator
	passkey virtualwebauthn.Credential
}

func newDevice(p person) *device {
	return &device{virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(p.user)}),
		ceremonytest.NewPasskey()}
}

func (w *world) options(a apitest.Answer) string {
	w.T.Helper()
	w.Want(a, http.StatusOK, "")
	var o ceremony.Options
	a.Into(w.T, &o)
	return string(o.PublicKey)
}

// made is what a device answers to the options of a new passkey, at a site.
func (w *world) made(p person, d *device, at virtualwebauthn.RelyingParty) map[string]any {
	w.T.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(w.options(w.as(p, ceremony.CreatePasskeyOptions(w.desk()), nil)))
	w.must(err)
	return map[string]any{"name": "Laptop", "credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(at, d.Authenticator, d.passkey, *o))}
}

// addPasskey adds the passkey of a device, and gives its id with the recovery codes.
func (w *world) addPasskey(p person, d *device) ceremony.Created {
	w.T.Helper()
	a := w.as(p, ceremony.CreatePasskey(w.desk()), w.made(p, d, site))
	w.Want(a, http.StatusCreated, "")
	var c ceremony.Created
	a.Into(w.T, &c)
	return c
}

// ask gives the options of a login, which is the second factor of another when there is a challenge.
func (w *world) ask(challenge string) virtualwebauthn.AssertionOptions {
	w.T.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(w.options(w.Call(ceremony.AskForPasskey(w.desk()), apitest.Caller{}, apitest.Request{Body: map[string]any{"challenge": challenge}})))
	w.must(err)
	return *o
}

// signed is what a device answers to options. Its count of signatures goes up.
func (d *device) signed(o virtualwebauthn.AssertionOptions, at virtualwebauthn.RelyingParty) json.RawMessage {
	d.passkey.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(at, d.Authenticator, d.passkey, o))
}

func (w *world) present(credential json.RawMessage, challenge string) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"credential": credential}
	if challenge != "" {
		body["challenge"] = challenge
	}
	return w.Call(ceremony.LogInWithPasskey(w.desk(), w.entry()), apitest.Caller{}, apitest.Request{Body: body})
}

func TestAPasskey(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	d := newDevice(p)
	made := w.addPasskey(p, d)
	if len(made.RecoveryCodes) != 10 || made.Passkey.Name != "Laptop" || !w.gate(p).SecondFactor {
		t.Errorf("the passkey is %+v; want it with ten recovery codes, as a second factor", made)
	}
	w.tokens(w.present(d.signed(w.ask(""), site), ""))

	// As a second factor its device need not make sure who holds it.
	challenge := w.challenge(ada)
	d.Options.UserNotVerified = true
	w.Want(w.present(d.signed(w.ask(""), site), ""), http.StatusUnauthorized, "passkey_invalid")
	o := w.ask(challenge)
	if len(o.AllowCredentials) != 1 {
		t.Errorf("%d passkeys are asked for; want that of the account", len(o.AllowCredentials))
	}
	w.Want(w.present(d.signed(o, site), ""), http.StatusUnauthorized, "passkey_invalid")
	tokens := w.tokens(w.present(d.signed(w.ask(challenge), site), challenge))
	w.Want(w.me(tokens.AccessToken), http.StatusOK, "")
	w.Want(w.present(d.signed(o, site), challenge), http.StatusUnauthorized, "challenge_invalid")

	w.Clock.Advance(time.Second) // ids of one millisecond do not sort
	second := newDevice(p)
	if more := w.addPasskey(p, second); len(more.RecoveryCodes) != 0 {
		t.Error("the second passkey came with recovery codes")
	}
	name := apitest.Request{Path: "/v1/me/passkeys/" + made.Passkey.ID, Body: map[string]any{"name": "Old laptop"}}
	caller := apitest.Caller{Token: p.tokens.AccessToken}
	w.Want(w.Call(passkeys.UpdatePasskey(w.Store), caller, name), http.StatusOK, "")
	var list passkeys.List
	w.as(p, passkeys.ListPasskeys(), nil).Into(t, &list)
	if len(list.Data) != 2 || list.Data[0].Name != "Old laptop" || list.Data[0].UsedAt == nil || list.Data[1].UsedAt != nil {
		t.Errorf("the passkeys are %+v; want two, the first renamed and used", list.Data)
	}
	if b := w.factors(p); b.Passkeys != 2 || b.RecoveryCodesLeft != 10 || !b.Enrolled {
		t.Errorf("the factors are %+v", b)
	}
	for i, passkey := range list.Data {
		if !w.gate(p).SecondFactor {
			t.Errorf("no second factor with %d passkeys", len(list.Data)-i)
		}
		r := apitest.Request{Path: "/v1/me/passkeys/" + passkey.ID}
		w.Want(w.Call(passkeys.DeletePasskey(w.Store), caller, r), http.StatusNoContent, "")
		w.Want(w.Call(passkeys.DeletePasskey(w.Store), caller, r), http.StatusNotFound, "passkey_not_found")
	}
	if b := w.factors(p); b.Enrolled || b.RecoveryCodesLeft != 0 || w.gate(p).SecondFactor || len(w.of("PASSKEY_LINK")) != 0 {
		t.Errorf("the factors are %+v after the last passkey has gone", b)
	}
	w.Want(w.present(second.signed(w.ask(""), site), ""), http.StatusUnauthorized, "passkey_invalid")
	w.tokens(w.logIn(ada, phrase))
	if got := w.subjects(ada); strings.Count(got, "passkey was added") != 2 || strings.Count(got, "passkey was removed") != 2 {
		t.Errorf("the mails are %s; want two for passkeys added and two for removed", got)
	}
}

// TestALogInByAPasskeyAloneFromANewDeviceIsMailed logs in by a passkey that may have been carried to another device.
func TestALogInByAPasskeyAloneFromANewDeviceIsMailed(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	d := newDevice(p)
	w.addPasskey(p, d)
	const subject = "A login from a new device"
	from := func(token string) string {
		t.Helper()
		return w.tokens(w.Call(ceremony.LogInWithPasskey(w.desk(), w.entry()), apitest.Caller{},
			apitest.Request{Body: map[string]any{"credential": d.signed(w.ask(""), site), "device_token": token}})).DeviceToken
	}
	if got := from(p.tokens.DeviceToken); got != p.tokens.DeviceToken || w.told(ada, subject) != 0 {
		t.Errorf("from a known device the token is %q, and %d mails; want %q and none", got, w.told(ada, subject), p.tokens.DeviceToken)
	}
	again := from("")
	if n := w.told(ada, subject); again == "" || n != 1 {
		t.Errorf("from a new device the token is %q, and %d mails; want one of each", again, n)
	}
	from(again)
	var in auth.LoggedIn
	w.logInWith("192.0.2.77", again, ada, phrase).Into(t, &in)
	if n := w.told(ada, subject); n != 1 || in.DeviceToken != again {
		t.Errorf("%d mails in all after logins from a device that is known by now, whose token becomes %q; want 1, and %q", n, in.DeviceToken, again)
	}
}

// TestAnAccountIsRestoredByItsPasskey deletes an account whose only second factor is a passkey.
func TestAnAccountIsRestoredByItsPasskey(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	d, other := newDevice(p), newDevice(q)
	w.addPasskey(p, d)
	w.addPasskey(q, other)
	w.Want(w.delete(p, phrase, closing(p.org)), http.StatusAccepted, "")
	token := w.restoreToken(ada)
	restore := func(token, secret string, credential json.RawMessage) apitest.Answer {
		return w.Call(ceremony.RestoreAccountWithPasskey(w.desk()), apitest.Caller{},
			apitest.Request{Body: map[string]any{"token": token, "password": secret, "credential": credential}})
	}
	used := d.signed(w.ask(""), site)
	w.Want(w.restore(token, phrase), http.StatusUnauthorized, "second_factor_required")
	w.Want(restore("no link", phrase, used), http.StatusNotFound, "deleted_account_not_found")
	w.Want(restore(token, better, used), http.StatusUnauthorized, "invalid_credentials")
	w.Want(restore(token, phrase, other.signed(w.ask(""), site)), http.StatusUnauthorized, "passkey_invalid")
	w.Want(restore(token, phrase, json.RawMessage(`{"id": 1}`)), http.StatusUnprocessableEntity, "")
	w.Want(w.present(used, ""), http.StatusForbidden, "account_deleted")
	w.Want(restore(token, phrase, d.signed(w.ask(""), site)), http.StatusOK, "")
	w.Want(restore(token, phrase, used), http.StatusNotFound, "deleted_account_not_found")
	w.tokens(w.present(d.signed(w.ask(""), site), ""))
	if gate := w.organizationGate(p.org); gate.Status != access.Active {
		t.Errorf("the organization is %s; want it open again", gate.Status)
	}
}

func TestAPasskeyIsRefused(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	d, other := newDevice(p), newDevice(q)
	w.addPasskey(p, d)
	w.addPasskey(q, other)
	elsewhere := virtualwebauthn.RelyingParty{ID: site.ID, Name: site.Name, Origin: "https://evil.example.com"}
	domain := virtualwebauthn.RelyingParty{ID: "example.org", Name: site.Name, Origin: site.Origin}
	old := w.ask("")
	w.Clock.Advance(5 * time.Minute)
	stranger := newDevice(p)
	impostor := *d
	impostor.passkey.Key = ceremonytest.NewPasskey().Key
	mistaken := *d
	mistaken.Options.UserHandle = []byte(q.user)
	absent := *d
	absent.Options.UserNotPresent = true
	nameless := *d
	nameless.Options.UserHandle = nil
	invented := w.ask("")
	invented.Challenge = []byte("a challenge that nobody made, of 32")
	tests := []struct {
		name       string
		credential json.RawMessage
	}{
		{"another origin", d.signed(w.ask(""), elsewhere)},
		{"another domain", d.signed(w.ask(""), domain)},
		{"an old challenge", d.signed(old, site)},
		{"an invented challenge", d.signed(invented, site)},
		{"an unknown passkey", stranger.signed(w.ask(""), site)},
		{"another key", impostor.signed(w.ask(""), site)},
		{"another user", mistaken.signed(w.ask(""), site)},
		{"no user", nameless.signed(w.ask(""), site)},
		{"nobody present", absent.signed(w.ask(""), site)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.In(t).Want(w.present(tt.credential, ""), http.StatusUnauthorized, "passkey_invalid")
		})
	}
	challenge := w.challenge(ada)
	w.Want(w.present(other.signed(w.ask(challenge), site), challenge), http.StatusUnauthorized, "passkey_invalid") // another's passkey for her login
	for _, text := range []string{`{}`, `"x"`, `[]`, `null`, `1`, `{"id":"x","rawId":"x","type":"public-key","response":{}}`} {
		w.Want(w.present(json.RawMessage(text), ""), http.StatusUnprocessableEntity, "invalid_input")
		w.Want(w.as(p, ceremony.CreatePasskey(w.desk()), map[string]any{"name": "x", "credential": json.RawMessage(text)}), http.StatusUnprocessableEntity, "invalid_input")
	}
	w.tokens(w.present(d.signed(w.ask(""), site), ""))
}

// TestACopiedPasskeyIsRefused signs with a count that does not go up, as a copy does.
func TestACopiedPasskeyIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	d := newDevice(p)
	w.addPasskey(p, d)
	duplicate := *d
	w.tokens(w.present(d.signed(w.ask(""), site), ""))
	w.Want(w.present(duplicate.signed(w.ask(""), site), ""), http.StatusUnauthorized, "passkey_invalid")
	w.tokens(w.present(d.signed(w.ask(""), site), ""))
}

// TestASignatureWorksOnce gives one signature 20 times at once.
func TestASignatureWorksOnce(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	d := newDevice(p)
	w.addPasskey(p, d)
	signed := d.signed(w.ask(""), site)
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[int]int{}
	for range 20 {
		wg.Go(func() {
			a := w.present(signed, "")
			mu.Lock()
			defer mu.Unlock()
			got[a.Status]++
		})
	}
	wg.Wait()
	if got[http.StatusOK] != 1 || got[http.StatusUnauthorized] != 19 {
		t.Errorf("20 uses of one signature = %v; want one that gets in", got)
	}
}

func TestAPasskeyIsAddedOnce(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	d := newDevice(p)
	add := ceremony.CreatePasskey(w.desk())
	elsewhere := virtualwebauthn.RelyingParty{ID: site.ID, Name: site.Name, Origin: "https://evil.example.com"}
	w.Want(w.as(p, add, w.made(p, d, elsewhere)), http.StatusUnauthorized, "passkey_invalid")
	body := w.made(p, d, site)
	w.Want(w.as(q, add, body), http.StatusUnauthorized, "passkey_invalid") // a challenge for another person
	late := w.made(p, d, site)
	w.Clock.Advance(5 * time.Minute)
	w.Want(w.as(p, add, late), http.StatusUnauthorized, "passkey_invalid")
	body = w.made(p, d, site)
	w.Want(w.as(p, add, body), http.StatusCreated, "")
	w.Want(w.as(p, add, body), http.StatusUnauthorized, "passkey_invalid") // the challenge is used
	w.Want(w.as(q, add, w.made(q, d, site)), http.StatusConflict, "passkey_taken")
	w.Want(w.as(p, add, w.made(p, d, site)), http.StatusConflict, "passkey_taken")
	if b := w.factors(p); b.Passkeys != 1 {
		t.Errorf("%d passkeys are counted; want 1", b.Passkeys)
	}
	if b := w.factors(q); b.Enrolled {
		t.Errorf("the other's factors are %+v; want none", b)
	}
	for range 19 {
		w.addPasskey(p, newDevice(p))
	}
	w.Want(w.as(p, ceremony.CreatePasskeyOptions(w.desk()), nil), http.StatusConflict, "too_many_passkeys")
	w.Clock.Advance(5*time.Minute + time.Second)
	for _, op := range []struct {
		path string
		call func(apitest.Caller, apitest.Request) apitest.Answer
	}{
		{"/v1/me/passkeys/options", func(c apitest.Caller, r apitest.Request) apitest.Answer {
			return w.Call(ceremony.CreatePasskeyOptions(w.desk()), c, r)
		}},
		{"/v1/me/passkeys/psk_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", func(c apitest.Caller, r apitest.Request) apitest.Answer {
			return w.Call(passkeys.DeletePasskey(w.Store), c, r)
		}},
	} {
		w.Want(op.call(apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: op.path}), http.StatusUnauthorized, "reauthentication_required")
	}
}

func TestAPasskeyProvesAgain(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	d, other := newDevice(p), newDevice(q)
	w.addPasskey(p, d)
	w.addPasskey(q, other)
	w.Clock.Advance(10*time.Minute + time.Second)
	options := func() apitest.Answer { return w.as(p, ceremony.CreatePasskeyOptions(w.desk()), nil) }
	again := func(d *device) apitest.Answer {
		return w.as(p, ceremony.ReauthenticateWithPasskey(w.desk(), w.entry()), map[string]any{"credential": d.signed(w.ask(""), site)})
	}
	w.Want(options(), http.StatusUnauthorized, "reauthentication_required")
	w.Want(again(other), http.StatusUnauthorized, "passkey_invalid") // another's
	unverified := *d
	unverified.Options.UserNotVerified = true
	w.Want(again(&unverified), http.StatusUnauthorized, "passkey_invalid")
	p.tokens = w.tokens(again(d))
	if p.tokens.RefreshToken != "" {
		t.Error("a proof gave a refresh token")
	}
	w.Want(options(), http.StatusOK, "")
}

// TestAnothersPasskeyIsNotThere asks for a passkey of somebody else.
func TestAnothersPasskeyIsNotThere(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody("bob@example.com")
	made := w.addPasskey(p, newDevice(p))
	c, r := apitest.Caller{Token: q.tokens.AccessToken}, apitest.Request{Path: "/v1/me/passkeys/" + made.Passkey.ID}
	w.Want(w.Call(passkeys.DeletePasskey(w.Store), c, r), http.StatusNotFound, "passkey_not_found")
	r.Body = map[string]any{"name": "Mine"}
	w.Want(w.Call(passkeys.UpdatePasskey(w.Store), c, r), http.StatusNotFound, "passkey_not_found")
	r.Path = "/v1/me/passkeys/nonsense"
	w.Want(w.Call(passkeys.UpdatePasskey(w.Store), c, r), http.StatusNotFound, "passkey_not_found")
}

func TestAShortPasswordKeepsItsPasskey(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	made := w.addPasskey(p, newDevice(p))
	tx := w.Store.Begin()
	tx.Change(w.Store.BindUser(p.user, store.Actor{Who: "test"}), account.CredentialKey(p.user), func(u *dynamo.Update) { u.Set("short", true) })
	w.must(tx.Commit(context.Background()))
	c, r := apitest.Caller{Token: p.tokens.AccessToken}, apitest.Request{Path: "/v1/me/passkeys/" + made.Passkey.ID}
	w.Want(w.Call(passkeys.DeletePasskey(w.Store), c, r), http.StatusConflict, "password_too_short")
	w.Want(w.as(p, secondfactor.GetSecondFactors(), nil), http.StatusOK, "")
}

func FuzzAssertion(f *testing.F) {
	d := &device{virtualwebauthn.NewAuthenticator(), ceremonytest.NewPasskey()}
	good := d.signed(virtualwebauthn.AssertionOptions{Challenge: []byte("a challenge of more than 16 bytes"), RelyingPartyID: site.ID}, site)
	f.Add([]byte(good))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"` + base64.RawURLEncoding.EncodeToString([]byte(`{"type":"webauthn.get"}`)) + `"}}`))
	w := &world{World: apitest.New(f)}
	w.minter = &auth.Minter{Issuer: "https://test.example.com", Store: w.Store, Signers: map[string]keys.SignFunc{"first": w.sign}}
	_, private, err := ed25519.GenerateKey(nil)
	w.must(err)
	w.private = private
	w.must(w.run(w.rotate("first")))
	f.Fuzz(func(t *testing.T, credential []byte) {
		if !json.Valid(credential) {
			return
		}
		sub := *w
		sub.World = w.In(t)
		if a := sub.present(credential, ""); a.Status == http.StatusOK || a.Status >= 500 {
			t.Errorf("a made-up passkey %s = %d %s", credential, a.Status, a.Body)
		}
	})
}

// TestSecondFactorsAreErasedWithTheirAccount looks for what an erased person leaves.
func TestSecondFactorsAreErasedWithTheirAccount(t *testing.T) {
	w := newWorld(t)
	engine := privacy.NewEngine(w.Store, nil, new(blobtest.Bucket), keystest.Envelope(w.Clock.Now), w.pseudonyms, w.Clock.Now)
	e := w.enrol(w.somebody(ada))
	d := newDevice(e.person)
	w.addPasskey(e.person, d)
	w.challenge(ada)
	w.ask("")
	w.Want(w.delete(e.person, phrase, closing(e.org)), http.StatusAccepted, "")
	w.Want(w.present(d.signed(w.ask(""), site), ""), http.StatusForbidden, "account_deleted")
	w.Clock.Advance(time.Minute)
	w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
	w.Clock.Advance(30 * 24 * time.Hour)
	w.must(w.run(privacy.SweepRetention(engine)))
	for _, kind := range []string{"SECOND_FACTOR", "ENROLMENT", "PASSKEY", "PASSKEY_LINK"} {
		if n := len(w.of(kind)); n != 0 {
			t.Errorf("%d rows of %s are left", n, kind)
		}
	}
	w.Want(w.present(d.signed(w.ask(""), site), ""), http.StatusUnauthorized, "passkey_invalid")
}
