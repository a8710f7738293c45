package projects_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/projects"
)

func (w world) join(by apitest.Caller, p projects.ProjectBody, member, key string) apitest.Answer {
	return w.Call(projects.CreateProjectMember(w.Store), by, apitest.Request{Path: at(p, "/members"), Key: key, Body: map[string]any{"member_id": member}})
}

func (w world) lead(by apitest.Caller, p projects.ProjectBody, member, match string) apitest.Answer {
	return w.Call(projects.UpdateProjectMember(w.Store), by, apitest.Request{Path: at(p, "/members/", member), IfMatch: match, Body: map[string]any{"role": "lead"}})
}

func (w world) leave(by apitest.Caller, p projects.ProjectBody, member, match string) apitest.Answer {
	return w.Call(projects.DeleteProjectMember(w.Store), by, apitest.Request{Path: at(p, "/members/", member), IfMatch: match})
}

func (w world) workers(by apitest.Caller, p projects.ProjectBody) []projects.ProjectMemberBody {
	w.T.Helper()
	var all []projects.ProjectMemberBody
	for cursor := ""; ; {
		a := w.Call(projects.ListProjectMembers(), by, apitest.Request{Path: at(p, "/members?limit=1&cursor=", cursor)})
		w.Want(a, http.StatusOK, "")
		var l api.List[projects.ProjectMemberBody]
		a.Into(w.T, &l)
		all = append(all, l.Data...)
		if cursor = l.NextCursor; cursor == "" {
			return all
		}
	}
}

// TestAGuestSeesTheProjectsThatTheyWorkOn is about guests, who see nothing else; a grant of all projects shows them all.
func TestAGuestSeesTheProjectsThatTheyWorkOn(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	web, app := w.create(owner, "WEB", ""), w.create(owner, "APP", "")
	guest := w.Member(owner.Org, access.Guest)
	w.Want(w.get(guest, web), http.StatusNotFound, "project_not_found")
	if l := w.list(guest, ""); len(l.Data) != 0 {
		t.Errorf("a guest without a project sees %v", keysOf(l))
	}
	w.Want(w.join(owner, web, string(guest.Member), ""), http.StatusCreated, "")
	w.Want(w.get(guest, web), http.StatusOK, "")
	w.Want(w.get(guest, app), http.StatusNotFound, "project_not_found")
	for query, want := range map[string][]string{"": {"WEB"}, "status=active": {"WEB"}, "status=archived": nil, "limit=1": {"WEB"}} {
		if l := w.list(guest, query); !slices.Equal(keysOf(l), want) {
			t.Errorf("%q shows a guest %v; want %v", query, keysOf(l), want)
		}
	}
	w.Want(w.Call(projects.ListProjects(), guest, apitest.Request{Path: "/v1/projects?updated_since=2026-03-02T09:00:00Z"}), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.patch(guest, web, map[string]any{"name": "x"}), http.StatusForbidden, "permission_denied")
	w.Want(w.Call(projects.ListProjectMembers(), guest, apitest.Request{Path: at(web, "/members")}), http.StatusForbidden, "permission_denied")
	w.Want(w.leave(owner, web, string(guest.Member), "*"), http.StatusNoContent, "")
	w.Want(w.get(guest, web), http.StatusNotFound, "project_not_found")
	if l := w.list(w.Member(owner.Org, access.Contributor), ""); len(l.Data) != 2 {
		t.Errorf("a member sees %v; want both projects", keysOf(l))
	}
}

