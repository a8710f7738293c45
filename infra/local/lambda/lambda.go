// Package lambda is the Lambda service of the local stack. It builds a function's program when it is first called, runs
// it behind the Runtime API, keeps it warm, lets several run at once, kills what takes too long, and tries
// asynchronous events again as AWS does before it gives them to the function's dead-letter queue.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// Line is one line that a function logged.
type Line struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	Request  string    `json:"request_id,omitempty"`
	Text     string    `json:"text"`
}

// DeadLetter is an asynchronous event that failed for good.
type DeadLetter struct {
	At       time.Time       `json:"at"`
	Function string          `json:"function"`
	Queue    string          `json:"queue"`
	Event    json.RawMessage `json:"event"`
	Error    string          `json:"error"`
}

// Result is what an invocation gave.
type Result struct {
	Payload []byte
	Error   string // empty for success: what the function, or its end, said
}

// Service runs the functions of a cloud.
type Service struct {
	Cloud       *template.Cloud
	Builder     *Builder
	Clock       *simclock.Clock
	Identities  *identity.Registry
	Environment []string                                                // what every function is given beside its own
	Own         func(id identity.Identity) []string                     // what a process is given beside that, by its key; nil for nothing
	Backoff     func(attempt int) time.Duration                         // before an asynchronous event is tried again
	Limit       int                                                     // processes of one function at once
	Ready       func(context.Context) error                             // called before a new process is given its first event; nil for nothing
	Allow       func(f *template.Function, actions []iam.Request) error // whether a role lets the service do something for the function

	generation atomic.Int64
	requests   atomic.Int64
	busy       atomic.Int64 // asynchronous events under way

	mu      sync.Mutex
	pools   map[string]*pool
	lines   []Line
	letters []DeadLetter
	working map[string]*process
	closed  bool
}

type pool struct {
	idle  []*process
	slots chan struct{}
}

// maxLines is how many log lines are kept.
const maxLines = 50_000

func (s *Service) pool(name string) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools == nil {
		s.pools, s.working = map[string]*pool{}, map[string]*process{}
	}
	p, ok := s.pools[name]
	if !ok {
		limit := s.Limit
		if f := s.Cloud.Function(name); f != nil && f.Concurrency > 0 {
			limit = min(limit, f.Concurrency)
		}
		p = &pool{slots: make(chan struct{}, max(1, limit))}
		s.pools[name] = p
	}
	return p
}

// NewRequestID gives the id of an invocation, in the shape of AWS's.
func (s *Service) NewRequestID() string {
	n := s.requests.Add(1)
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", time.Now().Unix()&0xffffffff, n>>16&0xffff, n)
}

// Invoke runs a function with an event and waits for its answer. The error is of the service, not of the function.
func (s *Service) Invoke(ctx context.Context, name string, payload []byte, request string) (Result, error) {
	f := s.Cloud.Function(name)
	if f == nil {
		return Result{}, fmt.Errorf("lambda: no function %s", name)
	}
	if request == "" {
		request = s.NewRequestID()
	}
	pl := s.pool(f.Name)
	select {
	case pl.slots <- struct{}{}:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	defer func() { <-pl.slots }()
	for range 3 { // a warm process may end while it waits
		p, err := s.take(ctx, f, pl)
		if err != nil {
			return Result{}, err
		}
		if a, err := s.work(p, f, pl, event{request: request, payload: payload, deadline: time.Now().Add(f.Timeout)}); !errors.Is(err, errGone) {
			return result(a, err, f, request), nil
		}
	}
	return result(answer{}, errGone, f, request), nil
}

// work gives a process one event.
func (s *Service) work(p *process, f *template.Function, pl *pool, e event) (answer, error) {
	s.Identities.Begin(p.id.AccessKey, e.request)
	s.setWorking(e.request, p)
	a, err := p.invoke(e, f.Timeout)
	s.setWorking(e.request, nil)
	s.Identities.End(p.id.AccessKey)
	s.put(pl, p)
	return a, err
}

func result(a answer, err error, f *template.Function, request string) Result {
	switch {
	case errors.Is(err, errTimeout):
		return Result{Error: fmt.Sprintf("%s Task timed out after %.2f seconds", request, f.Timeout.Seconds())}
	case err != nil:
		return Result{Error: fmt.Sprintf("RequestId: %s Error: Runtime exited without providing a reason", request)}
	case a.failed:
		return Result{Payload: a.payload, Error: string(a.payload)}
	}
	return Result{Payload: a.payload}
}

func (s *Service) setWorking(request string, p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == nil {
		delete(s.working, request)
		return
	}
	s.working[request] = p
}

// Kill ends the process that works on a request, in the middle of it, and says whether there was one.
func (s *Service) Kill(request string) bool {
	s.mu.Lock()
	p := s.working[request]
	s.mu.Unlock()
	if p == nil {
		return false
	}
	p.kill()
	return true
}

// take finds a warm process of the present generation or starts one.
func (s *Service) take(ctx context.Context, f *template.Function, pl *pool) (*process, error) {
	generation := s.generation.Load()
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, errors.New("lambda: the service is closed")
		}
		var p *process
		if n := len(pl.idle); n > 0 {
			p, pl.idle = pl.idle[n-1], pl.idle[:n-1]
		}
		s.mu.Unlock()
		if p == nil {
			break
		}
		if p.generation == generation && p.alive() {
			return p, nil
		}
		s.end(p)
	}
	binary, err := s.Builder.Binary(ctx, f.Dir)
	if err != nil {
		return nil, err
	}
	p, err := s.fresh(ctx, f, binary)
	if err != nil && ctx.Err() == nil {
		p, err = s.fresh(ctx, f, binary) // as AWS does, a start that failed is tried once more
	}
	if err != nil {
		return nil, err
	}
	p.generation = generation
	return p, nil
}

