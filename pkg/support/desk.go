package support

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Desk lists the routes by which PixelTrack's own people answer tickets. A ticket is addressed to them, so they read what
// it says without more; every reading is on the audit record of the organization whose member asked. Anything else of the organization needs a
// visit, of package visits.
func Desk() []api.Operation {
	return []api.Operation{ListSupportTickets(), GetSupportTicket(nil), AnswerTicket(nil), AssignTicket(nil), CloseSupportTicket(nil)}
}

// QueuedBody is one line of the queue.
type QueuedBody struct {
	ID             id.Ticket       `json:"id" example:"tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	OrganizationID id.Organization `json:"organization_id,omitempty" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Status         Status          `json:"status" enum:"open,pending,solved,closed"`
	Priority       Priority        `json:"priority" enum:"low,normal,high,urgent"`
	AssigneeID     id.Staff        `json:"assignee_id,omitempty" doc:"Who of PixelTrack's own people has taken it on." example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

func line(l *Line) QueuedBody {
	return QueuedBody{ID: l.ID, OrganizationID: l.Org, Status: l.Status, Priority: l.Priority, AssigneeID: l.Assignee,
		CreatedAt: time.UnixMilli(l.Created).UTC(), UpdatedAt: time.UnixMilli(l.Updated).UTC()}
}

func exampleLine() *Line {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli()
	return &Line{ID: "tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Org: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Status: Open, Priority: "normal", Assignee: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Created: at, Updated: at}
}

// AnsweredBody is a ticket with its thread, as staff see it.
type AnsweredBody struct {
	ThreadBody
	OrganizationID id.Organization `json:"organization_id,omitempty" doc:"What else there is of it needs an access: POST /v1/admin/support-access." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	AssigneeID     id.Staff        `json:"assignee_id,omitempty" example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// AnsweredOut is the answer of the routes of staff about one ticket.
type AnsweredOut struct {
	api.Tagged
	Body AnsweredBody
}

func exampleAnswered(status Status) AnsweredBody {
	l, b := exampleLine(), AnsweredBody{ThreadBody: exampleThread()}
	b.Status, b.OrganizationID, b.AssigneeID = status, l.Org, l.Assignee
	if status == Open {
		return b
	}
	b.Messages++
	b.Thread = append(b.Thread, MessageBody{ID: "pst_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC", StaffID: string(l.Assignee), Text: exampleAnswer, CreatedAt: b.CreatedAt.Add(time.Hour)})
	return b
}

const exampleAnswer = "The client has a tax of its own; it is under Clients."

func desk(r api.Route) api.Route {
	r.Area, r.Audience, r.Audit, r.Purpose = "admin", api.Staff, true, purpose.Support
	if r.Permission == "" {
		r.Permission = access.TicketsAnswer
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if strings.Contains(r.Path, "{id}") {
		r.Refusals = append(r.Refusals, missing())
	}
	return r
}

// QueueIn is the input of list-support-tickets.
type QueueIn struct {
	api.Page
	Status Status `query:"status" enum:"open,pending,solved,closed" default:"open"`
}

// QueueOut is the answer of list-support-tickets.
type QueueOut struct{ Body api.List[QueuedBody] }

// ListSupportTickets lists all tickets of a state.
func ListSupportTickets() api.Operation {
	return api.New(desk(api.Route{
		ID: "list-support-tickets", Method: http.MethodGet, Path: "/v1/admin/tickets", Permission: access.TicketsRead,
		Summary: "Tickets of a state, the one that has waited longest at the top", Description: "Of all organizations, and of those who have only mailed, by states and times alone. By index, which follows a change within moments.",
		ExampleOut: api.List[QueuedBody]{Data: []QueuedBody{line(exampleLine())}},
	}), func(ctx context.Context, c *api.Caller, in *QueueIn) (*QueueOut, error) {
		q := store.Query{Index: store.Index1, Partition: store.PlatformScope().Partition(FamilyQueue, string(in.Status)),
			Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, line)
		if err != nil {
			return nil, err
		}
		return &QueueOut{page}, nil
	})
}

// find gives a ticket by an id as it came in, with its line and the handle of whom it lies with. The line binds the handle,
// and nothing that the caller said.
func find(ctx context.Context, c *api.Caller, st *store.Store, text string) (Holder, *Line, *Ticket, error) {
	ticket, err := id.Parse[id.Ticket](text)
	if err != nil {
		return nil, nil, nil, problem.Missing("ticket")
	}
	c.About(string(ticket))
	l, err := store.Get[Line](ctx, c.Platform(), lineKey(ticket))
	if err != nil {
		return nil, nil, nil, nowhere(err)
	}
	h, ok := bind(st, c.Acting(), l.Target)
	if !ok {
		return nil, nil, nil, problem.Missing("ticket")
	}
	t, err := store.Get[Ticket](ctx, h, l.Target)
	return h, l, t, nowhere(err)
}

func nowhere(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return problem.Missing("ticket")
	}
	return err
}

// told is a ticket with its thread for one of our own people.
func told(ctx context.Context, h Holder, l *Line, t *Ticket) (*AnsweredOut, error) {
	messages, _, err := store.List[Message](ctx, h, store.Query{Partition: h.Scope().Partition(FamilyMessages, string(t.ID)), Limit: MaxMessages})
	if err != nil {
		return nil, err
	}
	return &AnsweredOut{api.Tag(t.Version), AnsweredBody{ThreadBody: thread(t, messages), OrganizationID: t.Org, AssigneeID: l.Assignee}}, nil
}

// seen adds the record that the ticket's organization, if it is one's, has of a call of staff.
func (t *Ticket) seen(c *api.Caller, tx *store.Tx, h Holder) {
	if org, ok := h.(*store.Organization); ok {
		c.AuditVisit(tx, org, string(t.ID), "done")
	}
}

// GetSupportTicket shows a ticket to one of our own people.
func GetSupportTicket(st *store.Store) api.Operation {
	return api.New(desk(api.Route{
		ID: "get-support-ticket", Method: http.MethodGet, Path: "/v1/admin/tickets/{id}", Permission: access.TicketsRead, Summary: "One ticket with what was said in it",
		Description: "Who asked and who wrote are ids, no names. That it was read is on the audit record of the organization, if it is one's.", ExampleOut: exampleAnswered(Open),
	}), func(ctx context.Context, c *api.Caller, in *ByID) (*AnsweredOut, error) {
		h, l, t, err := find(ctx, c, st, in.ID)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		t.seen(c, tx, h)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return nil, err
		}
		return told(ctx, h, l, t)
	})
}

// retold answers a repeat with the ticket as it is now.
func retold(st *store.Store) func(context.Context, *api.Caller, string) (*AnsweredOut, error) {
	return func(ctx context.Context, c *api.Caller, made string) (*AnsweredOut, error) {
		h, l, t, err := find(ctx, c, st, made)
		if err != nil {
			return nil, err
		}
		return told(ctx, h, l, t)
	}
}

// AnswerIn is the input of answer-ticket.
type AnswerIn struct {
	ByID
	Body AnswerBody
}

// AnswerBody is what support says.
type AnswerBody struct {
	Text   string `json:"text" minLength:"1" maxLength:"5000" doc:"Plain text." example:"The client has a tax of its own; it is under Clients."`
	Solved bool   `json:"solved,omitempty" doc:"Whether it answers all that was asked. The ticket is solved then, else it waits for who asked."`
}

// AnswerTicket says something in a ticket, as one of our own people.
func AnswerTicket(st *store.Store) api.Operation {
	return api.Replayable(desk(api.Route{
		ID: "answer-ticket", Path: "/v1/admin/tickets/{id}/messages", Status: http.StatusCreated, Summary: "Answer a ticket",
		Description: "The ticket is pending then, or solved, and who asked is mailed the answer. Answers do not overwrite each other, so no version is asked for.",
		Refusals: []api.Refusal{wrongState("The ticket is closed, or solved already."),
			{Kind: problem.Conflict, Code: "ticket_full", When: "The ticket has 100 messages."}},
		ExampleIn: AnswerBody{Text: exampleAnswer}, ExampleOut: exampleAnswered(Pending),
	}), func(ctx context.Context, c *api.Caller, in *AnswerIn) (*AnsweredOut, error) {
		text := strings.TrimSpace(in.Body.Text)
		if text == "" {
			return nil, problem.InvalidField("body.text", "must not be blank")
		}
		act := Answer
		if in.Body.Solved {
			act = Solve
		}
		return change(ctx, c, st, in.ID, nil, func(tx *store.Tx, h Holder, t *Ticket) error {
			err := t.Say(tx, h, act, c.Staff.ID, text)
			if errors.Is(err, ErrOver) {
				return problem.Of(problem.Conflict, "ticket_full", "The ticket has 100 messages.")
			}
			return err
		})
	}, retold(st))
}

// change lets something happen to a ticket, and answers with it. Without a version to match it meets others and goes on.
func change(ctx context.Context, c *api.Caller, st *store.Store, text string, match *api.IfMatch, what func(*store.Tx, Holder, *Ticket) error) (*AnsweredOut, error) {
	var out *AnsweredOut
	err := store.Again(ctx, store.ErrStale, func() error {
		h, l, t, err := find(ctx, c, st, text)
		if err != nil {
			return err
		}
		if match != nil {
			if err := match.Matches(t.Version); err != nil {
				return err
			}
		}
		tx := st.Begin()
		if err := what(tx, h, t); err != nil {
			return err
		}
		t.seen(c, tx, h)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return err
		}
		out, err = told(ctx, h, l, t)
		return err
	})
	return out, err
}

// CloseSupportTicket ends a ticket, as one of our own people.
func CloseSupportTicket(st *store.Store) api.Operation {
	return api.Replayable(desk(api.Route{
		ID: "close-support-ticket", Path: "/v1/admin/tickets/{id}/close", Summary: "Close a ticket as support",
		Description: "Its two years run from then on; for 14 days the organization can reopen it.", ExampleOut: exampleAnswered(Closed),
		Refusals: []api.Refusal{wrongState("It is closed.")},
	}), func(ctx context.Context, c *api.Caller, in *ChangeIn) (*AnsweredOut, error) {
		return change(ctx, c, st, in.ID, &in.IfMatch, func(tx *store.Tx, h Holder, t *Ticket) error { return t.End(tx, h) })
	}, retold(st))
}

// AssignTicket gives a ticket to the caller.
func AssignTicket(st *store.Store) api.Operation {
	return api.Replayable(desk(api.Route{
		ID: "assign-ticket", Path: "/v1/admin/tickets/{id}/assign", Summary: "Take a ticket on", Description: "Who had it before has it no longer.", ExampleOut: exampleAnswered(Open),
	}), func(ctx context.Context, c *api.Caller, in *ByID) (*AnsweredOut, error) {
		var out *AnsweredOut
		err := store.Again(ctx, store.ErrStale, func() error {
			h, l, t, err := find(ctx, c, st, in.ID)
			if err != nil {
				return err
			}
			l.Assignee = c.Staff.ID
			tx := st.Begin()
			tx.Replace(c.Platform(), l)
			t.seen(c, tx, h)
			if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
				return err
			}
			out, err = told(ctx, h, l, t)
			return err
		})
		return out, err
	}, retold(st))
}
