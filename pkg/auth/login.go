package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// LogInIn is the input of log-in.
type LogInIn struct{ Body LogInBody }

// LogInBody is what a person logs in with.
type LogInBody struct {
	Email    string `json:"email" maxLength:"254" example:"ada@example.com"`
	Password string `json:"password" maxLength:"1024" example:"a phrase that nobody else uses"`
	Device   string `json:"device_token,omitempty" maxLength:"200" doc:"From an earlier login on this device, unless the cookie __Host-device is sent. A known device is never locked out by guesses made elsewhere." example:"dvt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.1772442000.…"`
	Manner
}

// LoggedIn is what a login answers: tokens, or a challenge when a second factor is awaited.
type LoggedIn struct {
	Tokens
	SecondFactorRequired bool     `json:"second_factor_required" doc:"Whether the login waits for the second factor; then there are no tokens yet."`
	Methods              []string `json:"methods,omitempty" doc:"The ways to show it: totp, passkey, recovery_code." example:"[\"totp\",\"recovery_code\"]"`
	Challenge            string   `json:"challenge,omitempty" doc:"Continues the login, once, within five minutes, at /v1/auth/login/second-factor." example:"X5N2ZK7QW3HT6YB4RJ9DMCVGAE"`
}

// LogInOut is the answer of log-in.
type LogInOut struct{ Body LoggedIn }

// tooManyAttempts documents the refusal of a route that is guarded.
func tooManyAttempts() api.Refusal {
	kind, code, when := guard.Refusal()
	return api.Refusal{Kind: kind, Code: code, When: when}
}

func keysNotReady() api.Refusal {
	return api.Refusal{Kind: problem.Unavailable, Code: "keys_not_ready", When: "No signing key is registered yet."}
}

// LogIn begins a session. An address without an account costs the same and is answered the same as a wrong password.
func LogIn(st *store.Store, pseudonyms keys.Pseudonyms, refresh keys.Links, minter *Minter) api.Operation {
	return api.New(api.Route{
		ID: "log-in", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/login", Audience: api.Public, Audit: true,
		Summary: "Log in", Purpose: purpose.Authentication,
		Description: "Begins a session in the user's first organization. Of an account with a second factor the answer is a challenge instead, and tokens come from log-in-second-factor. " +
			"A user has at most 50 sessions; one more ends the oldest. A login from a device that is not known is mailed.",
		ExampleIn: LogInBody{Email: "ada@example.com", Password: "a phrase that nobody else uses"}, ExampleOut: LoggedIn{Tokens: exampleTokens()},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "The address or the password is wrong."},
			accountDeleted(), tooManyAttempts(), keysNotReady(), CrossSite(),
		},
	}, func(ctx context.Context, c *api.Caller, in *LogInIn) (*LogInOut, error) {
		if err := in.Body.OwnSite(c); err != nil {
			return nil, err
		}
		if err := minter.Ready(ctx); err != nil {
			return nil, err
		}
		hash := account.HashOf(pseudonyms, in.Body.Email)
		from := deviceOf(c, refresh, hash, in.Body.Device)
		attempts := guardLogIn(st, pseudonyms, c, hash, from)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		user, err := userOf(ctx, st, c, hash)
		if err != nil {
			return nil, err
		}
		h := st.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
		h.SeeRestricted()
		cred, gate, err := credentialOf(ctx, st, h)
		if err != nil {
			return nil, err
		}
		ok, outdated := password.Verify(cred.PasswordHash, in.Body.Password)
		if !ok {
			blur(ctx)
			return nil, invalidCredentials()
		}
		if gate.Deleted != 0 {
			return nil, errDeleted()
		}
		if gate.SecondFactor {
			out, err := challenge(ctx, st, h, c, attempts, &secondfactor.Challenge{User: user, Credential: cred.Version, NewDevice: !from.known()})
			if err != nil {
				return nil, err
			}
			out.Body.DeviceToken = from.remember(c, refresh, hash, string(api.NewID[id.Session](c)), in.Body.Manner)
			return out, nil
		}
		if outdated {
			cred.PasswordHash = password.Hash(in.Body.Password)
		}
		memberships, err := account.Memberships(ctx, h)
		if err != nil {
			return nil, err
		}
		belongings, err := account.Belongings(ctx, st, h.Actor(), memberships)
		if err != nil {
			return nil, err
		}
		s := newSession(c, user)
		var first *account.Belonging
		if len(belongings) > 0 {
			first = &belongings[0]
			s.Organization, s.Member = first.Organization, first.Member
		}
		if err := begin(ctx, st, h, c, gate, s, attempts, from, cred, outdated); err != nil {
			return nil, err
		}
		if err := attempts.Succeeded(ctx); err != nil {
			return nil, err
		}
		out, err := minter.answer(ctx, c, s, first, refreshToken(refresh, user, s.ID, s.Counter), in.Body.Cookies)
		if err != nil {
			return nil, err
		}
		out.Body.DeviceToken = from.remember(c, refresh, hash, string(s.ID), in.Body.Manner)
		return &LogInOut{Body: LoggedIn{Tokens: out.Body}}, nil
	})
}

