// Package stream gives the changes of the table to the functions that are mapped to it, as Lambda does: in order,
// filtered, in batches, again when a batch fails, halved where the mapping says so, and whole into a bucket when a record
// fails for good.
package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/pattern"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// Invoker runs functions.
type Invoker interface {
	Invoke(ctx context.Context, name string, payload []byte, request string) (lambda.Result, error)
	Bury(lambda.DeadLetter)
}

// Keeper puts a record that failed for good into a bucket, as the function.
type Keeper interface {
	Keep(ctx context.Context, f *template.Function, bucket, key string, body []byte) error
}

// Options are what a Reader is made of.
type Options struct {
	Cloud     *template.Cloud
	Functions Invoker
	Keeper    Keeper
	Clock     *simclock.Clock
	Backoff   func(attempt int) time.Duration
	Allow     func(f *template.Function, requests []iam.Request) error // whether a role lets Lambda do something for its function; nil for always
}

// Reader keeps one stream for all its mappings.
type Reader struct {
	options  Options
	mappings []*mapping
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu    sync.Mutex
	byTTL map[[2]string]int // deletions that TTL will have made
	off   bool
}

type mapping struct {
	function *template.Function
	filters  []pattern.Pattern
	wake     chan struct{}

	mu     sync.Mutex
	queue  []record
	active int
}

type record struct {
	at   time.Time // the stack's
	text json.RawMessage
	seq  string
}

// Start begins to give what is offered to the functions of the cloud.
func Start(o Options) (*Reader, error) {
	r := &Reader{options: o, byTTL: map[[2]string]int{}}
	for _, f := range o.Cloud.Functions {
		if f.Stream == nil {
			continue
		}
		m := &mapping{function: f, wake: make(chan struct{}, 1)}
		for _, text := range f.Stream.Filters {
			p, err := pattern.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("stream: %s: %w", f.Name, err)
			}
			m.filters = append(m.filters, p)
		}
		r.mappings = append(r.mappings, m)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	for _, m := range r.mappings {
		r.done.Go(func() { r.serve(ctx, m) })
	}
	return r, nil
}

// Close stops reading.
func (r *Reader) Close() {
	r.stop()
	r.done.Wait()
}

// ByTTL says that the deletion of a row which is about to come is TTL's own; Undo takes it back when the row was not
// deleted after all.
func (r *Reader) ByTTL(pk, sk string) (undo func()) {
	key := [2]string{pk, sk}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byTTL[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop(key)
	}
}

func (r *Reader) drop(key [2]string) {
	if r.byTTL[key]--; r.byTTL[key] <= 0 {
		delete(r.byTTL, key)
	}
}

// retention is how long a stream keeps a record.
const retention = 24 * time.Hour

// Off stops giving records to the functions, and On begins again; what has become older than a day is lost by then.
func (r *Reader) Off() { r.set(true) }

// On gives records to the functions again.
func (r *Reader) On() { r.set(false) }

func (r *Reader) set(off bool) {
	r.mu.Lock()
	was := r.off
	r.off = off
	r.mu.Unlock()
	for _, m := range r.mappings {
		m.mu.Lock()
		if was && !off {
			limit := r.options.Clock.Now().Add(-retention)
			m.queue = slices.DeleteFunc(m.queue, func(rec record) bool { return rec.at.Before(limit) })
		}
		m.mu.Unlock()
		m.nudge()
	}
}

// Pending is how many records wait or are worked on. A stream that is off has none.
func (r *Reader) Pending() int {
	r.mu.Lock()
	off := r.off
	r.mu.Unlock()
	n := 0
	for _, m := range r.mappings {
		m.mu.Lock()
		n += m.active
		if !off {
			n += len(m.queue)
		}
		m.mu.Unlock()
	}
	return n
}

func (m *mapping) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Offer gives one change of a row to the mappings that want it, in the shape that Lambda gives it.
func (r *Reader) Offer(c door.Change) {
	at := r.options.Clock.Now()
	raw, err := c.Record(at)
	if err != nil {
		return // what was read from JSON
	}
	raw["eventSourceARN"] = json.RawMessage(`"` + r.options.Cloud.Table.StreamARN + `"`)
	raw["awsRegion"] = json.RawMessage(`"` + template.Region + `"`)
	key := [2]string{c.PK, c.SK}
	r.mu.Lock()
	if c.Event == "REMOVE" && r.byTTL[key] > 0 {
		r.drop(key)
		raw["userIdentity"] = json.RawMessage(`{"type":"Service","principalId":"dynamodb.amazonaws.com"}`)
	}
	r.mu.Unlock()
	whole, err := json.Marshal(raw)
	if err != nil {
		return // as above
	}
	rec := record{at: at, text: whole, seq: c.Sequence}
	for _, m := range r.mappings {
		if len(m.filters) > 0 && !slices.ContainsFunc(m.filters, func(p pattern.Pattern) bool { return p.Matches(whole) }) {
			continue
		}
		m.mu.Lock()
		m.queue = append(m.queue, rec)
		m.mu.Unlock()
		m.nudge()
	}
}

