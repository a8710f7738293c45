package privacy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// deleteAccount does what the deletion of an account does: the gate closes, and its clock is armed.
func (w *world) deleteAccount(c apitest.Caller) time.Time {
	w.T.Helper()
	ctx := context.Background()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(c.User))
	w.must(err)
	due := w.Clock.Now().Add(retention.Account)
	gate.Deleted, gate.Sessions, gate.DueAt = w.Clock.Now().Unix(), nil, due.Unix()
	tx := w.Store.Begin()
	tx.Replace(h, gate)
	tx.ArmWake(h, retention.AccountDue(c.User, due))
	w.must(tx.Commit(ctx))
	return due
}

// restore undoes it, as long as the gate can be read.
func (w *world) restore(c apitest.Caller) error {
	w.T.Helper()
	ctx := context.Background()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(c.User))
	if err != nil {
		return err
	}
	due := retention.AccountDue(c.User, time.Unix(gate.DueAt, 0))
	gate.Deleted, gate.DueAt = 0, 0
	tx := w.Store.Begin()
	tx.Replace(h, gate)
	tx.Disarm(h, due, true)
	return tx.Commit(ctx)
}

// gone fails the test when a text of a person is anywhere.
func (w *world) gone(s somebody) {
	w.T.Helper()
	for where, text := range map[string]string{"table": w.dump(), "packages": w.packages.All(), "vault": w.vault.All(), "log": w.Log.String()} {
		for _, mark := range []string{s.name, s.email, string(s.User), "hash-of-" + s.first, "192.0.2.0/24", "a canary"} {
			if strings.Contains(text, mark) {
				w.T.Errorf("the %s still holds %q:\n%s", where, mark, lines(text, mark))
			}
		}
	}
}

func lines(text, mark string) string {
	var hits []string
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, mark) {
			hits = append(hits, l)
		}
	}
	return strings.Join(hits, "\n")
}

// lived is a person who has used every right once.
func (w *world) lived() somebody {
	w.T.Helper()
	ada := w.somebody(w.Member(w.Organization().Org, access.Contributor), "Ada")
	w.Call(privacy.CreateConsent(w.Store), ada.Caller, apitest.Request{Body: give("given", purpose.Analytics)})
	w.Call(privacy.CreateConsent(w.Store), ada.Caller, apitest.Request{Body: give("refused", purpose.Analytics), Key: "a key"})
	w.file(ada.Caller, map[string]any{"type": "access", "description": "a canary"})
	w.mails(store.UserScope(ada.User))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.build(ada.Caller)
	w.file(ada.Caller, map[string]any{"type": "rectification", "description": "a canary"})
	return ada
}

func TestADeletedAccountGoesWhenItIsDue(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	bob := w.somebody(w.Member(ada.Org, access.Contributor), "Bob")
	due := w.deleteAccount(ada.Caller)

	w.Clock.Set(due.Add(-time.Second))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if !strings.Contains(w.dump(), ada.email) {
		t.Fatal("the account went before its time")
	}
	w.Clock.Set(due)
	if err := w.restore(ada.Caller); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a restore at the due time = %v; want ErrMissing", err)
	}
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)

	text := w.dump()
	for _, want := range []string{bob.email, "work-of-" + string(ada.Member), "PLATFORM#PURGE", "CONSENT", "account_deleted"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lost %q", want)
		}
	}
	subject := w.engine.Subject(erasure.ScopeAccount, string(ada.User))
	if got := w.vault.Keys(); len(got) != 1 || got[0] != erasure.VaultKey(subject) {
		t.Errorf("the vault holds %v; want the ledger of one erasure", got)
	}
	if strings.Contains(text, "_type:DUE") {
		t.Errorf("clocks are left:\n%s", lines(text, "_type:DUE"))
	}
	before := w.dumpOfWork()
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if w.dumpOfWork() != before {
		t.Error("a second sweep changed something")
	}
}

