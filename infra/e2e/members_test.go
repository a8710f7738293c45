package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/organization/agreements"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/store"
)

// invite invites somebody into the person's organization and gives the invitation's id and the token of its mail.
func (c *caller) invite(email, role string) (invitation, token string) {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "POST", Path: "/v1/invitations", Body: map[string]any{"invitations": []map[string]any{{"email": email, "role": role}}}})
	c.settle() // the newest mail is this one
	to := &caller{Client: c.Client, t: c.t, person: journey.Person{Email: email}}
	return a.Text("data.0.invitation.id"), to.mailToken("invited")
}

// colleague gives another person, signed in as a member of the person's organization, and their member id.
func (c *caller) colleague(role string) (other *caller, member string) {
	c.t.Helper()
	other = signUp(c.t)
	_, token := c.invite(other.person.Email, role)
	member = other.must(201, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": token}}).Text("member.id")
	other.into(c.organization)
	return other, member
}

// into switches to an organization.
func (c *caller) into(organization string) {
	c.t.Helper()
	c.token = c.must(200, journey.Call{Method: "POST", Path: "/v1/auth/organization", Body: map[string]any{"organization_id": organization}}).Text("access_token")
	c.organization = organization
}

func (c *caller) offer(member string) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/org/ownership-offers", Body: map[string]any{"member_id": member, "password": c.person.Password}}).Text("id")
}

func newAccountBody() map[string]any {
	v := policy.InEffect(cloud.Clock.Now())
	return map[string]any{"date_of_birth": "1990-04-01", "name": "Grace Example", "country": "DE", "policy_version": v.Number, "policy_hash": v.SHA256()}
}

// ofThisMonth reads what lies in months from the first day of this one on, which takes one trip.
func ofThisMonth(path string) func(*caller) journey.Call {
	return func(p *caller) journey.Call {
		return journey.Call{Method: "GET", Path: path + "?from=" + p.now().Format("2006-01") + "-01T00:00:00Z"}
	}
}

