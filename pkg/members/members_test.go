package members_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/store"
)

type world struct{ *apitest.World }

func (w world) profiled(c apitest.Caller, name string) apitest.Caller {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: string(c.User)})
	tx := w.Store.Begin()
	tx.Create(h, &account.Profile{User: c.User, Name: name, Email: name + "@example.com", MailHash: name, Country: "DE", Locale: "en", TimeZone: "UTC",
		WeekStart: "monday", AgePassed: true, Created: w.Clock.Now().Unix()})
	tx.Create(h, &account.Membership{User: c.User, Organization: c.Org, Member: c.Member, Joined: w.Clock.Now().Unix()})
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w world) get(c, of apitest.Caller) (members.MemberBody, string) {
	w.T.Helper()
	a := w.Call(members.GetMember(), c, apitest.Request{Path: "/v1/members/" + string(of.Member)})
	w.Want(a, http.StatusOK, "")
	var b members.MemberBody
	a.Into(w.T, &b)
	return b, a.Header.Get("ETag")
}

func (w world) update(c, of apitest.Caller, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(members.UpdateMember(w.Store), c, apitest.Request{Path: "/v1/members/" + string(of.Member), IfMatch: "*", Body: body})
}

func (w world) remove(c, of apitest.Caller) apitest.Answer {
	w.T.Helper()
	return w.Call(members.RemoveMember(w.Store), c, apitest.Request{Path: "/v1/members/" + string(of.Member), IfMatch: "*"})
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	org := owner.Org
	role := func(r access.Role) map[string]any { return map[string]any{"role": r} }
	grants := func(p ...access.Permission) map[string]any {
		return map[string]any{"grants": append([]access.Permission{}, p...)}
	}
	tests := []struct {
		name   string
		by     access.Role
		of     access.Role
		body   map[string]any
		status int
		code   string
	}{
		{"the owner makes an admin", access.Owner, access.Contributor, role(access.Admin), 200, ""},
		{"the owner unmakes an admin", access.Owner, access.Admin, role(access.Contributor), 200, ""},
		{"the owner gives rates", access.Owner, access.Contributor, grants(access.RatesRead), 200, ""},
		{"an admin makes a manager", access.Admin, access.Contributor, role(access.Manager), 200, ""},
		{"an admin makes no admin", access.Admin, access.Contributor, role(access.Admin), 403, "not_yours_to_give"},
		{"an admin unmakes no admin", access.Admin, access.Admin, role(access.Contributor), 403, "not_yours_to_give"},
		{"an admin grants an admin nothing", access.Admin, access.Admin, grants(), 403, "not_yours_to_give"},
		{"nobody makes an owner", access.Owner, access.Contributor, role(access.Owner), 422, "invalid_input"},
		{"what is no grant", access.Owner, access.Contributor, grants(access.AdminsWrite), 422, "invalid_input"},
		{"what is no permission", access.Owner, access.Contributor, grants("cake:eat"), 422, "invalid_input"},
		{"a label of somebody with a name", access.Owner, access.Contributor, map[string]any{"label": "x"}, 422, "invalid_input"},
		{"a manager changes nobody", access.Manager, access.Guest, role(access.Contributor), 403, "permission_denied"},
		{"a member changes nobody", access.Contributor, access.Guest, role(access.Contributor), 403, "permission_denied"},
		{"an accountant changes nobody", access.Accountant, access.Guest, role(access.Contributor), 403, "permission_denied"},
		{"a guest changes nobody", access.Guest, access.Guest, role(access.Contributor), 403, "permission_denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t)}
			by := owner
			if tt.by != access.Owner {
				by = w.Member(org, tt.by)
			}
			w.Want(w.update(by, w.Member(org, tt.of), tt.body), tt.status, tt.code)
		})
	}
	w.Want(w.update(w.Member(org, access.Admin), owner, role(access.Guest)), 403, "not_yours_to_give")
	w.Want(w.update(owner, owner, role(access.Guest)), 403, "not_yours_to_give")
}

func TestAChangeActsAtTheVeryNextCall(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	bob := w.Member(owner.Org, access.Admin)
	see := func() apitest.Answer { return w.Call(members.ListMembers(), bob, apitest.Request{}) }
	w.Want(see(), 200, "")
	w.Want(w.update(owner, bob, map[string]any{"role": "guest"}), 200, "")
	w.Want(see(), 403, "permission_denied")
	w.Want(w.update(owner, bob, map[string]any{"grants": []string{"members:read"}}), 200, "")
	w.Want(see(), 200, "")
	w.Want(w.remove(owner, bob), 204, "")
	w.Want(see(), 401, "membership_ended")
}

