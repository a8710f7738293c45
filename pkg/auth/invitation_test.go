package auth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/store"
)

const grace = "grace@example.com"

func (p person) caller() apitest.Caller { return apitest.Caller{Token: p.tokens.AccessToken} }

func (w *world) invite(p person, items ...map[string]any) (apitest.Answer, invitations.Results) {
	w.T.Helper()
	a := w.Call(invitations.CreateInvitations(w.Store, w.pseudonyms, w.links), p.caller(), apitest.Request{Body: map[string]any{"invitations": items}})
	var r invitations.Results
	if a.Status == http.StatusOK {
		a.Into(w.T, &r)
	}
	return a, r
}

func item(email, role string) map[string]any { return map[string]any{"email": email, "role": role} }

// link is the token of an invitation's newest mail.
func (w *world) link(invitation string, sent string) string {
	return w.links.Token(invitations.LinkPurpose, invitation+"."+sent)
}

func personBody() map[string]any {
	v := policy.Versions()[0]
	return map[string]any{"date_of_birth": "1990-04-01", "name": "Grace Example", "country": "DE", "policy_version": v.Number, "policy_hash": v.SHA256()}
}

func (w *world) accept(token, password string, with map[string]any) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"token": token, "password": password}
	if with != nil {
		body["new_account"] = with
	}
	return w.Call(auth.AcceptInvitation(w.Store, w.pseudonyms), apitest.Caller{}, apitest.Request{Body: body})
}

func (w *world) join(p person, token string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.JoinOrganization(w.Store), p.caller(), apitest.Request{Body: map[string]any{"token": token}})
}

func (w *world) decline(token string) apitest.Answer {
	w.T.Helper()
	return w.Call(invitations.DeclineInvitation(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token}})
}

func TestAnInvitationMakesANewPersonAMember(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	_, r := w.invite(p, item(grace, "accountant"))
	token := w.link(r.Data[0].Invitation.ID, "1")
	w.Want(w.accept(token, phrase, nil), 422, "invalid_input")
	w.Want(w.accept(token, "short", personBody()), 422, "invalid_input")
	young := personBody()
	young["date_of_birth"] = w.Clock.Now().AddDate(-12, 0, 0).Format(time.DateOnly)
	w.Want(w.accept(token, phrase, young), 403, "under_age")
	w.Want(w.accept(token, phrase, personBody()), 201, "")
	tokens := w.tokens(w.logIn(grace, phrase))
	if tokens.OrganizationID != string(p.org) {
		t.Errorf("the login leads to %q; want the organization of the invitation", tokens.OrganizationID)
	}
	for _, kind := range []string{"INVITATION", "INVITEE", "INVITATION_LINK"} {
		if left := w.of(kind); len(left) != 0 {
			t.Errorf("%d rows of %s are left; want none", len(left), kind)
		}
	}
	w.Want(w.accept(token, phrase, personBody()), 404, "invitation_not_found")
}

func TestAnInvitationMakesAnAccountAMember(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody(grace)
	_, r := w.invite(p, item(strings.ToUpper(grace), "member"))
	token := w.link(r.Data[0].Invitation.ID, "1")
	w.Want(w.accept(token, "not the phrase at all", nil), 401, "invalid_credentials")
	w.Want(w.join(p, token), 404, "invitation_not_found") // bound to the address
	w.Want(w.join(q, token), 201, "")
	w.Want(w.join(q, token), 404, "invitation_not_found")
	_, r = w.invite(p, item(grace, "member"))
	w.Want(w.join(q, w.link(r.Data[0].Invitation.ID, "1")), 409, "already_member")
	w.Want(w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, nil), 409, "already_member")
}

func TestWhoHasLeftCanComeBack(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody(grace)
	org := w.Store.BindOrganization(p.org, store.Actor{Who: "test"})
	_, r := w.invite(p, item(grace, "member"))
	a := w.join(q, w.link(r.Data[0].Invitation.ID, "1"))
	var joined auth.Joined
	a.Into(t, &joined)
	row, err := store.Get[access.Access](context.Background(), org, access.AccessKey(p.org, id.Member(joined.Member.ID)))
	w.must(err)
	row.User, row.Removed = "", w.Clock.Now().Unix() // as an erasure that ended before it removed the membership
	tx := w.Store.Begin()
	tx.Replace(org, row)
	w.must(tx.Commit(context.Background()))
	_, r = w.invite(p, item(grace, "manager"))
	w.Want(w.join(q, w.link(r.Data[0].Invitation.ID, "1")), 201, "")
	m, err := store.Get[account.Membership](context.Background(), w.Store.BindUser(q.user, store.Actor{}), account.MembershipKey(q.user, p.org))
	w.must(err)
	if string(m.Member) == joined.Member.ID {
		t.Error("who came back is the member that they were; want another")
	}
}

