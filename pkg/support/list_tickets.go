package support

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// ListIn is the input of list-tickets.
type ListIn struct {
	api.Page
	Status Status `query:"status" enum:"open,pending,solved,closed" doc:"Only tickets of this state."`
	Mine   bool   `query:"mine" doc:"Only the caller's own, for who sees all."`
}

// ListOut is the answer of list-tickets.
type ListOut struct{ Body api.List[TicketBody] }

// ListTickets lists the tickets that the caller sees.
func ListTickets() api.Operation {
	return api.New(api.Route{
		ID: "list-tickets", Area: "support", Method: http.MethodGet, Path: "/v1/support/tickets", PureRead: true,
		Permission: access.SupportRead, Purpose: purpose.Support, Summary: "Tickets",
		Description: "All of the organization for its owner and admins: in the order in which they were made, or with a state those that changed last first. Others see their own, by state and in the order in which they were made.",
		ExampleOut:  api.List[TicketBody]{Data: []TicketBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		rows, cursor, err := store.List[Ticket](ctx, c.Org, in.query(c))
		if err != nil {
			return nil, api.ListError(err)
		}
		out := &ListOut{api.List[TicketBody]{Data: []TicketBody{}, NextCursor: cursor}}
		for _, t := range rows {
			out.Body.Data = append(out.Body.Data, body(t))
		}
		return out, nil
	})
}

func (in *ListIn) query(c *api.Caller) store.Query {
	s := c.Org.Scope()
	q := store.Query{Partition: s.Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
	switch {
	case in.Mine || !c.May(access.SupportReadAll):
		q.Index, q.Partition = store.Index1, s.Partition(Family, string(c.Member))
		if in.Status != "" {
			q.Prefix = store.Join(string(in.Status), "")
		}
	case in.Status != "":
		q.Index, q.Partition, q.Descending = store.Index2, s.Partition(Family, string(in.Status)), true
	}
	return q
}
