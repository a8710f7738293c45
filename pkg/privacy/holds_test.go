package privacy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

func heldAccount(c apitest.Caller) map[string]any {
	return map[string]any{"matter": "2026-0042", "object": map[string]any{"kind": "account", "id": c.User}}
}

// place holds a thing, as somebody of the legal role.
func (d desk) place(body map[string]any) privacy.HoldBody {
	d.T.Helper()
	a := d.Call(privacy.PlaceHold(d.Store, d.book()), d.Later(d.Caller, 0), apitest.Request{Body: body})
	d.Want(a, http.StatusCreated, "")
	var h privacy.HoldBody
	a.Into(d.T, &h)
	return h
}

func (d desk) hold(h id.Hold) (privacy.HoldBody, string) {
	d.T.Helper()
	a := d.Call(privacy.GetHold(), d.Later(d.Caller, 0), apitest.Request{Path: "/v1/admin/holds/" + string(h)})
	d.Want(a, http.StatusOK, "")
	var b privacy.HoldBody
	a.Into(d.T, &b)
	return b, a.Header.Get("ETag")
}

func (d desk) change(op api.Operation, h id.Hold) apitest.Answer {
	d.T.Helper()
	_, etag := d.hold(h)
	return d.Call(op, d.Later(d.Caller, 0), apitest.Request{Path: strings.Replace(op.Path, "{id}", string(h), 1), IfMatch: etag})
}

func (w *world) gate(c apitest.Caller) *access.UserGate {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	h.SeeDue()
	g, err := store.Get[access.UserGate](w.T.Context(), h, access.UserGateKey(c.User))
	w.must(err)
	return g
}

// armed says whether a due row and its wake row are there.
func (w *world) armed(d *store.Due) (due, wake bool) {
	w.T.Helper()
	there := func(k store.Key) bool { return slices.Contains(w.keys(k.PK), k) }
	return there(d.Keys().Primary), there((&store.Wake{Due: *d}).Keys().Primary)
}

func TestAHoldStopsTheClockOfAnAccount(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	due := w.deleteAccount(ada.Caller)
	h := counsel.place(heldAccount(ada.Caller))
	clock := retention.AccountDue(ada.User, due)
	if d, wake := w.armed(clock); d || wake || !w.gate(ada.Caller).Held || w.gate(ada.Caller).DueAt != 0 {
		t.Errorf("held: due row %v, wake row %v, gate %+v; want no clock", d, wake, w.gate(ada.Caller).Meta)
	}
	w.Clock.Set(due.Add(40 * 24 * time.Hour))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if !strings.Contains(w.dump(), ada.email) {
		t.Fatal("a held account went")
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	if d, wake := w.armed(clock); !d || !wake || w.gate(ada.Caller).Held || w.gate(ada.Caller).DueAt != due.Unix() {
		t.Errorf("lifted: due row %v, wake row %v, gate %+v; want the original due %d", d, wake, w.gate(ada.Caller).Meta, due.Unix())
	}
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
	if b, _ := counsel.hold(h.ID); b.State != "lifted" || b.Object.ID != "" || b.LiftedBy == "" {
		t.Errorf("the record of the hold = %+v; want it without the account", b)
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 409, "hold_lifted")
}

func TestAnAccountThatIsDeletedOrRestoredWhileHeld(t *testing.T) {
	t.Run("deleted", func(t *testing.T) {
		w := newWorld(t)
		ada, counsel := w.lived(), w.desk(access.LegalCounsel)
		h := counsel.place(heldAccount(ada.Caller))
		due := w.deleteAccount(ada.Caller)
		w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
		w.Clock.Set(due.Add(-time.Hour))
		w.must(w.run(privacy.SweepRetention(w.engine)))
		if !strings.Contains(w.dump(), ada.email) {
			t.Error("the account went before its time")
		}
		w.Clock.Set(due.Add(time.Hour))
		w.must(w.run(privacy.SweepRetention(w.engine)))
		w.gone(ada)
	})
	t.Run("restored", func(t *testing.T) {
		w := newWorld(t)
		ada, counsel := w.lived(), w.desk(access.LegalCounsel)
		due := w.deleteAccount(ada.Caller)
		h := counsel.place(heldAccount(ada.Caller))
		w.must(w.restore(ada.Caller))
		w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
		w.Clock.Set(due.Add(24 * time.Hour))
		w.must(w.run(privacy.SweepRetention(w.engine)))
		if !strings.Contains(w.dump(), ada.email) || w.gate(ada.Caller).DueAt != 0 {
			t.Error("a restored account went, or has a clock")
		}
	})
}

func TestTwoHoldsOnOneThing(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	one := counsel.place(heldAccount(ada.Caller))
	other := counsel.place(map[string]any{"matter": "2026-0043", "object": map[string]any{"kind": "account", "id": ada.User}})
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), one.ID), 200, "")
	if !w.gate(ada.Caller).Held {
		t.Fatal("one of two matters is over, and the account is free")
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), other.ID), 200, "")
	if w.gate(ada.Caller).Held {
		t.Error("no matter is left, and the account is held")
	}
	if keys := w.keys(store.PlatformScope().Partition(privacy.FamilyCustody)); len(keys) != 0 {
		t.Errorf("something is in custody still: %v", keys)
	}
}

