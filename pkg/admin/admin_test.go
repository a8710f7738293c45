package admin_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/store"
)

func TestWhoMayCall(t *testing.T) {
	w := apitest.New(t)
	change := func(c apitest.Caller, change func(*access.UserGate)) {
		t.Helper()
		h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
		g, err := store.Get[access.UserGate](t.Context(), h, access.UserGateKey(c.User))
		if err != nil {
			t.Fatal(err)
		}
		change(g)
		tx := w.Store.Begin()
		tx.Rewrite(h, g)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		op     api.Operation
		who    func() apitest.Caller
		status int
		code   string
	}{
		{"one of our own people", admin.GetStaff(), func() apitest.Caller { return w.Staff(access.SupportAgent) }, 200, ""},
		{"a role with the right", admin.ListStaffAudit(), func() apitest.Caller { return w.Staff(access.SecurityLead) }, 200, ""},
		{"a role without the right", admin.ListStaffAudit(), func() apitest.Caller { return w.Staff(access.SupportAgent) }, 403, "permission_denied"},
		{"nobody", admin.GetStaff(), func() apitest.Caller { return apitest.Caller{} }, 401, "authentication_required"},
		{"the owner of an organization", admin.GetStaff(), w.Organization, 403, "staff_required"},
		{"staff of another account's session", admin.GetStaff(), func() apitest.Caller {
			c, other := w.Staff(access.SecurityLead), w.Organization()
			c.Session = other.Session
			c.Token = w.Token(c)
			return c
		}, 401, "session_ended"},
		{"one who was dismissed", admin.GetStaff(), func() apitest.Caller {
			c := w.Staff(access.SecurityLead)
			if err := access.Dismiss(context.Background(), w.Store, c.User); err != nil {
				t.Fatal(err)
			}
			return c
		}, 403, "staff_required"},
		{"one without a second factor", admin.GetStaff(), func() apitest.Caller {
			c := w.Staff(access.SecurityLead)
			change(c, func(g *access.UserGate) { g.SecondFactor = false })
			return c
		}, 403, "second_factor_required"},
		{"one whose proof is older than the second factor", admin.GetStaff(), func() apitest.Caller {
			c := w.Staff(access.SecurityLead)
			change(c, func(g *access.UserGate) { g.SecondFactorAt = w.Clock.Now().Unix() + 1 })
			return c
		}, 401, "reauthentication_required"},
		{"one who is restricted as a person", admin.GetStaff(), func() apitest.Caller {
			c := w.Staff(access.SecurityLead)
			change(c, func(g *access.UserGate) { g.Restrict = true })
			return c
		}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			w.Want(w.Call(tt.op, tt.who(), apitest.Request{}), tt.status, tt.code)
		})
	}
}

func TestAnAppointment(t *testing.T) {
	w := apitest.New(t)
	c := w.Staff(access.LegalCounsel)
	var me admin.StaffBody
	w.Call(admin.GetStaff(), c, apitest.Request{}).Into(t, &me)
	if me.Role != access.LegalCounsel || !me.Since.Equal(w.Clock.Now().Truncate(time.Second)) {
		t.Errorf("me = %+v", me)
	}
	again, err := access.Appoint(t.Context(), w.Store, c.User, access.PrivacyOfficer)
	if err != nil || again != me.ID {
		t.Errorf("another role = %s, %v; want it under the same id %s", again, err, me.ID)
	}
	w.Call(admin.GetStaff(), c, apitest.Request{}).Into(t, &me)
	if me.Role != access.PrivacyOfficer || !slices.Equal(me.Permissions, access.StaffPermissions(access.PrivacyOfficer)) {
		t.Errorf("me = %+v; want the new role at the next call", me)
	}
	if _, err := access.Appoint(t.Context(), w.Store, c.User, "owner"); err != access.ErrNoStaffRole {
		t.Errorf("a role of members = %v; want ErrNoStaffRole", err)
	}
	if _, err := access.Appoint(t.Context(), w.Store, "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", access.LegalCounsel); err != store.ErrMissing {
		t.Errorf("nobody's account = %v; want ErrMissing", err)
	}
}

