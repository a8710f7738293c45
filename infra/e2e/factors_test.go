package e2e_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/ceremonytest"
	"pixeltrack.io/platform/pkg/secondfactor/totp"
)

// app is an authenticator app with the recovery codes of its account.
type app struct {
	seed  []byte
	codes []string
}

func (a app) code() string { return totp.Code(a.seed, totp.Step(cloud.Clock.Now())) }

// recovery gives a recovery code that was not given before.
func (a *app) recovery() string {
	c := a.codes[0]
	a.codes = a.codes[1:]
	return c
}

// seed begins to enrol an app.
func (c *caller) seed() app {
	c.t.Helper()
	secret := c.must(201, journey.Call{Method: "POST", Path: "/v1/me/second-factors/totp"}).Text("secret")
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		c.t.Fatal(err)
	}
	return app{seed: seed}
}

// enrol gives the account an app.
func (c *caller) enrol() *app {
	c.t.Helper()
	a := c.seed()
	a.codes = c.confirmed(c.must(201, journey.Call{Method: "POST", Path: "/v1/me/second-factors/totp/confirm", Body: map[string]any{"code": a.code()}}))
	return &a
}

// confirmed gives the recovery codes of an answer.
func (c *caller) confirmed(a journey.Answer) []string {
	c.t.Helper()
	codes := strings.Fields(strings.Trim(a.Text("recovery_codes"), "[]"))
	if len(codes) != 10 {
		c.t.Fatalf("%d recovery codes; want ten: %s", len(codes), a.Body)
	}
	return codes
}

// challenge logs in with the password of an account that has a second factor.
func (c *caller) challenge() string {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "POST", Path: "/v1/auth/login", Token: "none", Body: map[string]any{"email": c.person.Email, "password": c.person.Password}})
	if a.Text("second_factor_required") != "true" || a.Text("challenge") == "" || a.Text("access_token") != "" {
		c.t.Fatalf("a login with a second factor = %s; want a challenge and no tokens", a.Body)
	}
	return a.Text("challenge")
}

func factorSteps() []step {
	return []step{
		{operation: "get-second-factors", status: 200, prepare: get("/v1/me/second-factors")},
		{operation: "create-totp", status: 201, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/me/second-factors/totp", Key: "key-" + unique()}
		}},
		{operation: "confirm-totp", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			a := p.seed()
			return journey.Call{Method: "POST", Path: "/v1/me/second-factors/totp/confirm", Body: map[string]any{"code": a.code()}, Key: "key-" + unique()}
		}},
		{operation: "delete-totp", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "DELETE", Path: "/v1/me/second-factors/totp", Body: map[string]any{"recovery_code": p.enrol().recovery()}}
		}, again: []int{404}},
		{operation: "create-recovery-codes", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			p.enrol()
			return journey.Call{Method: "POST", Path: "/v1/me/second-factors/recovery-codes", Key: "key-" + unique()}
		}},
		{operation: "log-in-second-factor", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			a := p.enrol()
			return journey.Call{Method: "POST", Path: "/v1/auth/login/second-factor", Body: map[string]any{"challenge": p.challenge(), "recovery_code": a.recovery()}}
		}, again: []int{401}},
		{operation: "reauthenticate", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			a := p.enrol()
			return journey.Call{Method: "POST", Path: "/v1/auth/reauthenticate", Body: map[string]any{"password": p.person.Password, "recovery_code": a.recovery()}}
		}, again: []int{401}},
	}
}

