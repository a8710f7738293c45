package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/clients"
)

// manner is how the jobs of a life are run.
type manner struct {
	name string
	late time.Duration
	run  func(t *testing.T, job string)
}

// manners lists the ways in which a job may be run without harm; the first is what all others must end like.
func manners() []manner {
	return []manner{
		{name: "once", run: once1},
		{name: "twice", run: func(t *testing.T, job string) {
			once1(t, job)
			once1(t, job)
		}},
		{name: "four at once", run: func(t *testing.T, job string) {
			atOnce(4, func(int) {
				// One of them may lose against the others and fail: its event would come again.
				if _, err := cloud.Lambda.Invoke(t.Context(), function(job), bus.Event(function(job), cloud.Clock.Now()), ""); err != nil {
					t.Error(err)
				}
			})
			pass(leaseTime)
			once1(t, job)
		}},
		{name: "three days late", late: 72 * time.Hour, run: once1},
	}
}

// deaths lists lives in which every run of every job is killed at one of its places. All of them together kill each job at
// each distinct call that it was seen to make; the small size has three, spread over them.
func deaths(places map[string][]int) []manner {
	most := 0
	for _, all := range places {
		most = max(most, len(all))
	}
	var lives []manner
	turns := size.Of(3, most)
	for turn := range turns {
		lives = append(lives, manner{name: fmt.Sprintf("killed, turn %d of %d", turn, turns), run: func(t *testing.T, job string) {
			all := places[function(job)]
			if len(all) == 0 {
				t.Fatalf("%s was not seen to make a call", job)
			}
			killed(t, job, all[turn*len(all)/turns])
		}})
	}
	return lives
}

// placesOf gives, by function, at which of its calls a run makes one of a kind that no call before was of: the first of each
// operation and the families that it touches, over all runs since a time.
func placesOf(since time.Time) map[string][]int {
	nth, places, seen := map[string]int{}, map[string][]int{}, map[string]bool{}
	for _, c := range cloud.Recorder.Since(since) {
		if c.RequestID == "" {
			continue // while the function starts
		}
		nth[c.RequestID]++
		if kind := fmt.Sprint(c.Function, c.Service, c.Operation, c.Families); !seen[kind] {
			seen[kind] = true
			places[c.Function] = append(places[c.Function], nth[c.RequestID])
		}
	}
	for f, all := range places {
		slices.Sort(all)
		places[f] = slices.Compact(all)
	}
	return places
}

// leaseTime is longer than any claim of a run that died.
const leaseTime = 16 * time.Minute

func pass(d time.Duration) { cloud.Move(func(c *simclock.Clock) { c.Advance(d) }) }

func once1(t *testing.T, job string) {
	t.Helper()
	run(t, job, bus.Event(function(job), cloud.Clock.Now()))
}

// killed ends a run in the middle of its n-th call, or at its end when it makes fewer, and runs the job again when the
// claim of the dead run is over.
func killed(t *testing.T, job string, n int) {
	t.Helper()
	killedAt(t, job, n, bus.Event(function(job), cloud.Clock.Now()))
	pass(leaseTime)
	once1(t, job)
}

// killedAt ends a run for an event in the middle of its n-th call, or at its end when it makes fewer.
func killedAt(t *testing.T, job string, n int, event []byte) {
	t.Helper()
	id := "killed-" + unique() + "-" + job
	if err := cloud.Faults.Add(calls.Plan{RequestID: id, Nth: n, Kind: "hold"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := cloud.Lambda.Invoke(t.Context(), function(job), event, id)
		done <- err
	}()
	for over := false; !over; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			over = true
		case <-time.After(time.Millisecond):
			if cloud.Faults.Held() > 0 && cloud.Lambda.Kill(id) {
				if err := <-done; err != nil {
					t.Error(err)
				}
				over = true
			}
		}
	}
	cloud.Faults.Forget(id)
}

