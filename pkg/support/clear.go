package support

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Clear removes a ticket whose two years are over: its messages first, the ticket last. One that was reopened meanwhile
// stays.
func Clear(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	id, ok := scope.Organization()
	if !ok {
		return nil, 0, nil
	}
	org := st.BindOrganization(id, actor)
	org.SeeRestricted()
	org.SeeDue()
	t, err := store.Get[Ticket](ctx, org, d.Target)
	switch {
	case errors.Is(err, store.ErrMissing), err == nil && (t.Status != Closed || t.DueAt > d.At):
		return nil, 0, nil // gone, or another clock is armed
	case err != nil:
		return nil, 0, err
	case t.Held || t.Restricted:
		return nil, 0, retention.ErrHeld
	}
	gone, kept, err := store.Purge(ctx, org, org.Scope().Partition(FamilyMessages, string(t.ID)))
	if err != nil {
		return nil, 0, err
	}
	if kept > 0 {
		return nil, 0, retention.ErrHeld
	}
	tx := st.Begin()
	tx.Delete(org, t)
	unqueue(tx, st, actor, t)
	return tx, gone + 1, nil
}