// sender is a member of a person's organization who was invited with a role, and their row there.
func (w *world) sender(p person, email, role string) (person, func(func(*access.Access))) {
	w.T.Helper()
	_, r := w.invite(p, item(email, role))
	a := w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, personBody())
	w.Want(a, http.StatusCreated, "")
	var joined auth.Joined
	a.Into(w.T, &joined)
	org := w.Store.BindOrganization(p.org, store.Actor{Who: "test"})
	org.SeeRestricted()
	change := func(to func(*access.Access)) {
		w.T.Helper()
		row, err := store.Get[access.Access](context.Background(), org, access.AccessKey(p.org, id.Member(joined.Member.ID)))
		w.must(err)
		to(row)
		row.GrantVersion++
		tx := w.Store.Begin()
		tx.Rewrite(org, row)
		w.must(tx.Commit(context.Background()))
	}
	return person{email: email, user: id.User(joined.User.ID), org: p.org, tokens: w.tokens(w.logIn(email, phrase))}, change
}

// TestAnInvitationIsWorthWhatItsSenderCouldSend changes who sent an invitation before it is accepted.
func TestAnInvitationIsWorthWhatItsSenderCouldSend(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	admin, change := w.sender(owner, "admin@example.com", "admin")
	var was access.Access
	change(func(a *access.Access) { was = *a })
	become := func(role access.Role, grants ...access.Permission) func(*access.Access) {
		return func(a *access.Access) { a.Role, a.Grants = role, grants }
	}
	back := func(a *access.Access) {
		a.User, a.Role, a.Grants, a.Removed, a.Restricted = was.User, was.Role, was.Grants, was.Removed, false
	}
	tests := []struct {
		name   string
		to     string
		change []func(*access.Access)
		want   int
	}{
		{"nothing changed", "accountant", nil, 201},
		{"the sender was removed", "member", []func(*access.Access){func(a *access.Access) { a.User, a.Removed = "", w.Clock.Now().Unix() }}, 404},
		{"the sender's account was erased", "member", []func(*access.Access){func(a *access.Access) { a.User = "" }}, 404},
		{"the sender may invite no more", "guest", []func(*access.Access){become(access.Contributor)}, 404},
		{"the sender may still invite, into less", "accountant", []func(*access.Access){become(access.Manager, access.MembersInvite)}, 404},
		{"the sender may still invite, into this", "member", []func(*access.Access){become(access.Manager, access.MembersInvite)}, 201},
		{"the sender was lowered and raised again", "member", []func(*access.Access){become(access.Guest), become(access.Admin)}, 201},
		{"the sender has processing restricted", "member", []func(*access.Access){func(a *access.Access) { a.Restricted = true }}, 201},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.T = t
			change(back)
			_, r := w.invite(admin, item(strings.Repeat("x", i+1)+"@example.com", tt.to))
			for _, ch := range tt.change {
				change(ch)
			}
			code := ""
			if tt.want == 404 {
				code = "invitation_not_found"
			}
			w.Want(w.accept(w.link(r.Data[0].Invitation.ID, "1"), phrase, personBody()), tt.want, code)
		})
	}
	w.T = t
	change(back)
	_, r := w.invite(admin, item("late@example.com", "accountant"))
	invitation := r.Data[0].Invitation.ID
	change(become(access.Contributor))
	w.Want(w.accept(w.link(invitation, "1"), phrase, personBody()), 404, "invitation_not_found")
	again := w.Call(invitations.ResendInvitation(w.Store, w.links), owner.caller(), apitest.Request{Path: "/v1/invitations/" + invitation + "/resend"})
	w.Want(again, 200, "")
	var shown invitations.InvitationBody
	again.Into(t, &shown)
	if shown.InvitedBy == r.Data[0].Invitation.InvitedBy {
		t.Error("who sent it again is not who invites; want the owner")
	}
	w.Want(w.accept(w.link(invitation, "2"), phrase, personBody()), 201, "")
}

