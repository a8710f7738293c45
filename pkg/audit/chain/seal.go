package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Jobs lists the jobs of this package.
func Jobs() []job.Job { return []job.Job{SealAudit(), SignAuditHeads(Notary{})} }

// SealAudit seals the records of organisations. Told of a record it sets the organisation's clock, the same for all records
// of a quarter of an hour; the schedule seals those whose clock has struck. A record that nobody told of is sealed with the
// next one.
func SealAudit() job.Job {
	return job.Job{
		ID: "seal-audit", Area: "organization", Summary: "Tie the audit records of organizations into their chains", Purpose: purpose.Security,
		Triggers: []string{"schedule", bus.AuditRecorded{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			if !r.Event.Scheduled() {
				return arm(ctx, r)
			}
			return r.EachDue(ctx, DueSeal, r.Event.At, func(ctx context.Context, d *store.Due) error { return seal(ctx, r, d) })
		},
	}
}

// arm sets the clock of the organisation that a record was written in.
func arm(ctx context.Context, r *job.Run) error {
	var e bus.AuditRecorded
	if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
		return fmt.Errorf("seal audit: read the event: %w", err)
	}
	scope, _ := store.ScopeOf(e.PK)
	org, ok := scope.Organization()
	if !ok {
		return nil
	}
	tx := r.Store.Begin()
	tx.Arm(r.Platform(), store.NewDue(DueSeal, r.Event.At.Truncate(every).Add(every+Settle), HeadKey(org)))
	return tx.Commit(ctx)
}

// seal seals what an organisation's clock is of.
func seal(ctx context.Context, r *job.Run, d *store.Due) error {
	scope, _ := store.ScopeOf(d.Target.PK)
	org, ok := scope.Organization()
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	h := r.Store.BindOrganization(org, r.Actor)
	h.SeeRestricted()
	count := 0
	for {
		n, err := Append(ctx, h, r.Clock(), r.Settled().Add(-Settle))
		if errors.Is(err, store.ErrStale) {
			return nil // another run appends; the clock stays until one of us has sealed all
		}
		if err != nil {
			return err
		}
		if count += n; n < perSeal {
			break
		}
	}
	if count > 0 {
		r.Log.Info("sealed", telemetry.Count(count))
	}
	return store.Forget(ctx, r.Platform(), d)
}

// Append makes one seal of the records up to a time that are in none yet, and tells how many there were. Another run that
// was first is store.ErrStale.
func Append(ctx context.Context, org *store.Organization, now, until time.Time) (int, error) {
	head, err := store.Get[Head](ctx, org, HeadKey(org.ID))
	first := errors.Is(err, store.ErrMissing)
	if err != nil && !first {
		return 0, err
	}
	if first {
		head = &Head{Organization: org.ID}
	}
	records, err := between(ctx, org, head.Last, store.Instant(until), perSeal)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	s := &Seal{Organization: org.ID, Sequence: head.Sequence + 1, At: now.Unix(), Previous: head.Hash}
	if !first {
		s.Since = instant(head.Last)
	}
	for _, a := range records {
		s.Records = append(s.Records, markOf(a))
	}
	s.Hash = s.sum()
	s.Expire(time.Unix(records[len(records)-1].At, 0).Add(api.AuditLife + 24*time.Hour))
	head.Sequence, head.Hash, head.Last, head.Count = s.Sequence, s.Hash, s.last(), head.Count+int64(len(records))
	tx := org.Store().Begin()
	tx.Create(org, s).Else(store.ErrStale)
	tx.Arm(org, headDue(org.ID, now))
	if first {
		tx.Create(org, head).Else(store.ErrStale)
	} else {
		tx.Replace(org, head)
	}
	return len(records), tx.Commit(ctx)
}

// between lists records whose keys lie behind one and not behind another, oldest first.
func between(ctx context.Context, org *store.Organization, after, until string, limit int) ([]*api.Audit, error) {
	q := store.Query{Partition: org.Scope().Partition(api.FamilyAudit), To: until, Limit: limit}
	if after != "" {
		q.From = after + "!" // sorts behind the key itself and before every other
	}
	if q.From > q.To {
		return nil, nil
	}
	rows, _, err := store.List[api.Audit](ctx, org, q)
	return rows, err
}
