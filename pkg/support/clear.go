package support

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Files deletes the files of a ticket that is about to go, and tells how many went. It can be repeated, and says
// retention.ErrHeld when one is kept.
type Files func(ctx context.Context, h Holder, t id.Ticket) (int, error)

// Clear removes a ticket whose two years are over: its files and messages first, the ticket last. One that was reopened
// meanwhile stays. With a correspondent's ticket it is time to look whether the correspondent is still needed.
func Clear(files Files) retention.Clearer {
	return func(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
		return clearTicket(ctx, st, actor, d, files)
	}
}

func clearTicket(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due, files Files) (*store.Tx, int, error) {
	h, ok := bind(st, actor, d.Target)
	if !ok {
		return nil, 0, nil
	}
	t, err := store.Get[Ticket](ctx, h, d.Target)
	switch {
	case errors.Is(err, store.ErrMissing), err == nil && (t.Status != Closed || t.DueAt > d.At):
		return nil, 0, nil // gone, or another clock is armed
	case err != nil:
		return nil, 0, err
	case t.Held || t.Restricted:
		return nil, 0, retention.ErrHeld
	}
	attached, err := files(ctx, h, t.ID)
	if err != nil {
		return nil, 0, err
	}
	gone, kept, err := store.Purge(ctx, h, h.Scope().Partition(FamilyMessages, string(t.ID)))
	if err != nil {
		return nil, 0, err
	}
	if kept > 0 {
		return nil, 0, retention.ErrHeld
	}
	tx := st.Begin()
	tx.Delete(h, t)
	if t.Correspondent != "" {
		tx.ArmWake(h, correspondents.Purge(t.Correspondent, h.Now()))
	}
	return tx, attached + gone + 1, nil
}

// bind gives the handle of whom a key lies with, for a job that was led to it by a row of our own. It sees what is
// restricted and what is due.
func bind(st *store.Store, actor store.Actor, key store.Key) (Holder, bool) {
	scope, _ := store.ScopeOf(key.PK)
	if org, ok := scope.Organization(); ok {
		h := st.BindOrganization(org, actor)
		h.SeeRestricted()
		h.SeeDue()
		return h, true
	}
	if hash, ok := scope.Case(); ok {
		h := st.BindCase(hash, actor)
		h.SeeRestricted()
		h.SeeDue()
		return h, true
	}
	return nil, false
}