// TestJobsEndTheSame lives one life with every scheduled job in it, from a deleted project and a forgotten timer to the
// purge of the account, and runs the jobs once, twice, at once, late, killed in the middle, and with objects out of
// reach: the rows that are left and the mails that were sent are the same.
func TestJobsEndTheSame(t *testing.T) {
	var want map[string]int
	same := func(m manner) {
		t.Run(m.name, func(t *testing.T) {
			got := life(t, m)
			if want == nil {
				want = got
				t.Log(want)
			}
			if !maps.Equal(got, want) {
				t.Errorf("ends with %v; want %v", got, want)
			}
		})
	}
	since := time.Now()
	all := manners()
	same(all[0])
	places := placesOf(since)
	for _, m := range append(all[1:], deaths(places)...) {
		same(m)
	}
	sites := objectSites(since)
	turns := 0
	for _, operations := range sites {
		turns = max(turns, len(operations))
	}
	for turn := range size.Of(1, turns*len(kinds)) {
		plans := failing(t, sites, turn)
		same(manner{name: fmt.Sprintf("S3 fails, turn %d", turn), run: patient})
		if hits := cloud.Faults.Forget(""); hits < len(plans) {
			t.Errorf("turn %d: %d calls of S3 failed; want %d at least: %+v", turn, hits, len(plans), plans)
		}
	}
}

// objectSites gives, by job, the operations of S3 that it has called since a time.
func objectSites(since time.Time) map[string][]string {
	jobs := map[string]bool{}
	for _, j := range catalog.Jobs() {
		jobs[function(j.ID)] = true
	}
	sites := map[string][]string{}
	for _, c := range cloud.Recorder.Since(since) {
		if c.Service == "s3" && jobs[c.Function] && !slices.Contains(sites[c.Function], c.Operation) {
			sites[c.Function] = append(sites[c.Function], c.Operation)
		}
	}
	for _, operations := range sites {
		slices.Sort(operations)
	}
	return sites
}

