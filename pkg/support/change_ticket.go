package support

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// UpdateIn is the input of update-ticket.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of a ticket.
type UpdateBody struct {
	Priority Priority `json:"priority" enum:"low,normal,high,urgent"`
}

// UpdateTicket changes how urgent a ticket is.
func UpdateTicket(st *store.Store) api.Operation {
	e := example()
	e.Priority = "high"
	return api.New(api.Route{
		ID: "update-ticket", Area: "support", Method: http.MethodPatch, Path: "/v1/support/tickets/{id}", ReadsAhead: true,
		Permission: access.SupportWrite, Purpose: purpose.Support, Summary: "Change a ticket's priority",
		Refusals:  []api.Refusal{missing(), wrongState("The ticket is closed.")},
		ExampleIn: UpdateBody{Priority: "high"}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		t, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		if t.Status == Closed {
			return nil, problem.Of(problem.Conflict, "ticket_state", "The ticket is closed; reopen it first.")
		}
		t.Priority, t.Updated = in.Body.Priority, c.Now.UnixMilli()
		tx := st.Begin()
		tx.Replace(c.Org, t)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return nil, err
		}
		return show(t), nil
	})
}

// CloseTicket ends a ticket, and starts its two years.
func CloseTicket(st *store.Store) api.Operation {
	e := example()
	e.Status = Closed
	return turn(st, Close, api.Route{ID: "close-ticket", Path: "/v1/support/tickets/{id}/close", Summary: "Close a ticket",
		Description: "Two years later it is deleted with its messages. For 14 days it can be reopened. Closing it twice is closing it once.",
		Refusals:    []api.Refusal{missing()}, ExampleOut: e})
}

// ReopenTicket takes a ticket up again that was solved or closed, and stops its two years.
func ReopenTicket(st *store.Store) api.Operation {
	return turn(st, Reopen, api.Route{ID: "reopen-ticket", Path: "/v1/support/tickets/{id}/reopen", Summary: "Reopen a ticket",
		Description: "Within 14 days of its close. The two years begin anew when it is closed again. Reopening an open ticket changes nothing.",
		Refusals: []api.Refusal{missing(), wrongState("The ticket waits for the organization; reply to it."),
			{Kind: problem.Conflict, Code: "reopen_too_late", When: "It was closed more than 14 days ago."}}, ExampleOut: example()})
}

func turn(st *store.Store, a Act, r api.Route) api.Operation {
	r.Area, r.Method, r.Permission, r.Purpose, r.ReadsAhead = "support", http.MethodPost, access.SupportWrite, purpose.Support, true
	done := map[Act]Status{Close: Closed, Reopen: Open}[a]
	return api.Replayable(r, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*Out, error) {
		t, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		if t.Status == done {
			return show(t), nil
		}
		tx := st.Begin()
		if err := t.move(tx, c.Org, a, c.Now); err != nil {
			return nil, err
		}
		tx.Replace(c.Org, t)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return nil, err
		}
		return show(t), nil
	}, again)
}

// read gives the ticket that is meant, in the version that is meant.
func (in ChangeIn) read(ctx context.Context, c *api.Caller) (*Ticket, error) {
	t, err := read(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return t, in.Matches(t.Version)
}
