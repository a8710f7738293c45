package e2e_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/store"
)

// function is the name of the function of an operation: create-client becomes CreateClient.
func function(operation string) string {
	name := []byte{}
	upper := true
	for _, c := range []byte(operation) {
		switch {
		case c == '-':
			upper = true
		case upper:
			name, upper = append(name, c-'a'+'A'), false
		default:
			name = append(name, c)
		}
	}
	return string(name)
}

// run invokes a job with an event and gives the id of the invocation.
func run(t testing.TB, job string, event []byte) string {
	t.Helper()
	request := cloud.Lambda.NewRequestID()
	r, err := cloud.Lambda.Invoke(t.Context(), function(job), event, request)
	if err != nil {
		t.Fatal(err)
	}
	if r.Error != "" {
		t.Fatalf("%s: %s", job, r.Error)
	}
	return request
}

// jobCosts measures every job when there is nothing to do, and those that matter with one thing to do.
func jobCosts(t *testing.T) map[string]cost {
	t.Helper()
	all := map[string]cost{}
	drain(t)
	for _, j := range catalog.Jobs() {
		f := cloud.Cloud.Function(function(j.ID))
		if f == nil {
			t.Errorf("the job %s has no function", j.ID)
			continue
		}
		event := bus.Event(f.Name, cloud.Clock.Now())
		if j.ID == "send-notices" {
			event = bus.Event(f.Name, cloud.Clock.Now().AddDate(-50, 0, 0)) // what tests announced is told to nobody
		}
		if len(f.Schedules) == 0 {
			event = []byte(`{"Records":[]}`)
		}
		if len(f.Rules) > 0 && len(f.Schedules) == 0 {
			continue // an event of the bus is always about something
		}
		run(t, j.ID, event) // warm, and what other tests have left to do is done
		cloud.Door.Slow(20 * time.Millisecond)
		all[j.ID] = costOf(cloud.Recorder.OfRequest(run(t, j.ID, event)))
		cloud.Door.Slow(0)
	}

	var p *caller
	since := time.Now()
	cloud.Mail.Hold(true) // a mail that meets the report of its delivery is dearer
	for range 2 {
		p = signUp(t)
		p.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything, please."}})
		p.settle()
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
		p.settle()
	}
	cloud.Mail.Hold(false)
	all["build-export"] = cheapest("BuildExport", since)
	all["record-accounts"] = cheapest("RecordAccounts", since)
	all["send-outbox, one mail"] = cheapest("SendOutbox", since)

	for range 2 {
		q := signUp(t)
		q.newTicket()
		q.connected()
		invoice := q.newInvoice()
		q.checkout(q.sendInvoice(invoice))
		q.must(200, journey.Call{Method: "POST", Path: "/v1/invoices/" + invoice + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong client"}})
		q.settle()
	}
	all["apply-stripe-event"] = cheapest("ApplyStripeEvent", since)
	all["queue-ticket"] = cheapest("QueueTicket", since)
	all["expire-checkouts"] = cheapest("ExpireCheckouts", since)

	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(2 * time.Minute) })
	if err := p.RunJob(t.Context(), "CloseOrganizations"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(30*24*time.Hour - 10*time.Minute) })
	run(t, "sweep-retention", bus.Event("SweepRetention", cloud.Clock.Now())) // what others left falls due, too
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(10 * time.Minute) })
	request := run(t, "sweep-retention", bus.Event("SweepRetention", cloud.Clock.Now()))
	all["sweep-retention, one account and its organization"] = costOf(cloud.Recorder.OfRequest(request))
	return all
}

// drain does all work that tests before have left to fall due, and would within the next months, and goes on to noon of a
// tenth: what lies in parts by months then has the same parts in every run.
func drain(t *testing.T) {
	t.Helper()
	p := &caller{Client: client(), t: t}
	for n := 0; n < 8 && (n < 2 || purgesSoon(t)); n++ {
		p.purge()
	}
	disarm(t, announced(t)) // or whoever comes next is told of what other tests have announced
	now := cloud.Clock.Now()
	cloud.Move(func(c *simclock.Clock) { c.Set(time.Date(now.Year(), now.Month()+1, 10, 12, 0, 0, 0, time.UTC)) })
}

// purgesSoon says whether something is to go within the time that a test of costs takes.
func purgesSoon(t *testing.T) bool {
	t.Helper()
	rows, err := cloud.Rows(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	end := cloud.Clock.Now().AddDate(0, 0, 75).Unix()
	return slices.ContainsFunc(rows, func(r map[string]any) bool {
		at, _ := r["at"].(int64)
		pk := fmt.Sprint(r["PK"])
		return (strings.HasPrefix(pk, "DUE#purge-") || strings.HasPrefix(pk, "DUE#close-")) && at < end
	})
}

// announced gives the clocks of what everybody is still to be told.
func announced(t *testing.T) []store.Key {
	t.Helper()
	var all []store.Key
	for shard := range store.Shards {
		rows, err := cloud.Rows(t.Context(), fmt.Sprintf("DUE#%s#%d", notices.Due, shard))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			all = append(all, store.Key{PK: fmt.Sprint(r["PK"]), SK: fmt.Sprint(r["SK"])})
		}
	}
	return all
}

// cheapest gives what the cheapest run of a function that wrote something has cost since a time.
func cheapest(function string, since time.Time) cost {
	runs := map[string][]calls.Call{}
	for _, c := range cloud.Recorder.Since(since) {
		if c.Function == function && c.RequestID != "" {
			runs[c.RequestID] = append(runs[c.RequestID], c)
		}
	}
	var least cost
	for _, r := range runs {
		c := costOf(r)
		if c.Write > 0 && (least.Calls == 0 || cmp.Or(cmp.Compare(c.Calls, least.Calls), cmp.Compare(c.Read, least.Read), cmp.Compare(c.Write, least.Write)) < 0) {
			least = c
		}
	}
	return least
}