func memberSteps() []step {
	phrase := func(p *caller) map[string]any { return map[string]any{"password": p.person.Password} }
	self := func(p *caller) string {
		return p.must(200, journey.Call{Method: "GET", Path: "/v1/members"}).Text("data.0.id")
	}
	return []step{
		{operation: "list-roles", status: 200, prepare: get("/v1/roles")},
		{operation: "list-members", status: 200, prepare: get("/v1/members")},
		{operation: "preview-retention", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			p.project()
			return journey.Call{Method: "GET", Path: "/v1/org/retention/preview?retention_days=30"}
		}},
		{operation: "create-organization-export", status: 202, alone: true, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/org/exports", Key: "key-" + unique()}
		}, again: []int{409}},
		{operation: "list-audit", status: 200, prepare: get("/v1/audit")},
		{operation: "list-agreements", status: 200, prepare: get("/v1/org/agreements")},
		{operation: "get-agreement", status: 200, prepare: get("/v1/org/agreements/dpa")},
		{operation: "create-agreement", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			d := agreements.Documents()[1]
			return journey.Call{Method: "POST", Path: "/v1/org/agreements", Body: map[string]any{"document": d.ID, "version": d.Version, "sha256": d.SHA256()}, Key: "key-" + unique()}
		}},
		{operation: "export-audit", status: 200, prepare: get("/v1/audit/export")},
		{operation: "list-activity", status: 200, prepare: ofThisMonth("/v1/org/activity")},
		{operation: "export-activity", status: 200, prepare: ofThisMonth("/v1/org/activity/export")},
		{operation: "verify-audit", status: 200, prepare: get("/v1/audit/verification")},
		{operation: "list-invitations", status: 200, prepare: get("/v1/invitations")},
		{operation: "list-ownership-offers", status: 200, prepare: get("/v1/org/ownership-offers")},
		{operation: "merge-member", status: 202, alone: true, prepare: func(p *caller) journey.Call {
			path := "/v1/members/" + p.must(201, journey.Call{Method: "POST", Path: "/v1/members", Body: map[string]any{"label": "Kim"}}).Text("id")
			into := p.must(201, journey.Call{Method: "POST", Path: "/v1/members", Body: map[string]any{"label": "Kim again"}}).Text("id")
			return journey.Call{Method: "POST", Path: path + "/merge", IfMatch: p.etag(path), Body: map[string]any{"into": into}, Key: "key-" + unique()}
		}, again: []int{409, 412}},
		{operation: "create-member", status: 201, alone: true, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/members", Key: unique(), Body: map[string]any{"label": "A former colleague"}}
		}},
		{operation: "get-member", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/members/" + self(p)}
		}},
		{operation: "update-member", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			_, member := p.colleague("member")
			return journey.Call{Method: "PATCH", Path: "/v1/members/" + member, IfMatch: p.etag("/v1/members/" + member), Body: map[string]any{"role": "manager", "grants": []string{"rates:read"}}}
		}, again: []int{412}},
		{operation: "remove-member", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			other, member := p.colleague("member")
			other.must(201, journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": p.newProject("")}})
			return journey.Call{Method: "DELETE", Path: "/v1/members/" + member, IfMatch: p.etag("/v1/members/" + member)}
		}, again: []int{409, 412}},
		{operation: "leave-organization", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			owner := signUp(p.t)
			_, token := owner.invite(p.person.Email, "member")
			p.must(201, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": token}})
			p.into(owner.organization)
			p.must(201, journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": owner.newProject("")}})
			return journey.Call{Method: "DELETE", Path: "/v1/members/me"}
		}, again: []int{401}},
		{operation: "create-ownership-offer", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			_, member := p.colleague("admin")
			return journey.Call{Method: "POST", Path: "/v1/org/ownership-offers", Key: unique(), Body: map[string]any{"member_id": member, "password": p.person.Password}}
		}},
		{operation: "delete-ownership-offer", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			_, member := p.colleague("admin")
			return journey.Call{Method: "DELETE", Path: "/v1/org/ownership-offers/" + p.offer(member)}
		}, again: []int{404}},
		{operation: "accept-ownership-offer", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			owner := signUp(p.t)
			_, token := owner.invite(p.person.Email, "admin")
			member := p.must(201, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": token}}).Text("member.id")
			p.into(owner.organization)
			return journey.Call{Method: "POST", Path: "/v1/org/ownership-offers/" + owner.offer(member) + "/accept", Key: unique(), Body: phrase(p)}
		}},
		{operation: "create-organization", status: 201, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/org", Key: unique(), Body: map[string]any{"name": "Studio " + unique(), "country": "DE"}}
		}, alone: true},
		{operation: "close-organization", status: 202, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/org/close", Key: unique(), Body: phrase(p)}
		}},
		{operation: "reopen-organization", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			p.must(202, journey.Call{Method: "POST", Path: "/v1/org/close", Body: phrase(p)})
			return journey.Call{Method: "POST", Path: "/v1/org/reopen", Key: unique(), Body: map[string]any{"organization_id": p.organization, "password": p.person.Password}}
		}},
		{operation: "create-invitations", status: 200, alone: true, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/invitations", Key: unique(),
				Body: map[string]any{"invitations": []map[string]any{{"email": journey.NewPerson().Email, "role": "member"}}}}
		}},
		{operation: "get-invitation", status: 200, prepare: func(p *caller) journey.Call {
			invitation, _ := p.invite(journey.NewPerson().Email, "member")
			return journey.Call{Method: "GET", Path: "/v1/invitations/" + invitation}
		}},
		{operation: "resend-invitation", status: 200, prepare: func(p *caller) journey.Call {
			invitation, _ := p.invite(journey.NewPerson().Email, "member")
			return journey.Call{Method: "POST", Path: "/v1/invitations/" + invitation + "/resend", Key: unique()}
		}},
		{operation: "delete-invitation", status: 204, prepare: func(p *caller) journey.Call {
			invitation, _ := p.invite(journey.NewPerson().Email, "member")
			return journey.Call{Method: "DELETE", Path: "/v1/invitations/" + invitation}
		}, again: []int{404}},
		{operation: "decline-invitation", status: 204, public: true, prepare: func(p *caller) journey.Call {
			_, token := p.invite(journey.NewPerson().Email, "member")
			return journey.Call{Method: "POST", Path: "/v1/invitations/decline", Body: map[string]any{"token": token}}
		}, again: []int{404}},
		{operation: "accept-invitation", status: 201, public: true, prepare: func(p *caller) journey.Call {
			_, token := p.invite(journey.NewPerson().Email, "member")
			return journey.Call{Method: "POST", Path: "/v1/auth/invitations/accept", Body: map[string]any{"token": token, "password": p.person.Password, "new_account": newAccountBody()}}
		}, again: []int{404}},
		{operation: "join-organization", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			_, token := signUp(p.t).invite(p.person.Email, "member")
			return journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": token}}
		}, again: []int{404, 409}},
	}
}

