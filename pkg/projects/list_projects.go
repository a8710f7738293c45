package projects

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ListIn is the input of list-projects.
type ListIn struct {
	api.Page
	api.Since
	Status   Status `query:"status" enum:"active,archived,closing" doc:"Only projects of this state; not together with updated_since."`
	ClientID string `query:"client_id" maxLength:"64" doc:"Only projects for this client that are active, or of the status asked for; not together with updated_since."`
}

// ListOut is the answer of list-projects.
type ListOut struct{ Body api.Changes[ProjectBody] }

// ListProjects lists the organisation's projects.
func ListProjects() api.Operation {
	return api.New(api.Route{
		ID: "list-projects", Area: "projects", Method: http.MethodGet, Path: "/v1/projects", PureRead: true,
		Permission: access.ProjectsReadOwn, Purpose: purpose.ServiceDelivery, Summary: "The organization's projects",
		Description: "In the order in which they were added; of a status by client; with updated_since in the order of their changes. Who does not see all projects, as guests, sees those that they work on, in the order of ids; a page may then hold fewer than asked for.",
		Refusals:    []api.Refusal{{Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut:  api.Changes[ProjectBody]{Data: []ProjectBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		if !c.May(access.ProjectsRead) {
			return in.listOwn(ctx, c)
		}
		q, err := in.query(c)
		if err != nil {
			return nil, err
		}
		page, err := api.ListChanges(ctx, c.Org, q, func(row *Project) ProjectBody { return body(c, row) })
		return &ListOut{page}, err
	})
}

func (in *ListIn) query(c *api.Caller) (store.Query, error) {
	q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
	filtered := in.Status != "" || in.ClientID != ""
	switch {
	case !in.UpdatedSince.IsZero() && filtered:
		return q, problem.InvalidField("query.updated_since", "not together with status or client_id")
	case !in.UpdatedSince.IsZero():
		q.Index, q.From, q.Tombstones = store.Index2, store.Instant(in.UpdatedSince), true
		return q, c.ChangedSince(in.UpdatedSince)
	case !filtered:
		return q, nil
	}
	if in.Status == "" {
		in.Status = Active
	}
	q.Index, q.Partition = store.Index1, c.Org.Scope().Partition(Family, string(in.Status))
	if in.ClientID != "" {
		client, err := id.Parse[id.Client](in.ClientID)
		if err != nil {
			return q, problem.InvalidField("query.client_id", "not the id of a client")
		}
		q.Prefix = store.Join(string(client), "")
	}
	return q, nil
}
