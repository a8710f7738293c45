// Package calls remembers what the functions asked of their providers: every call with its units, which parts of which
// role it needed, and what was planned to go wrong with it. The unit ledger, the proof of least privilege and the fault
// tests are read from it.
package calls

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
)

// Call is one call of a provider by a function.
type Call struct {
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Function  string    `json:"function"`
	RequestID string    `json:"request_id,omitempty"` // empty while the function starts
	Target    string    `json:"target"`               // table, index, bucket, key or parameter
	Families  []string  `json:"families,omitempty"`   // of the rows touched
	Items     int       `json:"items,omitempty"`
	Read      float64   `json:"read_units"`
	Write     float64   `json:"write_units"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Status    int       `json:"status"`
	Error     string    `json:"error,omitempty"`
}

// Cost is what a request cost.
type Cost struct {
	Trips int     `json:"trips"` // one after the other
	Calls int     `json:"calls"`
	Read  float64 `json:"read_units"`
	Write float64 `json:"write_units"`
}

// keep is how many calls are remembered.
const keep = 200_000

// Recorder remembers calls. The zero value is ready; it is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	calls    []Call
	requests map[string][]Call
	uses     map[Use]int
	proofs   map[Need]iam.Request
	denied   []Denied

	stands, as string // what is noted of the one resource is noted of the other
}

// Need is a statement of a function's role.
type Need struct {
	Function  string
	Statement int
}

// Use is a part of a role that was needed.
type Use struct {
	Function  string
	Statement int
	Part      string // action:…, resource:… or a value of a condition
}

// Denied is a call that a role did not allow.
type Denied struct {
	Function string              `json:"function"`
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Context  map[string][]string `json:"context,omitempty"`
	Why      string              `json:"why"`
}

// Note remembers a call that has ended.
func (r *Recorder) Note(c Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests == nil {
		r.requests = map[string][]Call{}
	}
	if len(r.calls) >= keep {
		old := r.calls[:keep/2]
		for _, c := range old {
			delete(r.requests, c.RequestID)
		}
		r.calls = slices.Clone(r.calls[keep/2:])
	}
	r.calls = append(r.calls, c)
	if c.RequestID != "" {
		r.requests[c.RequestID] = append(r.requests[c.RequestID], c)
	}
}

// OfRequest gives the calls of one invocation in the order they began.
func (r *Recorder) OfRequest(request string) []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return inOrder(r.requests[request])
}

// Last gives the newest calls, newest first.
func (r *Recorder) Last(n int) []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := slices.Clone(r.calls[max(0, len(r.calls)-n):])
	slices.Reverse(last)
	return last
}

// Since gives the calls that began at a time or later.
func (r *Recorder) Since(t time.Time) []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Call
	for _, c := range r.calls {
		if !c.Start.Before(t) {
			all = append(all, c)
		}
	}
	return inOrder(all)
}

func inOrder(calls []Call) []Call {
	all := slices.Clone(calls)
	slices.SortStableFunc(all, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return all
}

// CostOf adds calls up. Calls that overlap in time make one trip.
func CostOf(calls []Call) Cost {
	c := Cost{Calls: len(calls)}
	byEnd := slices.Clone(calls)
	slices.SortFunc(byEnd, func(a, b Call) int { return cmp.Or(a.End.Compare(b.End), a.Start.Compare(b.Start)) })
	var last time.Time
	for _, call := range byEnd {
		c.Read += call.Read
		c.Write += call.Write
		if c.Trips == 0 || !call.Start.Before(last) {
			c.Trips++
			last = call.End
		}
	}
	return c
}

// Used remembers which parts of a role a call needed. A call that one statement alone allowed is kept as the proof that
// the role is not complete without it.
func (r *Recorder) Used(function string, request iam.Request, uses []iam.Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	request.Resource = r.named(request.Resource)
	if r.uses == nil {
		r.uses, r.proofs = map[Use]int{}, map[Need]iam.Request{}
	}
	if len(uses) == 1 {
		r.proofs[Need{function, uses[0].Statement}] = request
	}
	for _, u := range uses {
		r.uses[Use{function, u.Statement, "action:" + u.Action}]++
		r.uses[Use{function, u.Statement, "resource:" + r.named(u.Resource)}]++
		for _, v := range u.Values {
			r.uses[Use{function, u.Statement, v}]++
		}
	}
}

// Rename makes what is noted of a resource from now on be noted of another, in whose place it stands; of itself to end it.
func (r *Recorder) Rename(resource, as string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stands, r.as = resource, as
}

// named is what a resource is noted as. The caller holds the lock.
func (r *Recorder) named(resource string) string {
	if rest, ok := strings.CutPrefix(resource, r.stands); ok && r.stands != "" {
		return r.as + rest
	}
	return resource
}

// Uses gives the parts of roles that were needed, and how often.
func (r *Recorder) Uses() map[Use]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[Use]int, len(r.uses))
	for u, n := range r.uses {
		all[u] = n
	}
	return all
}

// Seen is what a recorder knows of roles, to be told to another one: what the same functions did on another stack.
type Seen struct {
	Uses   []Use    `json:"uses"`
	Proofs []Proven `json:"proofs"`
	Denied []Denied `json:"denied"`
}

// Proven is a call that only one statement of a role allowed.
type Proven struct {
	Need
	Request iam.Request `json:"request"`
}

// Seen gives what is known of roles.
func (r *Recorder) Seen() Seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Seen{Uses: slices.Collect(maps.Keys(r.uses)), Denied: r.denied}
	for n, request := range r.proofs {
		s.Proofs = append(s.Proofs, Proven{n, request})
	}
	return s
}

// Add adds what another recorder knows of roles.
func (r *Recorder) Add(s Seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uses == nil {
		r.uses, r.proofs = map[Use]int{}, map[Need]iam.Request{}
	}
	for _, u := range s.Uses {
		r.uses[u]++
	}
	for _, p := range s.Proofs {
		r.proofs[p.Need] = p.Request
	}
	r.denied = append(r.denied, s.Denied...)
}

// Proof gives a call that only one statement of a role allowed.
func (r *Recorder) Proof(function string, statement int) (iam.Request, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	request, ok := r.proofs[Need{function, statement}]
	return request, ok
}

// Refused remembers a call that a role did not allow.
func (r *Recorder) Refused(d Denied) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.denied) < 1000 {
		r.denied = append(r.denied, d)
	}
}

// Denials gives the calls that were not allowed.
func (r *Recorder) Denials() []Denied {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.denied)
}

// ForgiveSince forgets the denials after the first n: a test brought them about.
func (r *Recorder) ForgiveSince(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied = r.denied[:min(n, len(r.denied))]
}

// Unused names the parts of a role that no call needed, and the statements that none needed.
func Unused(function string, p *iam.Policy, uses map[Use]int) []string {
	var unused []string
	for i, s := range p.Statements {
		if s.Effect != "Allow" {
			continue
		}
		name := s.Sid
		if name == "" {
			name = fmt.Sprint(i)
		}
		for _, a := range s.Actions {
			if uses[Use{function, i, "action:" + a}] == 0 {
				unused = append(unused, fmt.Sprintf("%s: %s: %s", function, name, a))
			}
		}
		for _, res := range s.Resources {
			if uses[Use{function, i, "resource:" + res}] == 0 {
				unused = append(unused, fmt.Sprintf("%s: %s: %s", function, name, res))
			}
		}
		for operator, keys := range s.Condition {
			if operator == "Null" {
				continue
			}
			for key, values := range keys {
				for _, v := range values {
					if uses[Use{function, i, key + "=" + v}] == 0 {
						unused = append(unused, fmt.Sprintf("%s: %s: %s %s", function, name, key, v))
					}
				}
			}
		}
	}
	slices.Sort(unused)
	return unused
}