// TestMembersComeChangeAndGo invites two people, changes and removes them, and sees each change at their very next call.
func TestMembersComeChangeAndGo(t *testing.T) {
	owner := signUp(t)
	grace, member := owner.colleague("member")
	grace.must(403, journey.Call{Method: "POST", Path: "/v1/projects", Body: projectBody("")})
	project := owner.newProject("")
	grace.must(201, journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": project}})

	path := "/v1/members/" + member
	stale := owner.etag(path)
	owner.must(200, journey.Call{Method: "PATCH", Path: path, IfMatch: stale, Body: map[string]any{"role": "manager"}})
	owner.must(412, journey.Call{Method: "PATCH", Path: path, IfMatch: stale, Body: map[string]any{"role": "guest"}})
	grace.must(201, journey.Call{Method: "POST", Path: "/v1/projects", Body: projectBody("")})
	if a := owner.must(200, journey.Call{Method: "GET", Path: path}); a.Text("name") != grace.person.Name || a.Text("email") != grace.person.Email {
		t.Errorf("the owner sees %s; want name and address", a.Body)
	}

	owner.must(204, journey.Call{Method: "DELETE", Path: path, IfMatch: "*"})
	if a := grace.must(401, journey.Call{Method: "GET", Path: "/v1/org"}); a.Code() != "membership_ended" {
		t.Errorf("the next call of who was removed = %s; want membership_ended", a.Code())
	}
	a := owner.must(200, journey.Call{Method: "GET", Path: path})
	if a.Text("status") != "placeholder" || a.Text("name") != "" || a.Text("email") != "" {
		t.Errorf("who was removed is shown as %s; want a placeholder without a name", a.Body)
	}
	if entries := owner.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries" + owner.range_() + "&member=" + member}); entries.Text("data.0.member_id") != member {
		t.Errorf("the entries of who was removed = %s; want the one of the timer", entries.Body)
	}

	email := journey.NewPerson().Email
	_, token := owner.invite(email, "accountant")
	accept := journey.Call{Method: "POST", Path: "/v1/auth/invitations/accept", Body: map[string]any{"token": token, "password": owner.person.Password, "new_account": newAccountBody()}}
	answers := make([]journey.Answer, 4)
	atOnce(len(answers), func(i int) { answers[i] = (&caller{Client: client(), t: t, token: "none"}).call(accept) })
	made := 0
	for _, a := range answers {
		switch a.Status {
		case 201:
			made++
		case 404:
		default:
			t.Errorf("an acceptance among four = %d: %s", a.Status, a.Body)
		}
	}
	if made != 1 {
		t.Errorf("%d of four acceptances at once made a member; want 1", made)
	}
	alan := &caller{Client: client(), t: t, person: journey.Person{Email: email, Password: owner.person.Password}}
	alan.logIn()
	alan.must(200, journey.Call{Method: "GET", Path: "/v1/org"})
}

