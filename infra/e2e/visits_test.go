package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
)

// visit lets one of our own people look into somebody's organization, and gives the visit's id and whose it is.
func (c *caller) visit(q *caller) (id, staff string) {
	c.t.Helper()
	a := c.must(201, journey.Call{Method: "POST", Path: "/v1/admin/support-access", Body: visitBody(q)})
	return a.Text("id"), a.Text("staff_id")
}

func visitBody(q *caller) map[string]any {
	return map[string]any{"organization_id": q.organization, "reason": "security_incident", "explanation": "Many failed logins were seen.",
		"data": []string{"organization", "members", "projects", "invoices"}}
}

func visitSteps() []step {
	// inside makes the person an agent with a visit to somebody's organization.
	inside := func(operation, path string) step {
		return step{operation: operation, status: 200, alone: true, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.SupportAgent)
			p.visit(q)
			return journey.Call{Method: "GET", Path: "/v1/admin/organizations/" + q.organization + path}
		}}
	}
	return []step{
		{operation: "create-support-access", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.SupportAgent)
			return journey.Call{Method: "POST", Path: "/v1/admin/support-access", Body: visitBody(q), Key: "key-" + unique()}
		}},
		{operation: "list-active-support-access", status: 200, prepare: func(p *caller) journey.Call {
			p.appoint(access.SupportAgent)
			if err := p.Sweep(p.t.Context()); err != nil { // or visits that are over are passed by
				p.t.Fatal(err)
			}
			return journey.Call{Method: "GET", Path: "/v1/admin/support-access?limit=1"}
		}},
		{operation: "end-support-access", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			q := bystander(p.t)
			p.appoint(access.SupportAgent)
			_, staff := p.visit(q)
			return journey.Call{Method: "POST", Path: "/v1/admin/organizations/" + q.organization + "/support-access/" + staff + "/end", Key: "key-" + unique()}
		}},
		inside("get-supported-organization", ""),
		inside("list-supported-members", "/members"),
		inside("list-supported-projects", "/projects"),
		inside("list-supported-invoices", "/invoices"),
		{operation: "list-support-access", status: 200, prepare: get("/v1/org/support-access")},
		{operation: "revoke-support-access", status: 200, prepare: func(p *caller) journey.Call {
			visit, _ := staff(p.t, access.SupportAgent).visit(p)
			return journey.Call{Method: "POST", Path: "/v1/org/support-access/" + visit + "/revoke", Key: "key-" + unique()}
		}},
	}
}

// queued makes a ticket as somebody else, and gives its path at the desk once the queue has it.
func queued(t testing.TB) string {
	t.Helper()
	q := bystander(t)
	at := strings.Replace(q.newTicket(), "/v1/support/", "/v1/admin/", 1)
	q.settle()
	return at
}

func deskSteps() []step {
	// work makes the person an agent, and a call about a ticket of somebody else's.
	work := func(operation, method, path string, status int, body map[string]any) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			at := queued(p.t)
			p.appoint(access.SupportAgent)
			c := journey.Call{Method: method, Path: at + path}
			if body != nil {
				c.Body = body
			}
			if method == "POST" {
				c.IfMatch, c.Key = p.etag(at), "key-"+unique()
			}
			return c
		}, again: []int{409, 412}}
	}
	return []step{
		{operation: "list-support-tickets", status: 200, prepare: func(p *caller) journey.Call {
			p.appoint(access.SupportAgent)
			return journey.Call{Method: "GET", Path: "/v1/admin/tickets?limit=1"}
		}},
		work("get-support-ticket", "GET", "", 200, nil),
		work("answer-ticket", "POST", "/messages", 201, map[string]any{"text": "See the client's tax."}),
		work("assign-ticket", "POST", "/assign", 200, nil),
		work("close-support-ticket", "POST", "/close", 200, nil),
	}
}

