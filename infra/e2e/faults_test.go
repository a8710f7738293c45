package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/size"
)

// site is one place in a function where it calls a provider.
type site struct {
	service, operation string
	nth                int
}

func sitesOf(request string) []site {
	var all []site
	count := map[string]int{}
	for _, c := range cloud.Recorder.OfRequest(request) {
		count[c.Service+c.Operation]++
		all = append(all, site{c.Service, c.Operation, count[c.Service+c.Operation]})
	}
	return all
}

var kinds = []string{"timeout_before", "timeout_after", "throttle", "conflict", "error"}

// TestFaults lets every call of every route go wrong in every way: the answer is a success or a clear error, and the
// same call again, under its Idempotency-Key where it has one, ends as if nothing had happened, with nothing lost or
// doubled. The small size takes one place of each operation of a route and one kind there, in turn, and the lost answer of
// every write that goes alone.
func TestFaults(t *testing.T) {
	var people crowd
	eachStep(t, steps(), func(t *testing.T, first int, s step) {
		p := people.take(t, s)
		defer func() { people.back(p, s) }()
		var a journey.Answer
		var sites []site
		for range 2 { // the second call finds a warm function, as the ones with faults will
			if s.alone {
				p = signUp(t)
			}
			if a = s.do(p, s.prepare(p)); a.Status != s.status {
				t.Fatalf("without a fault %d; want %d: %s", a.Status, s.status, a.Body)
			}
			if all := sitesOf(request(a)); sites == nil || len(all) < len(sites) {
				sites = all // a call that met a job made more
			}
			if s.cleanup != nil {
				s.cleanup(p)
			}
		}
		n := first
		for _, at := range sites {
			turn := first%last(sites, at) + 1
			for i, kind := range kinds {
				lost := kind == "timeout_after" && slices.Contains([]string{"PutItem", "DeleteItem"}, at.operation) // what was put is read back, which takes a right of its own
				if (i != n%len(kinds) || at.nth != turn) && !lost && !size.Full() {
					continue
				}
				s.fault(t, &p, at, kind, 1)
			}
			n++
		}
		for _, at := range lasting(sites) {
			s.fault(t, &p, at, kinds[n%len(kinds)], -1)
		}
	})
}

// crowd is people who go from step to step, since most steps leave a person as they found them.
type crowd struct {
	mu   sync.Mutex
	idle []*caller
}

// take gives somebody for a step: nobody where each call takes a person of its own.
func (c *crowd) take(t *testing.T, s step) *caller {
	t.Helper()
	if s.alone {
		return nil
	}
	if p := c.next(); p != nil && !s.moves && p.until().After(cloud.Clock.Now().Add(5*time.Minute)) {
		p.t = t
		return p
	}
	return signUp(t)
}

func (c *crowd) next() *caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	p := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return p
}

// back takes somebody in again after a step; not who has become one of our own people, or whose token has ended.
func (c *crowd) back(p *caller, s step) {
	if s.alone || s.moves || p.appointed {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, p)
}

// eachStep runs a test of each step, several at once, since most of their time is spent waiting; a step that moves the clock
// runs alone, because the tokens of all others would expire.
func eachStep(t *testing.T, all []step, try func(t *testing.T, i int, s step)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, 16)
	for i, s := range all {
		if s.moves {
			wg.Wait()
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			t.Run(s.operation, func(t *testing.T) { try(t, i, s) })
		})
		if s.moves {
			wg.Wait()
		}
	}
}

// last gives which call of its operation is the last one.
func last(all []site, of site) int {
	n := 0
	for _, s := range all {
		if s.service == of.service && s.operation == of.operation {
			n = s.nth
		}
	}
	return n
}

// lasting gives the services whose calls go on failing: each at full size, the last at small.
func lasting(all []site) []site {
	var each []site
	for _, s := range all {
		s.nth = 0
		if !slices.Contains(each, s) {
			each = append(each, s)
		}
	}
	if !size.Full() && len(each) > 0 {
		each = each[len(each)-1:]
	}
	return each
}

// fault makes the call once with a fault and once without.
func (s step) fault(t *testing.T, p **caller, at site, kind string, times int) {
	t.Helper()
	if s.alone {
		*p = signUp(t)
	}
	who := *p
	c := s.prepare(who)
	id := "fault-" + unique() + "-" + s.operation
	name := fmt.Sprintf("%s %s of %s %s (%d)", s.operation, kind, at.service, at.operation, at.nth)
	if err := cloud.Faults.Add(calls.Plan{RequestID: id, Service: at.service, Operation: at.operation, Nth: at.nth, Kind: kind, Times: times}); err != nil {
		t.Fatal(err)
	}
	a := s.do(who, under(id, c))
	hits := cloud.Faults.Forget(id)
	if hits == 0 && at.nth <= 1 { // a later call may have been one of a meeting with a job, which need not come again
		t.Errorf("%s: the fault did not come", name)
	}
	if a.Status != s.status && !clear(a) {
		t.Errorf("%s: %d; want %d or a clear error: %s", name, a.Status, s.status, a.Body)
	}
	again := s.do(who, c)
	if again.Status != s.status && (c.Key != "" || !slices.Contains(s.again, again.Status)) {
		t.Errorf("%s: then %d (first %d); want %d or %v: %s", name, again.Status, a.Status, s.status, s.again, again.Body)
	}
	if s.check != nil {
		if err := s.check(t, who); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.cleanup != nil {
		s.cleanup(who)
	}
}

// clear says whether an answer is a problem that tells the caller what to do, in the product's own words.
func clear(a journey.Answer) bool {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Status int    `json:"status"`
	}
	return strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(a.Body, &p) == nil &&
		p.Code != "" && p.Status == a.Status && slices.Contains([]int{409, 429, 500, 503}, a.Status)
}
