package e2e_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
)

var update = flag.Bool("update", false, "write the unit ledger")

const ledgerFile = "../ledger.yaml"

// cost is a line of the ledger.
type cost struct {
	Trips int     `yaml:"trips"`
	Calls int     `yaml:"calls"`
	Read  float64 `yaml:"read_units"`
	Write float64 `yaml:"write_units"`
}

func costOf(all []calls.Call) cost {
	c := calls.CostOf(all)
	return cost{Trips: c.Trips, Calls: c.Calls, Read: c.Read, Write: c.Write}
}

func readLedger(t *testing.T) map[string]cost {
	t.Helper()
	text, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	var ledger map[string]cost
	if err := yaml.Unmarshal(text, &ledger); err != nil {
		t.Fatal(err)
	}
	return ledger
}

// do makes the call of a step as it says, and gives the answer.
func (s step) do(p *caller, c journey.Call) journey.Answer {
	if s.public {
		a, err := p.Do(p.t.Context(), c)
		if err != nil {
			p.t.Fatalf("%s: %v", s.operation, err)
		}
		return a
	}
	return p.call(c)
}

// TestTheLedger measures every route at the door, in a case that ends well and on an account of its own, and compares
// trips, calls and units with infra/ledger.yaml. Run it with -update to write them, and read the difference.
func TestTheLedger(t *testing.T) {
	want := readLedger(t)
	routes := map[string]api.Operation{}
	for _, op := range catalog.Routes() {
		routes[op.ID] = op
	}
	got := map[string]cost{}
	var mu sync.Mutex
	var again []step
	eachStep(t, steps(), func(t *testing.T, _ int, s step) {
		a, ok := s.measured(t, 20*time.Millisecond, func(time.Duration) {})
		c := costOf(cloud.Recorder.OfRequest(request(a)))
		mu.Lock()
		defer mu.Unlock()
		if got[s.operation] = c; ok && c != want[s.operation] {
			again = append(again, s)
		}
	})
	for _, s := range again {
		// A busy machine may begin calls that are made beside each other so far apart that they look one after the other,
		// rows that many share cost more when they are written at once, a function reads anew what it remembers for a
		// while (keys, a day's salt), and a webhook about the act may overtake it. Here everything is as slow as the call.
		if a, ok := s.measured(t, 200*time.Millisecond, cloud.Door.Slow); ok {
			got[s.operation] = costOf(cloud.Recorder.OfRequest(request(a)))
		}
	}
	t.Logf("%d of %d measured once more, alone", len(again), len(got))
	for operation, c := range got {
		least := 1
		switch operation {
		case "list-members", "get-member", "list-my-organizations":
			least = 2 // a name lies behind the link that is read first
		case "get-member-avatar":
			least = 3 // likewise a picture, and its bytes behind its row
		case "verify-audit":
			least = 3 // the seals, what they should end with, and what is not sealed yet
		}
		if op := routes[operation]; op.PureRead && op.Audience != api.Public && c.Trips != least {
			t.Errorf("%s, a pure read, makes %d trips; want %d", operation, c.Trips, least)
		}
	}
	for _, operation := range []string{"create-client", "create-time-entry"} {
		if c := got[operation]; c.Trips > 2 || c.Write > 8 {
			t.Errorf("%s costs %d trips and %v write units; want 2 and 8 at most", operation, c.Trips, c.Write)
		}
	}
	maps.Copy(got, jobCosts(t))
	got["verify-staff-audit"] = want["verify-staff-audit"] // goes through the one chain of staff, which is as long as other tests have made it
	if *update {
		text, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		head := "# What each route and job costs at the door: trips one after the other, calls and capacity units. Routes are measured in\n" +
			"# the case of infra/e2e/steps_test.go, jobs in that of ledger_test.go. Written by: go test ./infra/e2e -run TestTheLedger -update\n"
		if err := os.WriteFile(ledgerFile, append([]byte(head), text...), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		w, ok := want[name]
		switch name {
		case "get-privacy-health", "list-policy-versions", "list-subprocessors": // they read what other tests left, too
			w.Read = got[name].Read
		case "build-export": // what it reads beside each other is now and then one after the other
			w.Trips = got[name].Trips
		}
		if !ok || w != got[name] {
			t.Errorf("%s costs %+v; the ledger says %+v", name, got[name], w)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("the ledger has %s, which nothing measures", name)
		}
	}
	for id := range routes {
		if _, ok := got[id]; !ok {
			t.Errorf("no step measures %s", id)
		}
	}
	for _, j := range catalog.Jobs() {
		if _, ok := got[j.ID]; !ok {
			t.Errorf("no case measures the job %s", j.ID)
		}
	}
}

// measured makes the call of a step on an account of its own, while each of its calls takes so long, and those of
// everybody whom others slows.
func (s step) measured(t *testing.T, slow time.Duration, others func(time.Duration)) (journey.Answer, bool) {
	t.Helper()
	p := signUp(t)
	c := s.prepare(p)
	p.settle()
	warm(p, s)
	for second := p.now(); p.now().Equal(second); { // a due row that is set again in the same second is not moved, and costs less
		<-time.After(10 * time.Millisecond)
	}
	others(slow)
	defer others(0)
	a := p.slowly(c, slow, func(c journey.Call) journey.Answer { return s.do(p, c) })
	if a.Status != s.status {
		t.Errorf("%s = %d; want %d: %s", s.operation, a.Status, s.status, a.Body)
		return a, false
	}
	return a, true
}

// warm starts the function of a step, so that what it reads at its start is not counted. A call that is refused for
// want of a token does.
func warm(p *caller, s step) {
	for _, op := range catalog.Routes() {
		if op.ID == s.operation {
			if _, err := p.Do(p.t.Context(), journey.Call{Method: op.Method, Path: pathOf(op.Path), Token: "none"}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

func describe(request string) []string {
	var all []string
	for _, c := range cloud.Recorder.OfRequest(request) {
		all = append(all, fmt.Sprintf("%s %v", c.Operation, c.Families))
	}
	return all
}