func flagSteps() []step {
	body := func(q *caller) map[string]any {
		return map[string]any{"subject": map[string]any{"kind": "account", "id": q.user}, "ground": "phishing", "measure": "pause", "explanation": "Three recipients reported invoices that ask for passwords."}
	}
	// flagged makes the person the lead of security, and a call about a flag that a colleague has raised.
	flagged := func(operation, method, path string, status int, with any) step {
		return step{operation: operation, status: status, prepare: func(p *caller) journey.Call {
			at := "/v1/admin/abuse-flags/" + colleague(p.t, access.SecurityLead, 1).must(201, journey.Call{Method: "POST", Path: "/v1/admin/abuse-flags", Body: body(signUp(p.t))}).Text("id")
			p.appoint(access.SecurityLead)
			c := journey.Call{Method: method, Path: at + path, Body: with}
			if method == "POST" {
				c.IfMatch, c.Key = p.etag(at), "key-"+unique()
			}
			return c
		}, again: []int{404, 412}}
	}
	return []step{
		{operation: "create-abuse-flag", status: 201, prepare: func(p *caller) journey.Call {
			q := signUp(p.t)
			p.appoint(access.SecurityLead)
			return journey.Call{Method: "POST", Path: "/v1/admin/abuse-flags", Body: body(q), Key: "key-" + unique()}
		}},
		{operation: "list-abuse-flags", status: 200, prepare: func(p *caller) journey.Call {
			p.appoint(access.SecurityLead)
			return journey.Call{Method: "GET", Path: "/v1/admin/abuse-flags?limit=1"}
		}},
		flagged("get-abuse-flag", "GET", "", 200, nil),
		flagged("review-abuse-flag", "POST", "/review", 200, map[string]any{"days": 14}),
		flagged("lift-abuse-flag", "POST", "/lift", 204, nil),
	}
}

// childReport files a report that the account of somebody is a child's, as somebody who is nobody's, and gives the token of
// the link that they are mailed.
func (c *caller) childReport() string {
	c.t.Helper()
	reporter := &caller{Client: c.Client, t: c.t, person: journey.NewPerson()}
	reporter.must(202, journey.Call{Method: "POST", Path: "/v1/privacy/child-reports", Token: "none", Headers: elsewhere(), Body: childReportBody(c.person.Email, reporter.person.Email)})
	return reporter.mailToken("child's account")
}

func childReportBody(of, by string) map[string]any {
	return map[string]any{"email": of, "reporter_email": by, "relation": "parent", "explanation": "He is eleven.", "true_to_my_knowledge": true}
}

// elsewhere is an address that nobody has called from.
func elsewhere() map[string]string {
	n := sequence.Add(1)
	return map[string]string{"X-Local-Viewer": fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)}
}

func childReportSteps() []step {
	return []step{
		{operation: "create-child-report", status: 202, public: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/privacy/child-reports", Headers: elsewhere(), Body: childReportBody(p.person.Email, journey.NewPerson().Email)}
		}},
		{operation: "confirm-child-report", status: 202, public: true, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/privacy/child-reports/confirm", Body: map[string]any{"token": p.childReport()}}
		}},
	}
}

