package files

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// held is how long an upload that is held or restricted is left alone before it is looked at again.
const held = 24 * time.Hour

// Cleared is a bucket that loses objects, one by its key or all whose keys begin alike.
type Cleared interface {
	Remover
	picture.Remover
}

// SweepUploads clears away what uploads and deletions leave: files that were asked for and did not come within a day, the
// place of an upload when its link has ended, and the objects of files that were deleted; likewise of pictures. Uploads
// come to the bucket incoming, files and pictures lie in kept.
func SweepUploads(incoming, kept Cleared) job.Job {
	return job.Job{
		ID: "sweep-uploads", Area: "files", Summary: "Remove uploads that nobody confirmed and what deleted files and pictures left", Purpose: purpose.ServiceDelivery, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			files := r.EachDue(ctx, DueUpload, r.Settled(), func(ctx context.Context, d *store.Due) error { return sweep(ctx, r, d, incoming, kept) })
			return errors.Join(files, picture.Sweep(ctx, r, incoming, kept))
		},
	}
}

// sweep settles one clock. Its due row goes when the buckets are as the row says, so a failure comes again with the next
// run.
func sweep(ctx context.Context, r *job.Run, d *store.Due, incoming, kept Remover) error {
	org, file, ok := named(r, d)
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	f, err := store.Get[File](ctx, org, d.Target)
	switch {
	case errors.Is(err, store.ErrMissing): // deleted, or erased
		err = wipe(ctx, org.ID, file, incoming, kept)
	case err != nil:
		return err
	case f.Clock != d.At: // it has another clock by now
	case f.State == PendingUpload:
		return abandon(ctx, r, org, f, incoming, kept)
	default: // nobody can upload to its place any more
		_, err = incoming.Remove(ctx, objectKey(org.ID, file))
	}
	if err != nil {
		return err
	}
	return store.Forget(ctx, r.Platform(), d)
}

// named finds the file that a clock is of.
func named(r *job.Run, d *store.Due) (*store.Organization, id.File, bool) {
	scope, _ := store.ScopeOf(d.Target.PK)
	orgID, ok := scope.Organization()
	if !ok {
		return nil, "", false
	}
	file, err := id.Parse[id.File](d.Target.SK)
	org := r.Store.BindOrganization(orgID, r.Actor)
	org.SeeRestricted()
	org.SeeDue()
	return org, file, err == nil
}

// abandon deletes a file that did not come within its time. A confirmation that is under way finds the row gone, and what
// it has copied goes with the next look.
func abandon(ctx context.Context, r *job.Run, org *store.Organization, f *File, incoming, kept Remover) error {
	now, lag := r.Clock(), r.Clock().Sub(time.Unix(f.Clock, 0))
	tx := r.Store.Begin()
	if f.Held || f.Restricted {
		f.DueAt = 0
		f.move(tx, org, now.Add(held).Unix())
		tx.Rewrite(org, f)
	} else if err := f.remove(tx, org, now); err != nil {
		return err
	}
	err := tx.Commit(ctx)
	if errors.Is(err, store.ErrStale) {
		return nil // somebody else was first; what is left is done by the next run
	}
	if err != nil || f.Held || f.Restricted {
		return err
	}
	r.Log.Info("upload_abandoned", telemetry.Kind(string(DueUpload)), telemetry.Lag(lag))
	return wipe(ctx, org.ID, f.ID, incoming, kept)
}