// TestASecondFactor follows an authenticator app from its seed to the mail about its end, with the store's roles between.
func TestASecondFactor(t *testing.T) {
	p := signUp(t)
	a := p.enrol()
	used := a.code()
	from := map[string]string{"X-Local-Viewer": "198.51.100.8"}
	answer := func(challenge string, body map[string]any) journey.Answer {
		body["challenge"] = challenge
		return p.call(journey.Call{Method: "POST", Path: "/v1/auth/login/second-factor", Token: "none", Headers: from, Body: body})
	}
	challenge := p.challenge()
	if got := answer(challenge, map[string]any{"code": used}); got.Status != 401 || got.Code() != "second_factor_wrong" {
		t.Errorf("the code that enrolled = %d %s; want 401 second_factor_wrong", got.Status, got.Body)
	}
	cloud.Move(func(c *simclock.Clock) { c.Advance(totp.Period) })
	next := a.code()
	var got tally
	atOnce(100, func(int) { got.add(answer(challenge, map[string]any{"code": next})) })
	if got.by["200 "] != 1 {
		t.Errorf("100 uses of one code = %v; want one that gets in", got.by)
	}
	code := a.recovery()
	challenge = p.challenge()
	got = tally{}
	atOnce(100, func(int) { got.add(answer(challenge, map[string]any{"recovery_code": code})) })
	if got.by["200 "] != 1 {
		t.Errorf("100 uses of one recovery code = %v; want one that gets in", got.by)
	}
	renewed := p.confirmed(p.must(201, journey.Call{Method: "POST", Path: "/v1/me/second-factors/recovery-codes"}))

	cloud.Move(func(c *simclock.Clock) { c.Advance(11 * time.Minute) })
	removal := journey.Call{Method: "DELETE", Path: "/v1/me/second-factors/totp", Body: map[string]any{"code": a.code()}}
	if stale := p.must(401, removal); stale.Code() != "reauthentication_required" || !strings.Contains(stale.Header.Get("WWW-Authenticate"), `max_age="600"`) {
		t.Errorf("a stale proof = %s, %s", stale.Body, stale.Header.Get("WWW-Authenticate"))
	}
	p.token = p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/reauthenticate",
		Body: map[string]any{"password": p.person.Password, "recovery_code": renewed[0]}}).Text("access_token")
	for range 10 { // more guesses than the account takes
		p.call(journey.Call{Method: "DELETE", Path: "/v1/me/second-factors/totp", Body: map[string]any{"code": "000000"}})
	}
	p.must(http.StatusTooManyRequests, removal)
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/me/second-factors/totp", Body: map[string]any{"recovery_code": renewed[1]}})
	p.logIn()
	p.settle()
	for _, subject := range []string{"app was added", "recovery code was used", "codes were renewed", "app was removed"} {
		if len(p.mails(subject)) == 0 {
			t.Errorf("no mail says that an %s", subject)
		}
	}
}

// TestARestorationAsksForTheSecondFactor restores an account that has one.
func TestARestorationAsksForTheSecondFactor(t *testing.T) {
	p := signUp(t)
	a := p.enrol()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	body := map[string]any{"token": p.mailToken("delet"), "password": p.person.Password}
	restore := journey.Call{Method: "POST", Path: "/v1/auth/restore", Token: "none", Body: body}
	if got := p.must(401, restore); got.Code() != "second_factor_required" {
		t.Errorf("without a second factor = %s", got.Body)
	}
	body["code"] = "000000"
	if got := p.must(401, restore); got.Code() != "second_factor_wrong" {
		t.Errorf("with a wrong code = %s", got.Body)
	}
	delete(body, "code")
	body["recovery_code"] = a.recovery()
	p.must(200, restore)
}

// website is the web app as the local stack knows it.
var website = virtualwebauthn.RelyingParty{ID: "localhost", Name: "PixelTrack", Origin: "http://localhost:3000"}

// device is an authenticator with one passkey.
type device struct {
	virtualwebauthn.Authenticator
	passkey virtualwebauthn.Credential
}

func (c *caller) newDevice() *device {
	return &device{virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(c.user)}),
		ceremonytest.NewPasskey()}
}

// options gives the options of an answer, as a browser reads them.
func (c *caller) options(a journey.Answer) string {
	c.t.Helper()
	var body struct {
		PublicKey json.RawMessage `json:"public_key"`
	}
	if err := json.Unmarshal(a.Body, &body); err != nil {
		c.t.Fatal(err)
	}
	return string(body.PublicKey)
}