// serve gives one mapping its records, in order.
func (r *Reader) serve(ctx context.Context, m *mapping) {
	for {
		r.mu.Lock()
		off := r.off
		r.mu.Unlock()
		m.mu.Lock()
		var batch []record
		if !off {
			n := min(len(m.queue), m.function.Stream.BatchSize)
			batch = slices.Clone(m.queue[:n])
			m.queue = m.queue[n:]
			m.active = n
		}
		m.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-m.wake:
			}
			continue
		}
		r.deliver(ctx, m, batch)
		m.mu.Lock()
		m.active = 0
		m.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
	}
}

// deliver gives a batch until it is done or has failed for good.
func (r *Reader) deliver(ctx context.Context, m *mapping, batch []record) {
	s := m.function.Stream
	for attempt := 0; len(batch) > 0 && ctx.Err() == nil; attempt++ {
		done, failure := r.invoke(ctx, m, batch)
		if batch = batch[done:]; failure == "" || len(batch) == 0 {
			return
		}
		if done > 0 {
			attempt = 0 // another batch by now
		}
		if s.Bisect && len(batch) > 1 && attempt == 0 {
			half := len(batch) / 2
			r.deliver(ctx, m, batch[:half])
			r.deliver(ctx, m, batch[half:])
			return
		}
		if s.Retries >= 0 && attempt >= s.Retries {
			r.giveUp(ctx, m.function, batch, failure)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.options.Backoff(attempt)):
		}
	}
}

// invoke gives a batch once, and tells how many records from its start are done.
func (r *Reader) invoke(ctx context.Context, m *mapping, batch []record) (done int, failure string) {
	if err := r.mayRead(m.function); err != nil {
		return 0, err.Error()
	}
	result, err := r.options.Functions.Invoke(ctx, m.function.Name, payload(batch), "")
	if err != nil {
		return 0, err.Error()
	}
	if result.Error != "" {
		return 0, result.Error
	}
	if !m.function.Stream.PartialBatch {
		return len(batch), ""
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(result.Payload, &answer) != nil || len(answer.BatchItemFailures) == 0 {
		return len(batch), ""
	}
	first := len(batch)
	for _, f := range answer.BatchItemFailures {
		i := slices.IndexFunc(batch, func(rec record) bool { return rec.seq == f.ItemIdentifier })
		if i < 0 {
			return 0, "the function names a record that it was not given"
		}
		first = min(first, i)
	}
	return first, "the function did not finish its batch"
}

// mayRead asks the role of a function for the key of the table, without which Lambda cannot read the stream for it.
func (r *Reader) mayRead(f *template.Function) error {
	key := r.options.Cloud.Table.KMSKey
	if r.options.Allow == nil || key == "" {
		return nil
	}
	return r.options.Allow(f, []iam.Request{{Action: "kms:Decrypt", Resource: key,
		Context: map[string][]string{"kms:ViaService": {"dynamodb." + template.Region + ".amazonaws.com"}}}})
}

func payload(batch []record) []byte {
	all := make([]json.RawMessage, len(batch))
	for i, rec := range batch {
		all[i] = rec.text
	}
	text, err := json.Marshal(map[string]any{"Records": all})
	if err != nil {
		return nil // they were made by Marshal
	}
	return text
}

// giveUp keeps records that failed for good where the mapping says.
func (r *Reader) giveUp(ctx context.Context, f *template.Function, batch []record, failure string) {
	now := r.options.Clock.Now()
	text := payload(batch)
	letter := lambda.DeadLetter{At: now, Function: f.Name, Queue: f.Stream.FailedQueue, Event: text, Error: failure}
	if bucket := f.Stream.FailedBucket; bucket != "" {
		key := "aws/lambda/" + f.Name + "/shard/" + now.Format("2006/01/02/2006-01-02T15.04.05") + "-" + batch[0].seq
		whole, err := json.Marshal(map[string]any{"timestamp": now, "requestContext": map[string]any{"functionArn": f.Name, "condition": "RetryAttemptsExhausted"}, "payload": string(text)})
		if err == nil {
			err = r.options.Keeper.Keep(ctx, f, bucket, key, whole)
		}
		letter.Queue = "s3://" + bucket + "/" + key
		if err != nil {
			letter.Queue, letter.Error = "", strings.TrimSpace(failure+"; not kept: "+err.Error())
		}
	}
	r.options.Functions.Bury(letter)
}
