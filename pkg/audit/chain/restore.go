package chain

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// admitted is when the table was admitted after a restore, zero when it never was.
func admitted(ctx context.Context, st *store.Store) (time.Time, error) {
	ring, err := store.Get[keyring.Ring](ctx, st.BindPlatform(store.Actor{}), keyring.RingKey())
	if errors.Is(err, store.ErrMissing) || err == nil && ring.Restored == 0 {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(ring.Restored, 0).UTC(), nil
}

// leaves says whether the chain that a head was signed of may have been left by a restore: nothing is signed of a table
// before it is admitted.
func (s *SignedHead) leaves(admitted time.Time) bool { return s.SignedAt.Before(admitted) }

// names says whether a restoration tells that the chain of a signed head was left.
func (r *Restoration) names(s *SignedHead) bool {
	return r.Sequence == s.Sequence && r.SHA256 == s.SHA256
}

// restored gives the last seal of a chain that does not follow from its newest signed head because its table was restored
// since: a restoration seal, or what was appended to one. Whatever a restore does not explain is ErrBroken.
func (n Notary) restored(ctx context.Context, r *job.Run, h Holder, left *SignedHead, head *Head) (*Seal, error) {
	if left == nil {
		return nil, ErrBroken
	}
	at, err := admitted(ctx, r.Store)
	if err != nil {
		return nil, err
	}
	if !left.leaves(at) {
		return nil, ErrBroken
	}
	kept, last, told, err := n.kept(ctx, h, head)
	if err != nil {
		return nil, err
	}
	switch {
	case kept > left.Sequence:
		return nil, store.ErrStale // another run has signed meanwhile
	case kept == left.Sequence: // it does follow, across a restoration that there was not
		return nil, ErrBroken
	case told != nil && told.names(left) && told.Kept == kept && told.At == at.Unix():
		return last, nil // a run before has sealed it, and did not come to sign
	}
	return appendRestoration(ctx, r, h, head, &Restoration{At: at.Unix(), Sequence: left.Sequence, SHA256: left.SHA256, Kept: kept, After: head.Sequence, Last: head.Last})
}

// kept finds the newest signed head that the table's own chain follows from, and gives its sequence, with the last seal and
// the last restoration behind it. So a restoration gives up what lies behind a signed head, and nothing that one vouches for
// and that the table says it has. A chain that follows from none, and does not begin with its first seal, is ErrBroken.
func (n Notary) kept(ctx context.Context, h Holder, head *Head) (kept int64, last *Seal, told *Restoration, err error) {
	if head.Sequence == 0 {
		return 0, nil, nil, empty(ctx, h)
	}
	for below := head.Sequence + 1; ; {
		signed, err := n.below(ctx, owner(h), below)
		if err != nil {
			return 0, nil, nil, err
		}
		if signed != nil && signed.isOf(head) {
			return signed.Sequence, nil, nil, nil
		}
		last, told, err := follow(ctx, h, signed, head)
		switch {
		case errors.Is(err, ErrBroken) && signed != nil:
			below = signed.Sequence
		case err != nil || signed == nil:
			return 0, last, told, err
		default:
			return signed.Sequence, last, told, nil
		}
	}
}

// empty is ErrBroken unless a chain without a head has no seals either.
func empty(ctx context.Context, h Holder) error {
	seals, _, err := store.List[Seal](ctx, h, store.Query{Partition: h.Scope().Partition(FamilySeal), Limit: 1})
	if err == nil && len(seals) > 0 {
		return ErrBroken
	}
	return err
}

// appendRestoration makes the seal of a restoration the end of the chain. Another run that was first is store.ErrStale.
func appendRestoration(ctx context.Context, r *job.Run, h Holder, head *Head, what *Restoration) (*Seal, error) {
	of, now, first := owner(h), r.Clock(), head.Sequence == 0
	s := &Seal{Organization: of, Sequence: max(what.After, what.Sequence) + 1, At: now.Unix(), Previous: head.Hash, Restored: what}
	if !first {
		s.Since = head.when()
	}
	s.Hash = s.sum()
	s.Expire(time.Unix(s.when(), 0).Add(life))
	head.take(s)
	tx := h.Store().Begin()
	tx.Create(h, s).Else(store.ErrStale)
	if first {
		tx.Create(h, head).Else(store.ErrStale)
		tx.Arm(h, store.NewDue(DueWatch, now.Add(watched), HeadKey(of)))
	} else {
		tx.Replace(h, head)
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	r.Log.Warn("audit_chain_restored", telemetry.Object(string(of)), telemetry.Count(int(what.Sequence-what.Kept)))
	return s, nil
}
