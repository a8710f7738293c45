package auth

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ConfirmIn is the input of confirm-sign-up.
type ConfirmIn struct{ Body ConfirmBody }

// ConfirmBody is what confirms a sign-up.
type ConfirmBody struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password string `json:"password" maxLength:"1024" doc:"The password chosen when signing up." example:"a phrase that nobody else uses"`
}

// Named names a thing by its id.
type Named struct {
	ID string `json:"id"`
}

// Confirmed is what a confirmation made.
type Confirmed struct {
	User         Named `json:"user"`
	Organization Named `json:"organization"`
}

// ConfirmOut is the answer of confirm-sign-up.
type ConfirmOut struct{ Body Confirmed }

// ConfirmSignUp makes the account and its organization. It takes both, the token of the mail and the password.
func ConfirmSignUp(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "confirm-sign-up", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/confirm", Audience: api.Public, Audit: true, Status: http.StatusCreated,
		Summary: "Confirm a sign-up", Purpose: purpose.AccountManagement,
		Description: "Makes the account and its organization, by the token of the mailed link together with the password chosen at sign-up. Then log in.",
		ExampleIn:   ConfirmBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", Password: "a phrase that nobody else uses"},
		ExampleOut:  Confirmed{Named{"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, Named{"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "confirmation_invalid", When: "The link is unknown, used or older than 30 minutes, or the password is not the one chosen."},
			{Kind: problem.Conflict, Code: "address_taken", When: "Another sign-up with this address was confirmed first."},
		},
	}, func(ctx context.Context, c *api.Caller, in *ConfirmIn) (*ConfirmOut, error) {
		h := st.BindCase(keys.HashToken(in.Body.Token), store.Actor{Who: "sign-up", Request: c.Request})
		s, err := tried(ctx, st, h)
		if err != nil {
			return nil, err
		}
		if ok, _ := password.Verify(s.PasswordHash, in.Body.Password); !ok || s.Of != fresh {
			return nil, problem.Of(problem.Unauthenticated, "confirmation_invalid", "The link is no longer valid, or the password is not the one you chose.")
		}
		user, org := api.NewID[id.User](c), api.NewID[id.Organization](c)
		tx := st.Begin()
		found(tx, st, c, s, user, org)
		tx.DeleteKey(h, s.Keys().Primary, "attribute_exists('PK')").Else(errUsed)
		if err := tx.Commit(ctx); errors.Is(err, errUsed) {
			return nil, problem.Of(problem.Conflict, "address_taken", "There is an account with this address by now; log in.")
		} else if err != nil {
			return nil, err
		}
		return &ConfirmOut{Body: Confirmed{Named{string(user)}, Named{string(org)}}}, nil
	})
}

var errUsed = errors.New("auth: the sign-up was confirmed already")

// tried reads a sign-up and counts the attempt at it; one that is unknown or was tried too often is an empty one, which
// no password fits.
func tried(ctx context.Context, st *store.Store, h *store.Case) (*SignUpRequest, error) {
	for range meetings {
		s, err := store.Get[SignUpRequest](ctx, h, h.Scope().Key(FamilySignUp))
		if errors.Is(err, store.ErrMissing) || err == nil && s.Attempts >= confirmations {
			return &SignUpRequest{}, nil
		}
		if err != nil {
			return nil, err
		}
		s.scope = h.Scope()
		s.Attempts++
		tx := st.Begin()
		tx.Replace(h, s)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return s, err
		}
	}
	return nil, store.ErrConflict
}

// found adds to a transaction all that a new account and its organization begin with. The marker of the address makes
// sure that there is one account of it.
func found(tx *store.Tx, st *store.Store, c *api.Caller, s *SignUpRequest, user id.User, org id.Organization) {
	member := api.NewID[id.Member](c)
	self := st.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	inside := st.BindOrganization(org, store.Actor{Who: string(member), Request: c.Request})
	now := c.Now.Unix()

	newAccount(tx, st, c, s, user)
	tx.Create(self, &account.Membership{User: user, Organization: org, Member: member, Joined: now})
	tx.Create(inside, organization.New(org, s.Organization, s.Country, c.Now))
	tx.Create(inside, &access.OrganizationGate{Organization: org, Status: access.Active, Plan: "free"})
	tx.Create(inside, &access.Access{Organization: org, Member: member, User: user, Role: access.Owner, GrantVersion: 1, Joined: now})
}

// newAccount adds to a transaction all that a new account begins with.
func newAccount(tx *store.Tx, st *store.Store, c *api.Caller, s *SignUpRequest, user id.User) {
	self := st.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	now := c.Now.Unix()
	tx.Create(st.BindPlatform(self.Actor()), &account.Address{User: user, Hash: s.MailHash}).Else(errUsed)
	tx.Create(self, &account.Profile{User: user, Name: s.Name, Email: s.Email, MailHash: s.MailHash, Country: s.Country, Region: s.Region,
		Locale: "en", TimeZone: "UTC", WeekStart: "monday", AgePassed: true, Created: now})
	tx.Create(self, &account.Credential{User: user, PasswordHash: s.PasswordHash, Since: now})
	tx.Create(self, &account.Acceptance{User: user, Version: s.Policy, Hash: s.PolicyHash, At: s.Accepted, IP: s.IP})
	tx.Create(self, &access.UserGate{User: user, TooYoung: s.TooYoung})
	access.Enlist(tx, st.BindPlatform(self.Actor()), user)
	c.AuditFor(tx, self, string(user), "done")
}
