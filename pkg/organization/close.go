package organization

import (
	"context"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// CloseDue is the clock of organizations that are closing: when whoever still wrote is through.
const CloseDue store.DueKind = "close-organization"

// Settle is how long an organization is closing before it is closed, longer than any writer that saw it open may write.
const Settle = time.Minute

// Close adds to a transaction that an organization is closing since a time: it takes no changes from then on, is closed
// a minute later, and goes with everything in it 30 days later. Until then Reopen, told the same time, undoes it.
func Close(tx *store.Tx, h *store.Organization, gate *access.OrganizationGate, at time.Time) *store.Op {
	tx.Arm(h, closeDue(h.ID, at))
	gate.Was, gate.Status, gate.ClosingAt = gate.Status, access.Closing, at.Unix()
	return tx.Replace(h, gate)
}

// Reopen adds to a transaction that a closing or closed organization is as it was. It fails with store.ErrMissing when
// the gate has gone or the organization was closed at another time.
func Reopen(tx *store.Tx, h *store.Organization, closingAt int64, was access.Status) *store.Op {
	tx.Disarm(h, closeDue(h.ID, time.Unix(closingAt, 0)), false)
	tx.Disarm(h, retention.OrganizationDue(h.ID, purgeAt(closingAt)), true)
	return tx.Change(h, access.OrganizationGateKey(h.ID), func(u *dynamo.Update) {
		u.Set("status", was).Remove("closing_at").Remove("due_at").Remove("was").If("'closing_at' = ?", closingAt)
	})
}

func closeDue(org id.Organization, closing time.Time) *store.Due {
	return store.NewDue(CloseDue, closing.Add(Settle), access.OrganizationGateKey(org))
}

func purgeAt(closingAt int64) time.Time {
	return time.Unix(closingAt, 0).UTC().Add(retention.Organization)
}

// CloseOrganizations closes the organizations that have been closing for a minute, starts the clock of their retention,
// and asks for the export that their owner is offered.
func CloseOrganizations(ask func(*store.Tx, *store.Organization)) job.Job {
	return job.Job{
		ID: "close-organizations", Area: "organization", Summary: "Close the organizations that are closing, and start the clock of their deletion",
		Purpose: purpose.AccountManagement, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, CloseDue, r.Settled(), func(ctx context.Context, d *store.Due) error { return closeOne(ctx, r, ask, d) })
		},
	}
}

// closeOne closes one organization, unless it was reopened or is gone, and tells its members.
func closeOne(ctx context.Context, r *job.Run, ask func(*store.Tx, *store.Organization), d *store.Due) error {
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	scope, _ := store.ScopeOf(d.Target.PK)
	org, ok := scope.Organization()
	if !ok {
		return tx.Commit(ctx)
	}
	h := r.Store.BindOrganization(org, r.Actor)
	h.SeeDue()
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(org))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return err
	}
	if err == nil && gate.Status == access.Closing && closeDue(org, time.Unix(gate.ClosingAt, 0)).At == d.At {
		if err := tell(ctx, r, h, gate); err != nil {
			return err
		}
		due := purgeAt(gate.ClosingAt)
		gate.Status, gate.DueAt = access.Closed, due.Unix()
		tx.Rewrite(h, gate)
		tx.ArmWake(h, retention.OrganizationDue(org, due))
		ask(tx, h)
	}
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		return err
	}
	return nil // it has changed meanwhile; the due row stays for the next run
}
