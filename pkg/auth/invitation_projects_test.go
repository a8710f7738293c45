package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) project(p person, key string) string {
	w.T.Helper()
	a := w.Call(projects.CreateProject(w.Store), p.caller(), apitest.Request{Body: map[string]any{"key": key, "name": key}})
	w.Want(a, http.StatusCreated, "")
	var b projects.ProjectBody
	a.Into(w.T, &b)
	return b.ID
}

func (w *world) archive(p person, project string) {
	w.T.Helper()
	w.Want(w.Call(projects.ArchiveProject(w.Store), p.caller(), apitest.Request{Path: "/v1/projects/" + project + "/archive", IfMatch: "*"}), http.StatusOK, "")
}

func (w *world) close(p person, project string) {
	w.T.Helper()
	w.Want(w.Call(projects.DeleteProject(w.Store), p.caller(), apitest.Request{Path: "/v1/projects/" + project, IfMatch: "*"}), http.StatusAccepted, "")
}

// into is an item that invites into projects.
func into(email, role string, projects ...string) map[string]any {
	i := item(email, role)
	i["project_ids"] = append([]string{}, projects...)
	return i
}

// working gives the projects of whom an acceptance made a member, as the rows say.
func (w *world) working(acceptance apitest.Answer) []string {
	w.T.Helper()
	w.Want(acceptance, http.StatusCreated, "")
	var joined auth.Joined
	acceptance.Into(w.T, &joined)
	all := []string{}
	for _, row := range w.of("PROJECTMEMBER") {
		if row["member"] == joined.Member.ID && row["role"] == "member" {
			all = append(all, fmt.Sprint(row["project"]))
		}
	}
	slices.Sort(all)
	return all
}

func sorted(all ...string) []string { return slices.Sorted(slices.Values(all)) }

// TestAnInvitationLeadsIntoProjects accepts invitations of one call in each way that there is.
func TestAnInvitationLeadsIntoProjects(t *testing.T) {
	w := newWorld(t)
	owner, known, signedIn := w.somebody(ada), w.somebody("known@example.com"), w.somebody("in@example.com")
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	a, r := w.invite(owner, into(grace, "guest", web, app, web), into(known.email, "guest", web), into(signedIn.email, "member", app), item("none@example.com", "guest"))
	w.Want(a, http.StatusOK, "")
	if got, want := r.Data[0].Invitation.ProjectIDs, []string{web, app}; !slices.Equal(got, want) {
		t.Errorf("the invitation leads into %v; want %v, each once", got, want)
	}
	token := func(n int) string { return w.link(r.Data[n].Invitation.ID, "1") }
	for _, tt := range []struct {
		name string
		a    apitest.Answer
		want []string
	}{
		{"a new account", w.accept(token(0), phrase, personBody()), sorted(web, app)},
		{"an account by its password", w.accept(token(1), phrase, nil), sorted(web)},
		{"an account that is signed in", w.join(signedIn, token(2)), sorted(app)},
		{"a guest without a project", w.accept(token(3), phrase, personBody()), sorted()},
	} {
		if got := w.working(tt.a); !slices.Equal(got, tt.want) {
			t.Errorf("%s works on %v; want %v", tt.name, got, tt.want)
		}
	}
	guest := person{tokens: w.tokens(w.logIn(grace, phrase))}
	w.Want(w.Call(projects.GetProject(), guest.caller(), apitest.Request{Path: "/v1/projects/" + web}), http.StatusOK, "")
}

func TestProjectsThatAnInvitationCannotLeadInto(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.somebody(ada), w.somebody("far@example.com")
	web, archived, closing, foreign := w.project(owner, "WEB"), w.project(owner, "OLD"), w.project(owner, "GONE"), w.project(stranger, "FAR")
	w.archive(owner, archived)
	w.close(owner, closing)
	contributor, change := w.sender(owner, "c@example.com", "member")
	change(func(a *access.Access) { a.Grants = []access.Permission{access.MembersInvite} })
	guest, change := w.sender(owner, "g@example.com", "guest")
	change(func(a *access.Access) { a.Grants = []access.Permission{access.MembersInvite, access.ProjectsWrite} })
	manager, change := w.sender(owner, "m@example.com", "manager")
	change(func(a *access.Access) { a.Grants = []access.Permission{access.MembersInvite} })
	tests := []struct {
		name     string
		by       person
		projects []string
		code     string
	}{
		{"one that never was", owner, []string{web, "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, "project_not_found"},
		{"no id", owner, []string{"web"}, "project_not_found"},
		{"another organization's", owner, []string{foreign}, "project_not_found"},
		{"one that is archived", owner, []string{web, archived}, "project_archived"},
		{"one that is being deleted", owner, []string{closing}, "project_closing"},
		{"one whose members the sender does not manage", contributor, []string{web}, "not_yours_to_give"},
		{"one that the sender does not see", guest, []string{web}, "project_not_found"},
		{"any, by a manager who may invite", manager, []string{web}, ""},
		{"none, by who may manage no members", contributor, nil, ""},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.T = t
			before := len(w.of("INVITATION"))
			_, r := w.invite(tt.by, into(fmt.Sprintf("x%d@example.com", i), "guest", tt.projects...))
			got := r.Data[0]
			if got.Code != tt.code || (got.Status == invitations.Refused) != (tt.code != "") || (len(w.of("INVITATION")) > before) != (tt.code == "") {
				t.Errorf("the answer is %s %s; want %q", got.Status, got.Code, tt.code)
			}
		})
	}
	w.T = t
	many := slices.Repeat([]string{web}, 21)
	a, _ := w.invite(owner, into("many@example.com", "guest", many...))
	w.Want(a, http.StatusUnprocessableEntity, "invalid_input")
	var items []map[string]any
	for n := range 26 { // of four projects each: 104
		var four []string
		for m := range 4 {
			four = append(four, fmt.Sprintf("prj_01J8ZQ4M2V6TQ0Y7N3W5K%05d", 4*n+m))
		}
		items = append(items, into(fmt.Sprintf("y%d@example.com", n), "guest", four...))
	}
	a, _ = w.invite(owner, items...)
	w.Want(a, http.StatusUnprocessableEntity, "invalid_input")
	a, _ = w.invite(owner, items[:25]...)
	w.Want(a, http.StatusOK, "")
}