func TestNamesAreReadThroughTheLinkAlone(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.profiled(w.Organization(), "ada")
	bob := w.profiled(w.Member(owner.Org, access.Contributor), "bob")
	if b, _ := w.get(owner, bob); b.Name != "bob" || b.Email != "bob@example.com" || b.Status != members.Active {
		t.Errorf("the owner sees %+v; want name and address", b)
	}
	if b, _ := w.get(bob, owner); b.Name != "ada" || b.Email != "" {
		t.Errorf("a member sees %+v; want the name without the address", b)
	}
	var list api.List[members.MemberBody]
	w.Call(members.ListMembers(), owner, apitest.Request{}).Into(t, &list)
	names := []string{}
	for _, m := range list.Data {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"ada", "bob"}) {
		t.Errorf("the list has %v; want ada and bob", names)
	}
	w.Want(w.remove(owner, bob), 204, "")
	if b, _ := w.get(owner, bob); b.Name != "" || b.Email != "" || b.Status != members.Placeholder || b.RemovedAt == nil {
		t.Errorf("who was removed is %+v; want a placeholder without a name", b)
	}
	w.Want(w.update(owner, bob, map[string]any{"label": "Former designer"}), 200, "")
	if b, _ := w.get(owner, bob); b.Name != "Former designer" {
		t.Errorf("the placeholder is called %q; want its label", b.Name)
	}
	h := w.Store.BindUser(bob.User, store.Actor{})
	if all, err := account.Memberships(context.Background(), h); err != nil || len(all) != 0 {
		t.Errorf("who was removed has %d memberships, %v; want none", len(all), err)
	}
	w.Want(w.remove(owner, bob), 409, "member_gone")
}

func TestAHeldMembershipStaysAndIsWorthNothing(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	bob := w.profiled(w.Member(owner.Org, access.Contributor), "bob")
	h := w.Store.BindUser(bob.User, store.Actor{Who: "test"})
	all, err := account.Memberships(context.Background(), h)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d memberships, %v; want 1", len(all), err)
	}
	all[0].Held = true
	tx := w.Store.Begin()
	tx.Replace(h, all[0])
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.remove(owner, bob), 204, "")
	live, err := account.Belongings(context.Background(), w.Store, store.Actor{}, all)
	if err != nil || len(live) != 0 {
		t.Errorf("a held membership of who was removed is worth %d organizations, %v; want none", len(live), err)
	}
	w.Want(w.Call(members.ListMembers(), bob, apitest.Request{}), 401, "membership_ended")
}

func TestWhoStays(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	admin, other := w.Member(owner.Org, access.Admin), w.Member(owner.Org, access.Admin)
	leave := func(c apitest.Caller) apitest.Answer {
		return w.Call(members.LeaveOrganization(w.Store), c, apitest.Request{})
	}
	w.Want(leave(owner), 409, "owner_stays")
	w.Want(w.remove(owner, owner), 409, "owner_stays")
	w.Want(w.remove(admin, owner), 409, "owner_stays")
	w.Want(w.remove(admin, other), 403, "not_yours_to_give")
	w.Want(w.remove(w.Member(owner.Org, access.Manager), other), 403, "permission_denied")
	w.Want(leave(other), 204, "")
	w.Want(leave(other), 401, "membership_ended")
	w.Want(leave(w.Member(owner.Org, access.Guest)), 204, "")
	w.Want(w.remove(owner, admin), 204, "")
}

