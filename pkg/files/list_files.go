package files

import (
	"context"
	"net/http"
	"slices"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// ListIn is the input of list-files.
type ListIn struct {
	api.Page
	api.Since
	ParentType ParentType `query:"parent_type" enum:"project,client,ticket" doc:"Only files that hang on one thing; together with parent_id."`
	ParentID   string     `query:"parent_id" maxLength:"64" doc:"Which thing."`
}

// ListOut is the answer of list-files.
type ListOut struct{ Body api.Changes[FileBody] }

// ListFiles lists files.
func ListFiles() api.Operation {
	return api.New(api.Route{
		ID: "list-files", Area: "files", Method: http.MethodGet, Path: "/v1/files", PureRead: true,
		Permission: access.FilesRead, Purpose: purpose.ServiceDelivery, Summary: "Files",
		Description: "The organization's, newest first; of one thing, last changed first, or with updated_since in the order of their changes. " +
			"Without parent_type, files of tickets are listed to who uploaded them and to who sees all tickets, and files of projects to who sees the project; a page may be short.",
		Refusals:   []api.Refusal{{Kind: problem.NotFound, Code: "ticket_not_found", When: "There is no such ticket, or the caller does not see it."}, {Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut: api.Changes[FileBody]{Data: []FileBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q, err := in.query(c)
		if err != nil {
			return nil, err
		}
		if in.ParentType == OfTicket {
			if _, err := support.Read(ctx, c, in.ParentID); err != nil {
				return nil, err
			}
		}
		page, err := api.ListChanges(ctx, c.Org, q, body)
		if err != nil {
			return nil, err
		}
		switch in.ParentType {
		case OfProject:
			p := id.Project(in.ParentID)
			sees, err := projects.Seen(ctx, c, p)
			if err != nil {
				return nil, err
			}
			if !sees[p] { // as one that never was
				page = api.Changes[FileBody]{Data: []FileBody{}}
			}
		case "":
			if page.Data, err = shown(ctx, c, page.Data); err != nil {
				return nil, err
			}
		}
		return &ListOut{page}, nil
	})
}

// shown leaves out of a page of all files what the caller may not see.
func shown(ctx context.Context, c *api.Caller, page []FileBody) ([]FileBody, error) {
	var on []id.Project
	for _, b := range page {
		if b.ParentType == OfProject {
			on = append(on, id.Project(b.ParentID))
		}
	}
	sees, err := projects.Seen(ctx, c, on...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(page, func(b FileBody) bool {
		if b.ParentType == OfProject {
			return !sees[id.Project(b.ParentID)]
		}
		return (&File{ParentType: b.ParentType, Member: id.Member(b.UploadedBy)}).hidden(c)
	}), nil
}

// OfParent is where the files lie that hang on one thing.
func OfParent(org store.Scope, parent string) store.Query {
	return store.Query{Index: store.Index2, Partition: org.Partition(Family, parent)}
}

func (in *ListIn) query(c *api.Caller) (store.Query, error) {
	q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor, Descending: true}
	switch {
	case (in.ParentType == "") != (in.ParentID == ""):
		return q, problem.InvalidField("query.parent_id", "together with parent_type")
	case in.ParentType == "" && !in.UpdatedSince.IsZero():
		return q, problem.InvalidField("query.updated_since", "together with parent_type and parent_id")
	case in.ParentType == "":
		return q, nil
	}
	on, err := parentOf(in.ParentType)
	if err != nil {
		return q, err
	}
	if on.check(in.ParentID) != nil {
		return q, problem.InvalidField("query.parent_id", "not an id of that kind")
	}
	q.Index, q.Partition = store.Index2, c.Org.Scope().Partition(Family, in.ParentID)
	if in.UpdatedSince.IsZero() {
		return q, nil
	}
	q.From, q.Tombstones, q.Descending = store.Instant(in.UpdatedSince), true, false
	return q, c.ChangedSince(in.UpdatedSince)
}