// newPasskey is the body that adds the passkey of a device.
func (c *caller) newPasskey(d *device) map[string]any {
	c.t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(c.options(c.must(200, journey.Call{Method: "POST", Path: "/v1/me/passkeys/options"})))
	if err != nil {
		c.t.Fatal(err)
	}
	return map[string]any{"name": "Laptop", "credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(website, d.Authenticator, d.passkey, *o))}
}

// addPasskey adds a passkey and gives its device and path.
func (c *caller) addPasskey() (*device, string) {
	c.t.Helper()
	d := c.newDevice()
	a := c.must(201, journey.Call{Method: "POST", Path: "/v1/me/passkeys", Body: c.newPasskey(d)})
	return d, "/v1/me/passkeys/" + a.Text("passkey.id")
}

// signed is the body of a login by a device's passkey: alone, or as the second factor of a login with a challenge.
func (c *caller) signed(d *device, challenge string) map[string]any {
	c.t.Helper()
	body := map[string]any{}
	if challenge != "" {
		body["challenge"] = challenge
	}
	o, err := virtualwebauthn.ParseAssertionOptions(c.options(c.must(200, journey.Call{Method: "POST", Path: "/v1/auth/passkeys/options", Token: "none", Body: body})))
	if err != nil {
		c.t.Fatal(err)
	}
	d.passkey.Counter++
	body["credential"] = json.RawMessage(virtualwebauthn.CreateAssertionResponse(website, d.Authenticator, d.passkey, *o))
	return body
}

func passkeySteps() []step {
	return []step{
		{operation: "list-passkeys", status: 200, prepare: get("/v1/me/passkeys")},
		{operation: "create-passkey-options", status: 200, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/me/passkeys/options", Key: "key-" + unique()}
		}},
		{operation: "create-passkey", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/me/passkeys", Body: p.newPasskey(p.newDevice()), Key: "key-" + unique()}
		}, check: func(_ testing.TB, p *caller) error {
			if n := p.must(200, journey.Call{Method: "GET", Path: "/v1/me/second-factors"}).Text("passkeys"); n != "1" {
				return fmt.Errorf("%s passkeys are counted; want 1", n)
			}
			return nil
		}},
		{operation: "update-passkey", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			_, path := p.addPasskey()
			return journey.Call{Method: "PATCH", Path: path, Body: map[string]any{"name": "Old laptop"}}
		}},
		{operation: "delete-passkey", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			_, path := p.addPasskey()
			return journey.Call{Method: "DELETE", Path: path}
		}, again: []int{404}},
		{operation: "ask-for-passkey", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			p.addPasskey()
			return journey.Call{Method: "POST", Path: "/v1/auth/passkeys/options", Body: map[string]any{"challenge": p.challenge()}}
		}},
		{operation: "log-in-with-passkey", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			d, _ := p.addPasskey()
			return journey.Call{Method: "POST", Path: "/v1/auth/passkeys/login", Body: p.signed(d, p.challenge())}
		}, again: []int{401}},
		{operation: "restore-account-with-passkey", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			d, _ := p.addPasskey()
			p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
			body := p.signed(d, "")
			body["token"], body["password"] = p.mailToken("delet"), p.person.Password
			return journey.Call{Method: "POST", Path: "/v1/auth/passkeys/restore", Body: body}
		}, again: []int{401, 404}},
		{operation: "reauthenticate-with-passkey", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			d, _ := p.addPasskey()
			return journey.Call{Method: "POST", Path: "/v1/auth/passkeys/reauthenticate", Body: p.signed(d, "")}
		}, again: []int{401}},
	}
}

// TestAPasskeyLogsIn adds a passkey, logs in by it alone and as a second factor, and takes it away.
func TestAPasskeyLogsIn(t *testing.T) {
	p := signUp(t)
	d, path := p.addPasskey()
	login := func(body map[string]any) journey.Call {
		return journey.Call{Method: "POST", Path: "/v1/auth/passkeys/login", Token: "none", Body: body}
	}
	alone := login(p.signed(d, ""))
	var got tally
	atOnce(20, func(int) { got.add(p.call(alone)) })
	if got.by["200 "] != 1 || got.by["401 passkey_invalid"] != 19 {
		t.Errorf("20 uses of one signature = %v; want one that gets in", got.by)
	}
	p.token = p.must(200, login(p.signed(d, p.challenge()))).Text("access_token")
	twin := *d
	p.must(200, login(p.signed(d, "")))
	if a := p.must(401, login(p.signed(&twin, ""))); a.Code() != "passkey_invalid" {
		t.Errorf("a copy of the passkey = %s", a.Body)
	}
	cloud.Move(func(c *simclock.Clock) { c.Advance(11 * time.Minute) })
	removal := journey.Call{Method: "DELETE", Path: path}
	if stale := p.must(401, removal); stale.Code() != "reauthentication_required" {
		t.Errorf("a stale proof = %s", stale.Body)
	}
	p.token = p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/passkeys/reauthenticate", Body: p.signed(d, "")}).Text("access_token")
	p.must(204, removal)
	p.must(401, login(p.signed(d, "")))
	p.logIn()
	p.settle()
	for _, subject := range []string{"passkey was added", "passkey was removed"} {
		if len(p.mails(subject)) != 1 {
			t.Errorf("%d mails say that a %s", len(p.mails(subject)), subject)
		}
	}
}

