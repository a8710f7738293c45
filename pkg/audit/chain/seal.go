package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Jobs lists the jobs of this package.
func Jobs() []job.Job { return []job.Job{SealAudit(), SignAuditHeads(Notary{})} }

// SealAudit seals audit records. Told of a record it sets the clock of its chain, the same for all records of a quarter of an
// hour; the schedule seals those whose clock has struck. Each chain is also looked at once a day, so that a record that
// nobody told of waits no longer for its seal.
func SealAudit() job.Job {
	return job.Job{
		ID: "seal-audit", Area: "organization", Summary: "Tie audit records into their chains", Purpose: purpose.Security,
		Triggers: []string{"schedule", bus.AuditRecorded{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			if !r.Event.Scheduled() {
				return arm(ctx, r)
			}
			restored := sync.OnceValues(func() (time.Time, error) { return admitted(ctx, r.Store) })
			return errors.Join(
				r.EachDue(ctx, DueSeal, r.Event.At, func(ctx context.Context, d *store.Due) error { return seal(ctx, r, d) }),
				r.EachDue(ctx, DueWatch, r.Settled(), func(ctx context.Context, d *store.Due) error { return watch(ctx, r, d, restored) }))
		},
	}
}

// arm sets the clock of the chain that a record belongs to.
func arm(ctx context.Context, r *job.Run) error {
	var e bus.AuditRecorded
	if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
		return fmt.Errorf("seal audit: read the event: %w", err)
	}
	of, _ := store.ScopeOf(e.PK)
	h, ok := bound(r.Store, r.Actor, of)
	if !ok {
		return nil
	}
	tx := r.Store.Begin()
	tx.Arm(r.Platform(), store.NewDue(DueSeal, r.Event.At.Truncate(every).Add(every+Settle), HeadKey(owner(h))))
	return tx.Commit(ctx)
}

// seal seals what the clock of a chain is of.
func seal(ctx context.Context, r *job.Run, d *store.Due) error {
	of, _ := store.ScopeOf(d.Target.PK)
	h, ok := bound(r.Store, r.Actor, of)
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	count, err := all(ctx, h, r)
	if errors.Is(err, store.ErrStale) {
		return nil // another run appends; the clock stays until one of us has sealed all
	}
	if err != nil {
		return err
	}
	if count > 0 {
		r.Log.Info("sealed", telemetry.Count(count))
	}
	return store.Forget(ctx, r.Platform(), d)
}

// watch seals what nobody told of, and sets the clock of the next day. It ends with its organisation. Of a chain that was
// there before the table was restored it sets the clock of its head: what was signed since the backup may lie ahead of it,
// and it may never grow again.
func watch(ctx context.Context, r *job.Run, d *store.Due, restored func() (time.Time, error)) error {
	of, _ := store.ScopeOf(d.Target.PK)
	h, ok := bound(r.Store, r.Actor, of)
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	count, err := all(ctx, h, r)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	if count > 0 {
		r.Log.Warn("sealed_late", telemetry.Count(count)) // or a moment before somebody was told
	}
	if there, err := lives(ctx, h); err != nil {
		return err
	} else if !there {
		return store.Forget(ctx, r.Platform(), d)
	}
	at, err := restored()
	if err != nil {
		return err
	}
	if !at.IsZero() && !d.Time().After(at.Add(watched)) { // set before the restore, or on the day after
		tx := r.Store.Begin()
		tx.Arm(h, store.NewDue(DueHead, at, d.Target)) // the same for two runs
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	next := d.Time()
	for !next.After(r.Settled()) { // the same for two runs at once
		next = next.Add(watched)
	}
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	tx.Arm(r.Platform(), store.NewDue(DueWatch, next, d.Target))
	return tx.Commit(ctx)
}

// lives says whether whose chain it is is still there. PixelTrack's own people always are.
func lives(ctx context.Context, h Holder) (bool, error) {
	org := owner(h)
	if org == "" {
		return true, nil
	}
	_, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// all makes seals until every record that has settled is in one, and tells how many there were.
func all(ctx context.Context, h Holder, r *job.Run) (count int, err error) {
	for {
		n, err := Append(ctx, h, r.Clock(), r.Settled().Add(-Settle))
		if err != nil {
			return count, err
		}
		if count += n; n < perSeal {
			return count, nil
		}
	}
}

// Append makes one seal of the records up to a time that are in none yet, and tells how many there were. Another run that
// was first is store.ErrStale.
func Append(ctx context.Context, h Holder, now, until time.Time) (int, error) {
	of := owner(h)
	head, err := store.Get[Head](ctx, h, HeadKey(of))
	first := errors.Is(err, store.ErrMissing)
	if err != nil && !first {
		return 0, err
	}
	if first {
		head = &Head{Organization: of}
	}
	records, err := between(ctx, h, head.Last, store.Instant(until), perSeal)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	s := &Seal{Organization: of, Sequence: head.Sequence + 1, At: now.Unix(), Previous: head.Hash}
	if !first {
		s.Since = head.when()
	}
	for _, a := range records {
		s.Records = append(s.Records, markOf(a))
	}
	s.Hash = s.sum()
	s.Expire(time.Unix(records[len(records)-1].At, 0).Add(life))
	head.take(s)
	tx := h.Store().Begin()
	tx.Create(h, s).Else(store.ErrStale)
	tx.Arm(h, headDue(of, now))
	if first {
		tx.Create(h, head).Else(store.ErrStale)
		tx.Arm(h, store.NewDue(DueWatch, now.Add(watched), HeadKey(of)))
	} else {
		tx.Replace(h, head)
	}
	return len(records), tx.Commit(ctx)
}

// between lists records whose keys lie behind one and not behind another, oldest first.
func between(ctx context.Context, h Holder, after, until string, limit int) ([]*api.Audit, error) {
	q := store.Query{Partition: h.Scope().Partition(api.FamilyAudit), To: until, Limit: limit}
	if after != "" {
		q.From = after + "!" // sorts behind the key itself and before every other
	}
	if q.From > q.To {
		return nil, nil
	}
	rows, _, err := store.List[api.Audit](ctx, h, q)
	return rows, err
}
