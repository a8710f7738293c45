package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/store"
)

// step is one operation in a case that ends well, with what must be there before it. The unit ledger, the proof of the
// roles and the fault tests are made of the same steps.
type step struct {
	operation string
	status    int
	alone     bool                                // whether the step uses its person up
	prepare   func(p *caller) journey.Call        // what comes before, and the call
	check     func(t testing.TB, p *caller) error // what must hold however often the call was made; nil for nothing
	again     []int                               // what a repeat of the call may answer besides status
	moves     bool                                // whether it moves the clock
	public    bool                                // called without a token
	cleanup   func(p *caller)                     // leaves the person as before
}

var sequence atomic.Int64

// unique gives a text of constant length that no other has.
func unique() string { return fmt.Sprintf("%06d", sequence.Add(1)) }

// key gives a project key that no other has.
func projectKey() string {
	n := sequence.Add(1)
	letters := make([]byte, 6)
	for i := range letters {
		letters[i] = byte('A' + n%26)
		n /= 26
	}
	return string(letters)
}

func (c *caller) newClient() string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/clients", Body: clientBody()}).Text("id")
}

// newContact adds a person to a client and gives their path.
func (c *caller) newContact(client string) string {
	c.t.Helper()
	path := "/v1/clients/" + client + "/contacts"
	return path + "/" + c.must(201, journey.Call{Method: "POST", Path: path, Body: map[string]any{"name": "Cleo " + unique(), "roles": []string{"billing"}}}).Text("id")
}

func clientBody() map[string]any {
	return map[string]any{"name": "Example Bakery " + unique(), "currency": "EUR"}
}

func (c *caller) newProject(client string) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/projects", Body: projectBody(client)}).Text("id")
}

func projectBody(client string) map[string]any {
	b := map[string]any{"key": projectKey(), "name": "Site " + unique()}
	if client != "" {
		b["client_id"] = client
	}
	return b
}

func (c *caller) now() time.Time { return cloud.Clock.Now().Truncate(time.Second) }

func (c *caller) entryBody(project string) map[string]any {
	now := c.now()
	return map[string]any{"project_id": project, "note": "Meeting " + unique(), "time_zone": "Europe/Berlin",
		"start": now.Add(-2 * time.Hour).Format(time.RFC3339), "end": now.Add(-time.Hour).Format(time.RFC3339)}
}

func (c *caller) newEntry(project string) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/time-entries", Body: c.entryBody(project)}).Text("id")
}

func (c *caller) etag(path string) string {
	c.t.Helper()
	return c.must(200, journey.Call{Method: "GET", Path: path}).Header.Get("ETag")
}

func (c *caller) range_() string {
	now := c.now()
	return "?from=" + now.AddDate(0, 0, -2).Format(time.DateOnly) + "&to=" + now.AddDate(0, 0, 1).Format(time.DateOnly)
}