// TestAChildsAccountIsReported goes the way of a report: the account is frozen, people decide, and nothing is left of it.
func TestAChildsAccountIsReported(t *testing.T) {
	p, officer := signUp(t), staff(t, access.PrivacyOfficer)
	id := p.must(202, journey.Call{Method: "POST", Path: "/v1/privacy/child-reports/confirm", Token: "none", Body: map[string]any{"token": p.childReport()}}).Text("id")
	if a := p.call(journey.Call{Method: "GET", Path: "/v1/clients"}); a.Status != 403 || a.Text("code") != "account_frozen" {
		t.Errorf("a reported account reads: %d %s; want 403 account_frozen", a.Status, a.Text("code"))
	}
	p.settle()
	if m := p.mails("paused while we check"); len(m) != 1 || !strings.Contains(m[0].Text, "you have done nothing wrong") {
		t.Errorf("the mails to the account = %+v; want one that says what happened", m)
	}
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	path := "/v1/admin/cases/" + id
	officer.must(200, journey.Call{Method: "POST", Path: path + "/decide", IfMatch: officer.etag(path), Body: map[string]any{"items": []map[string]any{{"name": "account", "decision": "act"},
		{"name": "proofs", "decision": "retain", "ground": "legal_obligation", "until": p.now().AddDate(7, 0, 0)}}}})
	for range 2 {
		p.runLater("work-requests", 2*time.Minute)
	}
	p.settle()
	pass(31 * 24 * time.Hour) // what ages by itself: the bindings of sent mails, ids alone
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if mark := p.left(); mark != "" {
		t.Errorf("the child's account was erased and %s is still there", mark)
	}
}

// TestAnOrganizationIsToldOfAVisit reads the mail to its owner, finds the use on its record, and ends the visit.
func TestAnOrganizationIsToldOfAVisit(t *testing.T) {
	p, agent := signUp(t), staff(t, access.SupportAgent)
	p.newInvoice()
	visit, who := agent.visit(p)
	p.settle()
	if m := p.mails("look into your organization"); len(m) != 1 || !strings.Contains(m[0].Text, "Many failed logins were seen.") || !strings.Contains(m[0].Text, who) {
		t.Errorf("the mails to the owner = %+v; want one with the reason, and who", m)
	}
	look := journey.Call{Method: "GET", Path: "/v1/admin/organizations/" + p.organization + "/invoices"}
	if n := strings.Count(string(agent.must(200, look).Body), `"inv_`); n != 1 {
		t.Errorf("the agent sees %d invoices; want the one there is", n)
	}
	record := string(p.must(200, journey.Call{Method: "GET", Path: "/v1/audit?object=" + visit}).Body)
	if !strings.Contains(record, `"list-supported-invoices"`) || !strings.Contains(record, who) {
		t.Errorf("the organization's record = %s; want the use of the visit", record)
	}
	p.must(200, journey.Call{Method: "POST", Path: "/v1/org/support-access/" + visit + "/revoke"})
	if a := agent.call(look); a.Status != 403 || a.Text("code") != "support_access_required" {
		t.Errorf("after its end = %d %s; want 403 support_access_required", a.Status, a.Text("code"))
	}
}

// TestAReportIsTurnedDown takes a report on, extends it, is refused a step of what jobs do, and denies it: the account is
// open again.
func TestAReportIsTurnedDown(t *testing.T) {
	p, officer := signUp(t), staff(t, access.PrivacyOfficer)
	id := p.must(202, journey.Call{Method: "POST", Path: "/v1/privacy/child-reports/confirm", Token: "none", Body: map[string]any{"token": p.childReport()}}).Text("id")
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	path := "/v1/admin/cases/" + id
	act := func(verb string, status int, body any) {
		t.Helper()
		officer.must(status, journey.Call{Method: "POST", Path: path + verb, IfMatch: officer.etag(path), Body: body, Key: "key-" + unique()})
	}
	act("/assign", 200, nil)
	act("/extend", 200, map[string]any{"reason": "complexity", "explanation": "The school must answer first."})
	act("/steps", 409, map[string]any{"item": "account", "outcome": "done"})
	act("/deny", 200, map[string]any{"reason": "found_accurate", "explanation": "The person is of age."})
	p.must(200, journey.Call{Method: "GET", Path: "/v1/clients"})
	p.settle()

	reporter := journey.NewPerson().Email
	for n, want := range []int{202, 202, 202, 429} {
		a := p.call(journey.Call{Method: "POST", Path: "/v1/privacy/child-reports", Token: "none", Headers: elsewhere(), Body: childReportBody(p.person.Email, reporter)})
		if a.Status != want {
			t.Errorf("report %d of one reporter = %d; want %d", n+1, a.Status, want)
		}
	}
}

