// Package receiving takes what Stripe tells by webhooks. It keeps which objects changed and acts on nothing: what they are by
// now, a job asks Stripe.
package receiving

import (
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/payments/hook"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds events of Stripe's, divided by account.
const Family store.Family = "STRIPEEVENT"

// Life is how long an event is kept: as long as Stripe itself can tell it again.
const Life = 30 * 24 * time.Hour

// State is what became of an event.
type State string

// The states of an event.
const (
	Received  State = "received"
	Applied   State = "applied"
	Ignored   State = "ignored"   // of a type that nobody waits for
	Unmatched State = "unmatched" // of an account or object that is not known, or no longer the organisation's: for people to look at
)

// Platform stands in keys for the platform's own account.
const Platform = "platform"

// Event is one event of Stripe's: its type and ids, and nothing of what it tells.
type Event struct {
	store.Meta
	Account  string `dynamo:"account,omitempty"` // empty for the platform's own
	ID       string `dynamo:"id"`
	Kind     string `dynamo:"kind"` // checkout.session.completed
	Object   string `dynamo:"object,omitempty"`
	Intent   string `dynamo:"intent,omitempty"` // of the payment that the object belongs to
	Live     bool   `dynamo:"live,omitempty"`
	Created  int64  `dynamo:"created"`  // by Stripe's clock
	Received int64  `dynamo:"received"` // both in epoch seconds
	State    State  `dynamo:"state"`
}

// Type is the row's type.
func (e *Event) Type() string { return "STRIPEEVENT" }

// Keys gives each account a partition of its own.
func (e *Event) Keys() store.Keys {
	division := e.Account
	if division == "" {
		division = Platform
	}
	return store.Keys{Primary: store.PlatformScope().KeyIn(Family, division, e.ID)}
}

func rowOf(e hook.Event, now time.Time) *Event {
	row := &Event{Account: e.Account, ID: e.ID, Kind: e.Type, Object: e.Object, Intent: e.Intent, Live: e.Live, Created: e.Created, Received: now.Unix(), State: Received}
	row.Expire(now.Add(Life))
	return row
}

// Routes lists the routes of this package.
func Routes() []api.Operation {
	return []api.Operation{ReceiveStripe(nil, ""), ReceiveStripeConnect(nil, "")}
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Event{}, Type: "STRIPEEVENT", Area: "webhooks", Purpose: purpose.Invoicing, Basis: registry.Contract, Class: registry.ClassWork,
		Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("account", "Stripe's id of an organization's account"), registry.Internal("id", "Stripe's id of an event"), registry.Internal("kind", "a fixed word"),
			registry.Internal("object", "Stripe's id of what changed"), registry.Internal("intent", "Stripe's id of a payment"), registry.Internal("live", "a mark"),
			registry.Internal("created", "a time"), registry.Internal("received", "a time"), registry.Internal("state", "a fixed word"),
		}}}
}
