package account

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Reauthenticate proves once more, by the password, that the caller is the holder of the account. Guesses are counted for
// each kind of call, what; the counter that it gives is to be forgotten in the transaction that follows.
func Reauthenticate(ctx context.Context, st *store.Store, c *api.Caller, pseudonyms keys.Pseudonyms, what, phrase string) (*guard.Counter, error) {
	attempts := guard.New(st, pseudonyms, store.Actor{Who: what, Request: c.Request}, what, string(c.User), c.Source)
	if err := attempts.Attempt(ctx); err != nil {
		return nil, err
	}
	cred, err := store.Get[Credential](ctx, c.Self, CredentialKey(c.User))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return nil, err
	}
	hash := ""
	if err == nil {
		hash = cred.PasswordHash
	}
	if ok, _ := password.Verify(hash, phrase); !ok {
		return nil, problem.Of(problem.Forbidden, "password_wrong", "It is not your password.")
	}
	return attempts, nil
}

// ReauthenticateRefusals documents the refusals of Reauthenticate.
func ReauthenticateRefusals() []api.Refusal {
	kind, code, when := guard.Refusal()
	return []api.Refusal{{Kind: kind, Code: code, When: when},
		{Kind: problem.Forbidden, Code: "password_wrong", When: "It is not the password of the account."}}
}