// TestAGuestSeesWhatTheyWorkOn puts a guest on one project of two, and takes them off it.
func TestAGuestSeesWhatTheyWorkOn(t *testing.T) {
	owner := signUp(t)
	guest, member := owner.colleague("guest")
	theirs, other := owner.newProject(""), owner.newProject("")
	seen := func(want string) {
		t.Helper()
		if a := guest.must(200, journey.Call{Method: "GET", Path: "/v1/projects"}); a.Text("data.0.id") != want || a.Text("data.1.id") != "" {
			t.Errorf("the guest lists %s; want %q alone", a.Body, want)
		}
		for _, project := range []string{theirs, other} {
			a := guest.call(journey.Call{Method: "GET", Path: "/v1/projects/" + project})
			if (a.Status == 200) != (project == want) || a.Status != 200 && a.Code() != "project_not_found" {
				t.Errorf("the guest reads %s: %d %s; want to see %q alone", project, a.Status, a.Code(), want)
			}
		}
	}
	seen("")
	path := "/v1/projects/" + theirs + "/members"
	owner.must(201, journey.Call{Method: "POST", Path: path, Body: map[string]any{"member_id": member}})
	seen(theirs)
	owner.must(204, journey.Call{Method: "DELETE", Path: path + "/" + member, IfMatch: "*"})
	seen("")
}

// TestWhoComesBackHasTheirHistory removes a colleague, who is invited again, and merges who they were into who they are: hours,
// also those on an invoice, files and tickets are theirs again, and the projects they were put on are not.
func TestWhoComesBackHasTheirHistory(t *testing.T) {
	owner := signUp(t)
	grace, was := owner.colleague("member")
	client := owner.newClient()
	project := owner.newProject(client)
	owner.must(201, journey.Call{Method: "POST", Path: "/v1/projects/" + project + "/members", Body: map[string]any{"member_id": was}})
	entry, file, ticket := grace.newEntry(project), grace.newFileOf("project", project, "Sketches"), grace.newTicket()
	grace.must(201, journey.Call{Method: "POST", Path: ticket + "/messages", Body: map[string]any{"text": "It is in the PDF too."}})
	draft := "/v1/invoices/" + owner.must(202, journey.Call{Method: "POST", Path: "/v1/invoices", Body: map[string]any{"client_id": client, "from_time": map[string]any{"project_ids": []string{project},
		"from": owner.now().AddDate(0, 0, -2).Format(time.DateOnly), "to": owner.now().AddDate(0, 0, 1).Format(time.DateOnly), "rate": eur(9000)}}}).Text("id")
	owner.settle()
	owner.must(204, journey.Call{Method: "DELETE", Path: "/v1/members/" + was, IfMatch: "*"})

	_, token := owner.invite(grace.person.Email, "member")
	grace.logIn()
	is := grace.must(201, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Body: map[string]any{"token": token}}).Text("member.id")
	grace.into(owner.organization)
	grace.must(404, journey.Call{Method: "GET", Path: ticket}) // it is who they were that asked
	owner.must(202, journey.Call{Method: "POST", Path: "/v1/members/" + was + "/merge", IfMatch: "*", Body: map[string]any{"into": is}})
	owner.runLater("merge-members", members.Settle)
	owner.runLater("merge-members", members.Settle)
	if a := owner.must(200, journey.Call{Method: "GET", Path: "/v1/members/" + was}); a.Text("status") != "merged" || a.Text("merged_into") != is {
		t.Errorf("who they were = %s; want it merged", a.Body)
	}
	mine := grace.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries/" + entry})
	if mine.Text("member_id") != is || mine.Text("locked") != "invoiced" {
		t.Errorf("the hours = %s; want them theirs, and on the invoice still", mine.Body)
	}
	if a := grace.must(200, journey.Call{Method: "GET", Path: file}); a.Text("uploaded_by") != is {
		t.Errorf("the file = %s; want it theirs", a.Body)
	}
	if a := grace.must(200, journey.Call{Method: "GET", Path: ticket}); a.Text("member_id") != is || a.Text("messages.0.member_id") != is || a.Text("messages.1.member_id") != is {
		t.Errorf("the ticket = %s; want it theirs", a.Body)
	}
	if a := owner.must(200, journey.Call{Method: "GET", Path: "/v1/projects/" + project + "/members"}); a.Text("data.0.member_id") != "" {
		t.Errorf("on the project are %s; want nobody", a.Body)
	}
	owner.must(204, journey.Call{Method: "DELETE", Path: draft, IfMatch: "*"})
	owner.runLater("assemble-invoice", time.Minute)
	if a := grace.must(200, journey.Call{Method: "GET", Path: "/v1/time-entries/" + entry}); a.Text("locked") != "" {
		t.Errorf("the hours of a deleted draft = %s; want them free", a.Body)
	}
}