// startTimer starts a timer in a project of its own, and ends any other.
func (c *caller) startTimer() {
	c.t.Helper()
	c.must(201, journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": c.project(), "on_running": "stop"}})
}

func (c *caller) discardTimer() {
	c.call(journey.Call{Method: "DELETE", Path: "/v1/timer"})
}

// project gives one project of the person, made at the first call.
func (c *caller) project() string {
	c.t.Helper()
	if c.ownProject == "" {
		c.ownProject = c.newProject("")
	}
	return c.ownProject
}

// leads makes the person a lead of a project of theirs.
func (c *caller) leads(project string) {
	c.t.Helper()
	c.must(201, journey.Call{Method: "POST", Path: "/v1/projects/" + project + "/members", Body: map[string]any{"member_id": c.self(), "role": "lead"}})
}

// working gives one project that the person works on, as who sees their own alone must: they lead it.
func (c *caller) working() string {
	c.t.Helper()
	if c.ownWork == "" {
		c.ownWork = c.newProject("")
		c.leads(c.ownWork)
	}
	return c.ownWork
}

// self is the person's member id in the organization of their token.
func (c *caller) self() string {
	c.t.Helper()
	return c.claim("mbr")
}

// onProject makes the person a lead of a project of their own and gives the path of that.
func (c *caller) onProject() string {
	c.t.Helper()
	project := c.newProject("")
	c.leads(project)
	return "/v1/projects/" + project + "/members/" + c.self()
}

func get(path string) func(*caller) journey.Call {
	return func(*caller) journey.Call { return journey.Call{Method: "GET", Path: path} }
}

// count gives how many things a list holds that were made with a note or name.
func count(p *caller, path, mark string) int {
	a := p.must(200, journey.Call{Method: "GET", Path: path})
	return strings.Count(string(a.Body), mark)
}

// once checks that a list holds exactly one thing with a mark: that of the call's body, when no other is given.
func once(path func(*caller) string, marks ...string) func(testing.TB, *caller) error {
	return func(_ testing.TB, p *caller) error {
		mark := p.mark
		if len(marks) > 0 {
			mark = marks[0]
		}
		if n := count(p, path(p), mark); n != 1 {
			return fmt.Errorf("%d things with %q are there; want 1", n, mark)
		}
		return nil
	}
}

// steps lists a step for every route, and for every job that can be run by itself. They are made anew for each use,
// because they remember what they prepared.
func steps() []step {
	var all []step
	add := func(s step) { all = append(all, s) }
	for operation, path := range map[string]string{
		"get-health": "/v1/health", "get-openapi": "/v1/openapi.json", "get-docs": "/v1/docs",
		"get-policy": "/v1/privacy/policy", "list-policy-versions": "/v1/privacy/policy/versions", "get-policy-version": "/v1/privacy/policy/versions/1",
		"get-data-map": "/v1/privacy/data-map", "list-subprocessors": "/v1/privacy/subprocessors", "list-purposes": "/v1/privacy/purposes",
		"list-cookies": "/v1/privacy/cookies", "get-gpc": "/.well-known/gpc.json", "get-jwks": "/.well-known/jwks.json",
	} {
		add(step{operation: operation, status: 200, public: true, prepare: get(path)})
	}
	for operation, path := range map[string]string{
		"get-account": "/v1/me", "list-my-organizations": "/v1/me/organizations", "get-notification-choices": "/v1/me/notifications", "get-organization": "/v1/org", "list-consents": "/v1/privacy/consents", "list-disclosures": "/v1/privacy/disclosures", "list-objections": "/v1/privacy/objections", "list-notices": "/v1/privacy/notices",
		"list-requests": "/v1/dsr", "list-clients": "/v1/clients", "list-projects": "/v1/projects", "list-files": "/v1/files", "list-tickets": "/v1/support/tickets",
		"list-invoices": "/v1/invoices", "list-payments": "/v1/payments", "list-sessions": "/v1/me/sessions", "list-api-tokens": "/v1/me/api-tokens",
	} {
		add(step{operation: operation, status: 200, prepare: get(path)})
	}
	all = append(all, authSteps()...)
	all = append(all, memberSteps()...)
	all = append(all, passwordSteps()...)
	all = append(all, workSteps()...)
	all = append(all, invoiceSteps()...)
	all = append(all, paymentSteps()...)
	all = append(all, privacySteps()...)
	all = append(all, staffSteps()...)
	all = append(all, visitSteps()...)
	all = append(all, referralSteps()...)
	all = append(all, deskSteps()...)
	all = append(all, flagSteps()...)
	all = append(all, childReportSteps()...)
	all = append(all, fileSteps()...)
	all = append(all, pictureSteps()...)
	all = append(all, supportSteps()...)
	all = append(all, factorSteps()...)
	all = append(all, passkeySteps()...)
	return all
}

func (c *caller) newTicket() string {
	c.t.Helper()
	return "/v1/support/tickets/" + c.must(201, journey.Call{Method: "POST", Path: "/v1/support/tickets", Body: ticketBody()}).Text("id")
}

func ticketBody() map[string]any {
	return map[string]any{"subject": "Question " + unique(), "text": "Where do I find it?"}
}

func supportSteps() []step {
	ticket := func(operation, method, path string, body any) step {
		return step{operation: operation, status: 200, prepare: func(p *caller) journey.Call {
			at := p.newTicket()
			if operation == "reopen-ticket" {
				p.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: p.etag(at)})
			}
			c := journey.Call{Method: method, Path: at + path, Body: body}
			if method != "GET" {
				c.IfMatch = p.etag(at)
			}
			return c
		}, again: []int{412}}
	}
	return []step{
		{operation: "create-ticket", status: 201, prepare: func(p *caller) journey.Call {
			body := ticketBody()
			p.mark = body["subject"].(string)
			return journey.Call{Method: "POST", Path: "/v1/support/tickets", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/support/tickets?status=open&limit=200" })},
		ticket("get-ticket", "GET", "", nil),
		ticket("update-ticket", "PATCH", "", map[string]any{"priority": "high"}),
		ticket("close-ticket", "POST", "/close", nil),
		ticket("reopen-ticket", "POST", "/reopen", nil),
		{operation: "rate-ticket", status: 200, prepare: func(p *caller) journey.Call {
			at := p.newTicket()
			p.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: p.etag(at)})
			return journey.Call{Method: "POST", Path: at + "/rating", Body: map[string]any{"score": 5, "comment": "Quick."}}
		}},
		{operation: "rate-mail-ticket", status: 200, public: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/support/ratings", Body: map[string]any{"pass": p.closedByMail(), "score": 4}}
		}},
		{operation: "create-ticket-message", status: 201, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: p.newTicket() + "/messages", Body: map[string]any{"text": "It is in the PDF too."}, Key: "key-" + unique()}
		}},
	}
}