func TestARestoredAccountStays(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due.Add(-24 * time.Hour))
	w.must(w.restore(ada.Caller))
	w.Clock.Set(due.Add(time.Hour))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if !strings.Contains(w.dump(), ada.email) {
		t.Error("a restored account was erased")
	}
	if len(w.vault.Keys()) != 0 {
		t.Error("the vault says that a restored account was erased")
	}
}

// A clock that was left behind by a restore must not count against the account that lives.
func TestAClockThatWasLeftBehindCountsForNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	h := w.Store.BindUser(ada.User, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.ArmWake(h, retention.AccountDue(ada.User, w.Clock.Now().Add(time.Hour)))
	w.must(tx.Commit(context.Background()))
	w.Clock.Advance(2 * time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if text := w.dump(); !strings.Contains(text, ada.email) || strings.Contains(text, "purge-account") {
		t.Error("want the account alive and the clock gone")
	}
}

func TestHoldsAndRestrictionsKeepAnAccount(t *testing.T) {
	for _, mark := range []string{"hold", "restrict"} {
		t.Run(mark, func(t *testing.T) {
			w := newWorld(t)
			ada := w.lived()
			due := w.deleteAccount(ada.Caller)
			w.mark(ada.Caller, mark, true)
			w.Clock.Set(due.Add(time.Hour))
			w.must(w.run(privacy.SweepRetention(w.engine)))
			if !strings.Contains(w.dump(), ada.email) {
				t.Fatal("the account went")
			}
			w.mark(ada.Caller, mark, false)
			w.Clock.Advance(25 * time.Hour)
			w.must(w.run(privacy.SweepRetention(w.engine)))
			w.gone(ada)
		})
	}
}

// TestAnOrganizationWhoseOwnerIsErasedCloses erases an owner who has handed their organization to nobody: it closes, with
// everything in it; that of somebody else lives on.
func TestAnOrganizationWhoseOwnerIsErasedCloses(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	bob := w.somebody(w.Member(ada.Org, access.Contributor), "Bob")
	status := func() access.Status {
		gate, err := store.Get[access.OrganizationGate](t.Context(), w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"}), access.OrganizationGateKey(ada.Org))
		w.must(err)
		return gate.Status
	}
	erase := func(s somebody) {
		w.file(w.Later(s.Caller, 0), map[string]any{"type": "erasure", "at_once": true})
		for range 4 {
			w.mails(store.UserScope(s.User))
			w.must(w.run(privacy.WorkRequests(w.engine)))
			w.Clock.Advance(15 * time.Minute)
		}
		w.gone(s)
	}
	erase(bob)
	if status() != access.Active {
		t.Fatalf("the organization is %s without a member; want it open", status())
	}
	erase(ada)
	if status() != access.Closing {
		t.Fatalf("the organization is %s without an owner; want it closing", status())
	}
	w.must(w.run(organization.CloseOrganizations(privacy.AskForOrganization)))
	w.Clock.Advance(retention.Organization)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if text := w.dump(); strings.Contains(text, string(ada.Org)) {
		t.Errorf("of the organization is left:\n%s", lines(text, string(ada.Org)))
	}
}

// TestRequestsOfSomebodyWhoIsBeingErasedWait has the worker meet a request whose person's erasure died in the middle: it asks
// for no package, and the erasure closes it.
func TestRequestsOfSomebodyWhoIsBeingErasedWait(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Member(w.Organization().Org, access.Contributor), "Ada")
	r := w.file(ada.Caller, map[string]any{"type": "access"})
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due)
	w.engine.Objects = []erasure.Objects{&dying{w}}
	if w.run(privacy.SweepRetention(w.engine)) == nil {
		t.Fatal("the sweep did not fail")
	}
	w.engine.Objects = nil
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if text := w.dump(); strings.Contains(text, "_type:PACKAGE") || !strings.Contains(lines(text, "_type:REQUEST"), "state:verified") {
		t.Errorf("the worker went on: %s", lines(text, r.ID))
	}
	w.Clock.Advance(time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	if text := w.dump(); !strings.Contains(lines(text, "_type:REQUEST"), "account_deleted") || strings.Contains(text, "_type:DUE") {
		t.Errorf("the request is not closed, or has a clock: %s", lines(text, r.ID))
	}
}

// TestWhatIsRestrictedIsErasedWhenThePersonAsksForThatLater takes the person's later word: nobody else could lift the
// restriction of an account that is deleted.
func TestWhatIsRestrictedIsErasedWhenThePersonAsksForThatLater(t *testing.T) {
	restrict := func(w *world, ada somebody) {
		w.file(ada.Caller, map[string]any{"type": "restriction"})
		w.must(w.run(privacy.WorkRequests(w.engine)))
	}
	erase := func(w *world, ada somebody) { w.file(ada.Caller, map[string]any{"type": "erasure"}) }
	remove := func(w *world, ada somebody) { w.deleteAccount(ada.Caller) }
	for _, tt := range []struct {
		name string
		acts []func(*world, somebody)
		gone bool
	}{
		{"restricted, then deleted", []func(*world, somebody){restrict, remove}, true},
		{"restricted, then an erasure", []func(*world, somebody){restrict, erase}, true},
		{"an erasure, then restricted", []func(*world, somebody){erase, restrict}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.somebody(w.Organization(), "Ada")
			for _, act := range tt.acts {
				act(w, ada)
				w.Clock.Advance(time.Second)
			}
			for range 35 {
				w.must(w.run(privacy.WorkRequests(w.engine)))
				w.must(w.run(privacy.SweepRetention(w.engine)))
				w.mails(store.UserScope(ada.User))
				w.Clock.Advance(24 * time.Hour)
			}
			if gone := !strings.Contains(w.dump(), ada.email); gone != tt.gone {
				t.Errorf("gone: %v; want %v", gone, tt.gone)
			}
		})
	}
}

