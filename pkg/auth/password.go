package auth

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// tooCommon documents the refusal of a password that many would guess.
func tooCommon() api.Refusal {
	return api.Refusal{Kind: problem.Invalid, Code: "password_too_common", When: "The password is one of the most common ones or a simple variant of one, or made of the person's name or address."}
}

// weak refuses a password at a place of the input that must not be chosen.
func weak(location, chosen string, about ...string) error {
	return unfit(location, password.Weak(chosen, about...))
}

// unfit refuses a password at a place of the input for a reason, nothing when there is none.
func unfit(location, why string) error {
	if why == "" {
		return nil
	}
	err := problem.InvalidField(location, why)
	if why == password.Common {
		err.Code = "password_too_common"
	}
	return err
}

// ResetIn is the input of reset-password.
type ResetIn struct{ Body ResetBody }

// ResetBody is what sets a new password in the place of a forgotten one.
type ResetBody struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password string `json:"password" maxLength:"1024" doc:"The new one: 15 to 128 characters of any kind, or 8 beside a second factor; common passwords are refused." example:"a phrase that nobody else uses"`
}

// ResetPassword sets a new password by a mailed link and ends all sessions. A second factor stays as it is, and so does
// a deletion: the account is restored by its own link.
func ResetPassword(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "reset-password", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/password/reset", Audience: api.Public, Audit: true, Status: http.StatusNoContent,
		Summary: "Set a new password by a mailed link", Purpose: purpose.Authentication,
		Description: "The link works once. All sessions end, other links of this kind with them, and the person is told by mail. Then log in; a second factor is still asked for.",
		ExampleIn:   ResetBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", Password: "a phrase that nobody else uses"},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "reset_invalid", When: "The link is unknown, used or older than 30 minutes, or a password was set since it was asked for."},
			tooCommon(),
		},
	}, func(ctx context.Context, c *api.Caller, in *ResetIn) (*struct{}, error) {
		h := st.BindCase(keys.HashToken(in.Body.Token), store.Actor{Who: "reset-password", Request: c.Request})
		hash := ""
		for range meetings {
			r, err := store.Get[PasswordReset](ctx, h, h.Scope().Key(FamilyReset))
			if errors.Is(err, store.ErrMissing) || err == nil && r.Of != known {
				return nil, resetInvalid()
			}
			if err != nil {
				return nil, err
			}
			o, err := ownerOf(ctx, st, r.User, c)
			if errors.Is(err, store.ErrMissing) || err == nil && r.Asked < o.cred.Since {
				return nil, resetInvalid()
			}
			if err != nil {
				return nil, err
			}
			if err := o.weak("body.password", in.Body.Password); err != nil {
				return nil, err
			}
			if hash == "" {
				hash = password.Hash(in.Body.Password)
			}
			tx := st.Begin()
			tx.DeleteKey(h, h.Scope().Key(FamilyReset), "attribute_exists('PK')").Else(resetInvalid())
			o.set(tx, hash, in.Body.Password, c)
			c.AuditFor(tx, o.h, string(o.h.ID), "done")
			if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}

func resetInvalid() error {
	return problem.Of(problem.Unauthenticated, "reset_invalid", "The link is no longer valid; ask for another.")
}

// ChangeIn is the input of change-password.
type ChangeIn struct{ Body ChangeBody }

// ChangeBody is what changes a password.
type ChangeBody struct {
	CurrentPassword string `json:"current_password" maxLength:"1024" example:"a phrase that nobody else uses"`
	NewPassword     string `json:"new_password" maxLength:"1024" doc:"15 to 128 characters of any kind, or 8 beside a second factor; common passwords are refused." example:"another phrase that nobody uses"`
}

// ChangePassword changes the caller's password and ends all their other sessions.
func ChangePassword(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.New(api.Route{
		ID: "change-password", Area: "account", Method: http.MethodPut, Path: "/v1/me/password", Audience: api.Users, Rights: true, Audit: true, Status: http.StatusNoContent,
		Summary: "Change your password", Purpose: purpose.Authentication,
		Description: "All other sessions end, links that were asked for to reset the password with them, and you are told by mail.",
		ExampleIn:   ChangeBody{CurrentPassword: "a phrase that nobody else uses", NewPassword: "another phrase that nobody uses"},
		Refusals: []api.Refusal{
			tooManyAttempts(),
			{Kind: problem.Forbidden, Code: "password_wrong", When: "The current password is not the one of the account."},
			tooCommon(),
		},
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		attempts := guard.New(st, pseudonyms, store.Actor{Who: "change-password", Request: c.Request}, "change-password", string(c.User), c.Source)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		for range meetings {
			o, err := ownerOf(ctx, st, c.User, c)
			if errors.Is(err, store.ErrMissing) {
				return nil, problem.Missing("account")
			}
			if err != nil {
				return nil, err
			}
			if !o.gate.Live(c.Session, c.Now) {
				return nil, sessionEnded()
			}
			if ok, _ := password.Verify(o.cred.PasswordHash, in.Body.CurrentPassword); !ok {
				return nil, problem.Of(problem.Forbidden, "password_wrong", "It is not your password.")
			}
			if err := o.weak("body.new_password", in.Body.NewPassword); err != nil {
				return nil, err
			}
			tx := st.Begin()
			o.set(tx, password.Hash(in.Body.NewPassword), in.Body.NewPassword, c)
			attempts.Forget(tx)
			if err := c.Commit(ctx, tx, string(c.User)); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}

// owner is the holder of an account whose password is to be another.
type owner struct {
	h       *store.User
	gate    *access.UserGate
	profile *account.Profile
	cred    *account.Credential
}

// ownerOf reads what a change of a user's password needs. It gives store.ErrMissing for an account that is not there.
func ownerOf(ctx context.Context, st *store.Store, user id.User, c *api.Caller) (*owner, error) {
	o := &owner{st.BindUser(user, store.Actor{Who: string(user), Request: c.Request}), new(access.UserGate), new(account.Profile), new(account.Credential)}
	o.h.SeeRestricted()
	fetches := []*store.Fetch{{Through: o.h, Key: access.UserGateKey(user), Row: o.gate}, {Through: o.h, Key: account.ProfileKey(user), Row: o.profile},
		{Through: o.h, Key: account.CredentialKey(user), Row: o.cred}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	return o, errors.Join(fetches[0].Err, fetches[1].Err, fetches[2].Err)
}

// weak refuses a password that the account does not take. Beside a second factor it may be shorter: set writes the gate
// that says so by its version.
func (o *owner) weak(location, chosen string) error {
	rule := password.Weak
	if o.gate.SecondFactor {
		rule = password.WeakWithFactor
	}
	return unfit(location, rule(chosen, o.profile.Email, o.profile.Name))
}

// set adds to a transaction that another password was chosen, with its hash, that all sessions but the caller's own end,
// and the mail about it.
func (o *owner) set(tx *store.Tx, hash, chosen string, c *api.Caller) {
	o.endOthers(tx, c)
	outbox.Queue(tx, o.h, MailPasswordChanged, store.Join(MailPasswordChanged, strconv.FormatInt(o.cred.Version, 10)), nil)
	o.cred.PasswordHash, o.cred.Since, o.cred.Short = hash, c.Now.Unix(), !password.StandsAlone(chosen)
	tx.Replace(o.h, o.cred)
}

// endOthers adds to a transaction that all sessions but the caller's own end.
func (o *owner) endOthers(tx *store.Tx, c *api.Caller) {
	for name := range o.gate.Sessions {
		if id.Session(name) != c.Session {
			delete(o.gate.Sessions, name)
			tx.DeleteKey(o.h, SessionKey(o.h.ID, id.Session(name)), "")
		}
	}
	tx.Replace(o.h, o.gate)
}