// paper is a file of these tests, with a time of its own.
type paper struct {
	store.Meta
	Org id.Organization `dynamo:"org"`
	ID  id.File         `dynamo:"id"`
}

func (p *paper) Type() string { return "STOREDFILE" }
func (p *paper) Keys() store.Keys {
	return store.Keys{Primary: store.OrganizationScope(p.Org).Key("STOREDFILE", string(p.ID))}
}

func (w *world) paper(org id.Organization, life time.Duration) *paper {
	w.T.Helper()
	p := &paper{Org: org, ID: id.New[id.File](w.Store.IDs())}
	p.Expire(w.Clock.Now().Add(life))
	tx := w.Store.Begin()
	tx.Create(w.Store.BindOrganization(org, store.Actor{Who: "test"}), p)
	w.must(tx.Commit(w.T.Context()))
	return p
}

func TestAHoldTakesTheTTLOffAndGivesItBack(t *testing.T) {
	w := newWorld(t)
	owner, counsel := w.Organization(), w.desk(access.LegalCounsel)
	row := w.paper(owner.Org, time.Hour)
	read := func() (*paper, error) {
		return store.Get[paper](t.Context(), w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), row.Keys().Primary)
	}
	file := map[string]any{"matter": "2026-0042", "object": map[string]any{"kind": "file", "id": row.ID, "organization_id": owner.Org}}
	h := counsel.place(file)
	w.Clock.Advance(3 * time.Hour)
	held, err := read()
	if err != nil || !held.Held || held.ExpiresAt != 0 {
		t.Fatalf("held past its time = %+v, %v; want it there without a TTL", held, err)
	}
	tx := w.Store.Begin()
	tx.Delete(w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), held)
	if err := tx.Commit(t.Context()); err != store.ErrStale {
		t.Errorf("deleting what is held = %v; want ErrStale", err)
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	if _, err := read(); err != store.ErrMissing {
		t.Errorf("after the hold = %v; want it gone at its original time", err)
	}
	w.Want(w.Call(privacy.PlaceHold(w.Store, w.book()), w.Later(counsel.Caller, 0), apitest.Request{Body: file}), 404, "object_not_found")
}

func TestWhatCannotBeHeld(t *testing.T) {
	w := newWorld(t)
	owner, counsel := w.Organization(), w.desk(access.LegalCounsel)
	file := w.paper(owner.Org, time.Hour)
	never := id.New[id.File](w.Store.IDs())
	tests := []struct {
		name   string
		object map[string]any
		status int
	}{
		{"a file that never was", map[string]any{"kind": "file", "id": never, "organization_id": owner.Org}, 404},
		{"a file of another organization", map[string]any{"kind": "file", "id": file.ID, "organization_id": w.Organization().Org}, 404},
		{"a file of no organization", map[string]any{"kind": "file", "id": file.ID}, 404},
		{"a file by the id of an account", map[string]any{"kind": "file", "id": owner.User, "organization_id": owner.Org}, 404},
		{"an account in an organization", map[string]any{"kind": "account", "id": owner.User, "organization_id": owner.Org}, 404},
		{"an account that never was", map[string]any{"kind": "account", "id": id.New[id.User](w.Store.IDs())}, 404},
		{"an organization by another's id", map[string]any{"kind": "organization", "id": owner.Org, "organization_id": w.Organization().Org}, 404},
		{"a thing of no kind", map[string]any{"kind": "thought", "id": owner.User}, 422},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.Want(w.Call(privacy.PlaceHold(w.Store, w.book()), w.Later(counsel.Caller, 0), apitest.Request{Body: map[string]any{"matter": "1", "object": tt.object}}), tt.status, "")
		})
	}
	if keys := w.keys(store.PlatformScope().Partition(privacy.FamilyHold)); len(keys) != 0 {
		t.Errorf("%d holds were placed; want none", len(keys))
	}
}