// slowly is a bucket that is slow to store what was read.
type slowly struct {
	privacy.Writer
	meanwhile func()
}

func (s slowly) Write(ctx context.Context, key, mediaType string, write func(io.Writer) error) error {
	var body bytes.Buffer
	if err := write(&body); err != nil {
		return err
	}
	s.meanwhile()
	return s.Writer.Write(ctx, key, mediaType, func(w io.Writer) error {
		_, err := w.Write(body.Bytes())
		return err
	})
}

// TestAnErasureAndABuilderMeet has the erasure of an account come to its end while its package is being built, and a package
// asked for after the account was closed: no object is left.
func TestAnErasureAndABuilderMeet(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first bool // the builder began first
	}{{"the builder began first", true}, {"the account closed first", false}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.somebody(w.Organization(), "Ada")
			w.file(ada.Caller, map[string]any{"type": "access"})
			w.must(w.run(privacy.WorkRequests(w.engine)))
			waits := func() {
				for range 3 {
					_, err := w.engine.Account(t.Context(), store.Actor{Who: "test"}, ada.User, erasure.Cause{Case: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"})
					if !errors.Is(err, erasure.ErrSoon) {
						t.Errorf("the erasure = %v; want ErrSoon", err)
					}
					if tt.first {
						w.Clock.Advance(2 * time.Minute)
					}
				}
			}
			to := privacy.Writer(w.packages)
			if tt.first {
				to = slowly{w.packages, waits}
			} else {
				waits()
			}
			key := w.keys(store.UserScope(ada.User).Partition(privacy.FamilyPackage))[0]
			w.must(w.event(privacy.BuildExport(to, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, key))
			if keys := w.packages.Keys(); len(keys) > 0 != tt.first {
				t.Errorf("the packages are %v; want one of an account that was open: %v", keys, tt.first)
			}
			w.Clock.Advance(2 * time.Minute)
			_, err := w.engine.Account(t.Context(), store.Actor{Who: "test"}, ada.User, erasure.Cause{Case: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"})
			w.must(err)
			if keys := w.packages.Keys(); len(keys) > 0 || strings.Contains(w.dump(), ada.email) {
				t.Errorf("of an erased account are left the packages %v:\n%s", keys, lines(w.dump(), ada.email))
			}
		})
	}
}

// TestAHoldAtAnyMomentOfAnErasure places a hold whenever the run reads the clock: either the account stays whole, and the
// run after the hold closes it again before anything goes, or the hold comes too late.
func TestAHoldAtAnyMomentOfAnErasure(t *testing.T) {
	won := 0
	for n, over := 1, false; !over; n++ {
		w := newWorld(t)
		ada, counsel := w.somebody(w.Organization(), "Ada"), w.desk(access.LegalCounsel)
		w.deleteAccount(ada.Caller)
		w.Clock.Advance(time.Hour)
		var placed apitest.Answer
		calls := 0
		w.engine.Store = store.New(w.AWS, w.World.Table, func() time.Time {
			if calls++; calls == n {
				placed = w.Call(privacy.PlaceHold(w.Store, w.book()), w.Later(counsel.Caller, 0), apitest.Request{Body: heldAccount(ada.Caller)})
			}
			return w.Clock.Now()
		})
		cause := erasure.Cause{Case: id.New[id.Case](w.Store.IDs())}
		erase := func() error {
			_, err := w.engine.Account(t.Context(), store.Actor{Who: "test"}, ada.User, cause)
			return err
		}
		err := erase()
		if over = placed.Status != 201; over {
			break
		}
		won++
		if err == nil || !w.gate(ada.Caller).Held || !strings.Contains(w.dump(), ada.email) {
			t.Fatalf("held at reading %d of the clock, the run = %v; want the account whole", n, err)
		}
		var h privacy.HoldBody
		placed.Into(t, &h)
		w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
		w.engine.Objects = []erasure.Objects{&seeing{func() {
			if gate := w.gate(ada.Caller); gate.DueAt == 0 || gate.DueAt > w.Clock.Now().Unix() {
				t.Errorf("held at reading %d of the clock: objects go of an account that can still be restored: %+v", n, gate.Meta)
			}
		}}}
		for err = erase(); errors.Is(err, erasure.ErrSoon); err = erase() {
			w.Clock.Advance(2 * time.Minute)
		}
		w.must(err)
	}
	if won == 0 {
		t.Error("no hold came in time")
	}
}

// seeing is a bucket that looks around when it is emptied.
type seeing struct{ look func() }

func (s *seeing) Purge(context.Context, string) (int, error) {
	s.look()
	return 0, nil
}

func (w *world) mark(c apitest.Caller, name string, on bool) {
	w.T.Helper()
	ctx := context.Background()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	h.SeeDue()
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(c.User))
	w.must(err)
	if name == "hold" {
		gate.Hold = on
	} else {
		gate.Restrict = on
	}
	tx := w.Store.Begin()
	tx.Rewrite(h, gate)
	w.must(tx.Commit(ctx))
}

func TestErasureAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	r := w.file(ada.Caller, map[string]any{"type": "erasure", "at_once": true})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.get(ada.Caller, r.ID); got.State != "executing" {
		t.Fatalf("the request = %s; want executing, waiting for its last mail", got.State)
	}
	if text := w.dump(); !strings.Contains(text, ada.email) {
		t.Fatal("the address went before the last mail")
	}
	w.Want(w.Call(privacy.WithdrawRequest(w.Store), ada.Caller, apitest.Request{Path: "/v1/dsr/" + r.ID + "/withdraw"}), http.StatusConflict, "request_not_withdrawable")
	w.mails(store.UserScope(ada.User))
	w.Clock.Advance(15 * time.Minute)
	w.must(w.run(privacy.WorkRequests(w.engine))) // the gate falls; writers may still be under way
	w.Want(w.Call(privacy.GetRequest(), w.Later(ada.Caller, 0), apitest.Request{Path: "/v1/dsr/" + r.ID}), http.StatusUnauthorized, "session_ended")
	w.Clock.Advance(15 * time.Minute)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.gone(ada)
	text := w.dump()
	if !strings.Contains(text, "partially_fulfilled") || !strings.Contains(text, r.ID) {
		t.Errorf("the request is not closed:\n%s", lines(text, "REQUEST"))
	}
	if strings.Contains(text, "_type:DUE") {
		t.Errorf("clocks are left:\n%s", lines(text, "_type:DUE"))
	}
}

