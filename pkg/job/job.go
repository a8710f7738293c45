// Package job is what stands around every background job: reading its event, its time, its log, its failures. A job
// declares itself as a Job; a function runs exactly one. Every job may be run twice, twice at once, late, and again
// after it was killed, and ends in the same state.
package job

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Job is a background job.
type Job struct {
	ID       string // operation id, also the function's directory: sweep-retention
	Area     string
	Summary  string
	Purpose  string
	Triggers []string // schedule, stream, or the types of events on the bus
	Restores bool     // whether it runs on a restored table that is not to be served yet
	Run      func(ctx context.Context, r *Run) error
}

// Behind gives the job that asks first whether the table may be worked on. On one that was restored and is not to be
// served yet a schedule does nothing, for what is due stays due; anything else fails, so that it comes again or waits where
// failures wait.
func (j Job) Behind(open func(context.Context) error) Job {
	run := j.Run
	j.Run = func(ctx context.Context, r *Run) error {
		err := open(ctx)
		if errors.Is(err, store.ErrRestored) && r.Event.Scheduled() {
			r.Log.Warn("table_restored")
			return nil
		}
		if err != nil {
			return err
		}
		return run(ctx, r)
	}
	return j
}

// Run is one run of a job.
type Run struct {
	Store   *store.Store // may be nil for a job without rows
	Log     *telemetry.Log
	Clock   func() time.Time // decides leases and claims
	Request string           // the invocation's id
	Event   Event
	Actor   store.Actor // how the job is written into rows
}

// Event is what started a run.
type Event struct {
	At      time.Time       // decides what is due
	Type    string          // of an event on the bus; empty for a schedule or the stream
	Detail  json.RawMessage // of an event on the bus
	Records []Record        // of the stream
}

// Scheduled says whether a schedule started the run.
func (e Event) Scheduled() bool { return e.Type == "" && e.Records == nil }

// Ahead is how far the time of an event may be ahead of the clock.
const Ahead = 5 * time.Minute

// envelope is what EventBridge, its scheduler and a DynamoDB stream send.
type envelope struct {
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`
	Records    []Record        `json:"Records"`
}

// Partial is the error of a run over records of the stream that did its work up to one of them. The stream gives that
// record and all after it to a later run, and nothing before it. The trigger must ask for the failures of a batch.
type Partial struct {
	From  string // the sequence number of the first record that is not done
	Cause error
}

// Error names the cause.
func (p *Partial) Error() string {
	return fmt.Sprintf("job: the rest of a batch is not done: %v", p.Cause)
}

// Unwrap gives the cause.
func (p *Partial) Unwrap() error { return p.Cause }

// Source is the source of the product's own events on the bus.
const Source = "pixeltrack"

// Read turns what Lambda received into an Event. The time of a scheduled event more than five minutes ahead of the
// clock is refused; an event without a time takes the clock's.
func Read(payload []byte, now time.Time) (Event, error) {
	var in envelope
	if err := json.Unmarshal(payload, &in); err != nil {
		return Event{}, fmt.Errorf("job: read event: %w", err)
	}
	e := Event{At: in.Time.UTC(), Records: in.Records}
	if in.Source == Source {
		e.Type, e.Detail = in.DetailType, in.Detail
	}
	if e.At.IsZero() || e.Type != "" || e.Records != nil {
		e.At = now
	}
	if e.At.After(now.Add(Ahead)) {
		return Event{}, fmt.Errorf("job: the event's time is %v ahead of the clock", e.At.Sub(now).Round(time.Second))
	}
	return e, nil
}

// Do runs a job for one payload. A panic becomes an error.
func (j Job) Do(ctx context.Context, payload []byte, st *store.Store, log *telemetry.Log, clock func() time.Time, request string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
		fields := []telemetry.Field{telemetry.Operation(j.ID), telemetry.Request(request)}
		if err != nil {
			log.Error("job_failed", append(fields, telemetry.Cause(err))...)
			return
		}
		log.Info("job_done", fields...)
	}()
	event, err := Read(payload, clock())
	if err != nil {
		return err
	}
	r := &Run{Store: st, Log: log, Clock: clock, Request: request, Event: event, Actor: store.Actor{Who: "job:" + j.ID, Request: attempt(request)}}
	return j.Run(ctx, r)
}

// attempt tells the attempts at one invocation apart. Lambda may deliver an event twice under one request id, even at the
// same time, and the store takes a row that the same actor wrote for its own write whose answer was lost.
func attempt(request string) string {
	b := make([]byte, 4)
	rand.Read(b) // never fails
	return request + "." + hex.EncodeToString(b)
}

// Platform is the handle of registers, lookups and due rows.
func (r *Run) Platform() *store.Platform { return r.Store.BindPlatform(r.Actor) }

// ErrEnough is what work on due things gives when no more of them can be done in this run.
var ErrEnough = errors.New("job: enough for this run")

// EachDue works on everything of a kind that is due at a time. What fails is logged, stays due and stops nothing else;
// at the end the failures are one error. ErrEnough ends the run and is no failure.
func (r *Run) EachDue(ctx context.Context, kind store.DueKind, by time.Time, work func(context.Context, *store.Due) error) error {
	var failed error
	for d, err := range store.AllDue(ctx, r.Platform(), kind, by) {
		if err == nil {
			err = work(ctx, d)
		}
		if errors.Is(err, ErrEnough) {
			break
		}
		if err != nil {
			fields := []telemetry.Field{telemetry.Kind(string(kind)), telemetry.Cause(err)}
			if d != nil {
				fields = append(fields, telemetry.Lag(by.Sub(d.Time())))
			}
			r.Log.Error("due_work_failed", fields...)
			failed = errors.Join(failed, err)
		}
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
	}
	return failed
}

// Settled is the event's time, or the clock's if the event is ahead of it: for what waits until writers are through.
func (r *Run) Settled() time.Time {
	if now := r.Clock(); r.Event.At.After(now) {
		return now
	}
	return r.Event.At
}