func TestWhoWorksOnAProject(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	p, foreign := w.create(owner, "WEB", ""), w.create(stranger, "FAR", "")
	manager, member := w.Member(owner.Org, access.Manager), w.Member(owner.Org, access.Contributor)
	gone, other := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor)
	w.Want(w.Call(members.RemoveMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(gone.Member), IfMatch: "*"}), http.StatusNoContent, "")

	var wg sync.WaitGroup
	codes := make([]int, 3)
	for n := range codes {
		wg.Go(func() { codes[n] = w.join(manager, p, string(member.Member), "").Status })
	}
	wg.Wait()
	if slices.Sort(codes); !slices.Equal(codes, []int{201, 409, 409}) {
		t.Errorf("three at once = %v; want one member of the project", codes)
	}
	w.Want(w.join(manager, p, string(owner.Member), "k"), http.StatusCreated, "")
	if a := w.join(manager, p, string(owner.Member), "k"); a.Status != http.StatusCreated || a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat = %d %s; want it replayed", a.Status, a.Code())
	}
	w.Want(w.lead(manager, p, string(member.Member), `"1"`), http.StatusOK, "")
	all := w.workers(member, p)
	if len(all) != 2 || !slices.ContainsFunc(all, func(m projects.ProjectMemberBody) bool {
		return m.MemberID == string(member.Member) && m.Role == projects.Lead
	}) {
		t.Errorf("on the project are %+v; want two, one of them leads", all)
	}
	tests := []struct {
		name   string
		a      apitest.Answer
		status int
		code   string
	}{
		{"a placeholder", w.join(owner, p, string(gone.Member), ""), 404, "member_not_found"},
		{"another organization's member", w.join(owner, p, string(stranger.Member), ""), 404, "member_not_found"},
		{"no member", w.join(owner, p, "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ""), 404, "member_not_found"},
		{"another organization's project", w.join(owner, foreign, string(member.Member), ""), 404, "project_not_found"},
		{"by a member", w.join(other, p, string(manager.Member), ""), 403, "permission_denied"},
		{"a change by a member", w.lead(other, p, string(member.Member), "*"), 403, "permission_denied"},
		{"a removal by a member", w.leave(other, p, string(member.Member), "*"), 403, "permission_denied"},
		{"a change without a version", w.lead(owner, p, string(member.Member), ""), 428, "if_match_required"},
		{"a change of an old version", w.lead(owner, p, string(member.Member), `"1"`), 412, "stale_version"},
		{"a removal of an old version", w.leave(owner, p, string(member.Member), `"1"`), 412, "stale_version"},
		{"a change of nobody", w.lead(owner, p, string(manager.Member), "*"), 404, "project_member_not_found"},
		{"a removal from another organization's project", w.leave(owner, foreign, string(member.Member), "*"), 404, "project_member_not_found"},
		{"a list of another organization's", w.Call(projects.ListProjectMembers(), owner, apitest.Request{Path: at(foreign, "/members")}), 404, "project_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.In(t).Want(tt.a, tt.status, tt.code) })
	}
	w.Want(w.del(owner, p), http.StatusAccepted, "")
	w.Want(w.join(owner, p, string(manager.Member), ""), http.StatusConflict, "project_closing")
	w.Clock.Advance(projects.Wait)
	w.judge(0)
	w.Want(w.get(owner, p), http.StatusNotFound, "project_not_found")
	if l := w.list(w.Later(member, 0), ""); len(l.Data) != 0 {
		t.Errorf("after the project went a member sees %v", keysOf(l))
	}
}

func TestMembersGoWithTheirProject(t *testing.T) {
	w := newKeeping(t)
	owner := w.office(30, retention.LastActivity)
	p := w.create(owner, "WEB", "")
	guest := w.Member(owner.Org, access.Guest)
	w.Want(w.join(owner, p, string(guest.Member), ""), http.StatusCreated, "")
	owner = w.gone(owner, 30)
	guest = w.Later(guest, 0)
	if l := w.list(guest, ""); !w.isGone(owner, p) || len(l.Data) != 0 {
		t.Errorf("after the project went its guest sees %v", keysOf(l))
	}
	if a := w.Call(projects.UpdateProjectMember(w.Store), owner, apitest.Request{Path: at(p, "/members/", string(guest.Member)), IfMatch: "*", Body: map[string]any{"role": "lead"}}); a.Code() != "project_member_not_found" {
		t.Errorf("the member of a project that went = %d %s", a.Status, a.Code())
	}
}