func TestErasureComesBeforeItsAnswerIsDue(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	r := w.file(ada.Caller, map[string]any{"type": "erasure"})
	for w.Clock.Now().Before(r.DueAt) && strings.Contains(w.dump(), ada.email) {
		w.mails(store.UserScope(ada.User))
		w.must(w.run(privacy.WorkRequests(w.engine)))
		w.Clock.Advance(6 * time.Hour)
	}
	w.gone(ada)
	if left := r.DueAt.Sub(w.Clock.Now()); left <= 0 || left > 25*time.Hour {
		t.Errorf("the account went %v before its answer was due; want on the last day", left)
	}
}

func TestAnErasureRequestAndADeletionMeet(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Member(w.Organization().Org, access.Contributor), "Ada")
	w.file(ada.Caller, map[string]any{"type": "erasure"})
	w.Clock.Advance(24 * time.Hour)
	due := w.deleteAccount(ada.Caller)
	for w.Clock.Now().Before(due.Add(time.Hour)) {
		w.must(w.run(privacy.WorkRequests(w.engine)))
		w.must(w.run(privacy.SweepRetention(w.engine)))
		w.Clock.Advance(12 * time.Hour)
	}
	w.gone(ada)
	if text := w.dump(); !strings.Contains(text, "partially_fulfilled") || strings.Contains(text, "_type:DUE") {
		t.Errorf("want the request closed and no clock left:\n%s", lines(text, "DUE"))
	}
}

