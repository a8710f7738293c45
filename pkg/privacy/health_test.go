package privacy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/usage"
)

// TestTheHealthOfThePromises breaks them one by one and sees each in the answer.
func TestTheHealthOfThePromises(t *testing.T) {
	w := newWorld(t)
	health := func() privacy.HealthBody {
		t.Helper()
		a := w.Call(privacy.GetPrivacyHealth(w.Store), w.Staff(access.SecurityLead), apitest.Request{})
		w.Want(a, 200, "")
		var b privacy.HealthBody
		a.Into(t, &b)
		return b
	}
	work := func() {
		t.Helper()
		w.must(w.run(privacy.WorkRequests(w.engine)))
		w.must(w.run(privacy.SweepRetention(w.engine)))
		w.must(w.run(deadline.Watch()))
		w.must(w.run(usage.AggregateEvents(w.vault)))
	}
	silent := func(b privacy.HealthBody) int {
		n := 0
		for _, worker := range b.Workers {
			if worker.Silent {
				n++
			}
		}
		return n
	}
	if b := health(); b.OK || silent(b) != 4 {
		t.Errorf("before any run: ok %v, %d silent; want all four silent", b.OK, silent(b))
	}
	work()
	if b := health(); !b.OK || silent(b) != 0 {
		t.Errorf("after a run of each = %+v; want all well", b)
	}
	w.Clock.Advance(31 * time.Minute)
	if b := health(); b.OK || silent(b) != 2 {
		t.Errorf("half an hour later: %d silent; want those that run every 15 minutes", silent(b))
	}

	ada, bob := w.somebody(w.Organization(), "Ada"), w.somebody(w.Organization(), "Bob")
	w.desk(access.LegalCounsel).place(heldAccount(bob.Caller))
	w.correction(w.Later(bob.Caller, 0))
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due.Add(3 * time.Hour))
	b := health()
	if p := b.Purges[0]; b.OK || !p.Late || p.Lag != 3*60*60 || b.Purges[1].Late {
		t.Errorf("three hours after a purge was due = %+v; want it late", b.Purges)
	}
	if b.Cases.Count != 1 || b.Cases.Oldest == nil {
		t.Errorf("overdue requests = %+v; want one", b.Cases)
	}
	w.Clock.Advance(91 * 24 * time.Hour)
	if b := health(); b.Holds.Count != 1 {
		t.Errorf("overdue reviews = %+v; want one", b.Holds)
	}
	work()
	if b := health(); b.Purges[0].Lag != 0 || silent(b) != 0 || b.OK {
		t.Errorf("after the workers = %+v; want people's work alone to be late", b)
	}
	w.Want(w.Call(privacy.GetPrivacyHealth(w.Store), w.Staff(access.SupportAgent), apitest.Request{}), 403, "permission_denied")
}

// TestAWorkerThatFailsHasNoHeartbeat runs the sweep while what it erases with is broken.
func TestAWorkerThatFailsHasNoHeartbeat(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due.Add(time.Minute))
	w.engine.Objects = append(w.engine.Objects, broken{})
	if err := w.run(privacy.SweepRetention(w.engine)); err == nil {
		t.Fatal("the sweep went well")
	}
	if slices.Contains(w.keys(store.PlatformScope().Partition(heartbeat.Family)), heartbeat.Key("sweep-retention")) {
		t.Error("a run that failed has a heartbeat")
	}
}

// broken is a bucket that nothing can be deleted from.
type broken struct{}

func (broken) Purge(context.Context, string) (int, error) { return 0, errors.New("broken") }
