package timetracking_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/timetracking"
)

type world struct{ *apitest.World }

func newWorld(t *testing.T) world { return world{apitest.New(t)} }

func (w world) in(t *testing.T) world { return world{w.In(t)} }

func (w world) project(c apitest.Caller, key string) string {
	w.T.Helper()
	a := w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: map[string]any{"key": key, "name": key,
		"hourly_rate": map[string]any{"amount": 9000, "currency": "EUR"}}})
	w.Want(a, http.StatusCreated, "")
	return read[projects.ProjectBody](w, a).ID
}

func read[T any](w world, a apitest.Answer) T {
	w.T.Helper()
	var b T
	a.Into(w.T, &b)
	return b
}

func (w world) start(c apitest.Caller, project string, more ...any) apitest.Answer {
	w.T.Helper()
	return w.Call(timetracking.StartTimer(w.Store), c, apitest.Request{Body: with(map[string]any{"project_id": project}, more)})
}

// with adds pairs of names and values to a body.
func with(body map[string]any, more []any) map[string]any {
	for i := 0; i < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return body
}

func (w world) stop(c apitest.Caller) apitest.Answer {
	return w.Call(timetracking.StopTimer(w.Store), c, apitest.Request{})
}

func (w world) timer(c apitest.Caller) apitest.Answer {
	return w.Call(timetracking.GetTimer(), c, apitest.Request{})
}

func (w world) enter(c apitest.Caller, project string, more ...any) apitest.Answer {
	w.T.Helper()
	return w.Call(timetracking.CreateTimeEntry(w.Store), c, apitest.Request{Body: with(map[string]any{"project_id": project}, more)})
}

func (w world) entered(c apitest.Caller, project string, more ...any) timetracking.EntryBody {
	w.T.Helper()
	a := w.enter(c, project, more...)
	w.Want(a, http.StatusCreated, "")
	return read[timetracking.EntryBody](w, a)
}

func (w world) get(c apitest.Caller, e timetracking.EntryBody) apitest.Answer {
	return w.Call(timetracking.GetTimeEntry(), c, apitest.Request{Path: "/v1/time-entries/" + e.ID})
}

func (w world) patch(c apitest.Caller, e timetracking.EntryBody, more ...any) apitest.Answer {
	return w.Call(timetracking.UpdateTimeEntry(w.Store), c, apitest.Request{Path: "/v1/time-entries/" + e.ID, IfMatch: "*", Body: with(map[string]any{}, more)})
}

func (w world) del(c apitest.Caller, e timetracking.EntryBody) apitest.Answer {
	return w.Call(timetracking.DeleteTimeEntry(w.Store), c, apitest.Request{Path: "/v1/time-entries/" + e.ID, IfMatch: "*"})
}

func (w world) list(c apitest.Caller, query string) api.Changes[timetracking.EntryBody] {
	w.T.Helper()
	a := w.Call(timetracking.ListTimeEntries(), c, apitest.Request{Path: "/v1/time-entries?" + query})
	w.Want(a, http.StatusOK, "")
	return read[api.Changes[timetracking.EntryBody]](w, a)
}

// pages reads a list to its end and gives the notes.
func (w world) pages(c apitest.Caller, query string) []string {
	w.T.Helper()
	var notes []string
	for cursor := ""; ; {
		l := w.list(c, query+"&cursor="+cursor)
		for _, e := range l.Data {
			notes = append(notes, e.Note)
		}
		if cursor = l.NextCursor; cursor == "" {
			return notes
		}
	}
}

func (w world) booked(c apitest.Caller, project string) bool {
	w.T.Helper()
	ok, err := projects.Booked(context.Background(), w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), id.Project(project))
	if err != nil {
		w.T.Fatal(err)
	}
	return ok
}

func (w world) forgotten() int {
	w.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), timetracking.DueForgotten, shard, w.Clock.Now().AddDate(1, 0, 0), 10)
		if err != nil {
			w.T.Fatal(err)
		}
		n += len(due)
	}
	return n
}