func workSteps() []step {
	client := func(verb string, status int, path string, body any) step {
		return step{operation: verb + "-client", status: status, prepare: func(p *caller) journey.Call {
			id := p.newClient()
			if verb == "restore" {
				p.must(200, journey.Call{Method: "POST", Path: "/v1/clients/" + id + "/archive", IfMatch: p.etag("/v1/clients/" + id)})
			}
			method := map[string]string{"get": "GET", "update": "PATCH", "delete": "DELETE"}[verb]
			if method == "" {
				method = "POST"
			}
			c := journey.Call{Method: method, Path: "/v1/clients/" + id + path, Body: body}
			if verb != "get" {
				c.IfMatch = p.etag("/v1/clients/" + id)
			}
			return c
		}, again: []int{404, 409, 412}}
	}
	project := func(verb string, status int, path string, body any) step {
		return step{operation: verb + "-project", status: status, prepare: func(p *caller) journey.Call {
			id := p.newProject(p.newClient())
			if verb == "restore" {
				p.must(200, journey.Call{Method: "POST", Path: "/v1/projects/" + id + "/archive", IfMatch: p.etag("/v1/projects/" + id)})
			}
			if verb == "get" || verb == "update" { // guests see what they work on, members change what they lead
				p.leads(id)
			}
			method := map[string]string{"get": "GET", "update": "PATCH", "delete": "DELETE"}[verb]
			if method == "" {
				method = "POST"
			}
			c := journey.Call{Method: method, Path: "/v1/projects/" + id + path, Body: body}
			if verb != "get" {
				c.IfMatch = p.etag("/v1/projects/" + id)
			}
			return c
		}, again: []int{404, 409, 412}}
	}
	entry := func(verb, method string, status int, body any) step {
		return step{operation: verb + "-time-entry", status: status, prepare: func(p *caller) journey.Call {
			path := "/v1/time-entries/" + p.newEntry(p.working())
			c := journey.Call{Method: method, Path: path, Body: body}
			if verb != "get" {
				c.IfMatch = p.etag(path)
			}
			return c
		}, again: []int{404, 412}}
	}
	return []step{
		{operation: "create-client", status: 201, prepare: func(p *caller) journey.Call {
			body := clientBody()
			body["email"] = unique() + "@example.com"
			p.mark = body["name"].(string)
			return journey.Call{Method: "POST", Path: "/v1/clients", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/clients?limit=200" })},
		client("get", 200, "", nil),
		client("update", 200, "", map[string]any{"notes": "Pays late", "email": "office@example.com"}),
		client("archive", 200, "/archive", nil),
		client("restore", 200, "/restore", nil),
		client("delete", 204, "", nil),
		{operation: "create-contact", status: 201, prepare: func(p *caller) journey.Call {
			p.mark = "Cleo " + unique()
			p.ownClient = p.newClient()
			return journey.Call{Method: "POST", Path: "/v1/clients/" + p.ownClient + "/contacts", Body: map[string]any{"name": p.mark}, Key: "key-" + unique()}
		}, check: once(func(p *caller) string { return "/v1/clients/" + p.ownClient + "/contacts" })},
		{operation: "list-contacts", status: 200, prepare: func(p *caller) journey.Call {
			client, _, _ := strings.Cut(p.newContact(p.newClient()), "/contacts/")
			return journey.Call{Method: "GET", Path: client + "/contacts"}
		}},
		{operation: "get-contact", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: p.newContact(p.newClient())}
		}},
		{operation: "update-contact", status: 200, prepare: func(p *caller) journey.Call {
			path := p.newContact(p.newClient())
			return journey.Call{Method: "PATCH", Path: path, IfMatch: p.etag(path), Body: map[string]any{"job_title": "Bookkeeper"}}
		}, again: []int{412}},
		{operation: "delete-contact", status: 204, prepare: func(p *caller) journey.Call {
			path := p.newContact(p.newClient())
			return journey.Call{Method: "DELETE", Path: path, IfMatch: p.etag(path)}
		}, again: []int{404, 412}},
		{operation: "export-client", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/clients/" + p.newClient() + "/export"}
		}},
		{operation: "erase-client", status: 202, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/clients/" + p.newClient() + "/erasure", Key: "key-" + unique()}
		}},
		{operation: "create-project", status: 201, prepare: func(p *caller) journey.Call {
			body := projectBody(p.newClient())
			p.mark = body["name"].(string)
			return journey.Call{Method: "POST", Path: "/v1/projects", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/projects?limit=200" })},
		project("get", 200, "", nil),
		project("update", 200, "", map[string]any{"description": "A new one"}),
		project("archive", 200, "/archive", nil),
		project("restore", 200, "/restore", nil),
		project("delete", 202, "", nil),
		{operation: "list-project-members", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/projects/" + p.project() + "/members"}
		}},
		{operation: "create-project-member", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			project := p.newProject("")
			p.leads(project)
			_, member := p.colleague("guest")
			return journey.Call{Method: "POST", Path: "/v1/projects/" + project + "/members", Body: map[string]any{"member_id": member}, Key: "key-" + unique()}
		}},
		{operation: "update-project-member", status: 200, prepare: func(p *caller) journey.Call {
			path := p.onProject()
			return journey.Call{Method: "PATCH", Path: path, IfMatch: `"1"`, Body: map[string]any{"role": "lead"}}
		}, again: []int{412}},
		{operation: "delete-project-member", status: 204, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "DELETE", Path: p.onProject(), IfMatch: `"1"`}
		}, again: []int{404}},
		{operation: "start-timer", status: 201, prepare: func(p *caller) journey.Call {
			p.working()
			p.discardTimer()
			return journey.Call{Method: "POST", Path: "/v1/timer", Body: map[string]any{"project_id": p.working()}, Key: "key-" + unique()}
		}, check: running, cleanup: (*caller).discardTimer, again: []int{409}},
		{operation: "get-timer", status: 200, prepare: func(p *caller) journey.Call {
			p.startTimer()
			return journey.Call{Method: "GET", Path: "/v1/timer"}
		}},
		{operation: "stop-timer", status: 201, prepare: func(p *caller) journey.Call {
			p.startTimer()
			return journey.Call{Method: "POST", Path: "/v1/timer/stop", Key: "key-" + unique()}
		}, again: []int{404}},
		{operation: "discard-timer", status: 204, prepare: func(p *caller) journey.Call {
			p.startTimer()
			return journey.Call{Method: "DELETE", Path: "/v1/timer"}
		}, again: []int{404}},
		{operation: "create-time-entry", status: 201, prepare: func(p *caller) journey.Call {
			body := p.entryBody(p.working())
			p.mark = body["note"].(string)
			return journey.Call{Method: "POST", Path: "/v1/time-entries", Body: body, Key: "key-" + unique()}
		}, check: once(func(p *caller) string { return "/v1/time-entries" + p.range_() + "&limit=200" })},
		entry("get", "GET", 200, nil),
		entry("update", "PATCH", 200, map[string]any{"note": "Meeting, longer"}),
		entry("delete", "DELETE", 204, nil),
		{operation: "list-time-entries", status: 200, prepare: func(p *caller) journey.Call {
			day := p.now().Format(time.DateOnly) // of one month, whatever the date is
			return journey.Call{Method: "GET", Path: "/v1/time-entries?from=" + day + "&to=" + day}
		}},
	}
}