// failing plans that one operation of each job fails as often as a run tries it, in the one or the other way. All turns
// together fail every operation in every way; the small size has one turn.
func failing(t *testing.T, sites map[string][]string, turn int) []calls.Plan {
	t.Helper()
	var plans []calls.Plan
	for i, job := range slices.Sorted(maps.Keys(sites)) {
		operations := sites[job]
		p := calls.Plan{Function: job, Service: "s3", Operation: operations[turn%len(operations)], Kind: kinds[(turn/len(operations)+i)%len(kinds)], Times: attempts}
		if err := cloud.Faults.Add(p); err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	return plans
}

// attempts is how often a function tries a call.
const attempts = 5

// patient runs a job until a run succeeds, each when the claim of the one before is over.
func patient(t *testing.T, job string) {
	t.Helper()
	for range 3 {
		r, err := cloud.Lambda.Invoke(t.Context(), function(job), bus.Event(function(job), cloud.Clock.Now()), "")
		if err != nil {
			t.Fatal(err)
		}
		pass(leaseTime)
		if r.Error == "" {
			once1(t, job)
			return
		}
	}
	t.Errorf("%s fails again and again", job)
}

func life(t *testing.T, m manner) map[string]int {
	t.Helper()
	state := map[string]int{}
	p := signUp(t)
	due := func(after time.Duration, job string) {
		t.Helper()
		p.settle()
		pass(after + m.late)
		m.run(t, job)
		p.settle()
	}
	gone := p.newProject("")
	client := p.newClient()
	kept := p.newProject(client)
	p.newEntry(kept)
	p.sendInvoice(p.newInvoice())
	late := p.newInvoiceDueToday()
	p.sendInvoice(late)
	erased := p.newPerson(newCanary())
	p.sendInvoice(p.newInvoiceTo(erased))
	draft := p.must(202, journey.Call{Method: "POST", Path: "/v1/invoices", Body: map[string]any{"client_id": client, "from_time": map[string]any{"project_ids": []string{kept},
		"from": p.now().AddDate(0, 0, -2).Format(time.DateOnly), "to": p.now().AddDate(0, 0, 1).Format(time.DateOnly), "rate": eur(9000)}}}).Text("id")
	p.settle()
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/invoices/" + draft, IfMatch: "*"})
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/projects/" + gone, IfMatch: p.etag("/v1/projects/" + gone)})
	p.must(201, journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": kept}})
	asked := p.askForUpload("project", kept, "Never came.txt", "text/plain", []byte("late"))
	if got := put(t, asked, nil, []byte("late")); got != 200 {
		t.Fatalf("the upload = %d", got)
	}
	due(25*time.Hour, "mark-overdue")
	p.logIn()
	state["overdue: "+strings.ReplaceAll(strings.Join(p.overdue(), " "), late, "the late one")]++
	due(2*time.Minute, "close-projects")
	p.logIn()
	placeholder := func() string {
		return p.must(201, journey.Call{Method: "POST", Path: "/v1/members", Body: map[string]any{"label": "Kim"}}).Text("id")
	}
	merged, into := placeholder(), placeholder()
	p.must(202, journey.Call{Method: "POST", Path: "/v1/members/" + merged + "/merge", IfMatch: "*", Body: map[string]any{"into": into}})
	due(time.Minute, "merge-members")
	p.logIn()
	state["merged: "+p.must(200, journey.Call{Method: "GET", Path: "/v1/members/" + merged}).Text("status")]++
	due(time.Minute, "assemble-invoice")
	due(time.Minute, "render-invoice")
	p.logIn()
	p.must(202, journey.Call{Method: "POST", Path: "/v1/clients/" + erased + "/erasure"})
	due(clients.Settle, "erase-recipients")
	p.logIn()
	p.connected()
	owed := p.newInvoice()
	session := p.checkout(p.sendInvoice(owed))
	p.steer("webhooks", map[string]any{"hold": true})
	p.steer("sessions/"+session+"/pay", map[string]any{})
	p.steer("webhooks", map[string]any{"hold": false, "order": "drop"})
	due(25*time.Hour, "reconcile-payments")
	p.logIn()
	state["paid online: "+p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + owed}).Text("status")]++
	due(9*time.Hour, "remind-timers")
	p.logIn()
	p.must(201, journey.Call{Method: "POST", Path: "/v1/me/api-tokens", Body: map[string]any{"name": "Import", "scopes": []string{"clients:read"}, "expires_at": cloud.Clock.Now().AddDate(0, 0, 8)}})
	due(25*time.Hour, "remind-api-tokens")
	p.logIn()
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"name": "Sealed Studio"}})
	p.settle()
	due(20*time.Minute, "seal-audit")
	due(25*time.Hour, "sign-audit-heads")
	p.logIn()
	state[fmt.Sprint("verified and signed: ", p.verified())]++
	due(15*time.Hour, "sweep-uploads")
	due(2*time.Minute, "sweep-uploads") // what a confirmation under way would have copied
	p.logIn()
	p.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything, please."}})
	due(time.Minute, "work-requests")
	due(10*time.Minute, "send-outbox")
	due(time.Hour, "rotate-keys")
	p.snapshot(state, "living")
	p.logIn()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	due(2*time.Minute, "close-organizations")
	due(30*24*time.Hour+time.Minute, "sweep-retention")
	due(clients.Settle, "erase-recipients")
	due(25*time.Hour, "reconcile-payments") // lets the account of an organization that has gone go
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.snapshot(state, "purged")
	mails, err := p.Mails(t.Context(), p.person.Email)
	if err != nil {
		t.Fatal(err)
	}
	for _, mail := range mails {
		state["mail: "+mail.Subject]++
	}
	for _, d := range cloud.Lambda.TakeDeadLetters() {
		t.Errorf("%s failed for good: %s", d.Function, d.Error)
	}
	return state
}

// passing are rows that come and go with the calls of a life, or whose number depends on when its jobs ran.
var passing = []string{"SESSION", "ATTEMPTS", "IDEMPOTENCY", "TOMBSTONE", "AUDIT"}

// snapshot counts the rows that speak of a person or their organization, by type.
func (c *caller) snapshot(into map[string]int, when string) {
	c.t.Helper()
	rows, err := cloud.Rows(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			c.t.Fatal(err)
		}
		kind, _ := r["_type"].(string)
		if (strings.Contains(string(text), c.user) || strings.Contains(string(text), c.organization)) && !strings.Contains(strings.Join(passing, " "), kind) {
			if into[when+": "+kind]++; kind == "COUNTER" {
				into[when+": "+kind] = 1 // one counts invoices for each year that they were sent in, and the life may cross one
			}
		}
	}
}