func TestAHeldOrganizationStays(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	h := counsel.place(map[string]any{"matter": "1", "object": map[string]any{"kind": "organization", "id": ada.Org}})
	if b, _ := counsel.hold(h.ID); b.Object.Organization != ada.Org {
		t.Errorf("the hold = %+v; want it to name the organization", b.Object)
	}
	org := w.Store.BindOrganization(ada.Org, store.Actor{Who: "test"})
	org.SeeDue()
	gate, err := store.Get[access.OrganizationGate](t.Context(), org, access.OrganizationGateKey(ada.Org))
	w.must(err)
	closing := w.Clock.Now()
	due := closing.Add(retention.Organization)
	gate.Status, gate.ClosingAt, gate.DueAt = access.Closed, closing.Unix(), due.Unix()
	tx := w.Store.Begin()
	tx.Replace(org, gate)
	tx.ArmWake(org, retention.OrganizationDue(ada.Org, due))
	w.must(tx.Commit(t.Context()))
	w.Clock.Set(due.Add(time.Hour))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if !strings.Contains(w.dump(), "work-of-") {
		t.Fatal("a held organization was purged")
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.Clock.Advance(2 * time.Minute)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	if strings.Contains(w.dump(), "work-of-") {
		t.Error("the hold is lifted, and the organization is there")
	}
}

func TestAHoldIsReviewed(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	h := counsel.place(heldAccount(ada.Caller))
	reminders := func() int { return strings.Count(w.Log.String(), `"event":"hold_review_due"`) }
	w.Clock.Advance(privacy.HoldReview - time.Hour)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if n := reminders(); n != 0 {
		t.Errorf("%d reminders before the review is owed; want none", n)
	}
	w.Clock.Advance(2 * time.Hour)
	for range 3 {
		w.must(w.run(privacy.WorkRequests(w.engine)))
	}
	if b, _ := counsel.hold(h.ID); reminders() != 1 || !b.Overdue {
		t.Errorf("%d reminders, overdue %v; want one a day", reminders(), b.Overdue)
	}
	w.Clock.Advance(25 * time.Hour)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if n := reminders(); n != 2 {
		t.Errorf("%d reminders on the second day; want 2", n)
	}
	w.Want(counsel.change(privacy.ReviewHold(w.Store), h.ID), 200, "")
	if b, _ := counsel.hold(h.ID); b.Overdue || !b.ReviewBy.Equal(w.Clock.Now().Add(privacy.HoldReview).Truncate(time.Second)) || b.ReviewedBy == "" {
		t.Errorf("after the review = %+v; want the next in 90 days", b)
	}
	w.Clock.Advance(48 * time.Hour)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if n := reminders(); n != 2 {
		t.Errorf("%d reminders after the review; want no more", n)
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	if text := w.dump(); strings.Contains(text, "hold-review") {
		t.Error("a lifted hold has a clock")
	}
	w.Want(counsel.change(privacy.ReviewHold(w.Store), h.ID), 409, "hold_lifted")
}

// TestAnErasureWaitsForTheHold asks for an erasure of a held account: it is never shown as done, and goes on by itself.
func TestAnErasureWaitsForTheHold(t *testing.T) {
	w := newWorld(t)
	ada, counsel, officer := w.lived(), w.desk(access.LegalCounsel), w.desk(access.PrivacyOfficer)
	h := counsel.place(heldAccount(ada.Caller))
	r := w.file(ada.Caller, map[string]any{"type": "erasure", "at_once": true})
	work := func() {
		w.mails(store.UserScope(ada.User))
		w.Clock.Advance(15 * time.Minute)
		w.must(w.run(privacy.WorkRequests(w.engine)))
	}
	for range 4 {
		work()
	}
	if c, _ := officer.see(r.ID); c.State != "executing" || !strings.Contains(w.dump(), ada.email) {
		t.Fatalf("under the hold = %s; want it at work, and the account there", c.State)
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	for range 4 {
		work()
	}
	w.gone(ada)
	if c, _ := officer.see(r.ID); c.State != "partially_fulfilled" {
		t.Errorf("after the hold = %s; want it answered", c.State)
	}
}

// TestAnErasureThatWaitsDoesNotSayThatItHasBegun keeps a request from telling of a ledger and of destruction that are not.
func TestAnErasureThatWaitsDoesNotSayThatItHasBegun(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.somebody(w.Organization(), "Ada"), w.desk(access.LegalCounsel)
	h := counsel.place(heldAccount(ada.Caller))
	r := w.file(ada.Caller, map[string]any{"type": "erasure", "at_once": true})
	said := func() string {
		w.mails(store.UserScope(ada.User))
		w.Clock.Advance(15 * time.Minute)
		w.must(w.run(privacy.WorkRequests(w.engine)))
		return fmt.Sprint(w.get(w.Later(ada.Caller, 0), r.ID).History)
	}
	said()
	if s := said(); strings.Contains(s, "ledger_written") || strings.Contains(s, "destruction_begun") || len(w.ledger()) != 0 {
		t.Errorf("under the hold the request says %s", s)
	}
	w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h.ID), 200, "")
	for range 3 {
		w.Clock.Advance(15 * time.Minute)
		w.must(w.run(privacy.WorkRequests(w.engine)))
	}
	w.gone(ada)
	if text := lines(w.dump(), r.ID); !strings.Contains(text, "ledger_written") || !strings.Contains(text, "destruction_begun") {
		t.Errorf("after the erasure the request says %s", text)
	}
}

// TestAHoldThatComesWhileARunBegins places a hold after the run has looked and before it closes the account.
func TestAHoldThatComesWhileARunBegins(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	var once sync.Once
	w.engine.Clock = func() time.Time {
		once.Do(func() { counsel.place(heldAccount(ada.Caller)) })
		return w.Clock.Now()
	}
	_, err := w.engine.Account(t.Context(), store.Actor{Who: "test"}, ada.User, erasure.Cause{})
	if err == nil || !strings.Contains(err.Error(), erasure.ErrHeld.Error()) {
		t.Errorf("the run = %v; want ErrHeld", err)
	}
	if !strings.Contains(w.dump(), ada.email) {
		t.Error("something of a held account went")
	}
}

// TestWhatWasKeptGoesOn decides a request in part: what is kept until a day, or under a hold, is done when that has ended,
// by the same request.
func TestWhatWasKeptGoesOn(t *testing.T) {
	span := 200 * 24 * time.Hour
	tests := []struct {
		name   string
		ground string
		end    func(w *world, counsel desk, h id.Hold)
	}{
		{"a duty with a day", "legal_claims", func(w *world, _ desk, _ id.Hold) {
			w.Clock.Advance(span)
			w.must(w.run(privacy.WorkRequests(w.engine)))
		}},
		{"a hold", "legal_hold", func(w *world, counsel desk, h id.Hold) {
			w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h), 200, "")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada, officer, counsel := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer), w.desk(access.LegalCounsel)
			h := counsel.place(heldAccount(ada.Caller))
			r := w.correction(ada.Caller)
			w.Want(officer.act(privacy.DecideCase(w.Store), r, decision(map[string]any{"name": "profile", "decision": "act"},
				map[string]any{"name": "letters", "decision": "retain", "ground": tt.ground, "until": w.Clock.Now().Add(span - time.Hour).Format(time.RFC3339)})), 200, "")
			w.Want(officer.act(privacy.ReportCaseStep(w.Store), r, map[string]any{"item": "letters", "outcome": "done"}), 422, "invalid_input")
			w.Want(officer.act(privacy.ReportCaseStep(w.Store), r, map[string]any{"item": "profile", "outcome": "done"}), 200, "")
			if c, _ := officer.see(r); c.State != "partially_fulfilled" || c.Recourse == "" {
				t.Fatalf("decided in part = %s, recourse %q", c.State, c.Recourse)
			}
			w.Clock.Advance(24 * time.Hour)
			w.must(w.run(privacy.WorkRequests(w.engine)))
			if c, _ := officer.see(r); c.State != "partially_fulfilled" {
				t.Fatalf("a day later = %s; want nothing changed", c.State)
			}
			tt.end(w, counsel, h.ID)
			if c, _ := officer.see(r); c.State != "executing" || c.ClosedAt != nil || len(officer.list("?state=executing")) != 1 {
				t.Fatalf("the duty has ended = %s; want the same request at work", c.State)
			}
			w.Want(officer.act(privacy.ReportCaseStep(w.Store), r, map[string]any{"item": "letters", "outcome": "done"}), 200, "")
			if c, _ := officer.see(r); c.State != "fulfilled" {
				t.Errorf("after the last step = %s; want fulfilled", c.State)
			}
		})
	}
}

