package payments

import (
	"context"
	"errors"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/payments/hook"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// overlap is how much of what is known is read again: longer than Stripe and the clocks of two houses may differ.
const overlap = 2 * time.Hour

// ReconcilePayments asks Stripe what changed at each connected account since it was last asked, once a day, and writes down
// what no webhook told. It tells Stripe of refunds whose call died.
func ReconcilePayments(stripe *connect.Client) job.Job {
	return job.Job{
		ID: "reconcile-payments", Area: "invoicing", Summary: "Ask Stripe what changed, and tell it of refunds", Purpose: purpose.Invoicing, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			d := desk(r, stripe, "")
			return errors.Join(r.EachDue(ctx, RefundDue, r.Event.At, d.refunds), r.EachDue(ctx, invoicing.ReconcileDue, r.Event.At, d.reconcile))
		},
	}
}

// refunds tells Stripe of the refunds of a payment.
func (d *Desk) refunds(ctx context.Context, row *store.Due) error {
	scope, _ := store.ScopeOf(row.Target.PK)
	o, ok := scope.Organization()
	if !ok {
		return store.Forget(ctx, d.platform(), row)
	}
	org := d.org(o)
	p, err := store.Get[invoicing.Payment](ctx, org, row.Target)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, d.platform(), row)
	}
	if err != nil {
		return err
	}
	for _, r := range p.Refunds {
		if r.Unsent() {
			if err := d.Send(ctx, org, p.ID, r.ID); err != nil {
				return err
			}
		}
	}
	return store.Forget(ctx, d.platform(), row)
}

// reconcile reads what changed at an account, page by page. How far it came is on the account's row, so that a run that was
// killed is gone on with.
func (d *Desk) reconcile(ctx context.Context, row *store.Due) error {
	m, err := store.Get[invoicing.Marker](ctx, d.platform(), row.Target)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, d.platform(), row)
	}
	if err != nil {
		return err
	}
	org := d.org(m.Org)
	a, err := invoicing.ReadAccount(ctx, org)
	if err != nil {
		return err
	}
	if a == nil {
		return d.forget(ctx, row, m)
	}
	if !m.Connected || a.Account != m.Account || a.Due != row.At {
		return store.Forget(ctx, d.platform(), row) // it has left, or another clock counts
	}
	if err := d.account(ctx, m.Account, false); err != nil {
		return err
	}
	if err := d.checkouts(ctx, org, m.Account); err != nil {
		return err
	}
	for {
		more, err := d.page(ctx, m)
		if errors.Is(err, store.ErrStale) || errors.Is(err, errLeft) {
			return nil // another run goes on, or the account left meanwhile
		}
		if err != nil || !more {
			return err
		}
	}
}

// forget ends the platform's access to an account whose organisation has gone, and what leads from one to the other.
func (d *Desk) forget(ctx context.Context, row *store.Due, m *invoicing.Marker) error {
	if err := d.Stripe.Disconnect(ctx, m.Account, "forget-"+m.Account); err != nil && !errors.Is(err, connect.ErrAccess) {
		return err
	}
	tx := d.Store.Begin()
	tx.DeleteKey(d.platform(), row.Target, "'org' = ?", m.Org)
	tx.Disarm(d.platform(), row, false)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrCondition) {
		return err
	}
	return nil // somebody else's by now, or a twin was first
}

// errLeft says that an account is not there to be asked.
var errLeft = errors.New("payments: the account has left")

// page reads one page and notes how far it came; after the last it sets the clock for the next day.
func (d *Desk) page(ctx context.Context, m *invoicing.Marker) (more bool, err error) {
	org := d.org(m.Org)
	a, err := invoicing.ReadAccount(ctx, org)
	if err != nil {
		return false, err
	}
	if a == nil || a.Account != m.Account || a.Disconnected != 0 {
		return false, errLeft
	}
	if a.Run == 0 {
		a.Run = d.Clock().Unix()
	}
	events, more, err := d.Stripe.Events(ctx, m.Account, time.Unix(a.Since, 0).Add(-overlap).Unix(), a.After)
	switch {
	case errors.Is(err, connect.ErrMissing): // the event that the last run came to is no longer told
		events, more, a.After = nil, true, ""
	case errors.Is(err, connect.ErrAccess):
		return false, errLeft
	case err != nil:
		return false, err
	}
	if err := d.hints(ctx, m, events); err != nil {
		return false, err
	}
	tx := d.Store.Begin()
	if more && len(events) > 0 {
		a.After = events[len(events)-1].ID
	}
	if !more {
		tx.Disarm(org, a.DueRow(), false)
		a.Since, a.Run, a.After, a.Due = a.Run, 0, "", d.Clock().Add(between).Unix()
		tx.Arm(org, a.DueRow())
	}
	tx.Replace(org, a)
	return more, tx.Commit(ctx)
}

// hints folds what events are about, each payment once. What is not known here was told by a webhook, or is the account's
// other business.
func (d *Desk) hints(ctx context.Context, m *invoicing.Marker, events []hook.Event) error {
	seen := map[string]bool{}
	for _, e := range events {
		if !waited(e.Type) || strings.HasPrefix(e.Type, "account.") {
			continue
		}
		key := e.Intent
		if key == "" {
			key = e.Object
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		if err := d.object(ctx, m, e.Object, e.Intent); err != nil && !errors.Is(err, errUnmatched) && !errors.Is(err, errIgnored) {
			return err
		}
	}
	return nil
}

// checkouts folds what is under way.
func (d *Desk) checkouts(ctx context.Context, org *store.Organization, account string) error {
	for co, err := range checkouts(ctx, org) {
		if err != nil {
			return err
		}
		if co.Account != account || co.Session == "" {
			continue
		}
		err := d.session(ctx, account, &invoicing.Binding{Org: org.ID, Invoice: co.Invoice}, co.Session)
		if err != nil && !errors.Is(err, connect.ErrMissing) && !errors.Is(err, connect.ErrAccess) && !errors.Is(err, store.ErrMissing) {
			return err
		}
	}
	return nil
}
