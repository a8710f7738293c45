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
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// RatingBody is how content who asked is.
type RatingBody struct {
	Score   int    `json:"score" minimum:"1" maximum:"5" doc:"From 1, not at all, to 5, very." example:"5"`
	Comment string `json:"comment,omitempty" maxLength:"1000" doc:"Plain text." example:"Quick and clear."`
}

// RateIn is the input of rate-ticket.
type RateIn struct {
	ByID
	Body RatingBody
}

// RateTicket says how content the caller is with what became of their ticket.
func RateTicket(st *store.Store) api.Operation {
	e := example()
	e.Status, e.Rating = Solved, &Rating{RatingBody: RatingBody{Score: 5, Comment: "Quick and clear."}, At: e.UpdatedAt}
	return api.Replayable(api.Route{
		ID: "rate-ticket", Area: "support", Method: http.MethodPost, Path: "/v1/support/tickets/{id}/rating", ReadsAhead: true,
		Permission: access.SupportWrite, Purpose: purpose.Support, Summary: "Rate what became of a ticket",
		Description: "By who asked, once the ticket is solved or closed. A later rating takes the place of an earlier one.",
		Refusals: []api.Refusal{missing(), wrongState("The ticket is neither solved nor closed."),
			{Kind: problem.Forbidden, Code: "asker_only", When: "The ticket is another member's."}},
		ExampleIn: RatingBody{Score: 5, Comment: "Quick and clear."}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *RateIn) (*Out, error) {
		var t *Ticket
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if t, err = read(ctx, c, in.ID); err != nil {
				return err
			}
			if t.Member != c.Member {
				return problem.Of(problem.Forbidden, "asker_only", "A ticket is rated by who asked.")
			}
			tx := st.Begin()
			if err := t.rate(tx, c.Org, in.Body, c.Now); err != nil {
				return err
			}
			return c.Commit(ctx, tx, string(t.ID))
		})
		if err != nil {
			return nil, err
		}
		return show(t), nil
	}, again)
}

// rate writes a rating down. It is no change of the ticket's state, and does not move its two years.
func (t *Ticket) rate(tx *store.Tx, h Holder, b RatingBody, now time.Time) error {
	if t.Status != Solved && t.Status != Closed {
		return problem.Of(problem.Conflict, "ticket_state", "A ticket is rated when it is solved or closed.")
	}
	t.Score, t.Comment, t.RatedAt = b.Score, strings.TrimSpace(b.Comment), now.Unix()
	tx.Replace(h, t)
	return nil
}

// ratePurpose is what the passes of rating links are derived for.
const ratePurpose = "ticket-rating"

// Pass is what the link in a mail to a correspondent carries: their ticket, and the proof that the link is ours.
func Pass(links keys.Links, hash string, t id.Ticket) string {
	return hash + "." + string(t) + "." + links.Short(ratePurpose, store.Join(hash, string(t)))
}

func readPass(links keys.Links, text string) (hash string, t id.Ticket, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", "", false
	}
	t, err := id.Parse[id.Ticket](parts[1])
	return parts[0], t, err == nil && links.CheckShort(parts[2], ratePurpose, store.Join(parts[0], parts[1]))
}

// RateByMailIn is the input of rate-mail-ticket.
type RateByMailIn struct {
	Body struct {
		Pass string `json:"pass" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a.tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.abcdefghijklmnopqrstuvwxyz"`
		RatingBody
	}
}

// RateByMailOut is the answer of rate-mail-ticket.
type RateByMailOut struct{ Body RatingBody }

// RateMailTicket takes the rating of who asked by mail, by the link that they were mailed.
func RateMailTicket(st *store.Store, links keys.Links) api.Operation {
	in := RateByMailIn{}.Body
	in.Pass = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a.tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.abcdefghijklmnopqrstuvwxyz"
	in.RatingBody = RatingBody{Score: 5, Comment: "Quick and clear."}
	return api.New(api.Route{
		ID: "rate-mail-ticket", Area: "support", Method: http.MethodPost, Path: "/v1/support/ratings", Audience: api.Public, Purpose: purpose.Support,
		Summary:     "Rate what became of a question that was asked by mail",
		Description: "By the link in the mail, once the question is solved or closed. A later rating takes the place of an earlier one.",
		ExampleIn:   in, ExampleOut: in.RatingBody,
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "ticket_not_found", When: "The pass is not one of ours, or the ticket has gone."},
			wrongState("The ticket is neither solved nor closed.")},
	}, func(ctx context.Context, c *api.Caller, in *RateByMailIn) (*RateByMailOut, error) {
		hash, ticket, ok := readPass(links, in.Body.Pass)
		if !ok {
			return nil, problem.Missing("ticket")
		}
		h := st.BindCase(hash, store.Actor{Request: c.Request})
		h.SeeRestricted() // who asked says more of their own
		err := store.Again(ctx, store.ErrStale, func() error {
			t, err := store.Get[Ticket](ctx, h, KeyIn(h.Scope(), ticket))
			if errors.Is(err, store.ErrMissing) {
				return problem.Missing("ticket")
			}
			if err != nil {
				return err
			}
			tx := st.Begin()
			if err := t.rate(tx, h, in.Body.RatingBody, c.Now); err != nil {
				return err
			}
			return tx.Commit(ctx)
		})
		if err != nil {
			return nil, err
		}
		return &RateByMailOut{in.Body.RatingBody}, nil
	})
}