// running checks that exactly one timer runs.
func running(_ testing.TB, p *caller) error {
	if a := p.call(journey.Call{Method: "GET", Path: "/v1/timer"}); a.Status != 200 {
		return fmt.Errorf("no timer runs: %d %s", a.Status, a.Body)
	}
	return nil
}

func privacySteps() []step {
	file := func(p *caller, kind string) string {
		p.t.Helper()
		return p.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": kind, "description": "Please."}}).Text("id")
	}
	return []step{
		{operation: "create-mail-request", status: 201, public: true, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(), Body: map[string]any{"email": journey.NewPerson().Email, "type": "access"}}
		}, again: []int{429}},
		{operation: "create-request-code", status: 202, public: true, prepare: func(p *caller) journey.Call {
			_, pass := p.byMail()
			return journey.Call{Method: "POST", Path: "/v1/dsr/mail/code", Body: map[string]any{"pass": pass}}
		}},
		{operation: "open-mail-request", status: 200, public: true, prepare: func(p *caller) journey.Call {
			s, pass := p.byMail()
			return journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": s.mailedCode(pass)}}
		}, again: []int{403}},
		{operation: "acknowledge-notice", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/privacy/notices/" + p.notice() + "/acknowledgement", Key: "key-" + unique()}
		}},
		{operation: "create-consent", status: 201, prepare: func(p *caller) journey.Call {
			p.call(journey.Call{Method: "DELETE", Path: "/v1/privacy/consents/analytics"})
			return journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics"), Key: "key-" + unique()}
		}, again: []int{200, 409}},
		{operation: "withdraw-consent", status: 200, prepare: func(p *caller) journey.Call {
			p.call(journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
			return journey.Call{Method: "DELETE", Path: "/v1/privacy/consents/analytics"}
		}, again: []int{404}},
		{operation: "create-objection", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			p.call(journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
			return journey.Call{Method: "POST", Path: "/v1/privacy/objections", Body: map[string]any{"purpose": "analytics"}, Key: "key-" + unique()}
		}, again: []int{409}, check: once(func(*caller) string { return "/v1/dsr" }, `"type":"objection"`)},
		{operation: "opt-out", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/privacy/opt-out", Token: p.token}
		}, check: once(func(*caller) string { return "/v1/dsr" }, `"type":"opt_out"`)},
		{operation: "create-event", status: 202, prepare: func(p *caller) journey.Call {
			p.call(journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
			p.must(202, journey.Call{Method: "POST", Path: "/v1/events", Body: eventsBody()}) // the day has its salt
			return journey.Call{Method: "POST", Path: "/v1/events", Body: eventsBody(), Key: "key-" + unique()}
		}},
		{operation: "create-request", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": "access", "description": "Everything, please."}, Key: "key-" + unique()}
		}, again: []int{409}, check: once(func(*caller) string { return "/v1/dsr" }, `"id":"dsr_`)},
		{operation: "get-request", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/dsr/" + file(p, "access")}
		}},
		{operation: "verify-request", status: 200, alone: true, moves: true, prepare: func(p *caller) journey.Call {
			p.age()
			id := file(p, "access")
			p.logIn()
			return journey.Call{Method: "POST", Path: "/v1/dsr/" + id + "/verify", Key: "key-" + unique()}
		}},
		{operation: "download-request", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			id := file(p, "access")
			p.settle()
			if err := p.RunJob(p.t.Context(), "WorkRequests"); err != nil {
				p.t.Fatal(err)
			}
			p.settle()
			return journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"}
		}},
		{operation: "withdraw-request", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			id := file(p, "erasure")
			return journey.Call{Method: "POST", Path: "/v1/dsr/" + id + "/withdraw"}
		}, again: []int{409}},
	}
}