// TestAnAcceptanceMeetsTheSendersRemoval reads an invitation while its sender may send it, and accepts it after they were
// removed.
func TestAnAcceptanceMeetsTheSendersRemoval(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	admin, change := w.sender(owner, "admin@example.com", "admin")
	_, r := w.invite(admin, item("late@example.com", "member"))
	i, org, err := invitations.Find(context.Background(), w.Store, store.Actor{Who: "test"}, w.link(r.Data[0].Invitation.ID, "1"))
	w.must(err)
	change(func(a *access.Access) { a.User, a.Removed = "", w.Clock.Now().Unix() })
	tx := w.Store.Begin()
	i.Accept(tx, org, "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", w.Clock.Now())
	if err := tx.Commit(context.Background()); !errors.Is(err, invitations.ErrChanged) {
		t.Errorf("an acceptance after the removal = %v; want %v", err, invitations.ErrChanged)
	}
	if left := w.of("INVITATION"); len(left) != 1 {
		t.Errorf("%d invitations are left; want the one", len(left))
	}
}

// TestLinksThatNoLongerWorkLookAlike compares the answers to every kind of link that is not good.
func TestLinksThatNoLongerWorkLookAlike(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	byID := func(i string) apitest.Request { return apitest.Request{Path: "/v1/invitations/" + i} }
	_, r := w.invite(p, item("a@example.com", "member"), item("b@example.com", "member"), item("c@example.com", "member"))
	revoked, resent, expired := r.Data[0].Invitation.ID, r.Data[1].Invitation.ID, r.Data[2].Invitation.ID
	w.Want(w.Call(invitations.DeleteInvitation(w.Store), p.caller(), byID(revoked)), 204, "")
	again := byID(resent)
	again.Path += "/resend"
	w.Want(w.Call(invitations.ResendInvitation(w.Store, w.links), p.caller(), again), 200, "")
	links := map[string]string{"unknown": "x", "revoked": w.link(revoked, "1"), "resent": w.link(resent, "1")}
	for name, token := range links {
		w.Want(w.accept(token, phrase, personBody()), 404, "invitation_not_found")
		if a := w.join(p, token); a.Status != 404 || a.Code() != "invitation_not_found" {
			t.Errorf("a link that is %s = %d %s", name, a.Status, a.Code())
		}
	}
	w.Want(w.accept(w.link(resent, "2"), phrase, personBody()), 201, "")
	w.Clock.Advance(invitations.Life)
	w.Want(w.accept(w.link(expired, "1"), phrase, personBody()), 404, "invitation_not_found")
	p.tokens = w.tokens(w.logIn(ada, phrase))
	w.Want(w.Call(invitations.GetInvitation(), p.caller(), byID(expired)), 404, "invitation_not_found")
	if _, r := w.invite(p, item("c@example.com", "member")); r.Data[0].Status != invitations.Invited {
		t.Errorf("an address whose invitation is over = %s; want it invited again", r.Data[0].Status)
	}
}

// TestADeclinedInvitationLeavesNothing declines an invitation of an organization that is closing, by a sender who has left.
func TestADeclinedInvitationLeavesNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.somebody(ada)
	admin, change := w.sender(owner, "admin@example.com", "admin")
	_, r := w.invite(admin, item(grace, "member"), item("other@example.com", "member"))
	token, other := w.link(r.Data[0].Invitation.ID, "1"), w.link(r.Data[1].Invitation.ID, "1")
	change(func(a *access.Access) { a.User, a.Removed = "", w.Clock.Now().Unix() })
	org := w.Store.BindOrganization(owner.org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Change(org, access.OrganizationGateKey(owner.org), func(u *dynamo.Update) { u.Set("status", access.Closing) })
	w.must(tx.Commit(context.Background()))

	before := len(w.of("AUDIT"))
	w.Want(w.decline("x"), 404, "invitation_not_found")
	w.Want(w.decline(token), 204, "")
	w.Want(w.decline(token), 404, "invitation_not_found")
	w.Want(w.accept(token, phrase, personBody()), 404, "invitation_not_found")
	for _, kind := range []string{"INVITATION", "INVITEE", "INVITATION_LINK"} {
		if left := w.of(kind); len(left) != 1 {
			t.Errorf("%d rows of %s are left; want the other's alone", len(left), kind)
		}
	}
	if strings.Contains(w.dump(), grace) || len(w.of("AUDIT")) != before {
		t.Error("something keeps the address, or that it was declined")
	}
	w.Clock.Advance(invitations.Life)
	w.Want(w.decline(other), 404, "invitation_not_found")
}

