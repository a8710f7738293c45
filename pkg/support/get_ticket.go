package support

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ThreadOut is the answer of get-ticket.
type ThreadOut struct {
	api.Tagged
	Body ThreadBody
}

// GetTicket answers a ticket with its thread.
func GetTicket() api.Operation {
	return api.New(api.Route{
		ID: "get-ticket", Area: "support", Method: http.MethodGet, Path: "/v1/support/tickets/{id}", PureRead: true,
		Permission: access.SupportRead, Purpose: purpose.Support, Summary: "One ticket with its messages",
		Refusals: []api.Refusal{missing()}, ExampleOut: exampleThread(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*ThreadOut, error) {
		ticket, err := id.Parse[id.Ticket](in.ID)
		if err != nil {
			return nil, problem.Missing("ticket")
		}
		var t *Ticket
		var messages []*Message
		var both errgroup.Group // the one does not stop the other: what a call costs does not tell what is there
		both.Go(func() (err error) {
			t, err = read(ctx, c, in.ID)
			return err
		})
		both.Go(func() (err error) {
			messages, _, err = store.List[Message](ctx, c.Org, store.Query{Partition: c.Org.Scope().Partition(FamilyMessages, string(ticket)), Limit: MaxMessages})
			return err
		})
		if err := both.Wait(); err != nil {
			return nil, err
		}
		return &ThreadOut{Tagged: api.Tag(t.Version), Body: thread(t, messages)}, nil
	})
}
