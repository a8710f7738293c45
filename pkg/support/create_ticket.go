package support

import (
	"context"
	"net/http"
	"strings"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// CreateIn is the input of create-ticket.
type CreateIn struct {
	Body CreateBody
}

// CreateBody is a new ticket with its first message.
type CreateBody struct {
	Subject  string   `json:"subject" minLength:"1" maxLength:"200" example:"An invoice shows the wrong tax"`
	Text     string   `json:"text" minLength:"1" maxLength:"5000" doc:"Plain text." example:"It says 19 % and should say 7 %."`
	Priority Priority `json:"priority,omitempty" default:"normal" enum:"low,normal,high,urgent"`
}

// CreateTicket asks PixelTrack's support something.
func CreateTicket(st *store.Store) api.Operation {
	e := exampleThread()
	return api.Replayable(api.Route{
		ID: "create-ticket", Area: "support", Method: http.MethodPost, Path: "/v1/support/tickets", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.SupportWrite, Purpose: purpose.Support, Summary: "Ask PixelTrack's support",
		Description: "The ticket is seen by the member who asks, by the organization's owner and by its admins.",
		ExampleIn:   CreateBody{Subject: e.Subject, Text: e.Thread[0].Text, Priority: e.Priority}, ExampleOut: e.TicketBody,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		subject := strings.TrimSpace(in.Body.Subject)
		if subject == "" {
			return nil, problem.InvalidField("body.subject", "must not be blank")
		}
		t := &Ticket{Org: c.Org.ID, ID: api.NewID[id.Ticket](c), Member: c.Member, Subject: subject, Priority: in.Body.Priority, Status: Open,
			Messages: 1, Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
		m, err := t.message(c, in.Body.Text)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Create(c.Org, t)
		tx.Create(c.Org, m)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return nil, err
		}
		return show(t), nil
	}, again)
}

// message is what the caller says in a ticket.
func (t *Ticket) message(c *api.Caller, text string) (*Message, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, problem.InvalidField("body.text", "must not be blank")
	}
	return &Message{Org: t.Org, Ticket: t.ID, ID: api.NewID[id.Post](c), Member: c.Member, Text: text, Created: c.Now.UnixMilli()}, nil
}
