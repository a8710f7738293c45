// Package heartbeat is the proof that a worker on a schedule still works: it is written at the end of each run that went
// well, and turns stale when runs stay out or fail.
package heartbeat

import (
	"context"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds heartbeats.
const Family store.Family = "HEARTBEAT"

// Heartbeat is the last run of a job that went well.
type Heartbeat struct {
	store.Meta
	Job string `dynamo:"job"`
	At  int64  `dynamo:"at"` // epoch seconds
}

// Type is the row's type.
func (h *Heartbeat) Type() string { return "HEARTBEAT" }

// Keys puts a heartbeat under its job.
func (h *Heartbeat) Keys() store.Keys { return store.Keys{Primary: Key(h.Job)} }

// Key is where the heartbeat of a job lies.
func Key(job string) store.Key { return store.PlatformScope().Key(Family, job) }

// Worker is a job whose silence would break a promise, and how often it runs.
type Worker struct {
	Job   string
	Every time.Duration
}

// Workers lists them.
func Workers() []Worker {
	return []Worker{{"sweep-retention", time.Hour}, {"work-requests", 15 * time.Minute}, {"watch-deadlines", 15 * time.Minute}, {"aggregate-events", time.Hour}}
}

// Silent says whether a worker has been so for too long at a time: two runs stayed out. One that never ran is silent.
func (w Worker) Silent(last, now time.Time) bool { return last.IsZero() || now.Sub(last) > 2*w.Every }

// Beat writes the heartbeat of a job at the end of a run. One that a schedule did not start proves nothing of the schedule.
func Beat(ctx context.Context, r *job.Run, id string) error {
	if !r.Event.Scheduled() {
		return nil
	}
	tx := r.Store.Begin()
	tx.Put(r.Platform(), &Heartbeat{Job: id, At: r.Clock().Unix()})
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Heartbeat{}, Type: "HEARTBEAT", Area: "admin", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
		Class: registry.ClassPlatform, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("job", "a fixed word"), registry.Internal("at", "a time"),
		}}}
}
