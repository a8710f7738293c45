package picture

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Sweep clears away what announcements, confirmations and removals leave: uploads that nobody confirmed, and the objects of
// every picture that is not the one shown. It is the part of a job; uploads come to the bucket incoming, pictures lie in the
// other.
func Sweep(ctx context.Context, r *job.Run, incoming, pictures Remover) error {
	return r.EachDue(ctx, DueSweep, r.Settled(), func(ctx context.Context, d *store.Due) error { return sweep(ctx, r, d, incoming, pictures) })
}

// sweep settles one clock. Its due row goes when the buckets are as the row says, so a failure comes again with the next
// run.
func sweep(ctx context.Context, r *job.Run, d *store.Due, incoming, pictures Remover) error {
	h, pic, ok := named(r, d)
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	p, err := Read(ctx, h)
	switch {
	case err != nil:
		return err
	case p != nil && p.Upload != nil && p.Upload.ID == pic:
		return abandon(ctx, r, d, h, p, incoming, pictures)
	case p != nil && p.ID == pic: // nobody can upload to its place any more
		_, err = incoming.Purge(ctx, objects(h.Scope(), pic))
	default:
		err = wipe(ctx, h.Scope(), pic, incoming, pictures)
	}
	if err != nil {
		return err
	}
	return store.Forget(ctx, r.Platform(), d)
}

// named finds whose picture a clock is of, and which.
func named(r *job.Run, d *store.Due) (Owner, id.Picture, bool) {
	pic, err := id.Parse[id.Picture](d.Target.SK)
	scope, family := store.ScopeOf(d.Target.PK)
	if err != nil || family != Family {
		return nil, "", false
	}
	if user, ok := scope.User(); ok {
		h := r.Store.BindUser(user, r.Actor)
		h.SeeRestricted()
		return h, pic, true
	}
	if org, ok := scope.Organization(); ok {
		h := r.Store.BindOrganization(org, r.Actor)
		h.SeeRestricted()
		return h, pic, true
	}
	return nil, "", false
}

// abandon takes an upload off that nobody confirmed within its time. A confirmation that is under way finds it gone, and what
// it has drawn goes with the next look.
func abandon(ctx context.Context, r *job.Run, d *store.Due, h Owner, p *Picture, incoming, pictures Remover) error {
	u := p.Upload
	if u.Clock != d.At { // it has another clock by now
		return store.Forget(ctx, r.Platform(), d)
	}
	tx := r.Store.Begin()
	p.end(tx, h, r.Clock())
	if p.ID == "" && !p.Held && !p.Restricted {
		tx.Delete(h, p)
	} else {
		tx.Rewrite(h, p)
	}
	err := tx.Commit(ctx)
	if errors.Is(err, store.ErrStale) {
		return nil // somebody else was first; what is left is done by the next run
	}
	if err != nil {
		return err
	}
	r.Log.Info("upload_abandoned", telemetry.Kind(string(DueSweep)), telemetry.Lag(r.Clock().Sub(time.Unix(u.Clock, 0))))
	return wipe(ctx, h.Scope(), u.ID, incoming, pictures)
}
