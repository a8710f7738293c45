package auth

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// ReauthenticateIn is the input of reauthenticate.
type ReauthenticateIn struct{ Body ReauthenticateBody }

// ReauthenticateBody is what a person shows again.
type ReauthenticateBody struct {
	Password string `json:"password" maxLength:"1024" example:"a phrase that nobody else uses"`
	secondfactor.Proof
}

// Reauthenticate lets the person of a session show again who they are, for acts that ask for it.
func Reauthenticate(j *secondfactor.Judge, minter *Minter) api.Operation {
	example := exampleTokens()
	example.RefreshToken = ""
	return api.New(api.Route{
		ID: "reauthenticate", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/reauthenticate", Audience: api.Users, Rights: true, Audit: true,
		Summary: "Show again who you are", Purpose: purpose.Authentication,
		Description: "By the password, and the second factor when there is one. The access token of the answer has a fresh auth_time, and so have those of the session's " +
			"refreshes. A passkey does it at /v1/auth/passkeys/reauthenticate. What is dangerous asks for one that is not older than it says (x-max-age in this document) with 401 `reauthentication_required`.",
		ExampleIn: ReauthenticateBody{Password: "a phrase that nobody else uses", Proof: secondfactor.Proof{Code: "287082"}}, ExampleOut: example,
		Refusals: append(secondfactor.Refusals(), tooManyAttempts(), keysNotReady(),
			api.Refusal{Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "It is not the password of the account."}),
	}, func(ctx context.Context, c *api.Caller, in *ReauthenticateIn) (*TokensOut, error) {
		if err := minter.Ready(ctx); err != nil {
			return nil, err
		}
		st := j.Store
		attempts := guard.New(st, j.Pseudonyms, store.Actor{Who: "reauthenticate", Request: c.Request}, "reauthenticate", string(c.User), c.Source)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		cred, _, err := credentialOf(ctx, st, c.Self)
		if err != nil {
			return nil, err
		}
		if ok, _ := password.Verify(cred.PasswordHash, in.Body.Password); !ok {
			return nil, problem.Of(problem.Unauthenticated, "invalid_credentials", "It is not your password.")
		}
		proof := in.Body.Proof
		var codes *guard.Counter
		e := &Entry{Store: st, Minter: minter}
		return e.ProveAgain(ctx, c, func(ctx context.Context, tx *store.Tx, f *secondfactor.Factors) error {
			attempts.Forget(tx)
			if !f.Enrolled() {
				return nil
			}
			if codes == nil { // counted once, however often this call meets another
				var err error
				if codes, err = j.Attempt(ctx, c, c.User, proof); err != nil {
					return err
				}
			}
			if err := j.Spend(ctx, f, proof, c.Now); err != nil {
				return err
			}
			f.Spent(tx, c.Self, proof, codes)
			return nil
		})
	})
}

// ProveAgain notes at the caller's session that the person has shown who they are, and gives an access token that says so.
// Prove judges what was shown against their second factors as they are, and adds what it spends to the transaction; it is
// asked again when that met another writer.
func (e *Entry) ProveAgain(ctx context.Context, c *api.Caller, prove func(context.Context, *store.Tx, *secondfactor.Factors) error) (*TokensOut, error) {
	for range meetings {
		s, f := new(Session), &secondfactor.Factors{User: c.User}
		fetches := []*store.Fetch{{Through: c.Self, Key: SessionKey(c.User, c.Session), Row: s}, {Through: c.Self, Key: secondfactor.Key(c.User), Row: f}}
		if err := e.Store.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if errors.Is(fetches[0].Err, store.ErrMissing) {
			return nil, sessionEnded()
		}
		tx := e.Store.Begin()
		if err := prove(ctx, tx, f); err != nil {
			return nil, err
		}
		s.prove(c.Now)
		tx.Replace(c.Self, s)
		c.AuditFor(tx, c.Self, string(s.ID), "done")
		err := tx.Commit(ctx)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b, err := within(ctx, e.Store, c.Self, s)
		if err != nil {
			return nil, err
		}
		return e.Minter.answer(ctx, c, s, b, "", c.ByCookie())
	}
	return nil, store.ErrConflict
}
