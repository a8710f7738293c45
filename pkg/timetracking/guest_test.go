package timetracking_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/timetracking"
)

// noProject is the id of a project that never was.
const noProject = "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"

func (w world) onProject(by apitest.Caller, project string, who apitest.Caller, role string) {
	w.T.Helper()
	w.Want(w.Call(projects.CreateProjectMember(w.Store), by, apitest.Request{Path: "/v1/projects/" + project + "/members",
		Body: map[string]any{"member_id": string(who.Member), "role": role}}), http.StatusCreated, "")
}

func (w world) offProject(by apitest.Caller, project string, who apitest.Caller) {
	w.T.Helper()
	w.Want(w.Call(projects.DeleteProjectMember(w.Store), by, apitest.Request{Path: "/v1/projects/" + project + "/members/" + string(who.Member), IfMatch: "*"}), http.StatusNoContent, "")
}

// outcome is all that tells one answer from another: its status, its body and what it cost.
func (w world) outcome(a apitest.Answer) map[string]any {
	w.T.Helper()
	var body, line map[string]any
	a.Into(w.T, &body)
	delete(body, "request_id")
	delete(body, "instance")
	lines := bytes.Split(bytes.TrimSpace(w.Log.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &line); err != nil {
		w.T.Fatal(err)
	}
	maps.Copy(body, map[string]any{"http_status": a.Status, "calls": line["calls"], "units": line["units"]})
	return body
}

// likeNone fails the test unless a call about a project answers project_not_found, and word for word and unit for unit as
// about one that never was.
func (w world) likeNone(project string, call func(project string) apitest.Answer) {
	w.T.Helper()
	call(noProject)
	none := w.outcome(call(noProject))
	a := call(project)
	w.Want(a, http.StatusNotFound, "project_not_found")
	if got := w.outcome(a); !reflect.DeepEqual(got, none) {
		w.T.Errorf("about a project that the caller does not see = %v\nabout one that never was = %v; want them alike", got, none)
	}
}

// guests gives a guest who works on one project, and another project.
func guests(t *testing.T) (w world, owner, guest apitest.Caller, on, off string) {
	w = newWorld(t)
	owner = w.Organization()
	guest = w.Member(owner.Org, access.Guest)
	on, off = w.project(owner, "WEB"), w.project(owner, "APP")
	w.onProject(owner, on, guest, "member")
	return w, owner, guest, on, off
}

var minute = []any{"date", "2026-03-02", "duration_seconds", 60}

func TestAGuestStartsNoTimerOnAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	start := func(p string) apitest.Answer { return w.start(guest, p) }
	w.likeNone(off, start)
	w.archive(owner, off)
	w.likeNone(off, start)
	w.Want(w.start(guest, on), http.StatusCreated, "")
	w.likeNone(off, func(p string) apitest.Answer { return w.start(guest, p, "on_running", "stop") })
	w.Want(w.timer(guest), http.StatusOK, "")
	w.offProject(owner, on, guest)
	w.likeNone(on, start)
}

func TestAGuestEntersNoTimeOnAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	enter := func(p string) apitest.Answer { return w.enter(guest, p, minute...) }
	w.likeNone(off, enter)
	w.archive(owner, off)
	w.likeNone(off, enter)
	w.Want(enter(on), http.StatusCreated, "")
	w.offProject(owner, on, guest)
	w.likeNone(on, enter)
}

func TestAGuestMovesNoEntryToAProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	e := w.entered(guest, on, minute...)
	w.likeNone(off, func(p string) apitest.Answer { return w.patch(guest, e, "project_id", p) })
	w.onProject(owner, off, guest, "member")
	w.Want(w.patch(guest, e, "project_id", off), http.StatusOK, "")
}

// TestAGuestChangesNoEntryOfAProjectThatTheyWereTakenOff is about what a guest did before: they still see it, and its
// project is to them as one that has gone.
func TestAGuestChangesNoEntryOfAProjectThatTheyWereTakenOff(t *testing.T) {
	w, owner, guest, on, off := guests(t)
	e := w.entered(guest, on, minute...)
	w.onProject(owner, off, guest, "member")
	w.offProject(owner, on, guest)
	w.Want(w.get(guest, e), http.StatusOK, "")
	w.Want(w.patch(guest, e, "note", "x"), http.StatusNotFound, "project_not_found")
	w.Want(w.patch(guest, e, "project_id", off), http.StatusNotFound, "project_not_found")
	w.Want(w.del(guest, e), http.StatusNotFound, "project_not_found")
	w.onProject(owner, on, guest, "member")
	w.Want(w.patch(guest, e, "note", "x"), http.StatusOK, "")
	w.Want(w.del(guest, e), http.StatusNoContent, "")
}

// TestATimerOfAGuestWhoWasTakenOffItsProjectIsStopped is about work that was done: it is kept, as that on a project which
// was archived meanwhile.
func TestATimerOfAGuestWhoWasTakenOffItsProjectIsStopped(t *testing.T) {
	w, owner, guest, on, _ := guests(t)
	w.Want(w.start(guest, on), http.StatusCreated, "")
	w.offProject(owner, on, guest)
	a := w.stop(guest)
	w.Want(a, http.StatusCreated, "")
	if e := read[timetracking.EntryBody](w, a); e.ProjectID != on {
		t.Errorf("the entry is of %s; want it of the timer's project", e.ProjectID)
	}
	w.likeNone(on, func(p string) apitest.Answer { return w.start(guest, p) })
}

// TestWhoSeesAllProjectsTracksTimeOnAll is about everybody else, who need not be on a project, and about a guest who was
// granted to see all.
func TestWhoSeesAllProjectsTracksTimeOnAll(t *testing.T) {
	w, owner, guest, _, off := guests(t)
	w.Want(w.enter(w.Member(owner.Org, access.Contributor), off, minute...), http.StatusCreated, "")
	grant := func(permissions ...access.Permission) {
		t.Helper()
		w.Want(w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(guest.Member), IfMatch: "*",
			Body: map[string]any{"grants": append([]access.Permission{}, permissions...)}}), http.StatusOK, "")
	}
	grant(access.ProjectsRead)
	w.Want(w.enter(guest, off, minute...), http.StatusCreated, "")
	grant()
	w.Want(w.enter(guest, off, minute...), http.StatusNotFound, "project_not_found")
}
