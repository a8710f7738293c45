package calls

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"pixeltrack.io/platform/infra/local/guard"
)

// Plan is something that shall go wrong. Empty members match anything.
type Plan struct {
	Function  string `json:"function,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Service   string `json:"service,omitempty"`   // dynamodb, s3, kms, ssm, events, resend, stripe
	Operation string `json:"operation,omitempty"` // GetItem
	Nth       int    `json:"nth,omitempty"`       // the n-th such call of an invocation, from 1; 0 is each
	Kind      string `json:"kind"`                // timeout_before, timeout_after, throttle, conflict, error, hold
	Times     int    `json:"times,omitempty"`     // how often; 0 is once, -1 always
}

// kinds gives the kinds of faults by their names.
func kinds() map[string]guard.Fault {
	return map[string]guard.Fault{"timeout_before": guard.TimeoutBefore, "timeout_after": guard.TimeoutAfter,
		"throttle": guard.Throttle, "conflict": guard.Conflict, "error": guard.Unavailable, "hold": guard.None}
}

// Faults hold what is planned to go wrong. The zero value plans nothing; it is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	plans []*planned
	hits  int
}

type planned struct {
	Plan
	left    int
	seen    map[string]int // by invocation
	held    int
	came    int // true
	release chan struct{}
}

// Add plans a fault. A hold lasts until Release.
func (f *Faults) Add(p Plan) error {
	if _, ok := kinds()[p.Kind]; !ok {
		return fmt.Errorf("there is no fault %q", p.Kind)
	}
	if p.Nth < 0 || p.Times < -1 {
		return errors.New("nth and times are counts")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	left := p.Times
	if left == 0 {
		left = 1
	}
	f.plans = append(f.plans, &planned{Plan: p, left: left, seen: map[string]int{}, release: make(chan struct{})})
	return nil
}

// Clear forgets every plan and lets go what is held.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.plans {
		close(p.release)
	}
	f.plans = nil
	f.hits = 0
}

// Forget drops the plans of one invocation, lets go what is held of it, and tells how often they came true.
func (f *Faults) Forget(request string) (hits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = slices.DeleteFunc(f.plans, func(p *planned) bool {
		if p.RequestID != request {
			return false
		}
		hits += p.came
		close(p.release)
		return true
	})
	return hits
}

// Hits is how many calls went wrong, or were held, since the last Clear.
func (f *Faults) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// Held is how many calls are held now.
func (f *Faults) Held() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, p := range f.plans {
		n += p.held
	}
	return n
}

// Next gives what shall go wrong with a call that is about to be carried out. It waits while the call is held.
func (f *Faults) Next(c guard.Call) guard.Fault {
	f.mu.Lock()
	for _, p := range f.plans {
		if !p.matches(c) {
			continue
		}
		p.seen[c.RequestID]++
		if p.Nth != 0 && p.seen[c.RequestID] != p.Nth || p.left == 0 {
			continue
		}
		if p.left > 0 {
			p.left--
		}
		f.hits++
		p.came++
		if p.Kind == "hold" {
			p.held++
			f.mu.Unlock()
			<-p.release
			f.mu.Lock()
			p.held--
			f.mu.Unlock()
			return guard.None
		}
		f.mu.Unlock()
		return kinds()[p.Kind]
	}
	f.mu.Unlock()
	return guard.None
}

func (p *planned) matches(c guard.Call) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(p.Function, c.Function) && is(p.RequestID, c.RequestID) && is(p.Service, c.Service) && is(p.Operation, c.Operation)
}
