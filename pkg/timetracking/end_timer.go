package timetracking

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// EndOf adds to a transaction that the running timer of a member who leaves becomes an entry: what was worked is kept.
// Without a timer it adds nothing. One under a legal hold stays as it is, and hinders nobody. The transaction fails with
// ErrMoved when the timer has moved meanwhile.
func EndOf(ctx context.Context, tx *store.Tx, org *store.Organization, self *store.User, m id.Member, now time.Time) error {
	t, r := new(Timer), new(Running)
	timer := &store.Fetch{Through: org, Key: timerKey(org.ID, m), Row: t}
	mark := &store.Fetch{Through: self, Key: runningKey(self.ID), Row: r}
	if err := org.Store().FetchAll(ctx, timer, mark); err != nil {
		return err
	}
	for _, f := range []*store.Fetch{timer, mark} {
		if f.Err != nil && !errors.Is(f.Err, store.ErrMissing) && !errors.Is(f.Err, store.ErrRestricted) {
			return f.Err
		}
	}
	if timer.Err != nil || t.Held {
		return nil
	}
	e, err := t.entry(now)
	if err != nil {
		return err
	}
	tx.Delete(org, t).Else(ErrMoved)
	tx.Disarm(org, t.Due(), false)
	tx.Create(org, e).Else(ErrMoved)
	if mark.Err == nil && r.Timer == t.ID && !r.Held {
		tx.Delete(self, r).Else(ErrMoved)
	}
	return nil
}
