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

// ReplyIn is the input of create-ticket-message.
type ReplyIn struct {
	ByID
	Body ReplyBody
}

// ReplyBody is a new message.
type ReplyBody struct {
	Text string `json:"text" minLength:"1" maxLength:"5000" doc:"Plain text." example:"It is in the PDF too."`
}

// CreateTicketMessage says something more in a ticket. It asks for no version: messages do not overwrite each other.
func CreateTicketMessage(st *store.Store) api.Operation {
	e := example()
	e.Messages = 2
	return api.Replayable(api.Route{
		ID: "create-ticket-message", Area: "support", Method: http.MethodPost, Path: "/v1/support/tickets/{id}/messages", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.SupportWrite, Purpose: purpose.Support, Summary: "Reply in a ticket",
		Description: "A ticket that is pending or solved is open again. The answer is the ticket as it is with the message.",
		Refusals: []api.Refusal{missing(), wrongState("The ticket is closed; reopen it, or make a new one."),
			{Kind: problem.Conflict, Code: "ticket_full", When: "The ticket has 100 messages; make a new one."}},
		ExampleIn: ReplyBody{Text: "It is in the PDF too."}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *ReplyIn) (*Out, error) {
		var t *Ticket
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if t, err = read(ctx, c, in.ID); err != nil {
				return err
			}
			m, err := t.message(c, in.Body.Text)
			if err != nil {
				return err
			}
			tx := st.Begin()
			if err := t.move(tx, c.Org, Reply, c.Now); err != nil {
				return err
			}
			if t.Messages >= MaxMessages {
				return problem.Of(problem.Conflict, "ticket_full", "The ticket has 100 messages; make a new one.")
			}
			t.Messages++
			tx.Replace(c.Org, t)
			tx.Create(c.Org, m)
			return c.Commit(ctx, tx, string(t.ID))
		})
		if err != nil {
			return nil, err
		}
		return show(t), nil
	}, again)
}