func TestWhoMayHold(t *testing.T) {
	w := newWorld(t)
	ada, counsel, officer := w.lived(), w.desk(access.LegalCounsel), w.desk(access.PrivacyOfficer)
	h := counsel.place(heldAccount(ada.Caller))
	lift := "/v1/admin/holds/" + string(h.ID) + "/lift"
	_, etag := counsel.hold(h.ID)
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"the person", privacy.ListHolds(), ada.Caller, apitest.Request{}, 403, "staff_required"},
		{"support", privacy.ListHolds(), w.Staff(access.SupportAgent), apitest.Request{}, 403, "permission_denied"},
		{"a privacy officer reads", privacy.ListHolds(), officer.Caller, apitest.Request{}, 200, ""},
		{"a privacy officer places none", privacy.PlaceHold(w.Store, w.book()), officer.Caller, apitest.Request{Body: heldAccount(ada.Caller)}, 403, "permission_denied"},
		{"a privacy officer lifts none", privacy.LiftHold(w.Store, w.book()), officer.Caller, apitest.Request{Path: lift, IfMatch: etag}, 403, "permission_denied"},
		{"an old version", privacy.LiftHold(w.Store, w.book()), counsel.Caller, apitest.Request{Path: lift, IfMatch: `"7"`}, 412, "stale_version"},
		{"no version", privacy.LiftHold(w.Store, w.book()), counsel.Caller, apitest.Request{Path: lift}, 428, "if_match_required"},
		{"no such hold", privacy.GetHold(), counsel.Caller, apitest.Request{Path: "/v1/admin/holds/hld_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, 404, "hold_not_found"},
		{"a matter with a name's letters", privacy.PlaceHold(w.Store, w.book()), counsel.Caller, apitest.Request{Body: map[string]any{"matter": "Ådå", "object": heldAccount(ada.Caller)["object"]}}, 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.Call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
}

func TestHoldsAtOnceAndUnderOneKey(t *testing.T) {
	w := newWorld(t)
	ada, counsel := w.lived(), w.desk(access.LegalCounsel)
	var wg sync.WaitGroup
	holds := make([]id.Hold, 6)
	for n := range holds {
		wg.Go(func() {
			key := ""
			if n < 3 {
				key = "once"
			}
			a := w.Call(privacy.PlaceHold(w.Store, w.book()), counsel.Caller, apitest.Request{Body: heldAccount(ada.Caller), Key: key})
			var b privacy.HoldBody
			a.Into(t, &b)
			holds[n] = b.ID
		})
	}
	wg.Wait()
	slices.Sort(holds)
	if n := len(slices.Compact(slices.Clone(holds))); n != 4 || holds[0] == "" {
		t.Fatalf("six calls, three under one key, made %d holds: %v; want 4", n, holds)
	}
	for n, h := range slices.Compact(holds) {
		if !w.gate(ada.Caller).Held {
			t.Fatalf("free after %d of 4 were lifted", n)
		}
		w.Want(counsel.change(privacy.LiftHold(w.Store, w.book()), h), 200, "")
	}
	if w.gate(ada.Caller).Held {
		t.Error("held after the last was lifted")
	}
}
