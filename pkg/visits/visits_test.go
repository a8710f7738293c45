package visits_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/visits"
	"pixeltrack.io/platform/pkg/visits/views"
)

type world struct {
	*apitest.World
	agent, owner apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.agent, w.owner = w.Staff(access.SupportAgent), w.Organization()
	h := w.Store.BindOrganization(w.owner.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Create(h, organization.New(w.owner.Org, "Example Studio", "DE", w.Clock.Now()))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) facts(more map[string]any) map[string]any {
	f := map[string]any{"organization_id": w.owner.Org, "reason": "security_incident", "explanation": "Many failed logins were seen.", "data": []string{"organization", "members"}}
	for k, v := range more {
		f[k] = v
	}
	return f
}

func (w *world) begin(who apitest.Caller, more map[string]any) visits.AccessBody {
	w.T.Helper()
	a := w.Call(visits.CreateSupportAccess(w.Store), w.Later(who, 0), apitest.Request{Body: w.facts(more)})
	w.Want(a, http.StatusCreated, "")
	var b visits.AccessBody
	a.Into(w.T, &b)
	return b
}

// look asks for the settings of the organization.
func (w *world) look(who apitest.Caller, org id.Organization) apitest.Answer {
	w.T.Helper()
	return w.Call(views.GetSupportedOrganization(w.Store), w.Later(who, 0), apitest.Request{Path: "/v1/admin/organizations/" + string(org)})
}

func (w *world) end(who apitest.Caller, of id.Staff) apitest.Answer {
	w.T.Helper()
	return w.Call(visits.EndSupportAccess(w.Store), w.Later(who, 0), apitest.Request{Path: "/v1/admin/organizations/" + string(w.owner.Org) + "/support-access/" + string(of) + "/end"})
}

func (w *world) revoke(who apitest.Caller, v id.Visit, key string) apitest.Answer {
	w.T.Helper()
	return w.Call(visits.RevokeSupportAccess(w.Store), w.Later(who, 0), apitest.Request{Path: "/v1/org/support-access/" + string(v) + "/revoke", Key: key})
}

func (w *world) seen(who apitest.Caller) []visits.AccessBody {
	w.T.Helper()
	var page api.List[visits.AccessBody]
	w.Call(visits.ListSupportAccess(), w.Later(who, 0), apitest.Request{}).Into(w.T, &page)
	return page.Data
}

// uses gives the outcomes of what the organization's record has of a visit, oldest first.
func (w *world) uses(v id.Visit) []string {
	w.T.Helper()
	var page api.List[audit.RecordBody]
	w.Call(audit.ListAudit(), w.Later(w.owner, 0), apitest.Request{Path: "/v1/audit?object=" + url.QueryEscape(string(v))}).Into(w.T, &page)
	var all []string
	for _, r := range slices.Backward(page.Data) {
		all = append(all, r.Action+" "+r.Outcome)
	}
	slices.Sort(all)
	return all
}

// TestStaffNeedAVisit looks into an organization without one, with one, with one for other data, as a colleague, into
// another organization, and after its end.
func TestStaffNeedAVisit(t *testing.T) {
	w := newWorld(t)
	other, colleague := w.Organization(), w.Staff(access.SupportAgent)
	w.Want(w.look(w.agent, w.owner.Org), 403, "support_access_required")
	v := w.begin(w.agent, map[string]any{"hours": 2})
	var o views.SupportedOrganization
	a := w.look(w.agent, w.owner.Org)
	w.Want(a, 200, "")
	if a.Into(t, &o); o.Name != "Example Studio" || o.Status != access.Active {
		t.Errorf("the organization = %+v", o)
	}
	list := func(op api.Operation, path string, status int, code string) apitest.Answer {
		t.Helper()
		a := w.Call(op, w.Later(w.agent, 0), apitest.Request{Path: "/v1/admin/organizations/" + string(w.owner.Org) + path})
		w.Want(a, status, code)
		return a
	}
	members := string(list(views.ListSupportedMembers(w.Store), "/members", 200, "").Body)
	if !strings.Contains(members, string(w.owner.Member)) || strings.Contains(members, string(w.owner.User)) {
		t.Errorf("the members = %s; want the owner by member id alone", members)
	}
	list(views.ListSupportedProjects(w.Store), "/projects", 403, "support_access_scope")
	list(views.ListSupportedInvoices(w.Store), "/invoices", 403, "support_access_scope")
	list(views.ListSupportedMembers(w.Store), "/members?cursor=x", 422, "invalid_input")
	w.Want(w.look(colleague, w.owner.Org), 403, "support_access_required")
	w.Want(w.look(w.agent, other.Org), 403, "support_access_required")
	w.Want(w.look(w.agent, "org_nothing"), 403, "support_access_required")

	w.Clock.Advance(2*time.Hour - time.Second)
	w.Want(w.look(w.agent, w.owner.Org), 200, "")
	w.Clock.Advance(time.Second)
	w.Want(w.look(w.agent, w.owner.Org), 403, "support_access_required")
	if got := w.seen(w.owner); len(got) != 1 || got[0].ID != v.ID || got[0].Active || got[0].EndedAt != nil {
		t.Errorf("the organization sees %+v; want the visit, over", got)
	}
	want := []string{"create-support-access done", "get-supported-organization done", "get-supported-organization done", "list-supported-invoices support_access_scope",
		"list-supported-members done", "list-supported-members done", "list-supported-projects support_access_scope"}
	if got := w.uses(v.ID); !slices.Equal(got, want) {
		t.Errorf("the organization's record has %q; want %q", got, want)
	}
	w.begin(w.agent, nil) // what is over is in the way of nothing
}

func TestAVisitIsEndedAtTheNextCall(t *testing.T) {
	w := newWorld(t)
	lead := w.Staff(access.SecurityLead)
	tests := []struct {
		name string
		end  func(v visits.AccessBody) apitest.Answer
		by   func(v visits.AccessBody) string
	}{
		{"by the owner", func(v visits.AccessBody) apitest.Answer { return w.revoke(w.owner, v.ID, "") }, func(visits.AccessBody) string { return string(w.owner.Member) }},
		{"by who has it", func(v visits.AccessBody) apitest.Answer { return w.end(w.agent, v.StaffID) }, func(v visits.AccessBody) string { return string(v.StaffID) }},
		{"by a colleague with the right", func(v visits.AccessBody) apitest.Answer { return w.end(lead, v.StaffID) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := w.begin(w.agent, nil)
			w.Want(w.look(w.agent, w.owner.Org), 200, "")
			a := tt.end(v)
			w.Want(a, 200, "")
			var got visits.AccessBody
			a.Into(t, &got)
			if got.ID != v.ID || got.EndedAt == nil || got.Active || tt.by != nil && got.EndedBy != tt.by(v) {
				t.Errorf("the ended visit = %+v", got)
			}
			w.Want(w.look(w.agent, w.owner.Org), 403, "support_access_required")
			w.Want(w.end(w.agent, v.StaffID), 404, "support_access_not_found")
			again := w.revoke(w.owner, v.ID, "")
			w.Want(again, 200, "")
			var still visits.AccessBody
			if again.Into(t, &still); !still.EndedAt.Equal(*got.EndedAt) || still.EndedBy != got.EndedBy {
				t.Errorf("ended again = %+v; want it as it ended", still)
			}
		})
	}
}

func TestWhoSeesVisits(t *testing.T) {
	w := newWorld(t)
	v := w.begin(w.agent, nil)
	admin, member, foreign := w.Member(w.owner.Org, access.Admin), w.Member(w.owner.Org, access.Contributor), w.Organization()
	if got := w.seen(admin); len(got) != 1 || got[0].Explanation == "" || !got[0].Active {
		t.Errorf("an admin sees %+v; want the visit", got)
	}
	w.Want(w.Call(visits.ListSupportAccess(), member, apitest.Request{}), 403, "permission_denied")
	w.Want(w.revoke(member, v.ID, ""), 403, "permission_denied")
	w.Want(w.revoke(foreign, v.ID, ""), 404, "support_access_not_found")
	w.Want(w.revoke(w.owner, "vis_nothing", ""), 404, "support_access_not_found")
	if got := w.seen(foreign); len(got) != 0 {
		t.Errorf("another organization sees %+v", got)
	}
	var open api.List[visits.OpenAccess]
	w.Call(visits.ListActiveSupportAccess(), w.Later(w.Staff(access.PrivacyOfficer), 0), apitest.Request{}).Into(t, &open)
	if len(open.Data) != 1 || open.Data[0].ID != v.ID || open.Data[0].OrganizationID != w.owner.Org {
		t.Errorf("staff see %+v open; want the visit", open.Data)
	}
	for _, role := range []access.StaffRole{access.LegalCounsel, access.PrivacyOfficer} {
		w.Want(w.Call(visits.CreateSupportAccess(w.Store), w.Staff(role), apitest.Request{Body: w.facts(nil)}), 403, "permission_denied")
		w.Want(w.look(w.Staff(role), w.owner.Org), 403, "permission_denied")
	}
	if m := w.mail(v.ID); m == nil || m.Template != visits.MailVisit {
		t.Errorf("the mail to the owner = %+v; want one that tells of the visit", m)
	}
}

// mail gives the mail about a visit in the organization's outbox, nil when there is none.
func (w *world) mail(v id.Visit) *outbox.Mail {
	w.T.Helper()
	h := w.Store.BindOrganization(w.owner.Org, store.Actor{Who: "test"})
	m, err := store.Get[outbox.Mail](w.T.Context(), h, outbox.Key(h.Scope(), string(v)))
	if err == store.ErrMissing {
		return nil
	}
	if err != nil {
		w.T.Fatal(err)
	}
	return m
}

func TestWhatAVisitNeeds(t *testing.T) {
	w := newWorld(t)
	a := w.Call(support.CreateTicket(w.Store), w.Later(w.owner, 0), apitest.Request{Body: map[string]any{"subject": "Wrong total", "text": "It says 19 %."}})
	w.Want(a, 201, "")
	var ticket support.TicketBody
	a.Into(t, &ticket)
	for name, tt := range map[string]struct {
		more   map[string]any
		status int
		code   string
	}{
		"for too long":                {map[string]any{"hours": 73}, 422, "invalid_input"},
		"for no data":                 {map[string]any{"data": []string{}}, 422, "invalid_input"},
		"for all there is":            {map[string]any{"data": []string{"everything"}}, 422, "invalid_input"},
		"for the same twice":          {map[string]any{"data": []string{"members", "members"}}, 422, "invalid_input"},
		"without a reason":            {map[string]any{"reason": "curiosity"}, 422, "invalid_input"},
		"with a blank explanation":    {map[string]any{"explanation": strings.Repeat(" ", 20)}, 422, "invalid_input"},
		"for a ticket, without one":   {map[string]any{"reason": "ticket"}, 422, "invalid_input"},
		"with a ticket, without need": {map[string]any{"ticket_id": ticket.ID}, 422, "invalid_input"},
		"of nobody":                   {map[string]any{"organization_id": "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, 404, "organization_not_found"},
		"for a ticket of nobody":      {map[string]any{"reason": "ticket", "ticket_id": "tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, 404, "ticket_not_found"},
		"for a ticket of another":     {map[string]any{"reason": "ticket", "ticket_id": ticket.ID, "organization_id": w.Organization().Org}, 404, "ticket_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			w.In(t).Want(w.Call(visits.CreateSupportAccess(w.Store), w.Later(w.agent, 0), apitest.Request{Body: w.facts(tt.more)}), tt.status, tt.code)
		})
	}
	if got := w.begin(w.agent, map[string]any{"reason": "ticket", "ticket_id": ticket.ID}); string(got.TicketID) != ticket.ID {
		t.Errorf("the visit is for %q; want the ticket", got.TicketID)
	}
	w.Want(w.Call(visits.CreateSupportAccess(w.Store), w.Later(w.agent, 0), apitest.Request{Body: w.facts(nil)}), 409, "support_access_open")
	stale := w.agent
	stale.Proved = w.Clock.Now()
	w.Want(w.Call(visits.CreateSupportAccess(w.Store), w.Later(stale, access.StaffFresh+time.Second), apitest.Request{Body: w.facts(nil)}), 401, "reauthentication_required")
}

func TestVisitsUnderAKeyAndAtOnce(t *testing.T) {
	w := newWorld(t)
	r := apitest.Request{Body: w.facts(nil), Key: "once"}
	var first, again visits.AccessBody
	w.Call(visits.CreateSupportAccess(w.Store), w.agent, r).Into(t, &first)
	w.Call(visits.CreateSupportAccess(w.Store), w.agent, r).Into(t, &again)
	if first.ID == "" || again.ID != first.ID {
		t.Errorf("one key began %q and %q", first.ID, again.ID)
	}
	for range 2 {
		w.Want(w.revoke(w.owner, first.ID, "end"), 200, "")
	}
	status := make([]int, 4)
	var all sync.WaitGroup
	for n := range status {
		all.Go(func() {
			status[n] = w.Call(visits.CreateSupportAccess(w.Store), w.agent, apitest.Request{Body: w.facts(nil)}).Status
		})
	}
	all.Wait()
	slices.Sort(status)
	if !slices.Equal(status, []int{201, 409, 409, 409}) {
		t.Errorf("four visits at once = %v; want one", status)
	}
}