func (w world) archive(c apitest.Caller, project string) {
	w.T.Helper()
	w.Want(w.Call(projects.ArchiveProject(w.Store), c, apitest.Request{Path: "/v1/projects/" + project + "/archive", IfMatch: "*"}), http.StatusOK, "")
}

func TestATimerBecomesAnEntry(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	w.Want(w.timer(owner), http.StatusNotFound, "no_timer")
	w.Want(w.stop(owner), http.StatusNotFound, "no_timer")
	a := w.start(owner, project, "note", "Sketches", "time_zone", "Europe/Berlin")
	w.Want(a, http.StatusCreated, "")
	timer := read[timetracking.TimerBody](w, a)
	if !timer.Billable || timer.Rate.Amount != 9000 || !timer.Start.Equal(w.Clock.Now()) || timer.MemberID != string(owner.Member) {
		t.Errorf("the timer = %+v", timer)
	}
	second := w.start(owner, project)
	w.Want(second, http.StatusConflict, "timer_running")
	if !strings.Contains(string(second.Body), timer.ID) {
		t.Errorf("the refusal does not name the timer: %s", second.Body)
	}
	owner = w.Later(owner, 90*time.Minute)
	if got := read[timetracking.TimerBody](w, w.timer(owner)); got.ID != timer.ID || got.Seconds != 5400 {
		t.Errorf("the timer = %+v; want the same after 5400 seconds", got)
	}
	w.Want(w.Call(projects.UpdateProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + project, IfMatch: "*",
		Body: map[string]any{"hourly_rate": map[string]any{"amount": 1, "currency": "EUR"}}}), http.StatusOK, "")
	stop := apitest.Request{Key: "stop"}
	a = w.Call(timetracking.StopTimer(w.Store), owner, stop)
	w.Want(a, http.StatusCreated, "")
	e := read[timetracking.EntryBody](w, a)
	if e.Seconds != 5400 || e.Note != "Sketches" || e.Date != "2026-03-02" || e.TimeZone != "Europe/Berlin" || !e.Billable || e.Rate.Amount != 9000 ||
		!e.Start.Equal(timer.Start) || !e.End.Equal(w.Clock.Now()) {
		t.Errorf("the entry = %+v", e)
	}
	again := w.Call(timetracking.StopTimer(w.Store), owner, stop)
	w.Want(again, http.StatusCreated, "")
	if string(again.Body) != string(a.Body) {
		t.Errorf("the repeat = %s; want %s", again.Body, a.Body)
	}
	w.Want(w.timer(owner), http.StatusNotFound, "no_timer")
	if got := read[timetracking.EntryBody](w, w.get(owner, e)); got.ID != e.ID {
		t.Errorf("the entry = %+v", got)
	}
	if w.forgotten() != 0 || !w.booked(owner, project) {
		t.Errorf("%d clocks are left, booked = %v; want none and true", w.forgotten(), w.booked(owner, project))
	}
}

func TestATimerIsDiscarded(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	r := apitest.Request{Key: "k", Body: map[string]any{"project_id": project}}
	first, again := w.Call(timetracking.StartTimer(w.Store), owner, r), w.Call(timetracking.StartTimer(w.Store), owner, r)
	w.Want(first, http.StatusCreated, "")
	w.Want(again, http.StatusCreated, "")
	if w.forgotten() != 1 || !w.booked(owner, project) {
		t.Errorf("%d clocks, booked = %v; want one and true", w.forgotten(), w.booked(owner, project))
	}
	discard := func() apitest.Answer { return w.Call(timetracking.DiscardTimer(w.Store), owner, apitest.Request{}) }
	w.Want(discard(), http.StatusNoContent, "")
	w.Want(discard(), http.StatusNotFound, "no_timer")
	if w.forgotten() != 0 || w.booked(owner, project) {
		t.Errorf("%d clocks, booked = %v; want none and false", w.forgotten(), w.booked(owner, project))
	}
	w.Want(w.Call(timetracking.StartTimer(w.Store), owner, r), http.StatusNotFound, "replayed_object_gone")
	w.Want(w.start(owner, project), http.StatusCreated, "")
}