func TestEveryCallIsOnRecord(t *testing.T) {
	w := apitest.New(t)
	lead, agent := w.Staff(access.SecurityLead), w.Staff(access.SupportAgent)
	w.Call(admin.GetStaff(), agent, apitest.Request{})
	w.Call(admin.ListStaffRoles(), agent, apitest.Request{})
	w.Call(admin.ListStaffAudit(), agent, apitest.Request{})
	w.Call(admin.GetStaff(), w.Organization(), apitest.Request{}) // no one of ours, and in the log alone
	w.Call(admin.ListStaffAudit(), lead, apitest.Request{Path: "/v1/admin/audit?limit=0"})

	var page api.List[audit.RecordBody]
	w.Call(admin.ListStaffAudit(), lead, apitest.Request{}).Into(t, &page)
	var got []string
	for _, r := range slices.Backward(page.Data) {
		got = append(got, r.Action+" "+r.Outcome)
		if r.Actor[:4] != "stf_" {
			t.Errorf("%s was recorded of %s; want a staff id", r.Action, r.Actor)
		}
	}
	slices.Sort(got)
	want := []string{"get-staff done", "list-staff-audit invalid_input", "list-staff-audit permission_denied", "list-staff-roles done"}
	if !slices.Equal(got, want) {
		t.Errorf("the record is %q; want %q", got, want)
	}
}

func TestAProofWearsOut(t *testing.T) {
	w := apitest.New(t)
	c := w.Staff(access.SecurityLead)
	c.Proved = w.Clock.Now()
	w.Want(w.Call(admin.GetStaff(), w.Later(c, access.StaffProof), apitest.Request{}), 200, "")
	w.Want(w.Call(admin.GetStaff(), w.Later(c, time.Second), apitest.Request{}), 401, "reauthentication_required")
	c.Proved = w.Clock.Now()
	w.Want(w.Call(admin.GetStaff(), w.Later(c, 0), apitest.Request{}), 200, "")
}

func TestTheTableOfStaffRights(t *testing.T) {
	w := apitest.New(t)
	var page api.List[admin.RoleBody]
	w.Call(admin.ListStaffRoles(), w.Staff(access.SupportAgent), apitest.Request{}).Into(t, &page)
	if len(page.Data) != len(access.StaffRoles()) {
		t.Fatalf("%d roles; want %d", len(page.Data), len(access.StaffRoles()))
	}
	for _, r := range page.Data {
		if !slices.Equal(r.Permissions, access.StaffPermissions(r.Role)) {
			t.Errorf("%s may %v; want %v", r.Role, r.Permissions, access.StaffPermissions(r.Role))
		}
		for _, p := range r.Permissions {
			for _, member := range access.Roles() {
				if access.Allows(member, nil, p) || slices.Contains(access.Grantable(), p) {
					t.Errorf("%s is a right of staff and of the members' role %s", p, member)
				}
			}
		}
	}
}

// TestStaffAreNobodyInAnOrganization asks for an organization's clients as staff, and acts as staff with a token that names
// an organization of the same person's.
func TestStaffAreNobodyInAnOrganization(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	client := "/v1/clients/cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	for _, role := range access.StaffRoles() {
		w.Want(w.Call(clients.ListClients(), w.Staff(role), apitest.Request{}), 403, "organization_required")
		w.Want(w.Call(clients.GetClient(nil), w.Staff(role), apitest.Request{Path: client}), 403, "organization_required")
		intruder := w.Staff(role)
		intruder.Org, intruder.Member, intruder.Role = owner.Org, owner.Member, access.Owner
		intruder.Token = w.Token(intruder)
		w.Want(w.Call(clients.ListClients(), intruder, apitest.Request{}), 401, "membership_ended")
	}
	if _, err := access.Appoint(t.Context(), w.Store, owner.User, access.SecurityLead); err != nil {
		t.Fatal(err)
	}
	w.Want(w.Call(admin.GetStaff(), owner, apitest.Request{}), 403, "second_factor_required")
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	records, _, err := store.List[api.Audit](t.Context(), org, store.Query{Partition: org.Scope().Partition(api.FamilyAudit), Limit: 10})
	if err != nil || len(records) != 0 {
		t.Errorf("the organization's record says %v, %v; want nothing of staff in it", records, err)
	}
}
