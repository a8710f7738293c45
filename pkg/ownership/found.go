package ownership

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FoundIn is the input of create-organization.
type FoundIn struct{ Body FoundBody }

// FoundBody is a new organization.
type FoundBody struct {
	Name    string `json:"name" minLength:"1" maxLength:"100" example:"Example Studio"`
	Country string `json:"country" pattern:"^[A-Z]{2}$" doc:"Where it is: ISO 3166-1 alpha-2." example:"DE"`
}

// Founded names an organization and who the caller is there.
type Founded struct {
	ID     string `json:"id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Member string `json:"member_id" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// FoundOut is the answer of create-organization.
type FoundOut struct{ Body Founded }

// CreateOrganization makes a further organization, which the caller owns.
func CreateOrganization(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-organization", Area: "organization", Method: http.MethodPost, Path: "/v1/org", Audience: api.Users, Audit: true, Status: http.StatusCreated,
		Summary: "Make a further organization", Purpose: purpose.AccountManagement,
		Description: "The caller is its owner. Switch to it by /v1/auth/organization.",
		ExampleIn:   FoundBody{Name: "Example Studio", Country: "DE"}, ExampleOut: Founded{"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"},
		Refusals: []api.Refusal{{Kind: problem.Conflict, Code: "too_many_organizations", When: "The caller belongs to 30 organizations."}},
	}, func(ctx context.Context, c *api.Caller, in *FoundIn) (*FoundOut, error) {
		memberships, err := account.Memberships(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		if len(memberships) >= account.MaxMemberships {
			return nil, problem.Of(problem.Conflict, "too_many_organizations", "An account belongs to at most %d organizations.", account.MaxMemberships)
		}
		org, member := api.NewID[id.Organization](c), api.NewID[id.Member](c)
		h := st.BindOrganization(org, store.Actor{Who: string(member), Request: c.Request})
		tx := st.Begin()
		tx.Create(h, organization.New(org, in.Body.Name, in.Body.Country, c.Now))
		tx.Create(h, &access.OrganizationGate{Organization: org, Status: access.Active, Plan: "free"})
		tx.Create(h, &access.Access{Organization: org, Member: member, User: c.User, Role: access.Owner, GrantVersion: 1, Joined: c.Now.Unix()})
		tx.Create(c.Self, &account.Membership{User: c.User, Organization: org, Member: member, Joined: c.Now.Unix()})
		if err := c.Commit(ctx, tx, string(org)); err != nil {
			return nil, err
		}
		return &FoundOut{Founded{string(org), string(member)}}, nil
	}, func(ctx context.Context, c *api.Caller, made string) (*FoundOut, error) {
		m, err := store.Get[account.Membership](ctx, c.Self, account.MembershipKey(c.User, id.Organization(made)))
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("organization")
		}
		if err != nil {
			return nil, err
		}
		return &FoundOut{Founded{made, string(m.Member)}}, nil
	})
}
