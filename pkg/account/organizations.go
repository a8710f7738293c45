package account

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// MyOrganization is an organization as one of its members sees it from outside.
type MyOrganization struct {
	MembershipBody
	Name    string        `json:"name" example:"Example Studio"`
	Role    access.Role   `json:"role" enum:"owner,admin,manager,member,accountant,guest"`
	State   access.Status `json:"state" enum:"active,suspended,closing" doc:"Closing: it takes no changes and will be closed."`
	Current bool          `json:"current" doc:"Whether the access token is for it; switch at /v1/auth/organization."`
}

// MyOrganizationsOut is the answer of list-my-organizations.
type MyOrganizationsOut struct{ Body api.List[MyOrganization] }

// ListMyOrganizations lists the organizations of the caller with what they are there.
func ListMyOrganizations(st *store.Store) api.Operation {
	example := MyOrganization{MembershipBody: MembershipBody{"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
		Name: "Example Studio", Role: access.Owner, State: access.Active, Current: true}
	return api.New(api.Route{
		ID: "list-my-organizations", Area: "account", Method: http.MethodGet, Path: "/v1/me/organizations", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your organizations", Purpose: purpose.AccountManagement,
		Description: "Those where you are a member, longest first; at most 30. One that is closed is not among them.", ExampleOut: api.List[MyOrganization]{Data: []MyOrganization{example}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*MyOrganizationsOut, error) {
		out := &MyOrganizationsOut{Body: api.List[MyOrganization]{Data: []MyOrganization{}}}
		memberships, err := Memberships(ctx, c.Self)
		if err != nil || len(memberships) == 0 {
			return out, err
		}
		names := make([]*organization.Organization, len(memberships))
		fetches := make([]*store.Fetch, len(memberships))
		for i, m := range memberships {
			names[i] = new(organization.Organization)
			fetches[i] = &store.Fetch{Through: st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: c.Request}), Key: organization.Key(m.Organization), Row: names[i]}
		}
		belongings, err := Belongings(ctx, st, c.Actor(), memberships, fetches...)
		if err != nil {
			return nil, err
		}
		for _, b := range belongings {
			mine := MyOrganization{MembershipBody: MembershipBody{string(b.Organization), string(b.Member), clock.At(b.Joined)}, Role: b.Access.Role, State: b.Gate.Status,
				Current: c.Org != nil && c.Org.ID == b.Organization}
			for i, m := range memberships {
				if m.Organization == b.Organization && fetches[i].Err == nil {
					mine.Name = names[i].Name
				}
			}
			out.Body.Data = append(out.Body.Data, mine)
		}
		return out, nil
	})
}