// fresh starts a process and waits until it may be given an event.
func (s *Service) fresh(ctx context.Context, f *template.Function, binary string) (*process, error) {
	id := s.Identities.Issue(f.Name, f.Policy)
	p, err := start(ctx, f.Name, binary, s.environment(f, id), id, func(request, line string) { s.record(f.Name, request, line) })
	if err != nil {
		s.Identities.Revoke(id.AccessKey)
		return nil, err
	}
	if s.Ready != nil {
		if err := s.Ready(ctx); err != nil {
			s.end(p)
			return nil, err
		}
	}
	return p, nil
}

func (s *Service) environment(f *template.Function, id identity.Identity) []string {
	env := []string{
		"AWS_ACCESS_KEY_ID=" + id.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + id.Secret,
		"AWS_REGION=" + template.Region,
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name,
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", f.Memory),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_SAM_LOCAL=true",
		"PIXELTRACK_CLOCK_OFFSET=" + s.Clock.Offset().String(),
		"TZ=UTC",
	}
	for k, v := range f.Environment {
		env = append(env, k+"="+v)
	}
	if s.Own != nil {
		env = append(env, s.Own(id)...)
	}
	return append(env, s.Environment...)
}

func (s *Service) put(pl *pool, p *process) {
	s.mu.Lock()
	keep := !s.closed && p.alive() && p.generation == s.generation.Load()
	if keep {
		pl.idle = append(pl.idle, p)
	}
	s.mu.Unlock()
	if !keep {
		s.end(p)
	}
}

func (s *Service) end(p *process) {
	p.kill()
	s.Identities.Revoke(p.id.AccessKey)
}

// Recycle makes every function start anew, as after a change of the clock.
func (s *Service) Recycle() {
	s.generation.Add(1)
	s.mu.Lock()
	var all []*process
	for _, pl := range s.pools {
		all = append(all, pl.idle...)
		pl.idle = nil
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range all {
		wg.Go(func() { s.end(p) })
	}
	wg.Wait()
}

// Close ends every process.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for _, p := range s.working {
		go p.kill()
	}
	s.mu.Unlock()
	s.Recycle()
}

// InvokeAsync takes an event in and runs the function later: up to the function's retries again when it fails, and
// then to its dead-letter queue.
func (s *Service) InvokeAsync(name string, payload []byte) {
	s.busy.Add(1)
	go func() {
		defer s.busy.Add(-1)
		f := s.Cloud.Function(name)
		if f == nil {
			return
		}
		var last string
		for attempt := 0; ; attempt++ {
			r, err := s.Invoke(context.Background(), name, payload, "")
			if err == nil && r.Error == "" {
				return
			}
			last = r.Error
			if err != nil {
				last = err.Error()
			}
			if attempt >= f.Retries {
				break
			}
			time.Sleep(s.Backoff(attempt))
		}
		d := DeadLetter{At: s.Clock.Now(), Function: name, Queue: f.OnFailure, Event: payload, Error: last}
		if err := s.mayBury(f); err != nil {
			d.Queue, d.Error = "", fmt.Sprintf("%s; not kept: %v", last, err)
		}
		s.Bury(d)
	}()
}

// mayBury asks the function's role, with which Lambda puts a failed event into an encrypted queue.
func (s *Service) mayBury(f *template.Function) error {
	if f.OnFailure == "" {
		return errors.New("the function has no place for failed events")
	}
	key := "arn:aws:kms:" + template.Region + ":" + template.Account + ":key/" + "tablekey"
	return s.Allow(f, []iam.Request{{Action: "sqs:SendMessage", Resource: f.OnFailure},
		{Action: "kms:GenerateDataKey", Resource: key}, {Action: "kms:Decrypt", Resource: key}})
}

// TakeDeadLetters gives what failed for good and forgets it, as a redrive does.
func (s *Service) TakeDeadLetters() []DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.letters
	s.letters = nil
	return all
}

// Pending is how many asynchronous events are under way.
func (s *Service) Pending() int { return int(s.busy.Load()) }

// DeadLetters gives what failed for good.
func (s *Service) DeadLetters() []DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]DeadLetter{}, s.letters...)
}

// Bury adds an event that another part of the stack gave up on.
func (s *Service) Bury(d DeadLetter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, d)
}

func (s *Service) record(function, request, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) >= maxLines {
		s.lines = append(s.lines[:0], s.lines[maxLines/2:]...)
	}
	s.lines = append(s.lines, Line{At: s.Clock.Now(), Function: function, Request: request, Text: line})
}

// Lines gives what the functions logged from a time on.
func (s *Service) Lines(since time.Time) []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Line{}
	for _, l := range s.lines {
		if !l.At.Before(since) {
			all = append(all, l)
		}
	}
	return all
}