// TestFlagsOfEveryKind raises, reviews and lifts each measure on an account and an organization.
func TestFlagsOfEveryKind(t *testing.T) {
	p, lead, other := signUp(t), staff(t, access.SecurityLead), staff(t, access.SecurityLead)
	for _, s := range []map[string]any{{"kind": "account", "id": p.user}, {"kind": "organization", "id": p.organization}} {
		for _, measure := range []string{"watch", "pause"} {
			raise := journey.Call{Method: "POST", Path: "/v1/admin/abuse-flags", Key: "key-" + unique(),
				Body: map[string]any{"subject": s, "ground": "spam", "measure": measure, "explanation": "A thousand mails in an hour."}}
			path := "/v1/admin/abuse-flags/" + lead.must(201, raise).Text("id")
			lead.must(201, raise)
			review := journey.Call{Method: "POST", Path: path + "/review", IfMatch: other.etag(path), Body: map[string]any{"days": 30}, Key: "key-" + unique()}
			other.must(200, review)
			other.must(200, review)
			if a := p.call(journey.Call{Method: "POST", Path: "/v1/clients", Body: clientBody()}); (a.Status == 403) != (measure == "pause") {
				t.Errorf("%s of an %s: a change is %d", measure, s["kind"], a.Status)
			}
			other.must(204, journey.Call{Method: "POST", Path: path + "/lift", IfMatch: other.etag(path)})
		}
	}
}

// TestAVisitForATicket looks into an organization because of what it asked.
func TestAVisitForATicket(t *testing.T) {
	p, agent := signUp(t), staff(t, access.SupportAgent)
	at := p.newTicket()
	body := visitBody(p)
	body["reason"], body["ticket_id"] = "ticket", at[strings.LastIndex(at, "/")+1:]
	agent.must(201, journey.Call{Method: "POST", Path: "/v1/admin/support-access", Body: body})
}

// TestLinesGoWithWhomTheyAreAbout erases flagged accounts, and an organization with a flag and a ticket, in each of the ways
// that there are: no line of a list of ours is left that leads to them.
func TestLinesGoWithWhomTheyAreAbout(t *testing.T) {
	lead := staff(t, access.SecurityLead)
	flag := func(kind, id string) {
		t.Helper()
		lead.must(201, journey.Call{Method: "POST", Path: "/v1/admin/abuse-flags", Body: map[string]any{"subject": map[string]any{"kind": kind, "id": id}, "ground": "spam", "measure": "watch",
			"explanation": "A thousand mails in an hour.", "days": 90}})
	}
	people := []*caller{signUp(t), signUp(t), signUp(t)}
	for _, p := range people {
		p.newTicket()
		p.settle()
		flag("account", p.user)
		flag("organization", p.organization)
	}
	byRequest, bySchedule, byWake := people[0], people[1], people[2]
	byRequest.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		byRequest.settle()
		byRequest.runLater("work-requests", 2*time.Minute)
	}
	for _, p := range []*caller{bySchedule, byWake} {
		p.logIn()
		p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
		p.settle()
		p.runLater("close-organizations", 2*time.Minute)
		if p == bySchedule {
			p.purge()
		}
	}
	pass(30*24*time.Hour + 5*time.Minute)
	if err := byWake.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	byWake.settle()
	for n, p := range people {
		for _, id := range []string{p.user, p.organization} {
			if n == 0 && id == p.organization {
				continue // it stays
			}
			rows, err := cloud.Rows(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if row := fmt.Sprint(r); strings.Contains(row, "PLATFORM#FLAGLIST") && strings.Contains(row, id) || strings.Contains(row, "PLATFORM#SUPPORTQUEUE") && strings.Contains(row, id) {
					t.Errorf("a line leads to %s, who has gone: %s", id, row)
				}
			}
		}
	}
}
