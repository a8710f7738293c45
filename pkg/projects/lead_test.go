package projects_test

import (
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
)

// leads gives a member who leads one project of two.
func leads(t *testing.T) (w world, owner, lead apitest.Caller, own, other projects.ProjectBody) {
	w = newWorld(t)
	owner = w.Organization()
	lead = w.Member(owner.Org, access.Contributor)
	own, other = w.create(owner, "WEB", ""), w.create(owner, "APP", "")
	w.appoint(owner, own, lead, "lead")
	return w, owner, lead, own, other
}

func (w world) appoint(by apitest.Caller, p projects.ProjectBody, who apitest.Caller, role string) {
	w.T.Helper()
	w.Want(w.Call(projects.CreateProjectMember(w.Store), by, apitest.Request{Path: at(p, "/members"), Body: map[string]any{"member_id": string(who.Member), "role": role}}), http.StatusCreated, "")
}

func (w world) become(by apitest.Caller, who apitest.Caller, change map[string]any) {
	w.T.Helper()
	w.Want(w.Call(members.UpdateMember(w.Store), by, apitest.Request{Path: "/v1/members/" + string(who.Member), IfMatch: "*", Body: change}), http.StatusOK, "")
}

// TestALeadManagesTheirProject lets a lead do what a lead is for, and nothing that is the organization's.
func TestALeadManagesTheirProject(t *testing.T) {
	w, owner, lead, own, _ := leads(t)
	guest, second := w.Member(owner.Org, access.Guest), w.Member(owner.Org, access.Contributor)
	w.Want(w.patch(lead, own, map[string]any{"name": "New", "description": "x", "color": "#3366cc", "starts_on": "2026-03-02"}), http.StatusOK, "")
	w.Want(w.join(lead, own, string(guest.Member), ""), http.StatusCreated, "")
	w.Want(w.get(guest, own), http.StatusOK, "")
	w.Want(w.join(lead, own, string(second.Member), ""), http.StatusCreated, "")
	w.Want(w.lead(lead, own, string(second.Member), `"1"`), http.StatusOK, "")
	w.Want(w.leave(second, own, string(guest.Member), "*"), http.StatusNoContent, "")
	w.Want(w.get(guest, own), http.StatusNotFound, "project_not_found")
	tests := []struct {
		name   string
		a      apitest.Answer
		status int
		code   string
	}{
		{"its client", w.patch(lead, own, map[string]any{"client_id": ""}), 403, "permission_denied"},
		{"its billing", w.patch(lead, own, map[string]any{"billing": "fixed"}), 403, "permission_denied"},
		{"its rate", w.patch(lead, own, map[string]any{"hourly_rate": nil}), 403, "permission_denied"},
		{"archiving it", w.Call(projects.ArchiveProject(w.Store), lead, apitest.Request{Path: at(own, "/archive"), IfMatch: "*"}), 403, "permission_denied"},
		{"deleting it", w.del(lead, own), 403, "permission_denied"},
		{"making another", w.post(lead, map[string]any{"key": "NEW", "name": "x"}), 403, "permission_denied"},
		{"letting in nobody", w.join(lead, own, "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ""), 404, "member_not_found"},
		{"taking off nobody", w.leave(lead, own, string(guest.Member), "*"), 404, "project_member_not_found"},
		{"an old version", w.lead(lead, own, string(second.Member), `"1"`), 412, "stale_version"},
		{"no version", w.lead(lead, own, string(second.Member), ""), 428, "if_match_required"},
		{"nothing to change", w.patch(lead, own, map[string]any{"name": " "}), 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.In(t).Want(tt.a, tt.status, tt.code) })
	}
	w.Want(w.leave(lead, own, string(lead.Member), "*"), http.StatusNoContent, "")
	w.Want(w.leave(second, own, string(second.Member), "*"), http.StatusNoContent, "")
}

// TestALeadOfAnotherProjectIsNobodyHere tries what a lead may do on a project that they see and do not lead, and on one that
// never was.
func TestALeadOfAnotherProjectIsNobodyHere(t *testing.T) {
	w, owner, lead, own, other := leads(t)
	foreign := w.create(w.Organization(), "FAR", "")
	third := w.Member(owner.Org, access.Contributor)
	w.appoint(owner, other, third, "member")
	for name, role := range map[string]string{"not on it": "", "on it": "member"} {
		if role != "" {
			w.appoint(owner, other, lead, role)
		}
		for what, a := range map[string]apitest.Answer{"change": w.patch(lead, other, map[string]any{"name": "x"}), "let in": w.join(lead, other, string(owner.Member), ""),
			"make a lead": w.lead(lead, other, string(third.Member), "*"), "take off": w.leave(lead, other, string(third.Member), "*")} {
			if a.Status != http.StatusForbidden || a.Code() != "permission_denied" {
				t.Errorf("%s, %s: %d %s; want 403 permission_denied", name, what, a.Status, a.Code())
			}
		}
		if role == "" {
			continue
		}
		w.Want(w.lead(lead, other, string(lead.Member), "*"), http.StatusForbidden, "permission_denied")
	}
	for _, p := range []projects.ProjectBody{foreign, {ID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, {ID: "x"}} {
		w.Want(w.patch(lead, p, map[string]any{"name": "x"}), http.StatusNotFound, "project_not_found")
		w.Want(w.join(lead, p, string(third.Member), ""), http.StatusNotFound, "project_not_found")
		w.Want(w.leave(lead, p, string(third.Member), "*"), http.StatusNotFound, "project_member_not_found")
	}
	w.Want(w.patch(lead, own, map[string]any{"name": "x"}), http.StatusOK, "")
}

// TestWhoLeadsNoLongerIsNobodyAtTheVeryNextCall ends what makes a lead in each way that there is, under one token.
func TestWhoLeadsNoLongerIsNobodyAtTheVeryNextCall(t *testing.T) {
	tests := []struct {
		name string
		end  func(w world, owner, lead apitest.Caller, p projects.ProjectBody)
		code string
	}{
		{"taken off the project", func(w world, owner, lead apitest.Caller, p projects.ProjectBody) {
			w.Want(w.leave(owner, p, string(lead.Member), "*"), http.StatusNoContent, "")
		}, "permission_denied"},
		{"a member of it again", func(w world, owner, lead apitest.Caller, p projects.ProjectBody) {
			w.Want(w.Call(projects.UpdateProjectMember(w.Store), owner, apitest.Request{Path: at(p, "/members/", string(lead.Member)), IfMatch: "*", Body: map[string]any{"role": "member"}}), http.StatusOK, "")
		}, "permission_denied"},
		{"a guest of the organization", func(w world, owner, lead apitest.Caller, _ projects.ProjectBody) {
			w.become(owner, lead, map[string]any{"role": "guest"})
		}, "permission_denied"},
		{"removed from the organization", func(w world, owner, lead apitest.Caller, _ projects.ProjectBody) {
			w.Want(w.Call(members.RemoveMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(lead.Member), IfMatch: "*"}), http.StatusNoContent, "")
		}, "membership_ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, owner, lead, p, _ := leads(t)
			third := w.Member(owner.Org, access.Contributor)
			w.Want(w.patch(lead, p, map[string]any{"name": "before"}), http.StatusOK, "")
			w.Want(w.join(lead, p, string(third.Member), "k"), http.StatusCreated, "")
			tt.end(w, owner, lead, p)
			for what, a := range map[string]apitest.Answer{"change": w.patch(lead, p, map[string]any{"name": "after"}), "let in": w.join(lead, p, string(owner.Member), ""),
				"a repeat": w.join(lead, p, string(third.Member), "k"), "make a lead": w.lead(lead, p, string(third.Member), "*"), "take off": w.leave(lead, p, string(third.Member), "*")} {
				if a.Code() != tt.code {
					t.Errorf("%s = %d %s; want %s", what, a.Status, a.Code(), tt.code)
				}
			}
		})
	}
}