// stopping fails the nth call to a bucket, as if the function had been killed there.
type stopping struct {
	erasure.Objects
	calls, at int
}

var errKilled = errors.New("killed")

func (s *stopping) Purge(ctx context.Context, prefix string) (int, error) {
	if s.calls++; s.calls == s.at {
		return 0, errKilled
	}
	return s.Objects.Purge(ctx, prefix)
}

func TestAKilledErasureEndsTheSame(t *testing.T) {
	for _, how := range []string{"vault", "objects", "lease"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			ada := w.lived()
			due := w.deleteAccount(ada.Caller)
			w.Clock.Set(due)
			switch how {
			case "vault":
				w.vault.Fail(errKilled)
			case "objects":
				w.engine.Objects = []erasure.Objects{&stopping{Objects: w.packages, at: 1}}
			case "lease":
				w.engine.Objects = []erasure.Objects{&dying{w}}
			}
			if err := w.run(privacy.SweepRetention(w.engine)); err == nil {
				t.Fatal("the run did not fail")
			}
			if how == "vault" && !strings.Contains(w.dump(), ada.email) {
				t.Error("something was deleted before the vault had its ledger")
			}
			w.vault.Fail(nil)
			w.engine.Objects = []erasure.Objects{w.packages}
			w.Clock.Advance(time.Hour)
			w.must(w.run(privacy.SweepRetention(w.engine)))
			w.gone(ada)
		})
	}
}

// dying panics in the middle, so that nothing is cleaned up.
type dying struct{ w *world }

func (d *dying) Purge(context.Context, string) (int, error) { panic("killed") }

// TestARequestIsWorkedOnByManyAtOnce has runs meet at each state of requests: those that come second fail nothing.
func TestARequestIsWorkedOnByManyAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Member(w.Organization().Org, access.Contributor), "Ada")
	w.file(ada.Caller, map[string]any{"type": "restriction"}) // before the erasure, which it does not stop
	w.Clock.Advance(time.Second)
	r := w.file(w.Later(ada.Caller, 0), map[string]any{"type": "erasure"})
	w.must(w.event(privacy.WorkRequests(w.engine), privacy.EventRequestReceived, store.UserScope(ada.User).Key(privacy.FamilyRequest, r.ID)))
	w.Clock.Set(r.DueAt.Add(-23 * time.Hour))
	for range 4 {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if err := w.run(privacy.WorkRequests(w.engine)); err != nil {
					t.Errorf("a run at the same time: %v", err)
				}
			})
		}
		wg.Wait()
		w.mails(store.UserScope(ada.User))
		w.Clock.Advance(15 * time.Minute)
	}
	w.gone(ada)
}

