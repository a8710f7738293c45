package visits

import (
	"context"
	"errors"
	"slices"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ByID names the organization that is looked into.
type ByID struct {
	OrganizationID string `path:"id" maxLength:"64" doc:"The organization; the caller has access to it." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// closed is the refusal of a call without a visit. It says the same of an organization that there is none of.
func closed() *problem.Error {
	return problem.Of(problem.Forbidden, "support_access_required", "You have no access to this organization now; begin one: POST /v1/admin/support-access.")
}

// Refusals lists what a route that enters an organization may answer.
func Refusals() []api.Refusal {
	return []api.Refusal{
		{Kind: problem.Forbidden, Code: "support_access_required", When: "The caller has no access to the organization, or no longer, or there is no such organization."},
		{Kind: problem.Forbidden, Code: "support_access_scope", When: "The caller's access is for other data."},
	}
}

// Enter opens an organization to one of our own people for one kind of data, by the pass of their visit, and gives its
// handle. The use is on the organization's audit record by then, and on the platform's; the pass is asked for in the
// very transaction that writes them, so that a use after the end is never recorded as one, and never happens.
func Enter(ctx context.Context, c *api.Caller, st *store.Store, org string, kind Kind) (*store.Organization, error) {
	o, err := id.Parse[id.Organization](org)
	if err != nil {
		return nil, closed()
	}
	c.About(string(o))
	p, err := store.Get[Pass](ctx, c.Platform(), passKey(o, c.Staff.ID))
	if errors.Is(err, store.ErrMissing) {
		return nil, closed()
	}
	if err != nil {
		return nil, err
	}
	h, tx := st.BindOrganization(p.Org, c.Acting()), st.Begin()
	if !slices.Contains(p.Kinds, kind) {
		c.AuditVisit(tx, h, string(p.Visit), "support_access_scope")
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
		return nil, problem.Of(problem.Forbidden, "support_access_scope", "Your access is for other data of this organization.")
	}
	tx.Check(c.Platform(), passKey(p.Org, p.Staff), "'visit' = ? AND 'expires_at' > ?", p.Visit, c.Now.Unix()).Else(closed())
	c.AuditVisit(tx, h, string(p.Visit), "done")
	if err := c.Commit(ctx, tx, (&Visit{Org: p.Org, ID: p.Visit}).name()); err != nil {
		return nil, err
	}
	return h, nil
}
