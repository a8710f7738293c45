package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/payments/receiving"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

func desk(r *job.Run, stripe *connect.Client, app string) *Desk {
	return &Desk{Store: r.Store, Stripe: stripe, App: app, Actor: r.Actor, Clock: r.Clock}
}

// UnmatchedEvent is what the log calls an event that changed nothing because its account or object is not known. An alarm
// counts it.
const UnmatchedEvent = "stripe_event_unmatched"

// ApplyStripeEvent brings the ledger up to what an event of Stripe's hints at.
func ApplyStripeEvent(stripe *connect.Client) job.Job {
	return job.Job{
		ID: "apply-stripe-event", Area: "invoicing", Summary: "Write down what changed at Stripe", Purpose: purpose.Invoicing,
		Triggers: []string{bus.StripeReceived{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			var e bus.StripeReceived
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("apply stripe event: read the event: %w", err)
			}
			row, err := store.Get[receiving.Event](ctx, r.Platform(), e.Key())
			if errors.Is(err, store.ErrMissing) {
				return nil
			}
			if err != nil {
				return err
			}
			return desk(r, stripe, "").apply(ctx, r, row)
		},
	}
}

func (d *Desk) apply(ctx context.Context, r *job.Run, row *receiving.Event) error {
	if row.State != receiving.Received {
		return nil
	}
	state := receiving.Applied
	err := d.event(ctx, row)
	switch {
	case errors.Is(err, errIgnored):
		state = receiving.Ignored
	case errors.Is(err, errUnmatched):
		state = receiving.Unmatched
		r.Log.Warn(UnmatchedEvent, telemetry.Operation("apply-stripe-event"), telemetry.Request(r.Request), telemetry.Kind(row.Kind))
	case err != nil:
		return err
	}
	row.State = state
	tx := d.Store.Begin()
	tx.Replace(d.platform(), row)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		return err
	}
	return nil // a twin was first
}

// errIgnored says that nobody waits for events of a type.
var errIgnored = errors.New("payments: nobody waits for such events")

func (d *Desk) event(ctx context.Context, e *receiving.Event) error {
	switch {
	case e.Live != d.Stripe.Live():
		return errUnmatched
	case e.Account == "" || !waited(e.Kind):
		return errIgnored
	case strings.HasPrefix(e.Kind, "account."):
		return d.account(ctx, e.Account, e.Kind == "account.application.authorized")
	}
	m, err := d.marker(ctx, e.Account)
	if err != nil {
		return err
	}
	return d.object(ctx, m, e.Object, e.Intent)
}

// waited says whether the ledger follows from events of a type.
func waited(kind string) bool {
	for _, prefix := range [...]string{"checkout.session.", "payment_intent.", "charge.", "refund."} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	switch kind {
	case "account.updated", "account.application.authorized", "account.application.deauthorized":
		return true
	}
	return false
}

// ExpireCheckouts ends the checkouts of invoices that are no longer as they were, and of organisations that are closing.
func ExpireCheckouts(stripe *connect.Client, app string) job.Job {
	return job.Job{
		ID: "expire-checkouts", Area: "invoicing", Summary: "End checkouts that are no longer right", Purpose: purpose.Invoicing,
		Triggers: []string{bus.CheckoutOutdated{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			var e bus.CheckoutOutdated
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("expire checkouts: read the event: %w", err)
			}
			d := desk(r, stripe, app)
			scope, family := store.ScopeOf(e.PK)
			o, ok := scope.Organization()
			if !ok {
				return nil
			}
			if family == access.FamilyOrganizationGate {
				return d.endAll(ctx, o, nil)
			}
			of, err := id.Parse[id.Invoice](e.SK)
			if err != nil || family != invoicing.Family {
				return nil
			}
			if err := d.endOf(ctx, d.org(o), of, true); !errors.Is(err, errComplete) {
				return err
			}
			return nil // the webhook that tells of it does the rest
		},
	}
}