func TestErasuresAtTheSameTimeEndTheSame(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := w.run(privacy.SweepRetention(w.engine)); err != nil {
				t.Errorf("a run at the same time: %v", err)
			}
		})
	}
	wg.Wait()
	w.Clock.Advance(time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	if n := strings.Count(w.dump(), "_type:PURGE"); n != 1 {
		t.Errorf("%d rows in the ledger of purges; want 1", n)
	}
}

func TestALateSweepLosesNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due.AddDate(0, 7, 0))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	if !strings.Contains(w.Log.String(), `"event":"purged"`) {
		t.Error("the log does not tell of the purge")
	}
}

func TestTheEventDecidesWhatIsDue(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due.Add(time.Hour))
	w.must(w.runAt(privacy.SweepRetention(w.engine), due.Add(-time.Hour))) // a retry of an event from before
	if !strings.Contains(w.dump(), ada.email) {
		t.Error("an event from before its time erased an account")
	}
}

func TestTTLWakesTheWork(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due)
	wake := w.wake(retention.AccountDue(ada.User, due))
	for _, tt := range []struct {
		name, identity string
		gone           bool
	}{
		{"a deletion by somebody else wakes nothing", `{"type":"AssumedRole","principalId":"x"}`, false},
		{"the service's wakes the worker", `{"type":"Service","principalId":"dynamodb.amazonaws.com"}`, true},
		{"a repeat finds nothing to do", `{"type":"Service","principalId":"dynamodb.amazonaws.com"}`, true},
	} {
		payload := `{"Records":[{"eventID":"1","eventName":"REMOVE","userIdentity":` + tt.identity + `,"dynamodb":{"Keys":{"PK":{"S":"` +
			wake.PK + `"},"SK":{"S":"` + wake.SK + `"}}}}]}`
		w.must(privacy.CascadeExpired(w.engine).Do(context.Background(), []byte(payload), w.Store, w.log, w.Clock.Now, "run"))
		if gone := !strings.Contains(w.dump(), ada.email); gone != tt.gone {
			t.Errorf("%s: gone = %v; want %v", tt.name, gone, tt.gone)
		}
	}
	w.gone(ada)
}

func (w *world) wake(d *store.Due) store.Key {
	wake := &store.Wake{Due: *d}
	return wake.Keys().Primary
}

func TestARestoredTableIsErasedAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	w.Clock.Set(due)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	// A backup from before brings the rows back; the clock of the deletion comes with it.
	ctx := context.Background()
	h := w.Store.BindUser(ada.User, store.Actor{Who: string(ada.User)})
	gate := &access.UserGate{User: ada.User, Deleted: due.Add(-retention.Account).Unix()}
	gate.DueAt = due.Unix()
	tx := w.Store.Begin()
	tx.Put(h, gate)
	tx.Put(h, &person{User: ada.User, Name: ada.name, Email: ada.email, Mail: "hash-of-Ada"})
	tx.ArmWake(h, retention.AccountDue(ada.User, due))
	w.must(tx.Commit(ctx))
	w.Clock.Advance(time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
}

func TestSomebodyElsesMarkerStays(t *testing.T) {
	w := newWorld(t)
	ada := w.lived()
	due := w.deleteAccount(ada.Caller)
	bob := w.Member(ada.Org, access.Contributor)
	tx := w.Store.Begin() // the address belongs to Bob by now
	tx.Put(w.Store.BindPlatform(store.Actor{Who: "test"}), &marker{User: bob.User, hash: "hash-of-Ada"})
	w.must(tx.Commit(context.Background()))
	w.Clock.Set(due)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if !strings.Contains(w.dump(), "MAIL#hash-of-Ada") {
		t.Error("the marker of somebody else was deleted")
	}
}

