package clients

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ListIn is the input of list-clients.
type ListIn struct {
	api.Page
	api.Since
	Status Status `query:"status" enum:"active,archived" doc:"Only clients of this state; not together with updated_since."`
}

// ListOut is the answer of list-clients.
type ListOut struct{ Body api.Changes[ClientBody] }

// ListClients lists the organisation's clients.
func ListClients() api.Operation {
	return api.New(api.Route{
		ID: "list-clients", Area: "clients", Method: http.MethodGet, Path: "/v1/clients", PureRead: true,
		Permission: access.ClientsRead, Purpose: purpose.ServiceDelivery, Summary: "The organization's clients",
		Description: "In the order in which they were added, or with status or updated_since in the order of their changes.",
		Refusals:    []api.Refusal{{Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut:  api.Changes[ClientBody]{Data: []ClientBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
		switch {
		case !in.UpdatedSince.IsZero() && in.Status != "":
			return nil, problem.InvalidField("query.status", "not together with updated_since")
		case !in.UpdatedSince.IsZero():
			if err := c.ChangedSince(in.UpdatedSince); err != nil {
				return nil, err
			}
			q.Index, q.From, q.Tombstones = store.Index2, store.Instant(in.UpdatedSince), true
			page, err := api.MergeChanges(ctx, c.Org, q, func(row *Client) ClientBody { return body(c, row) }, ofStatus(c.Org.ID, Active), ofStatus(c.Org.ID, Archived))
			return &ListOut{page}, err
		case in.Status != "":
			q.Index, q.Partition = store.Index2, ofStatus(c.Org.ID, in.Status)
		}
		page, err := api.ListChanges(ctx, c.Org, q, func(row *Client) ClientBody { return body(c, row) })
		return &ListOut{page}, err
	})
}
