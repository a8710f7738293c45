package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
)

// An event that Lambda delivers twice at once under one request id must not be taken for one run by the store.
func TestTwoAttemptsAtOneInvocationAreTwoActors(t *testing.T) {
	var actors []store.Actor
	j := job.Job{ID: "sweep-retention", Run: func(_ context.Context, r *job.Run) error {
		actors = append(actors, r.Actor)
		return nil
	}}
	for range 2 {
		if err := j.Do(context.Background(), []byte(`{}`), nil, telemetry.New(new(bytes.Buffer), time.Now), time.Now, "one-request"); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range actors {
		if a.Who != "job:sweep-retention" || !strings.HasPrefix(a.Request, "one-request.") {
			t.Errorf("actor = %+v; want the job and its request", a)
		}
	}
	if actors[0] == actors[1] {
		t.Errorf("both attempts act as %+v", actors[0])
	}
}

// More than a page of rows that fail every time must not hold up those behind them.
func TestDueWorkThatAlwaysFailsHoldsNothingUp(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	r := &job.Run{Store: st, Log: telemetry.New(new(bytes.Buffer), clock.Now), Clock: clock.Now, Event: job.Event{At: clock.Now()}, Actor: store.Actor{Who: "job:test"}}
	const bad, good = 120, 40
	for i := range bad + good {
		tx := st.Begin()
		tx.Arm(r.Platform(), store.NewDue("thing", clock.Now().Add(time.Duration(i-bad-good)*time.Minute), store.Key{PK: "ORG#org_1#THING", SK: fmt.Sprint(i)}))
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	done := 0
	work := func(_ context.Context, d *store.Due) error {
		if clock.Now().Sub(d.Time()) > good*time.Minute {
			return broken
		}
		done++
		return nil
	}
	if err := r.EachDue(ctx, "thing", r.Event.At, work); !errors.Is(err, broken) || done != good {
		t.Errorf("EachDue = %v with %d done; want the failures told and %d done", err, done, good)
	}
	enough := 0
	err := r.EachDue(ctx, "thing", r.Event.At, func(context.Context, *store.Due) error {
		enough++
		return job.ErrEnough
	})
	if err != nil || enough != 1 {
		t.Errorf("EachDue with enough = %v after %d; want no error after one", err, enough)
	}
}

func TestSettledIsNeverAheadOfTheClock(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{now.Add(-time.Hour), now, now.Add(4 * time.Minute)} {
		r := &job.Run{Clock: func() time.Time { return now }, Event: job.Event{At: at}}
		if got := r.Settled(); got.After(now) || at.Before(now) && !got.Equal(at) {
			t.Errorf("Settled() of an event at %v = %v; want it, and never more than %v", at, got, now)
		}
	}
}

func TestAJobIsBehindItsTable(t *testing.T) {
	unreadable := errors.New("unreadable")
	tests := []struct {
		name    string
		open    error
		payload string
		want    error
		runs    bool
	}{
		{"a table that is served", nil, `{}`, nil, true},
		{"a schedule leaves what is due to the next", store.ErrRestored, `{"source":"aws.scheduler","detail-type":"Scheduled Event"}`, nil, false},
		{"an event comes again or waits", store.ErrRestored, `{"source":"pixeltrack","detail-type":"OutboxQueued"}`, store.ErrRestored, false},
		{"a change comes again or waits", store.ErrRestored, `{"Records":[]}`, store.ErrRestored, false},
		{"a ring that cannot be read", unreadable, `{}`, unreadable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ran := false
			j := job.Job{ID: "test", Run: func(context.Context, *job.Run) error {
				ran = true
				return nil
			}}.Behind(func(context.Context) error { return tt.open })
			err := j.Do(context.Background(), []byte(tt.payload), nil, telemetry.New(new(bytes.Buffer), time.Now), time.Now, "r")
			if !errors.Is(err, tt.want) || ran != tt.runs {
				t.Errorf("Do() = %v, ran %v; want %v, %v", err, ran, tt.want, tt.runs)
			}
		})
	}
}
