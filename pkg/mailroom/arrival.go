// Package mailroom takes the mails that come in for PixelTrack itself: those to support, to the privacy address and to the
// data protection officer. A webhook says that one came; package sorting fetches it and brings it where it belongs.
package mailroom

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds mails that came in, each in a partition of its own.
const Family store.Family = "ARRIVAL"

// Life is how long it is known that a mail came in: longer than the provider tells of it again.
const Life = 30 * 24 * time.Hour

// DueArrival is the clock of mails whose event was lost, or that could not be fetched.
const DueArrival store.DueKind = "arrival"

// Patience is how long the schedule leaves a mail to its event, and then waits after each try.
const Patience = 10 * time.Minute

// State is what became of a mail that came in.
type State string

// The states.
const (
	Received State = "received"
	Taken    State = "taken"
	Ignored  State = "ignored" // nothing is kept of it but why
	Lost     State = "lost"    // the provider does not have it, or it could not be read for days
)

// Arrival is that a mail came in: the provider's id of it, and nothing of what it says.
type Arrival struct {
	store.Meta
	ID       string `dynamo:"id"`       // the provider's, of the mail
	Received int64  `dynamo:"received"` // epoch seconds
	Clock    int64  `dynamo:"clock"`    // epoch seconds; when the schedule looks at it
	State    State  `dynamo:"state"`
	Why      string `dynamo:"why,omitempty"` // a fixed word
}

// Type is the row's type.
func (a *Arrival) Type() string { return "ARRIVAL" }

// Keys gives each mail a partition of its own.
func (a *Arrival) Keys() store.Keys { return store.Keys{Primary: Key(a.ID)} }

// Key is where a mail that came in is known.
func Key(id string) store.Key { return store.PlatformScope().KeyIn(Family, id, store.Only) }

// Due is the clock of a mail that is not taken yet.
func (a *Arrival) Due() *store.Due { return store.NewDue(DueArrival, time.Unix(a.Clock, 0), Key(a.ID)) }

// In is a webhook as it was signed.
type In struct {
	mail.Signature
	RawBody []byte `contentType:"application/json"`
}

// Out says that a webhook was taken.
type Out struct{ Body Acknowledged }

// Acknowledged is the answer to a webhook.
type Acknowledged struct {
	Received bool `json:"received" example:"true" doc:"Always true; what was not taken is refused."`
}

var providerID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// ReceiveInboundMail takes the news that a mail came in.
func ReceiveInboundMail(st *store.Store, secret string) api.Operation {
	return api.New(api.Route{
		ID: "receive-inbound-mail", Area: "webhooks", Method: http.MethodPost, Path: "/v1/webhooks/inbound-mail", Audience: api.Public, RawBody: true,
		Summary: "Take the news of a mail that came in", Purpose: purpose.Support,
		Description: "For the mail provider alone. The signature (Svix) is checked over the very bytes first, then that it is not older than 300 seconds. " +
			"What the mail says is fetched afterwards; one mail is taken once, however often it is told of.",
		ExampleIn: map[string]any{"type": "email.received", "created_at": "2026-03-02T09:00:00Z",
			"data": map[string]any{"email_id": "4ef9a417-02e9-4d39-ad75-9611e0fcc33c", "from": "ada@example.com", "to": []string{"support@pixeltrack.io"}}},
		ExampleOut: Acknowledged{Received: true},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "signature_invalid", When: "The webhook is not signed by the provider."},
			{Kind: problem.Unauthenticated, Code: "signature_expired", When: "The signature is more than 300 seconds from now."},
			{Kind: problem.Malformed, Code: "not_an_event", When: "What was signed is not an event."},
		},
	}, func(ctx context.Context, c *api.Caller, in *In) (*Out, error) {
		err := mail.VerifyWebhook(in.Signature, in.RawBody, secret, c.Now)
		switch {
		case errors.Is(err, mail.ErrAge):
			return nil, problem.Of(problem.Unauthenticated, "signature_expired", "The signature is too old or from the future.")
		case err != nil:
			return nil, problem.Of(problem.Unauthenticated, "signature_invalid", "The signature is not valid.")
		}
		e, err := mail.ParseEvent(in.RawBody)
		if err != nil {
			return nil, problem.Of(problem.Malformed, "not_an_event", "This is not an event.")
		}
		if e.Type == mail.EventReceived && providerID.MatchString(e.MailID) {
			if err := arrived(ctx, st, store.Actor{Who: "provider:resend", Request: c.Request}, e.MailID, c.Now); err != nil {
				return nil, err
			}
		}
		return &Out{Acknowledged{Received: true}}, nil
	})
}

// arrived writes down that a mail came in; told again, it changes nothing.
func arrived(ctx context.Context, st *store.Store, actor store.Actor, id string, now time.Time) error {
	p := st.BindPlatform(actor)
	a := &Arrival{ID: id, Received: now.Unix(), Clock: now.Add(Patience).Unix(), State: Received}
	a.Expire(now.Add(Life))
	tx := st.Begin()
	tx.Create(p, a)
	tx.Arm(p, a.Due())
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

// Routes lists the routes of this package.
func Routes() []api.Operation { return []api.Operation{ReceiveInboundMail(nil, "")} }

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Arrival{}, Type: "ARRIVAL", Area: "webhooks", Purpose: purpose.Support, Basis: registry.Contract, Class: registry.ClassWork,
		Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("id", "the provider's id of a mail"), registry.Internal("received", "a time"), registry.Internal("clock", "a time"),
			registry.Internal("state", "a fixed word"), registry.Internal("why", "a fixed word"),
		}}}
}