// TestTheOwnershipPassesOn offers and accepts it, and sees one owner before and after.
func TestTheOwnershipPassesOn(t *testing.T) {
	owner := signUp(t)
	heir, member := owner.colleague("admin")
	offer := owner.offer(member)
	heir.mailed("offered")
	answers := make([]journey.Answer, 3)
	atOnce(len(answers), func(i int) {
		answers[i] = heir.call(journey.Call{Method: "POST", Path: "/v1/org/ownership-offers/" + offer + "/accept", Body: map[string]any{"password": heir.person.Password}})
	})
	won := 0
	for _, a := range answers {
		if a.Status == 204 {
			won++
		} else if a.Status != 404 {
			t.Errorf("an acceptance among three = %d: %s", a.Status, a.Body)
		}
	}
	owners := 0
	list := owner.must(200, journey.Call{Method: "GET", Path: "/v1/members"})
	for i := range 2 {
		if list.Text(fmt.Sprint("data.", i, ".role")) == "owner" {
			owners++
		}
	}
	if won != 1 || owners != 1 {
		t.Errorf("%d acceptances, %d owners; want one of each", won, owners)
	}
	owner.must(403, journey.Call{Method: "POST", Path: "/v1/org/close", Body: map[string]any{"password": owner.person.Password}})
	owner.must(204, journey.Call{Method: "DELETE", Path: "/v1/members/me"})
	heir.must(409, journey.Call{Method: "DELETE", Path: "/v1/members/me"})
}

// mailed waits for a mail to the person whose subject has a word; it has no token.
func (c *caller) mailed(subject string) {
	c.t.Helper()
	c.settle()
	mails, err := c.Mails(c.t.Context(), c.person.Email)
	if err != nil || len(mails) == 0 {
		c.t.Fatalf("no mail about %s: %v", subject, err)
	}
}

// TestAClosedOrganizationOpensAgain closes one, and opens it when it takes no calls any more.
func TestAClosedOrganizationOpensAgain(t *testing.T) {
	p := signUp(t)
	p.must(202, journey.Call{Method: "POST", Path: "/v1/org/close", Body: map[string]any{"password": p.person.Password}})
	p.runLater("close-organizations", 2*time.Minute)
	p.must(401, journey.Call{Method: "GET", Path: "/v1/org"})
	p.logIn() // into no organization
	p.must(204, journey.Call{Method: "POST", Path: "/v1/org/reopen", Body: map[string]any{"organization_id": p.organization, "password": p.person.Password}})
	p.logIn()
	p.must(200, journey.Call{Method: "GET", Path: "/v1/org"})
}

// TestASecondFactorIsAskedOfMembers turns the setting on with a factor, and sees a member without one stopped.
func TestASecondFactorIsAskedOfMembers(t *testing.T) {
	owner := signUp(t)
	grace, _ := owner.colleague("member")
	demand := journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"require_second_factor": true}}
	owner.must(409, demand)
	k := access.UserGateKey(id.User(owner.user))
	gate := owner.row(k)
	gate["second_factor"] = true
	owner.put(k, "USERGATE", gate)
	owner.must(200, demand)
	if a := grace.must(403, journey.Call{Method: "GET", Path: "/v1/members"}); a.Code() != "second_factor_required" {
		t.Errorf("a member without a second factor is answered %s; want second_factor_required", a.Code())
	}
	grace.must(200, journey.Call{Method: "GET", Path: "/v1/me"})
	owner.must(200, journey.Call{Method: "GET", Path: "/v1/members"})
	grace.must(204, journey.Call{Method: "DELETE", Path: "/v1/members/me"})
}