func TestOnRunningStopsTheFirst(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	first := read[timetracking.TimerBody](w, w.start(owner, web, "note", "first"))
	owner = w.Later(owner, time.Hour)
	a := w.start(owner, app, "note", "second", "on_running", "stop")
	w.Want(a, http.StatusCreated, "")
	if got := read[timetracking.TimerBody](w, a); got.ID == first.ID || got.ProjectID != app || w.forgotten() != 1 {
		t.Errorf("the timer = %+v with %d clocks", got, w.forgotten())
	}
	l := w.list(owner, "from=2026-03-02&to=2026-03-02")
	if len(l.Data) != 1 || l.Data[0].Note != "first" || l.Data[0].Seconds != 3600 {
		t.Errorf("the entries = %+v; want the first timer's", l.Data)
	}
	w.Want(w.start(owner, app, "on_running", "stop"), http.StatusCreated, "")
	w.Want(w.stop(owner), http.StatusCreated, "")
	if l := w.list(owner, "from=2026-03-02&to=2026-03-03"); len(l.Data) != 3 || w.forgotten() != 0 {
		t.Errorf("%d entries and %d clocks; want 3 and none", len(l.Data), w.forgotten())
	}
}

const parallel = 20 // starts and stops at once

func TestManyStartsMakeOneTimer(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	for _, onRunning := range []string{"refuse", "stop"} {
		var mu sync.Mutex
		var wg sync.WaitGroup
		started, other := 0, 0
		for range parallel {
			wg.Go(func() {
				a := w.start(owner, project, "on_running", onRunning)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case a.Status == http.StatusCreated:
					started++
				case a.Code() != "timer_running":
					other++
				}
			})
		}
		wg.Wait()
		if onRunning == "refuse" && started != 1 || onRunning == "stop" && started != parallel || other != 0 {
			t.Errorf("on_running=%s: %d started, %d failed otherwise", onRunning, started, other)
		}
		if w.forgotten() != 1 {
			t.Errorf("on_running=%s: %d clocks; want one timer's", onRunning, w.forgotten())
		}
	}
	before := len(w.list(owner, "from=2026-03-02&to=2026-03-02").Data)
	var mu sync.Mutex
	var wg sync.WaitGroup
	stopped := 0
	for range parallel {
		wg.Go(func() {
			a := w.stop(owner)
			mu.Lock()
			defer mu.Unlock()
			if a.Status == http.StatusCreated {
				stopped++
			} else if a.Code() != "no_timer" {
				t.Errorf("stop = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if after := len(w.list(owner, "from=2026-03-02&to=2026-03-02").Data); stopped != 1 || before != parallel || after != before+1 {
		t.Errorf("%d stopped, %d entries, then %d; want 1, %d and one more", stopped, before, after, parallel)
	}
}

func TestTwinsUnderOneKeyStartOneTimer(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	var mu sync.Mutex
	var wg sync.WaitGroup
	timers := map[string]bool{}
	for range 6 {
		wg.Go(func() {
			a := w.Call(timetracking.StartTimer(w.Store), owner, apitest.Request{Key: "twin", Body: map[string]any{"project_id": project}})
			w.Want(a, http.StatusCreated, "")
			b := read[timetracking.TimerBody](w, a)
			mu.Lock()
			defer mu.Unlock()
			timers[b.ID] = true
		})
	}
	wg.Wait()
	if len(timers) != 1 {
		t.Errorf("%d timers were answered; want 1", len(timers))
	}
	w.Want(w.Call(timetracking.StartTimer(w.Store), owner, apitest.Request{Key: "other", Body: map[string]any{"project_id": project}}), http.StatusConflict, "timer_running")
}

func TestATimerInAnotherOrganization(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	here, there := w.Organization(), w.Organization()
	project := w.project(here, "WEB")
	elsewhere := w.project(there, "WEB")
	// The person of the first organisation is also a member of the second.
	both := w.Member(there.Org, access.Contributor)
	h := w.Store.BindOrganization(there.Org, store.Actor{Who: "test"})
	change := func(f func(*dynamo.Update)) {
		t.Helper()
		tx := w.Store.Begin()
		tx.Change(h, access.AccessKey(there.Org, both.Member), f)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	change(func(u *dynamo.Update) { u.Set("user", here.User) })
	both.User, both.Session = here.User, here.Session
	both.Token = w.Token(both)

	timer := read[timetracking.TimerBody](w, w.start(both, elsewhere))
	for _, onRunning := range []string{"refuse", "stop"} {
		a := w.start(here, project, "on_running", onRunning)
		w.Want(a, http.StatusConflict, "timer_running")
		if !strings.Contains(string(a.Body), timer.ID) || !strings.Contains(string(a.Body), string(there.Org)) {
			t.Errorf("the refusal does not name the timer and its organization: %s", a.Body)
		}
	}
	w.Want(w.timer(here), http.StatusNotFound, "no_timer")
	change(func(u *dynamo.Update) { u.Set("removed", 1) })
	w.Want(w.start(here, project), http.StatusCreated, "")
	w.Want(w.stop(here), http.StatusCreated, "")

	change(func(u *dynamo.Update) { u.Remove("removed") })
	w.Want(w.start(here, project), http.StatusCreated, "")
	w.Want(w.stop(both), http.StatusCreated, "") // what was left there ends there, and leaves the mark of the other alone
	w.Want(w.start(both, elsewhere), http.StatusConflict, "timer_running")
	here, both = w.Later(here, timetracking.Longest), w.Later(both, 0)
	w.Want(w.start(both, elsewhere), http.StatusCreated, "")
	if e := read[timetracking.EntryBody](w, w.stop(here)); e.Seconds != int64(timetracking.Longest.Seconds()) {
		t.Errorf("the forgotten timer has %d seconds; want 7 days", e.Seconds)
	}
	w.Want(w.start(here, project), http.StatusConflict, "timer_running")
}

func TestTheGateOfAProject(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	foreign := w.project(w.Organization(), "WEB")
	e := w.entered(owner, app, "date", "2026-03-02", "duration_seconds", 60)
	kept := w.entered(owner, web, "date", "2026-03-02", "duration_seconds", 60)
	w.Want(w.start(owner, web), http.StatusCreated, "")
	w.archive(owner, web)
	day := []any{"date", "2026-03-02", "duration_seconds", 60}
	w.Want(w.enter(owner, web, day...), http.StatusConflict, "project_archived")
	w.Want(w.patch(owner, e, "project_id", web), http.StatusConflict, "project_archived")
	w.Want(w.patch(owner, kept, "note", "x"), http.StatusConflict, "project_archived")
	w.Want(w.del(owner, kept), http.StatusConflict, "project_archived")
	w.Want(w.stop(owner), http.StatusCreated, "")
	w.Want(w.start(owner, web), http.StatusConflict, "project_archived")
	for _, p := range []string{foreign, "prj_no", ""} {
		w.Want(w.start(owner, p), http.StatusNotFound, "project_not_found")
		w.Want(w.enter(owner, p, day...), http.StatusNotFound, "project_not_found")
		w.Want(w.patch(owner, e, "project_id", p), http.StatusNotFound, "project_not_found")
	}
	empty := w.project(owner, "EMPTY")
	w.Want(w.Call(projects.DeleteProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + empty, IfMatch: "*"}), http.StatusAccepted, "")
	w.Want(w.enter(owner, empty, day...), http.StatusConflict, "project_closing")
	w.Want(w.start(owner, empty), http.StatusConflict, "project_closing")
	w.Want(w.Call(projects.DeleteProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + app, IfMatch: "*"}), http.StatusConflict, "project_in_use")
}

func TestAnEntryIsChangedMovedAndDeleted(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	e := w.entered(owner, web, "start", "2026-03-01T23:30:00Z", "end", "2026-03-02T00:30:00Z", "note", "a")
	since := w.Clock.Now()
	w.Clock.Advance(time.Minute)
	a := w.patch(owner, e, "time_zone", "Europe/Berlin", "end", "2026-03-02T01:30:00+01:00", "note", "b")
	w.Want(a, http.StatusOK, "")
	if got := read[timetracking.EntryBody](w, a); got.Date != "2026-03-02" || got.Seconds != 3600 || got.Note != "b" || e.Date != "2026-03-01" {
		t.Errorf("the entry = %+v", got)
	}
	a = w.patch(owner, e, "project_id", app, "billable", false)
	w.Want(a, http.StatusOK, "")
	if got := read[timetracking.EntryBody](w, a); got.ProjectID != app || got.Rate != nil || w.booked(owner, web) || !w.booked(owner, app) {
		t.Errorf("the entry = %+v, booked %v and %v", got, w.booked(owner, web), w.booked(owner, app))
	}
	a = w.patch(owner, e, "date", "2026-02-27", "duration_seconds", 600, "billable", true)
	w.Want(a, http.StatusOK, "")
	if got := read[timetracking.EntryBody](w, a); got.Start != nil || got.End != nil || got.Date != "2026-02-27" || got.Seconds != 600 || got.Rate == nil {
		t.Errorf("the entry = %+v", got)
	}
	w.Want(w.patch(owner, e, "duration_seconds", 700), http.StatusOK, "")
	w.Want(w.patch(owner, e, "start", "2026-03-01T23:30:00Z"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.patch(owner, e, "start", "2026-03-01T23:30:00Z", "end", "2026-03-02T00:30:00Z"), http.StatusOK, "")
	w.Want(w.patch(owner, e, "date", "2026-03-01"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.patch(owner, e, "end", "2026-03-01T22:30:00Z"), http.StatusUnprocessableEntity, "invalid_input")
	w.Clock.Advance(time.Minute)
	path := "/v1/time-entries/" + e.ID
	for _, op := range []api.Operation{timetracking.UpdateTimeEntry(w.Store), timetracking.DeleteTimeEntry(w.Store)} {
		var body any
		if op.Method == http.MethodPatch {
			body = map[string]any{"note": "x"}
		}
		w.Want(w.Call(op, owner, apitest.Request{Path: path, Body: body}), http.StatusPreconditionRequired, "if_match_required")
		w.Want(w.Call(op, owner, apitest.Request{Path: path, Body: body, IfMatch: `"1"`}), http.StatusPreconditionFailed, "stale_version")
	}
	w.Want(w.del(owner, e), http.StatusNoContent, "")
	w.Want(w.get(owner, e), http.StatusNotFound, "time_entry_not_found")
	if w.booked(owner, app) {
		t.Error("the project is booked after its only entry was deleted")
	}
	l := w.list(owner, "updated_since="+since.Format(time.RFC3339))
	if len(l.Data) != 0 || len(l.Deleted) != 1 || l.Deleted[0].ID != e.ID {
		t.Errorf("the changes = %+v; want one deletion", l)
	}
}

func TestWhoseTimeMayBeSeenAndChanged(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	member, colleague := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor)
	manager, accountant, guest := w.Member(owner.Org, access.Manager), w.Member(owner.Org, access.Accountant), w.Member(owner.Org, access.Guest)
	project := w.project(owner, "WEB")
	e := w.entered(member, project, "date", "2026-03-02", "duration_seconds", 60, "note", "mine")
	if e.Rate != nil {
		t.Error("a member sees the rate of an entry")
	}
	tests := []struct {
		name             string
		as               apitest.Caller
		get, patch, list int
		code             string
	}{
		{"the member", member, 200, 200, 200, ""},
		{"a colleague", colleague, 404, 404, 403, "time_entry_not_found"},
		{"a guest", guest, 404, 404, 403, "time_entry_not_found"},
		{"an accountant", accountant, 200, 403, 200, "permission_denied"},
		{"a manager", manager, 200, 200, 200, ""},
		{"the owner", owner, 200, 200, 200, ""},
		{"a stranger", stranger, 404, 404, 200, "time_entry_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.in(t)
			w.Want(w.get(tt.as, e), tt.get, "")
			w.Want(w.patch(tt.as, e, "note", "seen"), tt.patch, tt.code)
			a := w.Call(timetracking.ListTimeEntries(), tt.as, apitest.Request{Path: "/v1/time-entries?from=2026-03-02&to=2026-03-02&member=" + e.MemberID})
			w.Want(a, tt.list, "")
			if tt.patch >= 400 {
				w.Want(w.del(tt.as, e), tt.patch, tt.code)
			}
		})
	}
	w.Want(w.Call(timetracking.ListTimeEntries(), member, apitest.Request{Path: "/v1/time-entries?from=2026-03-02&to=2026-03-02&member=all"}), 403, "permission_denied")
	if got := w.list(manager, "from=2026-03-02&to=2026-03-02&member=all"); len(got.Data) != 1 {
		t.Errorf("a manager sees %d entries; want 1", len(got.Data))
	}
	if got := w.list(stranger, "from=2026-03-02&to=2026-03-02&member="+e.MemberID); len(got.Data) != 0 {
		t.Error("a stranger sees an entry")
	}
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	gate := func(change func(*dynamo.Update)) {
		t.Helper()
		tx := w.Store.Begin()
		tx.Change(h, access.OrganizationGateKey(owner.Org), change)
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	gate(func(u *dynamo.Update) { u.Set("restricted_members", []id.Member{member.Member}) })
	w.Want(w.patch(owner, e, "note", "x"), 403, "processing_restricted")
	w.Want(w.del(owner, e), 403, "processing_restricted")
	gate(func(u *dynamo.Update) { u.Remove("restricted_members").Set("held_members", []id.Member{member.Member}) })
	w.Want(w.patch(owner, e, "note", "x"), 200, "")
	w.Want(w.del(owner, e), 409, "kept_by_law")
}

func TestEntriesAreListedByDays(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	member := w.Member(owner.Org, access.Contributor)
	project := w.project(owner, "WEB")
	w.Clock.Advance(90 * 24 * time.Hour)
	owner, member = w.Later(owner, 0), w.Later(member, 0)
	for _, day := range []string{"2026-02-27", "2026-03-31", "2026-01-15", "2026-03-01", "2026-04-02", "2026-03-02"} {
		w.Clock.Advance(time.Second)
		w.entered(owner, project, "date", day, "duration_seconds", 60, "note", "o "+day)
		w.entered(member, project, "date", day, "duration_seconds", 60, "note", "m "+day)
	}
	tests := []struct {
		query string
		want  []string
	}{
		{"from=2026-01-01&to=2026-12-31", []string{"m 2026-01-15", "m 2026-02-27", "m 2026-03-01", "m 2026-03-02", "m 2026-03-31", "m 2026-04-02"}},
		{"from=2026-02-27&to=2026-03-02", []string{"m 2026-02-27", "m 2026-03-01", "m 2026-03-02"}},
		{"from=2026-03-31&to=2026-03-31", []string{"m 2026-03-31"}},
		{"from=2026-05-01&to=2026-05-31", nil},
	}
	for _, tt := range tests {
		for _, limit := range []string{"&limit=1", "&limit=2", ""} {
			if got := w.pages(member, tt.query+limit); !slices.Equal(got, tt.want) {
				t.Errorf("%s%s lists %v; want %v", tt.query, limit, got, tt.want)
			}
			all := w.pages(owner, tt.query+limit+"&member=all")
			slices.Sort(all)
			want := slices.Clone(tt.want)
			for _, note := range tt.want {
				want = append(want, "o"+note[1:])
			}
			if slices.Sort(want); !slices.Equal(all, want) {
				t.Errorf("%s%s lists %v of everybody; want %v", tt.query, limit, all, want)
			}
		}
	}
	if got := w.pages(member, "updated_since=2026-05-31T09:00:00Z&limit=2"); len(got) != 6 || got[0] != "m 2026-02-27" {
		t.Errorf("the changes = %v", got)
	}
	long := w.list(member, "from=2026-01-01&to=2026-12-31&limit=1").NextCursor
	for _, query := range []string{"", "from=2026-01-01", "from=2026-02-30&to=2026-03-01", "from=2026-03-02&to=2026-03-01", "from=2026-01-01&to=2027-01-02",
		"from=2026-01-01&to=2026-01-02&cursor=x", "from=2025-12-01&to=2025-12-01&cursor=" + "MTIg", "from=2026-01-01&to=2026-01-02&project_id=x",
		"updated_since=2026-05-31T09:00:00Z&cursor=" + long, "updated_since=2026-05-31T09:00:00Z&from=2026-01-01&to=2026-01-02"} {
		w.Want(w.Call(timetracking.ListTimeEntries(), member, apitest.Request{Path: "/v1/time-entries?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
	w.Want(w.Call(timetracking.ListTimeEntries(), owner, apitest.Request{Path: "/v1/time-entries?from=2026-01-01&to=2026-01-02&member=x"}), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.Call(timetracking.ListTimeEntries(), owner, apitest.Request{Path: "/v1/time-entries?updated_since=2026-05-31T09:00:00Z&member=all"}), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.Call(timetracking.ListTimeEntries(), owner, apitest.Request{Path: "/v1/time-entries?updated_since=2026-03-01T09:00:00Z"}), http.StatusGone, "resync_required")
}

func TestTimesAreRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	tests := []struct {
		name string
		more []any
	}{
		{"nothing", nil},
		{"a start alone", []any{"start", "2026-03-02T08:00:00Z"}},
		{"a day alone", []any{"date", "2026-03-02"}},
		{"both kinds", []any{"start", "2026-03-02T08:00:00Z", "end", "2026-03-02T09:00:00Z", "date", "2026-03-02", "duration_seconds", 60}},
		{"an end at the start", []any{"start", "2026-03-02T08:00:00Z", "end", "2026-03-02T08:00:00Z"}},
		{"an end within the second", []any{"start", "2026-03-02T08:00:00Z", "end", "2026-03-02T08:00:00.9Z"}},
		{"more than 7 days", []any{"start", "2026-02-01T08:00:00Z", "end", "2026-02-08T08:00:01Z"}},
		{"tomorrow and more", []any{"start", "2026-03-03T08:00:00Z", "end", "2026-03-03T09:00:01Z"}},
		{"the day after tomorrow", []any{"date", "2026-03-04", "duration_seconds", 60}},
		{"before 1970", []any{"start", "1969-12-31T08:00:00Z", "end", "1969-12-31T09:00:00Z"}},
		{"a day before 1970", []any{"date", "1969-12-31", "duration_seconds", 60}},
		{"no day", []any{"date", "2026-02-30", "duration_seconds", 60}},
		{"no time", []any{"date", "2026-03-02", "duration_seconds", 0}},
		{"more than a day has", []any{"date", "2026-03-02", "duration_seconds", 86401}},
		{"no zone", []any{"date", "2026-03-02", "duration_seconds", 60, "time_zone", "Berlin"}},
		{"the machine's zone", []any{"date", "2026-03-02", "duration_seconds", 60, "time_zone", "Local"}},
		{"a path", []any{"date", "2026-03-02", "duration_seconds", 60, "time_zone", "../Europe/Berlin"}},
		{"half a second", []any{"date", "2026-03-02", "duration_seconds", 0.5}},
		{"a long note", []any{"date", "2026-03-02", "duration_seconds", 60, "note", strings.Repeat("x", 2001)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.in(t)
			w.Want(w.enter(owner, project, tt.more...), http.StatusUnprocessableEntity, "invalid_input")
		})
	}
	w.Want(w.start(owner, project, "time_zone", "Nowhere/Else"), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.enter(owner, project, "start", "2026-03-02T10:00:00Z", "end", "2026-03-03T09:00:00Z"), http.StatusCreated, "")
	w.Want(w.enter(owner, project, "date", "2026-03-03", "duration_seconds", 86400), http.StatusCreated, "")
	key := apitest.Request{Key: "k", Body: map[string]any{"project_id": project, "date": "2026-03-02", "duration_seconds": 5}}
	first, second := w.Call(timetracking.CreateTimeEntry(w.Store), owner, key), w.Call(timetracking.CreateTimeEntry(w.Store), owner, key)
	if string(first.Body) != string(second.Body) || second.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat = %s; want %s", second.Body, first.Body)
	}
}

func TestClocksThatChange(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	project := w.project(owner, "WEB")
	tests := []struct {
		name, zone, start, end string
		date                   string
		seconds                int64
	}{
		{"across midnight", "Europe/Berlin", "2026-02-01T23:00:00+01:00", "2026-02-02T01:00:00+01:00", "2026-02-01", 7200},
		{"another day than in UTC", "Europe/Berlin", "2026-02-01T23:30:00Z", "2026-02-02T00:30:00Z", "2026-02-02", 3600},
		{"the hour that Berlin skips", "Europe/Berlin", "2025-03-30T01:30:00+01:00", "2025-03-30T03:30:00+02:00", "2025-03-30", 3600},
		{"the hour that Berlin has twice", "Europe/Berlin", "2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-26", 3600},
		{"the night that Berlin has an hour more", "Europe/Berlin", "2025-10-25T22:00:00+02:00", "2025-10-26T06:00:00+01:00", "2025-10-25", 9 * 3600},
		{"half hours of St John's", "America/St_Johns", "2026-02-01T03:29:59Z", "2026-02-01T03:30:00Z", "2026-01-31", 1},
		{"and the next day there", "America/St_Johns", "2026-02-01T03:30:00Z", "2026-02-01T03:30:01Z", "2026-02-01", 1},
		{"St John's in summer", "America/St_Johns", "2025-07-01T02:30:00Z", "2025-07-01T02:30:01Z", "2025-07-01", 1},
		{"the hour that St John's skips", "America/St_Johns", "2025-03-09T01:30:00-03:30", "2025-03-09T03:30:00-02:30", "2025-03-09", 3600},
		{"far east", "Pacific/Kiritimati", "2026-02-01T10:00:00Z", "2026-02-01T11:00:00Z", "2026-02-02", 3600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := w.in(t).entered(owner, project, "start", tt.start, "end", tt.end, "time_zone", tt.zone)
			if e.Date != tt.date || e.Seconds != tt.seconds {
				t.Errorf("the entry = %s, %d s; want %s, %d s", e.Date, e.Seconds, tt.date, tt.seconds)
			}
		})
	}
	lengths := []struct {
		zone, date string
		seconds    int64
	}{
		{"Europe/Berlin", "2025-03-30", 23 * 3600},
		{"Europe/Berlin", "2025-10-26", 25 * 3600},
		{"America/St_Johns", "2025-11-02", 25 * 3600},
		{"America/St_Johns", "2010-11-06", 24*3600 + 59*60}, // back at one minute past midnight
		{"America/St_Johns", "2010-11-07", 24*3600 + 60},
		{"America/Sao_Paulo", "2018-11-04", 23 * 3600}, // without a midnight
		{"Asia/Kathmandu", "2026-02-01", 24 * 3600},
	}
	for _, tt := range lengths {
		t.Run(tt.zone+" "+tt.date, func(t *testing.T) {
			w := w.in(t)
			w.Want(w.enter(owner, project, "date", tt.date, "duration_seconds", tt.seconds, "time_zone", tt.zone), http.StatusCreated, "")
			w.Want(w.enter(owner, project, "date", tt.date, "duration_seconds", tt.seconds+1, "time_zone", tt.zone), http.StatusUnprocessableEntity, "invalid_input")
		})
	}
	w.Want(w.enter(owner, project, "date", "2011-12-30", "duration_seconds", 1, "time_zone", "Pacific/Apia"), http.StatusUnprocessableEntity, "invalid_input")
}