// TestARepeatOfACallShowsItsProjects repeats a call that was refused in part.
func TestARepeatOfACallShowsItsProjects(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	web, old := w.project(owner, "WEB"), w.project(owner, "OLD")
	w.archive(owner, old)
	call := func() (r invitations.Results) {
		a := w.Call(invitations.CreateInvitations(w.Store, w.pseudonyms, w.links), owner.caller(), apitest.Request{Key: "k",
			Body: map[string]any{"invitations": []map[string]any{into(grace, "guest", web), into("old@example.com", "guest", old)}}})
		w.Want(a, http.StatusOK, "")
		a.Into(t, &r)
		return r
	}
	if first, again := call(), call(); !reflect.DeepEqual(first, again) {
		t.Errorf("a repeat answers %+v; want %+v", again, first)
	}
}

// TestWhatIsClosedMeanwhileIsPassedOver accepts an invitation into projects of which one alone is still open.
func TestWhatIsClosedMeanwhileIsPassedOver(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	web, old, closing, gone := w.project(owner, "WEB"), w.project(owner, "OLD"), w.project(owner, "CLOSING"), w.project(owner, "GONE")
	restricted := w.project(owner, "QUIET")
	_, r := w.invite(owner, into(grace, "guest", gone, old, web, closing, restricted))
	w.close(owner, gone)
	w.Clock.Advance(projects.Wait)
	w.must(w.run(projects.CloseProjects()))
	w.archive(owner, old)
	w.close(owner, closing)
	tx := w.Store.Begin()
	tx.Change(w.Store.BindOrganization(owner.org, store.Actor{Who: "test"}), projects.Key(owner.org, id.Project(restricted)), func(u *dynamo.Update) { u.Set("restricted", true) })
	w.must(tx.Commit(context.Background()))
	if _, r := w.invite(owner, into("late@example.com", "guest", restricted)); r.Data[0].Code != "processing_restricted" {
		t.Errorf("into a project whose processing is restricted = %s %s; want processing_restricted", r.Data[0].Status, r.Data[0].Code)
	}
	if got := w.working(w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, personBody())); !slices.Equal(got, []string{web}) {
		t.Errorf("who accepts works on %v; want what is open, %s", got, web)
	}
}

// TestAnAcceptanceMeetsTheDeletionOfAProject reads an invitation, closes its project, and accepts it before that is judged.
func TestAnAcceptanceMeetsTheDeletionOfAProject(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	web := w.project(owner, "WEB")
	_, r := w.invite(owner, into(grace, "guest", web))
	i, org, err := invitations.Find(context.Background(), w.Store, store.Actor{Who: "test"}, w.link(r.Data[0].Invitation.ID, "1"))
	w.must(err)
	w.close(owner, web)
	tx := w.Store.Begin()
	i.Accept(tx, org, "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", w.Clock.Now())
	w.must(tx.Commit(context.Background()))
	if n := len(w.of("PROJECTMEMBER")); n != 1 {
		t.Fatalf("%d members of the closing project; want the one", n)
	}
	w.Clock.Advance(projects.Wait)
	w.must(w.run(projects.CloseProjects()))
	if n, left := len(w.of("PROJECTMEMBER")), len(w.of("PROJECT")); n+left != 0 {
		t.Errorf("%d members and %d projects are left; want none", n, left)
	}
}

func TestManyAcceptancesLeadIntoProjectsOnce(t *testing.T) {
	w := newWorld(t)
	owner, q := w.somebody(ada), w.somebody(grace)
	_, r := w.invite(owner, into(grace, "guest", w.project(owner, "WEB"), w.project(owner, "APP")))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { w.join(q, w.link(r.Data[0].Invitation.ID, "1")) })
	}
	wg.Wait()
	if n := len(w.of("PROJECTMEMBER")); n != 2 {
		t.Errorf("%d members of projects; want one of each", n)
	}
}

