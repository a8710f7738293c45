package auth

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// SecondFactorIn is the input of log-in-second-factor.
type SecondFactorIn struct{ Body SecondFactorBody }

// SecondFactorBody continues a login.
type SecondFactorBody struct {
	Challenge string `json:"challenge" minLength:"1" maxLength:"200" doc:"From the answer of log-in. It can be tried five times, within five minutes, and works once." example:"X5N2ZK7QW3HT6YB4RJ9DMCVGAE"`
	secondfactor.Proof
	Manner
}

// LogInSecondFactor begins the session of a login whose password was right.
func LogInSecondFactor(j *secondfactor.Judge, refresh keys.Links, minter *Minter) api.Operation {
	return api.New(api.Route{
		ID: "log-in-second-factor", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/login/second-factor", Audience: api.Public, Audit: true,
		Summary: "Log in: the second factor", Purpose: purpose.Authentication,
		Description: "Begins the session of a login that log-in answered with a challenge, by a code of the authenticator app or a recovery code. A passkey continues it at /v1/auth/passkeys/login.",
		ExampleIn:   SecondFactorBody{Challenge: "X5N2ZK7QW3HT6YB4RJ9DMCVGAE", Proof: secondfactor.Proof{Code: "287082"}}, ExampleOut: exampleTokens(),
		Refusals: append(append(secondfactor.Refusals(), secondfactor.ChallengeRefusal()), EntryRefusals()...),
	}, func(ctx context.Context, c *api.Caller, in *SecondFactorIn) (*TokensOut, error) {
		if err := in.Body.OwnSite(c); err != nil {
			return nil, err
		}
		if err := minter.Ready(ctx); err != nil {
			return nil, err
		}
		proof := in.Body.Proof
		login, err := secondfactor.Find(ctx, j.Store, c, in.Body.Challenge)
		if err != nil {
			return nil, err
		}
		attempts, err := j.Attempt(ctx, c, login.User, proof)
		if err != nil {
			return nil, err
		}
		if err := login.Try(ctx); err != nil {
			return nil, err
		}
		e := &Entry{Store: j.Store, Refresh: refresh, Minter: minter}
		return e.Enter(ctx, c, login.User, in.Body.Manner, login.NewDevice, func(ctx context.Context, tx *store.Tx, h *store.User, f *secondfactor.Factors) error {
			if err := j.Spend(ctx, f, proof, c.Now); err != nil {
				return err
			}
			f.Spent(tx, h, proof, attempts)
			login.Done(tx, h, account.CredentialKey(h.ID))
			return nil
		})
	})
}

// challenge lets a login wait for its second factor.
func challenge(ctx context.Context, st *store.Store, h *store.User, c *api.Caller, attempts logInGuard, waits *secondfactor.Challenge) (*LogInOut, error) {
	f, err := secondfactor.Of(ctx, h)
	if err != nil {
		return nil, err
	}
	tx := st.Begin()
	token := secondfactor.Ask(tx, st, c, waits)
	attempts.Forget(tx)
	c.AuditFor(tx, h, string(h.ID), "second_factor_required")
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	if err := attempts.Succeeded(ctx); err != nil {
		return nil, err
	}
	return &LogInOut{Body: LoggedIn{SecondFactorRequired: true, Methods: f.Methods(), Challenge: token}}, nil
}

// Entry begins sessions of people who have shown who they are by more than a password.
type Entry struct {
	Store   *store.Store
	Refresh keys.Links
	Minter  *Minter
}

// Enter begins a session of a user, and tells them of it where it is from a new device. Prove judges what was shown against
// the user's second factors as they are, and adds what it spends to the transaction that begins the session; it is asked
// again when that met another writer.
func (e *Entry) Enter(ctx context.Context, c *api.Caller, user id.User, how Manner, newDevice bool,
	prove func(context.Context, *store.Tx, *store.User, *secondfactor.Factors) error) (*TokensOut, error) {
	h := e.Store.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	h.SeeRestricted()
	memberships, err := account.Memberships(ctx, h)
	if err != nil {
		return nil, err
	}
	belongings, err := account.Belongings(ctx, e.Store, h.Actor(), memberships)
	if err != nil {
		return nil, err
	}
	s := newSession(c, user)
	var first *account.Belonging
	if len(belongings) > 0 {
		first = &belongings[0]
		s.Organization, s.Member = first.Organization, first.Member
	}
	for range meetings {
		gate, f := new(access.UserGate), &secondfactor.Factors{User: user}
		fetches := []*store.Fetch{{Through: h, Key: access.UserGateKey(user), Row: gate}, {Through: h, Key: secondfactor.Key(user), Row: f}}
		if err := e.Store.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if errors.Is(fetches[0].Err, store.ErrMissing) {
			return nil, invalidCredentials()
		}
		tx := e.Store.Begin()
		if err := prove(ctx, tx, h, f); err != nil {
			return nil, err
		}
		if gate.Deleted != 0 {
			return nil, errDeleted()
		}
		for _, old := range admit(gate, s, c.Now) {
			tx.DeleteKey(h, SessionKey(user, old), "")
		}
		notices.FirstUse(tx, h, gate, c.Now)
		tx.Replace(h, gate)
		s.Version = 0
		tx.Create(h, s)
		if newDevice {
			outbox.Queue(tx, h, MailNewDevice, store.Join(MailNewDevice, string(s.ID)), nil)
		}
		c.AuditFor(tx, h, string(s.ID), "done")
		err := tx.Commit(ctx)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return e.Minter.answer(ctx, c, s, first, refreshToken(e.Refresh, user, s.ID, s.Counter), how.Cookies)
	}
	return nil, store.ErrConflict
}

func accountDeleted() api.Refusal {
	return api.Refusal{Kind: problem.Forbidden, Code: "account_deleted", When: "The account was deleted less than 30 days ago; the link in the mail restores it."}
}

func errDeleted() error {
	return problem.Of(problem.Forbidden, "account_deleted", "The account was deleted; the link in the mail about it restores it for 30 days.")
}

// EntryRefusals documents what Enter refuses besides the proof.
func EntryRefusals() []api.Refusal {
	return []api.Refusal{accountDeleted(), keysNotReady(), CrossSite(), {Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "The account has gone."}}
}

// ProofRefusals documents what ProveAgain refuses besides the proof.
func ProofRefusals() []api.Refusal { return []api.Refusal{keysNotReady()} }

// ExampleTokens is an example of an answer with tokens.
func ExampleTokens() Tokens { return exampleTokens() }
