// Package deadline is the alarm clock of the registers: what PixelTrack's own people must do by a day raises an alarm when
// the day is near, and once a day from then on until it is done.
package deadline

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Family holds deadlines.
const Family store.Family = "DEADLINE"

// Due is the clock of deadlines.
const Due store.DueKind = "deadline"

// Again is how often an alarm is raised from the first on.
const Again = 24 * time.Hour

// Deadline is one thing that is to be done about an entry of a register.
type Deadline struct {
	store.Meta
	Object string `dynamo:"object"` // the id of the entry
	What   string `dynamo:"what"`   // a fixed word, which the alarm says
	Alarm  int64  `dynamo:"alarm"`  // epoch seconds of the next alarm
}

// Type is the row's type.
func (d *Deadline) Type() string { return "DEADLINE" }

// Keys puts a deadline under its entry and what is to be done.
func (d *Deadline) Keys() store.Keys { return store.Keys{Primary: key(d.Object, d.What)} }

func key(object, what string) store.Key { return store.PlatformScope().Key(Family, object, what) }

func (d *Deadline) due() *store.Due {
	return store.NewDue(Due, time.Unix(d.Alarm, 0), d.Keys().Primary)
}

// Set adds to a transaction that an alarm is raised at a time unless the deadline is cleared before. It takes the place of
// an earlier one of the same name.
func Set(tx *store.Tx, p *store.Platform, object, what string, alarm time.Time) {
	d := &Deadline{Object: object, What: what, Alarm: alarm.Unix()}
	tx.Put(p, d)
	tx.Arm(p, d.due())
}

// Clear adds to a transaction that something is done, or need not be. Its clock is forgotten when it rings.
func Clear(tx *store.Tx, p *store.Platform, object, what string) {
	tx.DeleteKey(p, key(object, what), "")
}

// Watch raises the alarms that are due.
func Watch() job.Job {
	return job.Job{
		ID: "watch-deadlines", Area: "admin", Summary: "Tell people of what the registers say is to be done", Purpose: purpose.LegalCompliance,
		Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			if err := r.EachDue(ctx, Due, r.Event.At, func(ctx context.Context, due *store.Due) error { return ring(ctx, r, due) }); err != nil {
				return err
			}
			return heartbeat.Beat(ctx, r, "watch-deadlines")
		},
	}
}

// ring raises one alarm. Of two runs at once both may tell, and one moves the clock.
func ring(ctx context.Context, r *job.Run, due *store.Due) error {
	p := r.Platform()
	d, err := store.Get[Deadline](ctx, p, due.Target)
	if errors.Is(err, store.ErrMissing) || err == nil && d.Alarm != due.At {
		return store.Forget(ctx, p, due)
	}
	if err != nil {
		return err
	}
	r.Log.Error(d.What, telemetry.Object(d.Object), telemetry.Lag(r.Event.At.Sub(due.Time())))
	d.Alarm = r.Event.At.Add(Again).Unix()
	tx := r.Store.Begin()
	tx.Replace(p, d)
	tx.Disarm(p, due, false)
	tx.Arm(p, d.due())
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		return err
	}
	return nil
}

// Jobs lists the job of this package.
func Jobs() []job.Job { return []job.Job{Watch()} }

// Rows registers its row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Deadline{}, Type: "DEADLINE", Area: "admin", Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
		Class: registry.ClassWork, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("object", "the id of an entry of a register"), registry.Internal("what", "a fixed word"), registry.Internal("alarm", "a time"),
		}}}
}
