package visits

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ListIn is the input of list-support-access.
type ListIn struct{ api.Page }

// ListOut is the answer of list-support-access.
type ListOut struct{ Body api.List[AccessBody] }

// ListSupportAccess shows an organization who of PixelTrack's own people could look into it, when and why.
func ListSupportAccess() api.Operation {
	return api.New(api.Route{
		ID: "list-support-access", Area: "organization", Method: http.MethodGet, Path: "/v1/org/support-access", PureRead: true, Permission: access.AuditRead, Rights: true,
		Summary: "Accesses of PixelTrack's own people to the organization", Purpose: purpose.Support,
		Description: "Newest first, kept for 7 years. Each use is on the organization's audit record (GET /v1/audit?object= the access).",
		ExampleOut:  api.List[AccessBody]{Data: []AccessBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor, Descending: true}
		page, err := api.ListRows(ctx, c.Org, q, func(v *Visit) AccessBody { return body(v, c.Now) })
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// RevokeIn is the input of revoke-support-access.
type RevokeIn struct {
	ID string `path:"id" maxLength:"64" doc:"The access." example:"vis_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// RevokeSupportAccess ends a visit before its time, as the organization that is looked into.
func RevokeSupportAccess(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "revoke-support-access", Area: "organization", Method: http.MethodPost, Path: "/v1/org/support-access/{id}/revoke", Permission: access.OrganizationWrite, Rights: true,
		Audit: true, Summary: "End an access of PixelTrack's own people", Purpose: purpose.Support,
		Description: "It counts at their next call. An access that is over stays as it ended.",
		ExampleOut:  exampleEnded("mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"), Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "support_access_not_found", When: "There is no such access."}},
	}, func(ctx context.Context, c *api.Caller, in *RevokeIn) (*Out, error) {
		var v *Visit
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if v, err = read(ctx, c, in.ID); err != nil || !v.open(c.Now) {
				return err
			}
			tx := st.Begin()
			v.end(tx, c.Org, string(c.Member), c.Now)
			return c.Commit(ctx, tx, string(v.ID))
		})
		if err != nil {
			return nil, err
		}
		return show(v, c.Now), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		v, err := read(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return show(v, c.Now), nil
	})
}

// read gives a visit to the caller's organization, by an id as it came in.
func read(ctx context.Context, c *api.Caller, text string) (*Visit, error) {
	visit, err := id.Parse[id.Visit](text)
	if err != nil {
		return nil, problem.Missing("support_access")
	}
	v, err := store.Get[Visit](ctx, c.Org, key(c.Org.ID, visit))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("support_access")
	}
	return v, err
}
