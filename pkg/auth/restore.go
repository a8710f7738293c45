package auth

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// RestoreIn is the input of restore-account.
type RestoreIn struct{ Body RestoreBody }

// RestoreBody is what restores a deleted account.
type RestoreBody struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail about the deletion." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password string `json:"password" maxLength:"1024" doc:"The password of the account." example:"a phrase that nobody else uses"`
	secondfactor.Proof
}

// Restored names what is there again.
type Restored struct {
	User Named `json:"user"`
}

// RestoreOut is the answer of restore-account.
type RestoreOut struct{ Body Restored }

// RestoreAccount undoes the deletion of an account within its 30 days, with the organizations that close with it.
func RestoreAccount(j *secondfactor.Judge) api.Operation {
	return api.New(api.Route{
		ID: "restore-account", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/restore", Audience: api.Public, Audit: true,
		Summary: "Restore a deleted account", Purpose: purpose.AccountManagement,
		Description: "By the token of the mailed link together with the password, and the second factor when there is one: a code of the app, or a recovery code; for a passkey see /v1/auth/passkeys/restore. The organizations that close with the account are open again. Then log in.",
		ExampleIn:   RestoreBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", Password: "a phrase that nobody else uses"},
		ExampleOut:  Restored{Named{"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}},
		Refusals:    append(secondfactor.Refusals(), RestoreRefusals()...),
	}, func(ctx context.Context, c *api.Caller, in *RestoreIn) (*RestoreOut, error) {
		var codes *guard.Counter
		return Restoring{j.Store, j.Pseudonyms}.Undo(ctx, c, in.Body.Token, in.Body.Password, func(ctx context.Context, tx *store.Tx, h *store.User, f *secondfactor.Factors) error {
			if !f.Enrolled() {
				return nil
			}
			if codes == nil {
				var err error
				if codes, err = j.Attempt(ctx, c, h.ID, in.Body.Proof); err != nil {
					return err
				}
			}
			if err := j.Spend(ctx, f, in.Body.Proof, c.Now); err != nil {
				return err
			}
			f.Spent(tx, h, in.Body.Proof, codes)
			return nil
		})
	})
}

// RestoreRefusals documents what Undo refuses besides the second factor.
func RestoreRefusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "The password is wrong."},
		{Kind: problem.NotFound, Code: "deleted_account_not_found", When: "The link is unknown or used, or the 30 days are over."},
		tooManyAttempts(),
	}
}

// Restoring undoes deletions of accounts.
type Restoring struct {
	Store      *store.Store
	Pseudonyms keys.Pseudonyms
}

// Undo restores the account that a mailed token is for, by its password and what prove asks for besides. Prove judges what
// was shown against the user's second factors as they are, and adds what it spends to the transaction; it is asked again
// when that met another writer.
func (r Restoring) Undo(ctx context.Context, c *api.Caller, token, secret string,
	prove func(context.Context, *store.Tx, *store.User, *secondfactor.Factors) error) (*RestoreOut, error) {
	st, hash := r.Store, keys.HashToken(token)
	attempts := guard.New(st, r.Pseudonyms, store.Actor{Who: "restore-account", Request: c.Request}, "restore-account", hash, c.Source)
	if err := attempts.Attempt(ctx); err != nil {
		return nil, err
	}
	link, err := store.Get[account.RestoreLink](ctx, st.BindPlatform(c.Actor()), store.TokenLookup(hash))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("deleted account")
	}
	if err != nil {
		return nil, err
	}
	h := st.BindUser(link.User, store.Actor{Who: string(link.User), Request: c.Request})
	h.SeeRestricted()
	for range meetings {
		d, err := deletionOf(ctx, st, h, hash)
		if err != nil {
			return nil, err
		}
		if ok, _ := password.Verify(d.cred.PasswordHash, secret); !ok {
			return nil, invalidCredentials()
		}
		tx, err := d.undo(ctx, st, h, hash)
		if err != nil {
			return nil, err
		}
		if err := prove(ctx, tx, h, d.factors); err != nil {
			return nil, err
		}
		attempts.Forget(tx)
		c.AuditFor(tx, h, string(h.ID), "done")
		err = tx.Commit(ctx)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &RestoreOut{Body: Restored{Named{string(h.ID)}}}, nil
	}
	return nil, store.ErrConflict
}