// TestWhoComesBackWorksOnTheProjectsOfTheInvitation removes a member and invites them again: they are another member, and on
// none of the projects of before.
func TestWhoComesBackWorksOnTheProjectsOfTheInvitation(t *testing.T) {
	w := newWorld(t)
	owner, q := w.somebody(ada), w.somebody(grace)
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	_, r := w.invite(owner, into(grace, "guest", web))
	first := w.join(q, w.link(r.Data[0].Invitation.ID, "1"))
	var joined auth.Joined
	first.Into(t, &joined)
	w.Want(w.Call(members.RemoveMember(w.Store), owner.caller(), apitest.Request{Path: "/v1/members/" + joined.Member.ID, IfMatch: "*"}), http.StatusNoContent, "")
	_, r = w.invite(owner, into(grace, "guest", app))
	if got := w.working(w.join(q, w.link(r.Data[0].Invitation.ID, "1"))); !slices.Equal(got, []string{app}) {
		t.Errorf("who comes back works on %v; want %s", got, app)
	}
	if got := w.working(first); !slices.Equal(got, []string{web}) {
		t.Errorf("the placeholder worked on %v; want %s as before", got, web)
	}
}

// TestProjectsAreWorthWhatTheSenderCouldGive changes who sent an invitation before it is accepted, and sends it again.
func TestProjectsAreWorthWhatTheSenderCouldGive(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	web := w.project(owner, "WEB")
	sender, change := w.sender(owner, "m@example.com", "manager")
	change(func(a *access.Access) { a.Grants = []access.Permission{access.MembersInvite} })
	contributor, lower := w.sender(owner, "c@example.com", "member")
	lower(func(a *access.Access) { a.Grants = []access.Permission{access.MembersInvite} })
	_, r := w.invite(sender, into(grace, "guest", web), into("later@example.com", "guest", web))
	change(func(a *access.Access) { a.Role = access.Contributor })
	if got := w.working(w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, personBody())); len(got) != 0 {
		t.Errorf("who accepts works on %v; want nothing that the sender could no longer give", got)
	}
	again := func(by person) apitest.Answer {
		return w.Call(invitations.ResendInvitation(w.Store, w.links), by.caller(), apitest.Request{Path: "/v1/invitations/" + r.Data[1].Invitation.ID + "/resend"})
	}
	w.Want(again(contributor), http.StatusForbidden, "not_yours_to_give")
	a := again(owner)
	w.Want(a, http.StatusOK, "")
	var shown invitations.InvitationBody
	a.Into(t, &shown)
	if !slices.Equal(shown.ProjectIDs, []string{web}) {
		t.Errorf("sent again it leads into %v; want %s as before", shown.ProjectIDs, web)
	}
	if got := w.working(w.accept(w.link(shown.ID, "2"), phrase, personBody())); !slices.Equal(got, []string{web}) {
		t.Errorf("who accepts what was sent again works on %v; want %s", got, web)
	}
}

// TestALeadInvitesIntoTheirProject is about a member who may invite and manages the members of one project alone.
func TestALeadInvitesIntoTheirProject(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	web, app := w.project(owner, "WEB"), w.project(owner, "APP")
	lead, change := w.sender(owner, "lead@example.com", "member")
	var member string
	change(func(a *access.Access) { a.Grants, member = []access.Permission{access.MembersInvite}, string(a.Member) })
	w.Want(w.Call(projects.CreateProjectMember(w.Store), owner.caller(), apitest.Request{Path: "/v1/projects/" + web + "/members",
		Body: map[string]any{"member_id": member, "role": "lead"}}), http.StatusCreated, "")
	_, r := w.invite(lead, into(grace, "guest", web), into("b@example.com", "guest", web), into("c@example.com", "guest", web, app))
	if got := r.Data[2]; got.Code != "not_yours_to_give" {
		t.Errorf("into a project that they do not lead = %s %s; want not_yours_to_give", got.Status, got.Code)
	}
	if got := w.working(w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, personBody())); !slices.Equal(got, []string{web}) {
		t.Errorf("who accepts works on %v; want %s", got, web)
	}
	w.Want(w.Call(projects.UpdateProjectMember(w.Store), owner.caller(), apitest.Request{Path: "/v1/projects/" + web + "/members/" + member, IfMatch: "*",
		Body: map[string]any{"role": "member"}}), http.StatusOK, "")
	w.Want(w.Call(invitations.ResendInvitation(w.Store, w.links), lead.caller(), apitest.Request{Path: "/v1/invitations/" + r.Data[1].Invitation.ID + "/resend"}), http.StatusForbidden, "not_yours_to_give")
	if got := w.working(w.accept(w.link(r.Data[1].Invitation.ID, "1"), phrase, personBody())); len(got) != 0 {
		t.Errorf("who accepts works on %v; want nothing that the sender no longer leads", got)
	}
}
