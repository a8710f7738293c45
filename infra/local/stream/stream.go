// Package stream reads the table's stream and gives it to the functions that are mapped to it, as Lambda does: in order,
// filtered, in batches, again when a batch fails, halved where the mapping says so, and whole into a bucket when a record
// fails for good.
package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

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
	Endpoint  string // of the stand-in
	Cloud     *template.Cloud
	Functions Invoker
	Keeper    Keeper
	Clock     *simclock.Clock
	Backoff   func(attempt int) time.Duration
	Allow     func(f *template.Function, requests []iam.Request) error // whether a role lets Lambda do something for its function; nil for always
}

// Reader reads one stream for all its mappings.
type Reader struct {
	options  Options
	mappings []*mapping
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu      sync.Mutex
	byTTL   map[[2]string]int // deletions that TTL will have made
	off     bool
	offered int // records read so far
	asked   int // polls that found nothing after the last record
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

// idle is how long the reader waits when there was nothing to read.
const idle = 15 * time.Millisecond

// Start reads the stream of the cloud's table from its beginning.
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
	arn, err := r.arn(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	r.done.Go(func() { r.read(ctx, arn) })
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

// Polls counts the times that the reader has found nothing new. Two more of them after a write mean that the write has
// been read.
func (r *Reader) Polls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (m *mapping) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// call asks the stand-in's stream API.
func (r *Reader) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.options.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=LOCALROOT/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("stream: %s: %s", operation, text)
	}
	return json.Unmarshal(text, out)
}

func (r *Reader) arn(ctx context.Context) (string, error) {
	var out struct{ Streams []struct{ StreamArn string } }
	if err := r.call(ctx, "ListStreams", map[string]any{"TableName": r.options.Cloud.Table.Name}, &out); err != nil {
		return "", err
	}
	if len(out.Streams) != 1 {
		return "", fmt.Errorf("stream: the table has %d streams", len(out.Streams))
	}
	return out.Streams[0].StreamArn, nil
}

// read follows every shard. An error of the stand-in is tried again at the next turn.
func (r *Reader) read(ctx context.Context, arn string) {
	iterators := map[string]string{}
	known := map[string]bool{}
	for turn := 0; ; turn++ {
		if turn%200 == 0 {
			r.shards(ctx, arn, known, iterators)
		}
		found := false
		for shard, iterator := range iterators {
			var out struct {
				Records           []json.RawMessage
				NextShardIterator string
			}
			if err := r.call(ctx, "GetRecords", map[string]any{"ShardIterator": iterator, "Limit": 1000}, &out); err != nil {
				continue
			}
			for _, text := range out.Records {
				r.offer(text)
			}
			found = found || len(out.Records) > 0
			if out.NextShardIterator == "" {
				delete(iterators, shard)
				turn = -1 // look for its children
				continue
			}
			iterators[shard] = out.NextShardIterator
		}
		if found {
			continue
		}
		r.mu.Lock()
		r.asked++
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(idle):
		}
	}
}

func (r *Reader) shards(ctx context.Context, arn string, known map[string]bool, iterators map[string]string) {
	var out struct {
		StreamDescription struct {
			Shards []struct {
				ShardID string `json:"ShardId"`
			}
		}
	}
	if err := r.call(ctx, "DescribeStream", map[string]any{"StreamArn": arn}, &out); err != nil {
		return
	}
	for _, s := range out.StreamDescription.Shards {
		if known[s.ShardID] {
			continue
		}
		var first struct{ ShardIterator string }
		if err := r.call(ctx, "GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": s.ShardID, "ShardIteratorType": "TRIM_HORIZON"}, &first); err != nil {
			continue
		}
		known[s.ShardID], iterators[s.ShardID] = true, first.ShardIterator
	}
}

// offer gives one record of the stand-in to the mappings that want it, in the shape that Lambda gives it.
func (r *Reader) offer(text json.RawMessage) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return
	}
	var change struct {
		Keys           map[string]struct{ S string }
		SequenceNumber string
	}
	if json.Unmarshal(raw["dynamodb"], &change) != nil {
		return
	}
	raw["eventSource"] = json.RawMessage(`"aws:dynamodb"`)
	raw["eventSourceARN"] = json.RawMessage(`"` + r.options.Cloud.Table.StreamARN + `"`)
	raw["awsRegion"] = json.RawMessage(`"` + template.Region + `"`)
	delete(raw, "userIdentity")
	key := [2]string{change.Keys["PK"].S, change.Keys["SK"].S}
	r.mu.Lock()
	if string(raw["eventName"]) == `"REMOVE"` && r.byTTL[key] > 0 {
		r.drop(key)
		raw["userIdentity"] = json.RawMessage(`{"type":"Service","principalId":"dynamodb.amazonaws.com"}`)
	}
	r.offered++
	r.mu.Unlock()
	whole, err := json.Marshal(raw)
	if err != nil {
		return // what was read from JSON
	}
	rec := record{at: r.options.Clock.Now(), text: whole, seq: change.SequenceNumber}
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