// TestGuessesAboutOrganizationsAreCounted guesses at each place where an organization asks for a password.
func TestGuessesAboutOrganizationsAreCounted(t *testing.T) {
	owner := signUp(t)
	heir, member := owner.colleague("admin")
	offer := owner.offer(member)
	const guess = "not the password of anybody"
	known := signUp(t)
	_, token := owner.invite(known.person.Email, "member")
	for _, tt := range []struct {
		by   *caller
		path string
		body map[string]any
		want int
	}{
		{owner, "/v1/org/ownership-offers", map[string]any{"member_id": member}, 403},
		{heir, "/v1/org/ownership-offers/" + offer + "/accept", map[string]any{}, 403},
		{owner, "/v1/org/close", map[string]any{}, 403},
		{owner, "/v1/org/reopen", map[string]any{"organization_id": owner.organization}, 403},
		{owner, "/v1/auth/invitations/accept", map[string]any{"token": token}, 401},
	} {
		tt.body["password"] = guess
		for range 10 {
			tt.by.must(tt.want, journey.Call{Method: "POST", Path: tt.path, Body: tt.body})
		}
		if a := tt.by.must(429, journey.Call{Method: "POST", Path: tt.path, Body: tt.body}); a.Header.Get("Retry-After") == "" {
			t.Errorf("%s = 429 without Retry-After", tt.path)
		}
	}
}

// TestAnAccountAcceptsByItsPassword accepts signed out, comes back after an end that left a membership behind, and is told
// when it is a member already.
func TestAnAccountAcceptsByItsPassword(t *testing.T) {
	owner, grace := signUp(t), signUp(t)
	accept := func(want int) journey.Answer {
		t.Helper()
		_, token := owner.invite(grace.person.Email, "member")
		return grace.must(want, journey.Call{Method: "POST", Path: "/v1/auth/invitations/accept", Body: map[string]any{"token": token, "password": grace.person.Password}})
	}
	member := accept(201).Text("member.id")
	invitation := accept(409)
	if invitation.Code() != "already_member" {
		t.Errorf("a second acceptance = %s; want already_member", invitation.Code())
	}
	owner.remove(access.AccessKey(id.Organization(owner.organization), id.Member(member)), "user")
	open := owner.must(200, journey.Call{Method: "GET", Path: "/v1/invitations"}).Text("data.0.id")
	k := store.OrganizationScope(id.Organization(owner.organization)).Key(invitations.FamilyInviting, cloud.Clock.Now().Format(time.DateOnly))
	owner.put(k, "INVITING", map[string]any{"count": 200})
	resend := journey.Call{Method: "POST", Path: "/v1/invitations/" + open + "/resend"}
	owner.must(429, resend)
	owner.put(k, "INVITING", map[string]any{"count": 200, "expires_at": cloud.Clock.Now().Unix() - 1})
	owner.must(200, resend)
	owner.must(204, journey.Call{Method: "DELETE", Path: "/v1/invitations/" + open})
	_, token := owner.invite(grace.person.Email, "manager")
	grace.must(201, journey.Call{Method: "POST", Path: "/v1/auth/invitations/join", Key: "a key", Body: map[string]any{"token": token}})
	owner.must(200, journey.Call{Method: "GET", Path: "/v1/audit"})
}

// TestTheFirstInvitationsOfADay lets the answer about the day's count be lost, and lets two count the first at once: the
// loser was once refused as one too many, by a role that could not look.
func TestTheFirstInvitationsOfADay(t *testing.T) {
	p := signUp(t)
	invitations := func() journey.Call {
		return journey.Call{Method: "POST", Path: "/v1/invitations", Body: map[string]any{"invitations": []map[string]any{{"email": journey.NewPerson().Email, "role": "member"}}}}
	}
	id := p.lost("PutItem", 200, invitations()).Text("data.0.invitation.id")
	pass(25 * time.Hour)
	p.logIn()
	p.lost("PutItem", 200, journey.Call{Method: "POST", Path: "/v1/invitations/" + id + "/resend"})
	pass(25 * time.Hour)
	p.logIn()
	cloud.Door.Slow(20 * time.Millisecond)
	atOnce(4, func(int) { p.must(200, invitations()) })
	cloud.Door.Slow(0)
}
