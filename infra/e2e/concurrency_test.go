package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
)

// tally counts statuses.
type tally struct {
	mu sync.Mutex
	by map[string]int
}

func (c *tally) add(a journey.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.by[fmt.Sprint(a.Status, " ", a.Code())]++
}

// TestParallelTimerStartsLeaveOneTimer starts 100 timers of one user at the same time.
func TestParallelTimerStartsLeaveOneTimer(t *testing.T) {
	p := signUp(t)
	project := p.project()
	var got tally
	atOnce(100, func(int) {
		got.add(p.call(journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": project}}))
	})
	if got.by["201 "] != 1 || got.by["409 timer_running"] != 99 {
		t.Errorf("100 starts = %v; want one 201 and 99 timer_running", got.by)
	}
	rows, err := cloud.Rows(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, r := range rows {
		if pk, _ := r["PK"].(string); pk == "ORG#"+p.organization+"#TIMER" {
			running++
		}
	}
	if running != 1 {
		t.Errorf("%d timers run; want 1", running)
	}
}

// TestParallelStartsThatStopLeaveOneTimer lets starts that stop the timer before them meet: each stopped timer is one
// entry.
func TestParallelStartsThatStopLeaveOneTimer(t *testing.T) {
	p := signUp(t)
	project := p.project()
	var got tally
	atOnce(20, func(int) {
		got.add(p.call(journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": project, "on_running": "stop"}}))
	})
	starts := got.by["201 "]
	for answer := range got.by {
		if answer != "201 " && !strings.HasPrefix(answer, "409 ") && !strings.HasPrefix(answer, "503 busy") {
			t.Errorf("answers = %v; want 201, 409 and busy alone", got.by)
		}
	}
	list := p.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries" + p.range_() + "&limit=200"})
	if entries := strings.Count(string(list.Body), `"id":"`); entries != starts-1 {
		t.Errorf("%d starts left %d entries; want one less: the last timer runs", starts, entries)
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/timer"})
}

// TestParallelRefreshesGiveOneSuccessor trades one refresh token in 100 times at once.
func TestParallelRefreshesGiveOneSuccessor(t *testing.T) {
	p := signUp(t)
	spent := p.refresh
	var (
		got        tally
		mu         sync.Mutex
		successors = map[string]int{}
	)
	atOnce(100, func(int) {
		a := p.call(journey.Call{Method: "POST", Path: "/v1/auth/refresh", Token: "none", Body: map[string]any{"refresh_token": spent}})
		got.add(a)
		mu.Lock()
		defer mu.Unlock()
		successors[a.Text("refresh_token")]++
	})
	if got.by["200 "] != 100 || len(successors) != 1 {
		t.Errorf("answers = %v with %d successors; want 100 times the same one", got.by, len(successors))
	}
	next := slices.Collect(maps.Keys(successors))[0]
	p.must(200, journey.Call{Method: "POST", Path: "/v1/auth/refresh", Token: "none", Body: map[string]any{"refresh_token": next}})
	a := p.call(journey.Call{Method: "POST", Path: "/v1/auth/refresh", Token: "none", Body: map[string]any{"refresh_token": spent}})
	if a.Status != 401 {
		t.Errorf("the spent token after its successor was used = %d; want 401: %s", a.Status, a.Body)
	}
}

// TestTwinsUnderOneKey makes each call that takes an Idempotency-Key twice at once under one key: both are told of the
// one thing that was made, or one that the other is under way, and nothing is made twice.
func TestTwinsUnderOneKey(t *testing.T) {
	routes := map[string]api.Operation{}
	for _, op := range catalog.Routes() {
		routes[op.ID] = op
	}
	var all []step
	for _, s := range steps() {
		if op := routes[s.operation]; !s.public && !s.moves && op.Method == http.MethodPost && op.Area != "auth" {
			all = append(all, s)
		}
	}
	eachStep(t, all, func(t *testing.T, _ int, s step) {
		p := signUp(t)
		c := s.prepare(p)
		c.Key = "twins-" + unique()
		warm(p, s)
		answers := make([]journey.Answer, 2)
		atOnce(2, func(i int) {
			answers[i] = p.slowly(c, 100*time.Millisecond, p.call) // so that both have looked before one has written
		})
		won := 0
		for _, a := range answers {
			switch {
			case a.Status == s.status:
				won++
			case a.Status != 409 || a.Code() != "idempotency_key_in_use":
				t.Errorf("a twin = %d %s; want %d or idempotency_key_in_use", a.Status, a.Code(), s.status)
			}
		}
		if won == 0 {
			t.Error("neither twin went through")
		}
		if a := p.call(c); a.Status != s.status || a.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("a third call = %d, replayed %q; want %d, replayed", a.Status, a.Header.Get("Idempotency-Replayed"), s.status)
		}
		if s.check != nil {
			if err := s.check(t, p); err != nil {
				t.Error(err)
			}
		}
	})
}

// held makes a call whose transaction is held at the door, runs what happens meanwhile, and lets it go.
func held(p *caller, c journey.Call, operation string, meanwhile func()) journey.Answer {
	p.t.Helper()
	id := "held-" + unique() + "-call"
	if err := cloud.Faults.Add(calls.Plan{RequestID: id, Operation: operation, Kind: "hold"}); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan journey.Answer, 1)
	go func() { done <- p.call(under(id, c)) }()
	deadline := time.Now().Add(20 * time.Second)
	for cloud.Faults.Held() == 0 {
		if time.Now().After(deadline) {
			p.t.Fatal("the call did not come to its write")
		}
		<-time.After(time.Millisecond)
	}
	meanwhile()
	cloud.Faults.Forget(id)
	return <-done
}

// TestAWriteHeldWhileItsProjectIsDeleted lets a time entry pass its checks, deletes the project, and lets the entry go
// on: it is either refused, or the project stays with it.
func TestAWriteHeldWhileItsProjectIsDeleted(t *testing.T) {
	p := signUp(t)
	project := p.newProject("")
	path := "/v1/projects/" + project
	a := held(p, journey.Call{Method: "POST", Path: "/v1/time-entries", Body: p.entryBody(project)}, "TransactWriteItems", func() {
		p.must(202, journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)})
	})
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseProjects"); err != nil {
		t.Fatal(err)
	}
	there := p.call(journey.Call{Method: "GET", Path: path}).Status
	switch {
	case a.Status == 201 && there != 200:
		t.Errorf("the entry was taken, but its project is gone (%d)", there)
	case a.Status != 201 && (a.Status < 400 || a.Status >= 500):
		t.Errorf("the entry = %d; want 201 or a refusal: %s", a.Status, a.Body)
	}
	t.Logf("the entry was answered %d, the project %d", a.Status, there)
}

// TestAWriteHeldWhileItsAccountIsDeleted does the same with an account and its organization: after the purge nothing
// that the held write made is left.
func TestAWriteHeldWhileItsAccountIsDeleted(t *testing.T) {
	p := signUp(t)
	body := clientBody()
	mark, _ := body["name"].(string)
	a := held(p, journey.Call{Method: "POST", Path: "/v1/clients", Body: body}, "TransactWriteItems", func() {
		other := *p
		other.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	})
	p.purge()
	text, err := p.Raw(t.Context(), "table")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, mark) || strings.Contains(text, p.organization) {
		t.Errorf("the held write (%d) left something behind the purge", a.Status)
	}
}

// purge lets the days after a deletion go by and runs what is due.
func (c *caller) purge() {
	c.t.Helper()
	ctx := c.t.Context()
	steps := []struct {
		advance time.Duration
		job     string
	}{{2 * time.Minute, "CloseOrganizations"}, {30*24*time.Hour + time.Minute, "SweepRetention"}, {2 * time.Minute, "SweepRetention"}}
	for _, s := range steps {
		c.settle()
		cloud.Move(func(clock *simclock.Clock) { clock.Advance(s.advance) })
		if err := c.RunJob(ctx, s.job); err != nil {
			c.t.Fatal(err)
		}
	}
	c.settle()
	if err := c.Sweep(ctx); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}