func TestAnOrganizationGoesWithEverythingInIt(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	bob := w.somebody(w.Member(ada.Org, access.Contributor), "Bob")
	other := w.somebody(w.Organization(), "Cy")
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	ctx := context.Background()

	tx := w.Store.Begin()
	e := privacy.AskForPackage(tx, org, "", "")
	w.must(tx.Commit(ctx))
	w.must(w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, privacy.PackageKey(org.Scope(), e)))
	if text := strings.Join(w.packages.Keys(), " "); !strings.Contains(text, "ORG/"+string(ada.Org)+"/"+string(e)) {
		t.Errorf("the packages are %s; want the organisation's", text)
	}

	gate, err := store.Get[access.OrganizationGate](ctx, org, access.OrganizationGateKey(ada.Org))
	w.must(err)
	due := w.Clock.Now().Add(retention.Organization)
	gate.Status, gate.DueAt = access.Closed, due.Unix()
	tx = w.Store.Begin()
	tx.Replace(org, gate)
	tx.ArmWake(org, retention.OrganizationDue(ada.Org, due))
	w.must(tx.Commit(ctx))
	w.Clock.Set(due)
	w.must(w.run(privacy.SweepRetention(w.engine)))

	text := w.dump() + strings.Join(w.packages.Keys(), " ")
	if strings.Contains(text, string(ada.Org)) {
		t.Errorf("the organisation is still there:\n%s", lines(text, string(ada.Org)))
	}
	for _, want := range []string{ada.email, bob.email, other.email, "work-of-" + string(other.Member)} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lost %q", want)
		}
	}
}

func TestAnOpenOrganizationIsNeverPurged(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	h := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.ArmWake(h, retention.OrganizationDue(ada.Org, w.Clock.Now().Add(time.Hour)))
	w.must(tx.Commit(context.Background()))
	w.Clock.Advance(2 * time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if text := w.dump(); !strings.Contains(text, "work-of-") || strings.Contains(text, "purge-organization") {
		t.Error("want the organisation untouched and the clock gone")
	}
}

// wrote lets a mail come from an address, as somebody without an account.
func (w *world) wrote(address, name string) *store.Case {
	w.T.Helper()
	h := w.Store.BindCase(correspondents.HashOf(w.pseudonyms, address), store.Actor{Who: "test"})
	tx := w.Store.Begin()
	w.must(correspondents.Heard(w.T.Context(), tx, h, address, name))
	support.Ask(tx, h, support.Author{Correspondent: correspondents.HashOf(w.pseudonyms, address)}, "By mail", "written by "+name, true)
	w.must(tx.Commit(w.T.Context()))
	return h
}

// What was written to us from the address of an account is its person's: it is in their package, and goes with the account.
func TestWhatWasWrittenByMailGoesWithTheAccount(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	w.wrote(ada.email, "a canary of Ada")
	w.wrote("bob@example.com", "a trace of Bob")
	w.file(ada.Caller, map[string]any{"type": "access"})
	w.mails(store.UserScope(ada.User))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.build(ada.Caller)
	archive, err := w.packages.Fetch("https://bucket.example.com/" + w.packages.Keys()[0] + "?")
	w.must(err)
	text, err := journey.CheckPackage(archive)
	w.must(err)
	if !strings.Contains(text, "written by a canary of Ada") || strings.Contains(text, "a trace of Bob") {
		t.Error("the package has not what its person wrote by mail, or what another wrote")
	}
	var forgotten []id.Member
	w.engine.Forget = func(_ context.Context, org *store.Organization, m id.Member) (int, error) {
		forgotten = append(forgotten, m)
		return 1, nil
	}
	w.Clock.Set(w.deleteAccount(ada.Caller))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	if left := w.dump(); !strings.Contains(left, "written by a trace of Bob") {
		t.Error("what another wrote went too")
	}
	if !slices.Equal(forgotten, []id.Member{ada.Member}) {
		t.Errorf("forgotten are %v; want what the person wrote to support as a member", forgotten)
	}
}
