package support

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyQueue holds the one list of all tickets that PixelTrack's support works through.
const FamilyQueue store.Family = "SUPPORTQUEUE"

// Line is a ticket's line on that list: states and times, where the ticket lies, and who of our own people has taken it on.
// It follows the ticket within moments, says nothing of what is asked or by whom, and goes with the ticket.
type Line struct {
	store.Meta
	ID       id.Ticket       `dynamo:"id"`
	Org      id.Organization `dynamo:"org,omitempty"`
	Status   Status          `dynamo:"status"`
	Priority Priority        `dynamo:"priority"`
	Assignee id.Staff        `dynamo:"assignee,omitempty"`
	Created  int64           `dynamo:"created"` // epoch milliseconds
	Updated  int64           `dynamo:"updated"` // epoch milliseconds
	Of       int64           `dynamo:"of"`      // the version of the ticket that it tells of
	Target   store.Key       `dynamo:"target"`
}

// Type is the row's type.
func (l *Line) Type() string { return "QUEUEDTICKET" }

// Keys puts a line under its ticket's id, and lists those of a state by the time of their last change.
func (l *Line) Keys() store.Keys {
	return store.Keys{Primary: lineKey(l.ID), Index1: store.Key{PK: store.PlatformScope().Partition(FamilyQueue, string(l.Status)),
		SK: store.Join(store.Instant(time.UnixMilli(l.Updated)), string(l.ID))}}
}

func lineKey(t id.Ticket) store.Key { return store.PlatformScope().Key(FamilyQueue, string(t)) }

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{QueueTicket()} }

// QueueTicket lets the queue follow a ticket that has changed. It takes the ticket as it is by then, so events may come
// twice, late and in any order.
func QueueTicket() job.Job {
	return job.Job{
		ID: "queue-ticket", Area: "admin", Summary: "Let the queue of support follow a ticket", Purpose: purpose.Support, Triggers: []string{bus.TicketChanged{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			var e bus.TicketChanged
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("queue ticket: read the event: %w", err)
			}
			return store.Again(ctx, store.ErrStale, func() error { return follow(ctx, r.Store, r.Actor, e.Key()) })
		},
	}
}

// follow writes a ticket's line as the ticket is now. It is ErrStale when either changes meanwhile.
func follow(ctx context.Context, st *store.Store, actor store.Actor, key store.Key) error {
	h, ok := bind(st, actor, key)
	if !ok {
		return nil
	}
	t, err := store.Get[Ticket](ctx, h, key)
	if errors.Is(err, store.ErrMissing) {
		return nil // its line goes with it
	}
	if err != nil {
		return err
	}
	p := st.BindPlatform(actor)
	l, err := store.Get[Line](ctx, p, lineKey(t.ID))
	fresh := errors.Is(err, store.ErrMissing)
	switch {
	case fresh:
		l = new(Line)
	case err != nil:
		return err
	case l.Of >= t.Version:
		return nil
	}
	l.ID, l.Org, l.Status, l.Priority, l.Created, l.Updated, l.Of, l.Target = t.ID, t.Org, t.Status, t.Priority, t.Created, t.Updated, t.Version, key
	l.ExpiresAt = t.DueAt
	tx := st.Begin()
	tx.Check(h, key, "'_v' = ?", t.Version).Else(store.ErrStale)
	if fresh {
		tx.Create(p, l).Else(store.ErrStale)
	} else {
		tx.Replace(p, l)
	}
	return tx.Commit(ctx)
}

// unqueue takes a ticket's line off with the ticket.
func unqueue(tx *store.Tx, st *store.Store, actor store.Actor, t *Ticket) {
	tx.DeleteKey(st.BindPlatform(actor), lineKey(t.ID), "")
}
