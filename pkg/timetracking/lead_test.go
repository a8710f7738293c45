package timetracking_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/timetracking"
)

func (w world) ofProject(c apitest.Caller, project, more string) apitest.Answer {
	return w.Call(timetracking.ListTimeEntries(), c, apitest.Request{Path: "/v1/time-entries?project_id=" + project + more})
}

// TestALeadSeesAndChangesEverybodysTimeOnTheirProject lets a lead do what a lead is for, and nothing on another project.
func TestALeadSeesAndChangesEverybodysTimeOnTheirProject(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	lead, worker := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor)
	web, app, two := w.project(owner, "WEB"), w.project(owner, "APP"), w.project(owner, "TWO")
	w.onProject(owner, web, lead, "lead")
	w.onProject(owner, two, lead, "lead")
	w.onProject(owner, app, lead, "member")
	on, off := w.entered(worker, web, minute...), w.entered(worker, app, minute...)

	w.Want(w.get(lead, on), http.StatusOK, "")
	w.Want(w.patch(lead, on, "note", "as the client says"), http.StatusOK, "")
	if got := read[timetracking.EntryBody](w, w.get(worker, on)); got.Note != "as the client says" || got.MemberID != string(worker.Member) {
		t.Errorf("the entry is %+v; want it changed, and the worker's", got)
	}
	for name, a := range map[string]apitest.Answer{"get": w.get(lead, off), "change": w.patch(lead, off, "note", "x"), "delete": w.del(lead, off)} {
		if a.Status != http.StatusNotFound || a.Code() != "time_entry_not_found" {
			t.Errorf("%s of time on another project = %d %s; want 404 time_entry_not_found", name, a.Status, a.Code())
		}
	}
	w.Want(w.patch(lead, on, "project_id", app), http.StatusForbidden, "permission_denied")
	w.Want(w.patch(lead, on, "project_id", noProject), http.StatusNotFound, "project_not_found")
	w.Want(w.patch(lead, on, "project_id", two), http.StatusOK, "")
	own := w.entered(lead, web, minute...)
	w.Want(w.patch(lead, own, "project_id", app), http.StatusOK, "") // one's own time goes where one likes
	w.Want(w.del(lead, on), http.StatusNoContent, "")
	w.Want(w.Call(timetracking.ListTimeEntries(), lead, apitest.Request{Path: "/v1/time-entries?from=2026-03-02&to=2026-03-02&member=" + string(worker.Member)}), http.StatusForbidden, "permission_denied")
}

func TestAProjectsTimeIsListed(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	lead, worker, guest := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Guest)
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	w.onProject(owner, web, lead, "lead")
	w.onProject(owner, web, guest, "lead")
	var want []string
	for n, c := range []apitest.Caller{worker, lead, guest, owner} {
		want = append([]string{w.entered(c, web, append(slices.Clone(minute), "note", fmt.Sprint(n))...).ID}, want...)
		w.Clock.Advance(time.Second)
	}
	moved := w.entered(worker, web, minute...)
	w.Want(w.patch(owner, moved, "project_id", app), http.StatusOK, "")
	w.Want(w.start(worker, web), http.StatusCreated, "")
	for _, c := range []apitest.Caller{lead, owner, w.Member(owner.Org, access.Accountant)} {
		for _, limit := range []int{1, 2, 50} {
			var got []string
			for cursor := ""; ; {
				a := w.ofProject(c, web, fmt.Sprintf("&limit=%d&cursor=%s", limit, cursor))
				w.Want(a, http.StatusOK, "")
				l := read[api.Changes[timetracking.EntryBody]](w, a)
				for _, e := range l.Data {
					got = append(got, e.ID)
				}
				if cursor = l.NextCursor; cursor == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d at a time: %v; want %v", c.Role, limit, got, want)
			}
		}
	}
	tests := []struct {
		name          string
		by            apitest.Caller
		project, more string
		status        int
		code          string
	}{
		{"who does not lead it", worker, web, "", 403, "permission_denied"},
		{"a lead of another project", lead, app, "", 403, "permission_denied"},
		{"a guest, lead or not", guest, web, "", 403, "permission_denied"},
		{"a guest, of another project", guest, app, "", 403, "permission_denied"},
		{"another organization's", owner, w.project(stranger, "FAR"), "", 404, "project_not_found"},
		{"one that never was", lead, noProject, "", 404, "project_not_found"},
		{"no id", lead, "x", "", 404, "project_not_found"},
		{"with days", lead, web, "&from=2026-03-02&to=2026-03-02", 422, "invalid_input"},
		{"with a member", lead, web, "&member=all", 422, "invalid_input"},
		{"with updated_since", lead, web, "&updated_since=2026-03-02T09:00:00Z", 422, "invalid_input"},
		{"with no cursor of it", lead, web, "&cursor=x", 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.in(t).Want(w.ofProject(tt.by, tt.project, tt.more), tt.status, tt.code) })
	}
}

// TestWhoLeadsNoLongerSeesNobodysTimeAtTheVeryNextCall ends what makes a lead in each way that there is, under one token.
func TestWhoLeadsNoLongerSeesNobodysTimeAtTheVeryNextCall(t *testing.T) {
	at := func(project string, lead apitest.Caller) string {
		return "/v1/projects/" + project + "/members/" + string(lead.Member)
	}
	for name, end := range map[string]func(w world, owner, lead apitest.Caller, project string) apitest.Answer{
		"taken off the project": func(w world, owner, lead apitest.Caller, project string) apitest.Answer {
			return w.Call(projects.DeleteProjectMember(w.Store), owner, apitest.Request{Path: at(project, lead), IfMatch: "*"})
		},
		"a member of it again": func(w world, owner, lead apitest.Caller, project string) apitest.Answer {
			return w.Call(projects.UpdateProjectMember(w.Store), owner, apitest.Request{Path: at(project, lead), IfMatch: "*", Body: map[string]any{"role": "member"}})
		},
		"a guest of the organization": func(w world, owner, lead apitest.Caller, _ string) apitest.Answer {
			return w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(lead.Member), IfMatch: "*", Body: map[string]any{"role": "guest"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.Organization()
			lead, project := w.Member(owner.Org, access.Contributor), w.project(owner, "WEB")
			w.onProject(owner, project, lead, "lead")
			e := w.entered(owner, project, minute...)
			w.Want(w.get(lead, e), http.StatusOK, "")
			w.Want(w.ofProject(lead, project, ""), http.StatusOK, "")
			if a := end(w, owner, lead, project); a.Status >= 300 {
				t.Fatalf("the end = %d %s", a.Status, a.Code())
			}
			w.Want(w.get(lead, e), http.StatusNotFound, "time_entry_not_found")
			w.Want(w.patch(lead, e, "note", "x"), http.StatusNotFound, "time_entry_not_found")
			w.Want(w.del(lead, e), http.StatusNotFound, "time_entry_not_found")
			w.Want(w.ofProject(lead, project, ""), http.StatusForbidden, "permission_denied")
		})
	}
}
