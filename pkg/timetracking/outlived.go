package timetracking

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// atOnce is how many entries are deleted in one transaction, each with its booking.
const atOnce = 45

// DeleteOutlived deletes the timers and entries of a project whose time is over. What an invoice took of an entry stays with
// the invoice.
func DeleteOutlived(ctx context.Context, under *projects.Outlived) (gone, kept int, err error) {
	// Timers first: one that is stopped meanwhile is an entry by the time that entries are looked for.
	gone, kept, err = deleteTimers(ctx, under)
	if err != nil {
		return gone, kept, err
	}
	for numbers, err := range under.Booked(ctx, atOnce) {
		if err != nil {
			return gone, kept, err
		}
		deleted, stay := 0, 0
		err = store.Again(ctx, store.ErrStale, func() error {
			deleted, stay, err = deleteEntries(ctx, under, numbers)
			return err
		})
		gone, kept = gone+deleted, kept+stay
		if err != nil {
			return gone, kept, err
		}
	}
	return gone, kept, nil
}

func deleteTimers(ctx context.Context, under *projects.Outlived) (gone, kept int, err error) {
	q := store.Query{Partition: under.Org.Scope().Partition(FamilyTimer), Limit: 100}
	for t, err := range store.All[Timer](ctx, under.Org, q) {
		switch {
		case err != nil:
			return gone, kept, err
		case t.Project != under.ID:
			continue
		case under.Keeps(&t.Meta, t.Member):
			kept++
			continue
		}
		tx := under.Org.Store().Begin()
		under.Bound(tx)
		tx.Delete(under.Org, t)
		tx.Disarm(under.Org, t.Due(), false)
		projects.Free(tx, under.Org, under.ID, projects.Number(t.ID))
		switch err := tx.Commit(ctx); {
		case errors.Is(err, store.ErrStale): // it was stopped
		case err != nil:
			return gone, kept, err
		default:
			gone++
		}
	}
	return gone, kept, nil
}

// deleteEntries deletes those of some bookings that are of entries.
func deleteEntries(ctx context.Context, under *projects.Outlived, numbers []string) (gone, kept int, err error) {
	fetches := make([]*store.Fetch, len(numbers))
	for n, number := range numbers {
		fetches[n] = &store.Fetch{Through: under.Org, Key: entryKey(under.Org.ID, numbered(number)), Row: new(Entry)}
	}
	if err := under.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return 0, 0, err
	}
	tx := under.Org.Store().Begin()
	under.Bound(tx)
	for n, f := range fetches {
		e := f.Row.(*Entry)
		switch {
		case f.Err != nil || e.Project != under.ID: // the booking is of something else, or the entry has moved
			continue
		case under.Keeps(&e.Meta, e.Member):
			kept++
			continue
		}
		tx.Delete(under.Org, e)
		projects.Free(tx, under.Org, under.ID, numbers[n])
		gone++
	}
	if gone == 0 {
		return 0, kept, nil
	}
	return gone, kept, tx.Commit(ctx)
}