// restoration is a deletion that is to be undone.
type restoration struct {
	gate    *access.UserGate
	profile *account.Profile
	cred    *account.Credential
	row     *account.Deletion
	factors *secondfactor.Factors
}

// deletionOf reads the deletion that a link undoes. After its 30 days the gate cannot be read any more.
func deletionOf(ctx context.Context, st *store.Store, h *store.User, hash string) (*restoration, error) {
	r := &restoration{new(access.UserGate), new(account.Profile), new(account.Credential), new(account.Deletion), &secondfactor.Factors{User: h.ID}}
	fetches := []*store.Fetch{
		{Through: h, Key: access.UserGateKey(h.ID), Row: r.gate}, {Through: h, Key: account.ProfileKey(h.ID), Row: r.profile},
		{Through: h, Key: account.CredentialKey(h.ID), Row: r.cred}, {Through: h, Key: account.DeletionKey(h.ID), Row: r.row},
		{Through: h, Key: secondfactor.Key(h.ID), Row: r.factors}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, f := range fetches {
		if errors.Is(f.Err, store.ErrMissing) && f.Row != r.factors {
			return nil, problem.Missing("deleted account")
		}
		if f.Err != nil && !errors.Is(f.Err, store.ErrMissing) {
			return nil, f.Err
		}
	}
	if r.gate.Deleted == 0 || r.row.TokenHash != hash {
		return nil, problem.Missing("deleted account")
	}
	return r, nil
}

// undo makes the transaction that undoes a deletion.
func (r *restoration) undo(ctx context.Context, st *store.Store, h *store.User, hash string) (*store.Tx, error) {
	platform := st.BindPlatform(h.Actor())
	tx := st.Begin()
	tx.Disarm(h, retention.AccountDue(h.ID, time.Unix(r.gate.DueAt, 0)), true)
	r.gate.Deleted, r.gate.DueAt = 0, 0
	tx.Replace(h, r.gate)
	tx.Delete(h, r.row)
	tx.DeleteKey(platform, store.TokenLookup(hash), "")
	tx.Change(platform, store.MailLookup(r.profile.MailHash), func(u *dynamo.Update) {
		u.Remove("expires_at").If("'user' = ?", h.ID)
	}).Else(problem.Missing("deleted account"))
	memberships, err := account.Memberships(ctx, h)
	if err != nil {
		return nil, err
	}
	closed, err := r.closed(ctx, st, h, memberships)
	if err != nil {
		return nil, err
	}
	for _, m := range closed {
		org := st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: h.Actor().Request})
		organization.Reopen(tx, org, r.row.At, r.row.Organizations[m.Organization]).Else(store.ErrStale)
	}
	return tx, nil
}

// closed lists those organizations of a deletion that are still closing or closed by it.
func (r *restoration) closed(ctx context.Context, st *store.Store, h *store.User, memberships []*account.Membership) ([]*account.Membership, error) {
	memberships = slices.DeleteFunc(memberships, func(m *account.Membership) bool {
		_, with := r.row.Organizations[m.Organization]
		return !with
	})
	if len(memberships) == 0 {
		return nil, nil
	}
	gates := map[*account.Membership]*store.Fetch{}
	for _, m := range memberships {
		org := st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: h.Actor().Request})
		gates[m] = &store.Fetch{Through: org, Key: access.OrganizationGateKey(m.Organization), Row: new(access.OrganizationGate)}
	}
	if err := st.FetchAll(ctx, slices.Collect(maps.Values(gates))...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(memberships, func(m *account.Membership) bool {
		f := gates[m]
		return f.Err != nil || f.Row.(*access.OrganizationGate).ClosingAt != r.row.At
	}), nil
}
