package support

import (
	"context"
	"errors"
	"slices"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Forget erases what a member wrote to support, before the link to the person is cut: PixelTrack decides about it, not the
// organisation. A ticket that they asked goes whole, unless others of the organisation wrote in it: then its subject and
// their words go, and what was answered to them. Of what they wrote in the tickets of others the words go. It can be
// repeated, and says retention.ErrHeld when a hold or a restriction keeps something. It reads by index: nobody may have
// written as the member for a minute.
func Forget(ctx context.Context, org *store.Organization, member id.Member, files Files) (int, error) {
	n := 0
	for t, err := range store.All[Ticket](ctx, org, store.Query{Index: store.Index1, Partition: org.Scope().Partition(Family, string(member)), Limit: 50}) {
		if err != nil {
			return n, err
		}
		gone, err := t.forget(ctx, org, files)
		n += gone
		if err != nil {
			return n, err
		}
	}
	for m, err := range store.All[Message](ctx, org, store.Query{Index: store.Index1, Partition: org.Scope().Partition(FamilyMessages, string(member)), Limit: 50}) {
		if err == nil {
			err = m.empty(ctx, org)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// forget erases a ticket for who asked.
func (t *Ticket) forget(ctx context.Context, org *store.Organization, files Files) (int, error) {
	t, err := store.Get[Ticket](ctx, org, KeyIn(t.scope(), t.ID)) // as it is, not as the index has it
	if errors.Is(err, store.ErrMissing) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if t.Held || t.Restricted {
		return 0, retention.ErrHeld
	}
	partition := org.Scope().Partition(FamilyMessages, string(t.ID))
	messages, _, err := store.List[Message](ctx, org, store.Query{Partition: partition, Limit: MaxMessages})
	if err != nil {
		return 0, err
	}
	tx := org.Store().Begin()
	if slices.ContainsFunc(messages, func(m *Message) bool { return m.Member != "" && m.Member != t.Member }) {
		for _, m := range messages {
			if m.Member == "" || m.Member == t.Member {
				if err := m.empty(ctx, org); err != nil {
					return 0, err
				}
			}
		}
		t.Subject, t.Comment = "", ""
		tx.Rewrite(org, t)
		return 1, tx.Commit(ctx)
	}
	attached, err := files(ctx, org, t.ID)
	if err != nil {
		return attached, err
	}
	gone, kept, err := store.Purge(ctx, org, partition)
	if err != nil {
		return gone, err
	}
	if kept > 0 {
		return gone, retention.ErrHeld
	}
	tx.Delete(org, t)
	if t.DueAt != 0 {
		tx.Disarm(org, t.purgeDue(), true)
	}
	return attached + gone + 1, tx.Commit(ctx)
}

// empty takes the words out of a message.
func (m *Message) empty(ctx context.Context, org *store.Organization) error {
	m, err := store.Get[Message](ctx, org, m.Keys().Primary)
	if errors.Is(err, store.ErrMissing) || err == nil && m.Text == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if m.Held || m.Restricted {
		return retention.ErrHeld
	}
	m.Text = ""
	tx := org.Store().Begin()
	tx.Rewrite(org, m)
	return tx.Commit(ctx)
}