// notice gives the person a notice, past the job that tells everybody of what was announced.
func (c *caller) notice() string {
	c.t.Helper()
	a := id.New[id.Announcement](id.NewSource(cloud.Clock.Now))
	c.put(store.UserScope(id.User(c.user)).Key(notices.FamilyNotice, string(a)), "NOTICE", map[string]any{"announcement": string(a), "kind": "policy_change", "object": "2",
		"title": "Our privacy policy changes", "text": "This and that.", "effective": c.now().AddDate(0, 0, 30).Unix(), "told": c.now().Unix()})
	return string(a)
}

func eventsBody() map[string]any {
	return map[string]any{"events": []any{map[string]any{"name": "feature_used", "feature": "export", "platform": "web"}}}
}

// age makes the session of a person too old for what needs a fresh one.
func (c *caller) age() {
	c.t.Helper()
	cloud.Move(func(clock *simclock.Clock) { clock.Advance(13 * time.Hour) })
	c.renew()
}

func (c *caller) consent(purpose string) map[string]any {
	c.t.Helper()
	a := c.must(200, journey.Call{Method: "GET", Path: "/v1/privacy/consents"})
	for i := 0; a.Text(fmt.Sprint("data.", i, ".purpose")) != ""; i++ {
		if a.Text(fmt.Sprint("data.", i, ".purpose")) == purpose {
			return map[string]any{"purpose": purpose, "act": "given", "text_sha256": a.Text(fmt.Sprint("data.", i, ".text_sha256")), "source": "screen"}
		}
	}
	c.t.Fatalf("nothing is asked about %s: %s", purpose, a.Body)
	return nil
}