// blurred is how long a refused login waits at most. The table takes some 0.1 ms longer for rows that are there than for none,
// which the wait hides: it is of a random length, and longer than all else that differs.
const blurred = 15 * time.Millisecond

// blur waits for a random time.
func blur(ctx context.Context) {
	select {
	case <-time.After(rand.N(blurred)):
	case <-ctx.Done():
	}
}

func invalidCredentials() error {
	return problem.Of(problem.Unauthenticated, "invalid_credentials", "The address or the password is wrong.")
}

// userOf finds the user of an address by its hash; an unknown one gives a user who is not there.
func userOf(ctx context.Context, st *store.Store, c *api.Caller, hash string) (id.User, error) {
	marker, err := store.Get[account.Address](ctx, st.BindPlatform(c.Actor()), store.MailLookup(hash))
	if errors.Is(err, store.ErrMissing) {
		return api.NewID[id.User](c), nil
	}
	if err != nil {
		return "", err
	}
	return marker.User, nil
}

// credentialOf reads what proves a user, and their gate. Of a user who is not there both are empty.
func credentialOf(ctx context.Context, st *store.Store, h *store.User) (*account.Credential, *access.UserGate, error) {
	cred, gate := new(account.Credential), new(access.UserGate)
	fetches := []*store.Fetch{{Through: h, Key: account.CredentialKey(h.ID), Row: cred}, {Through: h, Key: access.UserGateKey(h.ID), Row: gate}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, nil, err
	}
	for _, f := range fetches {
		if errors.Is(f.Err, store.ErrMissing) {
			return new(account.Credential), new(access.UserGate), nil
		}
		if f.Err != nil {
			return nil, nil, f.Err
		}
	}
	return cred, gate, nil
}

// begin writes a new session.
func begin(ctx context.Context, st *store.Store, h *store.User, c *api.Caller, gate *access.UserGate, s *Session, attempts logInGuard, from device, cred *account.Credential, outdated bool) error {
	for range meetings {
		news := !from.known() && gate.Version > 1 // the first login after a sign-up is none
		tx := st.Begin()
		for _, old := range admit(gate, s, c.Now) {
			tx.DeleteKey(h, SessionKey(h.ID, old), "")
		}
		notices.FirstUse(tx, h, gate, c.Now)
		tx.Replace(h, gate)
		s.Version = 0
		tx.Create(h, s)
		attempts.Forget(tx)
		if news {
			outbox.Queue(tx, h, MailNewDevice, store.Join(MailNewDevice, string(s.ID)), nil)
		}
		c.AuditFor(tx, h, string(s.ID), "done")
		if outdated {
			tx.Replace(h, cred)
		}
		err := tx.Commit(ctx)
		if !errors.Is(err, store.ErrStale) {
			return err
		}
		if cred, gate, err = credentialOf(ctx, st, h); err != nil {
			return err
		}
		if gate.User == "" || gate.Deleted != 0 || gate.SecondFactor { // enrolled since the password was judged
			return invalidCredentials()
		}
		outdated = false
	}
	return store.ErrConflict
}
