package invoicing

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// DueOverdue is the clock of invoices that were sent: when the day that the money is due on is over.
const DueOverdue store.DueKind = "overdue"

// overdueSettle is how long after the day's end the clock strikes. Whoever moves an invoice judges it by the time at which
// they began, and has ended by then: what they opened again on the day itself the clock still finds.
const overdueSettle = 10 * time.Minute

// overdueDue is the clock of an invoice. It is armed once, when the invoice is sent, and MarkOverdue takes it off: who
// pays, voids or opens the invoice in the meantime need not know of it, and who opens it later judges it themselves. It ends
// with the organisation, too, and with the invoice.
func (i *Invoice) overdueDue() *store.Due {
	day, _ := time.ParseInLocation(time.DateOnly, i.DueOn, location(i.Zone)) // written by issue
	return store.NewDue(DueOverdue, day.AddDate(0, 0, 1).Add(overdueSettle), Key(i.Org, i.ID))
}

// MarkOverdue puts what is overdue where it can be listed, once a day: every zone has one run in each of its days. An
// invoice that is paid, void or gone by then is left as it is. What is paid or opened again afterwards is marked by whoever
// does it.
func MarkOverdue() job.Job {
	return job.Job{
		ID: "mark-overdue", Area: "invoicing", Summary: "Mark invoices that are overdue", Purpose: purpose.Invoicing, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, DueOverdue, r.Event.At, func(ctx context.Context, d *store.Due) error { return markOverdue(ctx, r, d) })
		},
	}
}

// markOverdue marks one invoice and takes its clock off, both or none.
func markOverdue(ctx context.Context, r *job.Run, d *store.Due) error {
	scope, _ := store.ScopeOf(d.Target.PK)
	id, ok := scope.Organization()
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	org := r.Store.BindOrganization(id, r.Actor)
	org.SeeRestricted() // the books are kept whatever is restricted
	return store.Again(ctx, store.ErrStale, func() error {
		i, err := store.Get[Invoice](ctx, org, d.Target)
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return err
		}
		tx := r.Store.Begin()
		tx.Disarm(r.Platform(), d, false)
		switch {
		case err != nil, !i.Open(), i.Late:
		case !i.Overdue(r.Event.At):
			return nil // the zone's rules have changed since it was sent: a later run is in time
		default:
			i.Late, i.Updated = true, r.Clock().UnixMilli()
			tx.Replace(org, i)
		}
		return tx.Commit(ctx)
	})
}