// anywhere is a network that nobody has called from.
func anywhere() map[string]string {
	n := sequence.Add(1)
	return map[string]string{"X-Local-Viewer": fmt.Sprintf("10.%d.%d.1", n>>8&255, n&255)}
}

func authSteps() []step {
	return []step{
		{operation: "sign-up", status: 202, public: true, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/auth/signup", Headers: anywhere(), Body: signUpBody(journey.NewPerson())}
		}},
		{operation: "confirm-sign-up", status: 201, public: true, prepare: func(p *caller) journey.Call {
			other := &caller{Client: p.Client, t: p.t, person: journey.NewPerson()}
			other.must(202, journey.Call{Method: "POST", Path: "/v1/auth/signup", Body: signUpBody(other.person)})
			return journey.Call{Method: "POST", Path: "/v1/auth/confirm", Body: map[string]any{"token": other.mailToken("confirm"), "password": other.person.Password}}
		}, again: []int{401, 409}},
		{operation: "log-in", status: 200, public: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/auth/login", Body: map[string]any{"email": p.person.Email, "password": p.person.Password}}
		}},
		{operation: "refresh-token", status: 200, public: true, prepare: func(p *caller) journey.Call {
			p.logIn()
			return journey.Call{Method: "POST", Path: "/v1/auth/refresh", Body: map[string]any{"refresh_token": p.refresh}}
		}},
		{operation: "log-out", status: 204, prepare: func(p *caller) journey.Call {
			p.logIn()
			return journey.Call{Method: "POST", Path: "/v1/auth/logout"}
		}, again: []int{401}, cleanup: (*caller).logIn},
		{operation: "update-notification-choices", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "PATCH", Path: "/v1/me/notifications", Body: map[string]any{"choices": []any{map[string]any{"kind": "timer_forgotten", "mail": false}}}}
		}},
		{operation: "create-email-change", status: 202, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/me/email", Body: map[string]any{"email": journey.NewPerson().Email}, Key: "key-" + unique()}
		}},
		{operation: "get-email-change", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			p.changeEmail()
			return journey.Call{Method: "GET", Path: "/v1/me/email"}
		}},
		{operation: "delete-email-change", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			p.changeEmail()
			return journey.Call{Method: "DELETE", Path: "/v1/me/email"}
		}, again: []int{404}},
		{operation: "confirm-email-change", status: 200, alone: true, prepare: func(p *caller) journey.Call {
			to := p.changeEmail()
			p.must(200, journey.Call{Method: "POST", Path: "/v1/me/email/confirm", Body: map[string]any{"token": p.mailToken("address changes")}})
			reader := &caller{Client: p.Client, t: p.t, person: journey.Person{Email: to}}
			return journey.Call{Method: "POST", Path: "/v1/me/email/confirm", Body: map[string]any{"token": reader.mailToken("new pixeltrack address")}, Key: "key-" + unique()}
		}},
		{operation: "create-api-token", status: 201, alone: true, prepare: func(p *caller) journey.Call {
			body := apiTokenBody("clients:read")
			p.mark = body["name"].(string)
			return journey.Call{Method: "POST", Path: "/v1/me/api-tokens", Body: body, Key: "key-" + unique()}
		}, check: once(func(*caller) string { return "/v1/me/api-tokens?limit=200" })},
		{operation: "get-api-token", status: 200, prepare: func(p *caller) journey.Call {
			id, _ := p.newAPIToken("clients:read")
			return journey.Call{Method: "GET", Path: "/v1/me/api-tokens/" + id}
		}},
		{operation: "delete-api-token", status: 204, prepare: func(p *caller) journey.Call {
			id, _ := p.newAPIToken("clients:read")
			return journey.Call{Method: "DELETE", Path: "/v1/me/api-tokens/" + id}
		}, again: []int{404}},
		{operation: "rename-session", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "PATCH", Path: "/v1/me/sessions/" + p.session(), Body: map[string]any{"name": "Studio laptop"}}
		}},
		{operation: "end-session", status: 204, prepare: func(p *caller) journey.Call {
			first := p.session()
			p.logIn()
			return journey.Call{Method: "DELETE", Path: "/v1/me/sessions/" + first}
		}, again: []int{404}},
		{operation: "end-other-sessions", status: 204, prepare: func(p *caller) journey.Call {
			p.logIn()
			return journey.Call{Method: "DELETE", Path: "/v1/me/sessions"}
		}},
		{operation: "switch-organization", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/auth/organization", Body: map[string]any{"organization_id": p.organization}}
		}},
		{operation: "update-account", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "PATCH", Path: "/v1/me", IfMatch: p.etag("/v1/me"), Body: map[string]any{"job_title": "Designer " + unique()}}
		}, again: []int{412}},
		{operation: "update-organization", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: p.etag("/v1/org"), Body: map[string]any{"name": "Studio " + unique()}}
		}, again: []int{412}},
		{operation: "delete-account", status: 202, alone: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()}
		}, again: []int{401}},
		{operation: "restore-account", status: 200, alone: true, public: true, prepare: func(p *caller) journey.Call {
			p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
			return journey.Call{Method: "POST", Path: "/v1/auth/restore", Body: map[string]any{"token": p.mailToken("delet"), "password": p.person.Password}}
		}, again: []int{404}, check: func(_ testing.TB, p *caller) error {
			p.logIn()
			return nil
		}},
		{operation: "download-export", status: 200, alone: true, public: true, moves: true, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/privacy/exports/download", Body: map[string]any{"token": p.closed(), "password": p.person.Password}}
		}},
		{operation: "receive-resend", status: 200, public: true, prepare: func(p *caller) journey.Call {
			id := "msg_" + unique()
			body := []byte(`{"type":"email.delivered","created_at":"` + p.now().Format(time.RFC3339) + `","data":{"email_id":"49a3999c-0ce1-4ea6-ab68-` + fmt.Sprintf("%012d", sequence.Add(1)) + `","to":["nobody@example.com"]}}`)
			return journey.Call{Method: "POST", Path: "/v1/webhooks/resend", Body: body, Headers: signedWebhook("resend-webhook-secret", id, body)}
		}},
		{operation: "receive-inbound-mail", status: 200, public: true, prepare: func(p *caller) journey.Call {
			id := "msg_" + unique()
			body := []byte(`{"type":"email.received","created_at":"` + p.now().Format(time.RFC3339) + `","data":{"email_id":"4ef9a417-02e9-4d39-ad75-` + fmt.Sprintf("%012d", sequence.Add(1)) + `","from":"nobody@example.com","to":["support@pixeltrack.io"]}}`)
			return journey.Call{Method: "POST", Path: "/v1/webhooks/inbound-mail", Body: body, Headers: signedWebhook("resend-inbound-webhook-secret", id, body)}
		}},
	}
}

// closed deletes the account with its organization and gives the token of the mail about the organization's export.
func (c *caller) closed() string {
	c.t.Helper()
	c.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: c.deletion()})
	c.runLater("close-organizations", 2*time.Minute)
	c.settle()
	return c.mailToken("export of your organization")
}

// signedWebhook gives the headers of a webhook as Resend signs it with the secret of an endpoint.
func signedWebhook(of, id string, body []byte) map[string]string {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(cloud.Secrets["/pixeltrack/local/"+of], "whsec_"))
	if err != nil {
		panic(err)
	}
	at := fmt.Sprint(cloud.Clock.Now().Unix())
	m := hmac.New(sha256.New, secret)
	fmt.Fprintf(m, "%s.%s.%s", id, at, body)
	return map[string]string{"svix-id": id, "svix-timestamp": at, "svix-signature": "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))}
}

func (c *caller) deletion() map[string]any {
	return map[string]any{"password": c.person.Password, "organizations": []map[string]any{{"organization_id": c.organization, "action": "close"}}}
}
