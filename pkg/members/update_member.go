package members

import (
	"context"
	"net/http"
	"slices"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// UpdateIn is the input of update-member.
type UpdateIn struct {
	ChangeIn
	Body Changes
}

// Changes are what is to change of a member; the rest stays.
type Changes struct {
	Role   *access.Role         `json:"role,omitempty" enum:"admin,manager,member,accountant,guest" example:"manager"`
	Grants *[]access.Permission `json:"grants,omitempty" maxItems:"50" maxLength:"60" doc:"Takes the place of all grants. What the role has anyway is left out."`
	Label  *string              `json:"label,omitempty" maxLength:"100" doc:"Of a placeholder: what the organization calls it. Empty removes it." example:"A former colleague"`
}

// Granted gives the grants that mean something for a role, once each and in the order of the table. It refuses what
// cannot be granted; location says where it was written.
func Granted(role access.Role, names []access.Permission, location string) ([]access.Permission, error) {
	for _, p := range names {
		if !slices.Contains(access.Grantable(), p) {
			return nil, problem.InvalidField(location, "not a permission that can be granted; see /v1/roles")
		}
	}
	var grants []access.Permission
	for _, p := range access.Grantable() {
		if slices.Contains(names, p) && !access.Allows(role, nil, p) {
			grants = append(grants, p)
		}
	}
	return grants, nil
}

// NotYours is the refusal of a role or grant that is not the caller's to give or take.
func NotYours() error {
	return problem.Of(problem.Forbidden, "not_yours_to_give", "You cannot give or take a role or permission that is beyond your own.")
}

// NotYoursRefusal documents NotYours.
func NotYoursRefusal() api.Refusal {
	return api.Refusal{Kind: problem.Forbidden, Code: "not_yours_to_give",
		When: "It would give more than the caller has, or make, change or remove an admin without being the owner, or touch the owner."}
}

// apply changes a member as far as the caller may.
func (ch Changes) apply(c *api.Caller, a *access.Access) error {
	if ch.Label != nil && a.Live() {
		return problem.InvalidField("body.label", "only a placeholder has a label; a member has the name of their account")
	}
	if ch.Label != nil {
		a.Label = *ch.Label
	}
	if ch.Role == nil && ch.Grants == nil {
		return nil
	}
	become := a.Rights()
	if ch.Role != nil {
		become.Role = *ch.Role
	}
	if ch.Grants != nil {
		become.Grants = *ch.Grants
	}
	var err error
	if become.Grants, err = Granted(become.Role, become.Grants, "body.grants"); err != nil {
		return err
	}
	if !c.Rights().Gives(a.Rights(), become) {
		return NotYours()
	}
	a.Role, a.Grants = become.Role, become.Grants
	a.GrantVersion++
	return nil
}

// UpdateMember changes what a member may do. It acts at the member's very next call.
func UpdateMember(st *store.Store) api.Operation {
	role := access.Manager
	return api.New(api.Route{
		ID: "update-member", Area: "organization", Method: http.MethodPatch, Path: "/v1/members/{id}", Permission: access.MembersWrite, Audit: true,
		Summary: "Change a member's role and grants", Purpose: purpose.Collaboration,
		Description: "It acts at the member's very next call. Nobody gives more than they have, and only the owner makes or unmakes admins. The owner changes by an offer of the ownership alone.",
		Refusals:    []api.Refusal{missing(), NotYoursRefusal(), {Kind: problem.Conflict, Code: "member_merging", When: "It is a placeholder that is merging, or has been merged."}},
		ExampleIn:   Changes{Role: &role, Grants: &[]access.Permission{access.RatesRead}}, ExampleOut: exampleBody(),
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if in.Body.Grants != nil {
			if _, err := Granted("", *in.Body.Grants, "body.grants"); err != nil {
				return nil, err
			}
		}
		a, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(a.Version); err != nil {
			return nil, err
		}
		if a.MergeInto != "" {
			return nil, inTheWay()
		}
		if err := in.Body.apply(c, a); err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Replace(c.Org, a)
		if err := c.Commit(ctx, tx, string(a.Member)); err != nil {
			return nil, err
		}
		return answer(ctx, c, a)
	})
}