func TestAPlaceholderIsNobody(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	create := func(by apitest.Caller, label, key string) apitest.Answer {
		return w.Call(members.CreateMember(w.Store), by, apitest.Request{Body: map[string]any{"label": label}, Key: key})
	}
	for _, r := range []access.Role{access.Manager, access.Contributor, access.Accountant, access.Guest} {
		w.Want(create(w.Member(owner.Org, r), "Kim", ""), 403, "permission_denied")
	}
	w.Want(create(owner, "", ""), 422, "invalid_input")
	w.Want(create(owner, " \t ", ""), 422, "invalid_input")
	w.Want(create(owner, strings.Repeat("x", 101), ""), 422, "invalid_input")

	first := create(w.Member(owner.Org, access.Admin), " Kim ", "")
	w.Want(first, 201, "")
	var made members.MemberBody
	first.Into(t, &made)
	if made.Name != "Kim" || made.Status != members.Placeholder || made.Email != "" || made.RemovedAt != nil {
		t.Errorf("a placeholder = %+v; want one that is called Kim", made)
	}
	placeholder := apitest.Caller{Org: owner.Org, Member: id.Member(made.ID)}
	if b, _ := w.get(owner, placeholder); b.Name != "Kim" || b.Status != members.Placeholder {
		t.Errorf("it reads %+v; want the placeholder", b)
	}
	w.Want(w.update(owner, placeholder, map[string]any{"label": "Kim, designer"}), 200, "")
	w.Want(w.remove(owner, placeholder), 409, "member_gone")
	as := owner
	as.Member = placeholder.Member
	as.Token = w.Token(as)
	w.Want(w.Call(members.ListMembers(), as, apitest.Request{}), 401, "membership_ended") // a token that names it is of nobody

	one := create(owner, "Sam", "k")
	w.Want(one, 201, "")
	again := create(owner, "Sam", "k")
	if string(again.Body) != string(one.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat = %s; want %s, replayed", again.Body, one.Body)
	}
	w.Want(create(owner, "Somebody else", "k"), 422, "idempotency_key_reused")
}

// TestAForeignMemberLooksLikeNone calls with the id of another organization's member and with one that is nobody's.
func TestAForeignMemberLooksLikeNone(t *testing.T) {
	w := world{apitest.New(t)}
	owner, foreign := w.Organization(), w.Organization()
	for _, tt := range []struct {
		op   api.Operation
		body any
	}{{members.GetMember(), nil}, {members.UpdateMember(w.Store), map[string]any{"role": "guest"}}, {members.RemoveMember(w.Store), nil}} {
		for _, name := range []string{string(foreign.Member), "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "mbr_x", "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"} {
			w.Want(w.Call(tt.op, owner, apitest.Request{Path: "/v1/members/" + name, IfMatch: "*", Body: tt.body}), 404, "member_not_found")
		}
		if tt.op.Method != http.MethodGet {
			w.Want(w.Call(tt.op, owner, apitest.Request{Path: "/v1/members/" + string(owner.Member), Body: tt.body}), 428, "if_match_required")
			w.Want(w.Call(tt.op, owner, apitest.Request{Path: "/v1/members/" + string(owner.Member), IfMatch: `"9"`, Body: tt.body}), 412, "stale_version")
		}
	}
}

func TestWithoutASecondFactorOnlyRightsAreLeft(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	bob := w.Member(owner.Org, access.Contributor)
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	gate, err := store.Get[access.OrganizationGate](context.Background(), h, access.OrganizationGateKey(owner.Org))
	if err != nil {
		t.Fatal(err)
	}
	gate.RequireSecondFactor = true
	tx := w.Store.Begin()
	tx.Replace(h, gate)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.Call(members.ListMembers(), bob, apitest.Request{}), 403, "second_factor_required")
	self := w.Store.BindUser(bob.User, store.Actor{Who: "test"})
	own, err := store.Get[access.UserGate](context.Background(), self, access.UserGateKey(bob.User))
	if err != nil {
		t.Fatal(err)
	}
	own.SecondFactor = true
	tx = w.Store.Begin()
	tx.Replace(self, own)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.Call(members.ListMembers(), bob, apitest.Request{}), 200, "")
	w.Want(w.Call(members.LeaveOrganization(w.Store), w.Member(owner.Org, access.Guest), apitest.Request{}), 204, "")
}

func TestTheTableOfRights(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	var all members.RolesBody
	w.Call(members.ListRoles(), w.Member(owner.Org, access.Guest), apitest.Request{}).Into(t, &all)
	if len(all.Data) != len(access.Roles()) || all.Data[0].Role != access.Owner {
		t.Fatalf("%d roles; want %d from the owner on", len(all.Data), len(access.Roles()))
	}
	for i, r := range all.Data {
		if !slices.Equal(r.Permissions, access.Permissions(access.Roles()[i])) {
			t.Errorf("%s may %v; want what the table says", r.Role, r.Permissions)
		}
		for _, p := range []access.Permission{access.OrganizationClose, access.OwnershipOffer, access.AdminsWrite, access.MembersWrite} {
			if slices.Contains(r.Grantable, p) {
				t.Errorf("%s can be granted to %s", p, r.Role)
			}
		}
	}
}