// TestAGuestWhoLeadsManagesNothing is about the role of the organization, without which that on a project counts for
// nothing; a grant makes up for it, on the projects that the guest is on.
func TestAGuestWhoLeadsManagesNothing(t *testing.T) {
	w, owner, _, own, other := leads(t)
	guest := w.Member(owner.Org, access.Guest)
	w.appoint(owner, own, guest, "lead")
	w.Want(w.patch(guest, own, map[string]any{"name": "x"}), http.StatusForbidden, "permission_denied")
	w.become(owner, guest, map[string]any{"grants": []access.Permission{access.ProjectsWriteLed}})
	w.Want(w.patch(guest, own, map[string]any{"name": "x"}), http.StatusOK, "")
	w.Want(w.patch(guest, other, map[string]any{"name": "x"}), http.StatusNotFound, "project_not_found")
}

// TestAGuestChangesNoProjectThatTheyAreNotOn is about a guest with rights over projects: they are rights over those that
// they see.
func TestAGuestChangesNoProjectThatTheyAreNotOn(t *testing.T) {
	w, owner, lead, own, other := leads(t)
	guest := w.Member(owner.Org, access.Guest)
	w.become(owner, guest, map[string]any{"grants": []access.Permission{access.ProjectsWrite, access.ProjectsDelete}})
	w.appoint(owner, own, guest, "member")
	for name, tt := range map[string]struct {
		call func(p projects.ProjectBody) apitest.Answer
		want int
	}{
		"change": {func(p projects.ProjectBody) apitest.Answer { return w.patch(guest, p, map[string]any{"name": "x"}) }, 200},
		"archive": {func(p projects.ProjectBody) apitest.Answer {
			return w.Call(projects.ArchiveProject(w.Store), guest, apitest.Request{Path: at(p, "/archive"), IfMatch: "*"})
		}, 200},
		"restore": {func(p projects.ProjectBody) apitest.Answer {
			return w.Call(projects.RestoreProject(w.Store), guest, apitest.Request{Path: at(p, "/restore"), IfMatch: "*"})
		}, 200},
		"let in": {func(p projects.ProjectBody) apitest.Answer { return w.join(guest, p, string(owner.Member), "") }, 201},
	} {
		if a := tt.call(other); a.Status != http.StatusNotFound || a.Code() != "project_not_found" {
			t.Errorf("%s = %d %s; want 404 project_not_found", name, a.Status, a.Code())
		}
		w.Want(tt.call(own), tt.want, "")
	}
	create := func(key string) apitest.Answer {
		return w.Call(projects.CreateProject(w.Store), guest, apitest.Request{Key: key, Body: map[string]any{"key": "MINE", "name": "x"}})
	}
	a := create("k")
	w.Want(a, http.StatusCreated, "")
	made := read(w, a)
	w.Want(w.get(guest, made), http.StatusOK, "")
	w.Want(create("k"), http.StatusCreated, "")
	w.Want(w.leave(owner, made, string(guest.Member), "*"), http.StatusNoContent, "")
	w.Want(create("k"), http.StatusNotFound, "replayed_object_gone")
	w.Want(w.del(guest, other), http.StatusNotFound, "project_not_found")
	w.appoint(owner, other, lead, "member")
	w.Want(w.leave(guest, other, string(lead.Member), "*"), http.StatusNotFound, "project_member_not_found")
	w.Want(w.lead(guest, own, string(lead.Member), "*"), http.StatusOK, "")
	w.Want(w.del(guest, own), http.StatusAccepted, "")
}