// TestALoginMakesRoomWhateverItIsBy fills a gate with sessions, and logs in by code and by passkey.
func TestALoginMakesRoomWhateverItIsBy(t *testing.T) {
	p := signUp(t)
	a := p.enrol()
	d, _ := p.addPasskey()
	k := access.UserGateKey(id.User(p.user))
	row := p.row(k)
	sessions, _ := row["sessions"].(map[string]any)
	source := id.NewSource(cloud.Clock.Now)
	for i := len(sessions); i < access.MaxSessions; i++ {
		sessions[string(id.New[id.Session](source))] = cloud.Clock.Now().AddDate(2, 0, i).Unix()
	}
	first := p.token
	p.put(k, "USERGATE", map[string]any{"user": p.user, "sessions": sessions, "second_factor": true})
	p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/login/second-factor", Token: "none", Body: map[string]any{"challenge": p.challenge(), "recovery_code": a.recovery()}})
	p.must(401, journey.Call{Method: "GET", Path: "/v1/me", Token: first})
	p.token = p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/passkeys/login", Token: "none", Body: p.signed(d, "")}).Text("access_token")
	p.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
}

// TestForgedTokensAreRefused signs access tokens as an attacker can, who knows the public keys and one good token.
func TestForgedTokensAreRefused(t *testing.T) {
	p := signUp(t)
	parts := strings.Split(p.token, ".")
	key, err := base64.RawURLEncoding.DecodeString(p.must(200, journey.Call{Method: "GET", Path: "/.well-known/jwks.json"}).Text("keys.0.x"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	with := func(replace ...string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.NewReplacer(replace...).Replace(string(head)))) + "." + parts[1]
	}
	hmacked := func(text string) string {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	signed := func(text string) string {
		return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(own, []byte(text)))
	}
	jwk := `"jwk":{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(own.Public().(ed25519.PublicKey)) + `"},"kid"`
	tests := []struct{ name, token string }{
		{"no algorithm", with("EdDSA", "none") + "."},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"the public key as a secret", hmacked(with("EdDSA", "HS256"))},
		{"a key of one's own", signed(with())},
		{"a key of one's own in the header", signed(with(`"kid"`, jwk))},
		{"a key by address", signed(with(`"kid"`, `"jku":"https://evil.example.com/jwks.json","kid"`))},
		{"a key id that is a path", signed(with(`"kid":"`, `"kid":"../../../../proc/self/environ`))},
		{"another type", with("at+jwt", "JWT") + "." + parts[2]},
		{"a refresh token", p.refresh},
	}
	for _, tt := range tests {
		if a := p.call(journey.Call{Method: "GET", Path: "/v1/me", Token: tt.token}); a.Status != 401 || a.Code() != "token_invalid" {
			t.Errorf("%s = %d %s; want 401 token_invalid", tt.name, a.Status, a.Body)
		}
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
}

// TestAProofIsLimitedByPlace guesses the password of a session's person, and then shows it with a code.
func TestAProofIsLimitedByPlace(t *testing.T) {
	p := signUp(t)
	a := p.enrol()
	cloud.Move(func(c *simclock.Clock) { c.Advance(totp.Period) })
	guess := journey.Call{Method: "POST", Path: "/v1/auth/reauthenticate", Headers: map[string]string{"X-Local-Viewer": "198.51.100.9"},
		Body: map[string]any{"password": "not the password of anybody"}}
	for range 10 {
		p.must(401, guess)
	}
	if got := p.must(429, guess); got.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	p.token = p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/reauthenticate",
		Body: map[string]any{"password": p.person.Password, "code": a.code()}}).Text("access_token")
	p.must(201, journey.Call{Method: "POST", Path: "/v1/me/second-factors/recovery-codes"})
}

// TestTwinsAreShownOnce makes each call that shows something once many times at the same moment, under one key.
func TestTwinsAreShownOnce(t *testing.T) {
	for _, s := range append(factorSteps(), passkeySteps()...) {
		p := signUp(t)
		c := s.prepare(p)
		if c.Key == "" {
			continue
		}
		var got tally
		var shown atomic.Int64
		for round := 0; round < 5 && got.by[fmt.Sprint(s.status, " ")] < 2; round++ { // until a twin has met its first
			got = tally{}
			shown.Store(0)
			atOnce(12, func(int) {
				a := p.call(c)
				got.add(a)
				if a.Status == s.status && len(a.Body) > 0 {
					shown.Add(1)
				}
			})
			c.Key = "key-" + unique()
			if shown.Load() != 1 {
				t.Errorf("%s: 12 twins = %v, shown to %d; want 1", s.operation, got.by, shown.Load())
			}
			for answer := range got.by {
				if answer != fmt.Sprint(s.status, " ") && !strings.HasPrefix(answer, "409 ") && !strings.HasPrefix(answer, "503 busy") && answer != "401 passkey_invalid" && answer != "404 enrolment_not_found" {
					t.Errorf("%s: among 12 twins %s", s.operation, answer)
				}
			}
			if s.alone {
				break
			}
		}
	}
}
