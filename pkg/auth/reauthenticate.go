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
			"refreshes. A person whose only second factor is a passkey sends a recovery code, or logs in again by the passkey. What is dangerous asks for one that is not older than it says (x-max-age in this document) with 401 `reauthentication_required`.",
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
		s, err := proveAgain(ctx, c, j, in.Body.Proof, attempts)
		if err != nil {
			return nil, err
		}
		b, err := within(ctx, st, c.Self, s)
		if err != nil {
			return nil, err
		}
		return minter.answer(ctx, s, b, "")
	})
}

// proveAgain notes at the caller's session that the person has shown who they are, when their second factor says so, too.
func proveAgain(ctx context.Context, c *api.Caller, j *secondfactor.Judge, proof secondfactor.Proof, attempts *guard.Counter) (*Session, error) {
	var codes *guard.Counter
	for range meetings {
		s, f := new(Session), &secondfactor.Factors{User: c.User}
		fetches := []*store.Fetch{{Through: c.Self, Key: SessionKey(c.User, c.Session), Row: s}, {Through: c.Self, Key: secondfactor.Key(c.User), Row: f}}
		if err := j.Store.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if errors.Is(fetches[0].Err, store.ErrMissing) {
			return nil, sessionEnded()
		}
		tx := j.Store.Begin()
		if f.Enrolled() {
			if codes == nil { // counted once, however often this call meets another
				var err error
				if codes, err = j.Attempt(ctx, c, c.User, proof); err != nil {
					return nil, err
				}
			}
			if err := j.Spend(ctx, f, proof, c.Now); err != nil {
				return nil, err
			}
			f.Spent(tx, c.Self, proof, codes)
		}
		attempts.Forget(tx)
		s.Proved = c.Now.Unix()
		s.use(c.Now)
		tx.Replace(c.Self, s)
		c.AuditFor(tx, c.Self, string(s.ID), "done")
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return s, err
		}
	}
	return nil, store.ErrConflict
}