// TestADeclineAndAnAcceptanceMeet declines and accepts one invitation at the same time.
func TestADeclineAndAnAcceptanceMeet(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody(grace)
	_, r := w.invite(p, item(grace, "member"))
	token := w.link(r.Data[0].Invitation.ID, "1")
	var wg sync.WaitGroup
	var joined apitest.Answer
	declined := make([]apitest.Answer, 3)
	wg.Go(func() { joined = w.join(q, token) })
	for i := range declined {
		wg.Go(func() { declined[i] = w.decline(token) })
	}
	wg.Wait()
	done := 0
	for _, a := range slices.Concat(declined, []apitest.Answer{joined}) {
		switch a.Status {
		case 201, 204:
			done++
		case 404:
		default:
			t.Errorf("one of many = %d: %s", a.Status, a.Body)
		}
	}
	members := 2
	if joined.Status == 201 {
		members++
	}
	if n := len(w.of("ACCESS")); done != 1 || n != members {
		t.Errorf("%d answers of success, %d members; want 1 and %d", done, n, members)
	}
}

// TestTheInviterLearnsNothing invites an address with an account and one without.
func TestTheInviterLearnsNothing(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	w.somebody(grace)
	before := len(w.rows())
	known, rk := w.invite(p, item(grace, "member"))
	middle := len(w.rows())
	unknown, ru := w.invite(p, item("alien@example.com", "member"))
	after := len(w.rows())
	if known.Status != unknown.Status || rk.Data[0].Status != ru.Data[0].Status || len(rk.Data) != 1 {
		t.Errorf("known %d %+v, unknown %d %+v; want the same", known.Status, rk, unknown.Status, ru)
	}
	if middle-before != after-middle+1 { // the first of a day also begins its count
		t.Errorf("the known address wrote %d rows, the unknown one %d; want as many and the day's count", middle-before, after-middle)
	}
}

func TestItemsAreAnsweredOneByOne(t *testing.T) {
	w := newWorld(t)
	p := w.somebody(ada)
	items := []map[string]any{item(grace, "member"), item("nobody", "member"), item(" GRACE@example.com ", "admin"), item("boss@example.com", "admin")}
	request := apitest.Request{Body: map[string]any{"invitations": items}, Key: "k"}
	first := w.Call(invitations.CreateInvitations(w.Store, w.pseudonyms, w.links), p.caller(), request)
	w.Want(first, 200, "")
	var r invitations.Results
	first.Into(t, &r)
	want := []string{invitations.Invited, invitations.Refused, invitations.Already, invitations.Invited}
	for i, status := range want {
		if r.Data[i].Status != status {
			t.Errorf("item %d = %s; want %s", i, r.Data[i].Status, status)
		}
	}
	again := w.Call(invitations.CreateInvitations(w.Store, w.pseudonyms, w.links), p.caller(), request)
	if string(again.Body) != string(first.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat = %s; want %s, replayed", again.Body, first.Body)
	}
	if mails := len(w.of("INVITATION")); mails != 2 {
		t.Errorf("%d invitations; want 2", mails)
	}
	many := make([]map[string]any, 51)
	for i := range many {
		many[i] = item(grace, "member")
	}
	a, _ := w.invite(p, many...)
	w.Want(a, 422, "invalid_input")
	for range 3 {
		a, _ = w.invite(p, many[:50]...)
		w.Want(a, 200, "")
	}
	a, _ = w.invite(p, many[:50]...)
	w.Want(a, 429, "too_many_invitations")
}

func TestOneOfManyAcceptancesMakesAMember(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody(grace)
	_, r := w.invite(p, item(grace, "member"))
	token := w.link(r.Data[0].Invitation.ID, "1")
	var wg sync.WaitGroup
	answers := make([]apitest.Answer, 6)
	for i := range answers {
		wg.Go(func() { answers[i] = w.join(q, token) })
	}
	wg.Wait()
	made := 0
	for _, a := range answers {
		if a.Status == 201 {
			made++
		} else if a.Status != 404 && a.Status != 409 {
			t.Errorf("an acceptance among many = %d: %s", a.Status, a.Body)
		}
	}
	if n := len(w.of("ACCESS")); made != 1 || n != 3 {
		t.Errorf("%d acceptances, %d members of both organizations; want 1 and 3", made, n)
	}
}

func TestAnotherOrganizationsInvitationLooksLikeNone(t *testing.T) {
	w := newWorld(t)
	p, q := w.somebody(ada), w.somebody(grace)
	_, r := w.invite(q, item("x@example.com", "member"))
	for _, name := range []string{r.Data[0].Invitation.ID, "ivt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "x"} {
		at := apitest.Request{Path: "/v1/invitations/" + name}
		w.Want(w.Call(invitations.GetInvitation(), p.caller(), at), 404, "invitation_not_found")
		w.Want(w.Call(invitations.DeleteInvitation(w.Store), p.caller(), at), 404, "invitation_not_found")
		at.Path += "/resend"
		w.Want(w.Call(invitations.ResendInvitation(w.Store, w.links), p.caller(), at), 404, "invitation_not_found")
	}
}
