package sorting_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// agentWrites lets the agent mail something to the privacy address, and gives what it opened.
func (w *world) agentWrites(text string) *privacy.Request {
	w.T.Helper()
	w.receive(mail.Received{From: "The desk <" + agentsAddress + ">", To: []string{"privacy@pixeltrack.io"}, Text: text})
	all := w.requests(w.asker(agentsAddress))
	return all[len(all)-1]
}

// asker is the handle that requests from an address lie behind.
func (w *world) asker(address string) support.Holder {
	w.T.Helper()
	h, err := privacy.Asker(w.T.Context(), w.Store, store.Actor{Who: "test"}, w.room.Pseudonyms, address)
	w.must(err)
	return h
}

func forCleo(more ...any) map[string]any {
	body := map[string]any{"person_email": "Cleo@example.com", "agent_name": "Rights & Co.", "signed_permission": false}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return body
}

func (w *world) attribute(who apitest.Caller, r *privacy.Request, body map[string]any, match, key string) apitest.Answer {
	w.T.Helper()
	return w.Call(privacy.AttributeCase(w.Store, w.room.Pseudonyms), who, apitest.Request{Path: "/v1/admin/cases/" + string(r.ID) + "/agent", Body: body, IfMatch: match, Key: key})
}

func TestAnAgentsMailBecomesThePersons(t *testing.T) {
	w := newWorld(t)
	o := w.office()
	was := w.agentWrites("On behalf of cleo@example.com: please send a copy of the personal data.")
	pass := w.pass(w.asker(agentsAddress))
	w.sendAll(w.asker(agentsAddress))
	w.Clock.Advance(72 * time.Hour)
	o.work(w.asker(agentsAddress))
	officer := w.Staff(access.PrivacyOfficer)

	w.Want(w.attribute(officer, was, forCleo(), `"99"`, ""), 412, "stale_version")
	w.Want(w.attribute(officer, was, forCleo(), "", ""), 428, "if_match_required")
	w.Want(w.attribute(officer, was, forCleo(), "*", "k"), 200, "")
	again := w.attribute(officer, was, forCleo(), "*", "k")
	w.Want(again, 200, "")
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat is done once more")
	}
	w.Want(w.attribute(officer, was, forCleo(), "*", ""), 409, "request_not_by_mail")

	h := w.correspondent("cleo@example.com")
	if left := w.requests(w.asker(agentsAddress)); len(left) != 0 {
		t.Errorf("the agent still has %q; want nothing", said(left))
	}
	all := w.requests(h)
	if len(all) != 1 {
		t.Fatalf("the person has %q; want the one request", said(all))
	}
	r := all[0]
	if r.ID != was.ID || r.Kind != request.Access || r.State != request.IdentityPending || r.Received != was.Received || r.Due != was.Due || !slices.Equal(r.Steps, was.Steps) ||
		r.Description != was.Description || r.AgentEmail != agentsAddress || r.AgentName != "Rights & Co." || r.AgentSigned || r.AgentMay || r.Acknowledged != 0 {
		t.Errorf("the request = %+v; want it with its number and dates, to be confirmed, by the agent", r)
	}
	mails := w.mails(h)
	if m := mails[privacy.MailReceived]; m.To != "cleo@example.com" || !strings.Contains(m.Text, "Rights & Co. says to be your authorized agent") {
		t.Errorf("the person is mailed %s, %q; want them told who asks", m.To, m.Text)
	}
	if m := mails[privacy.MailAgentTaken]; m.To != agentsAddress || strings.Contains(m.Text, "cleo") || strings.Contains(m.Text, "http") || !strings.Contains(m.Text, "signed permission") || m.ReplyTo != "privacy@pixeltrack.io" {
		t.Errorf("the agent is mailed %s, %q, reply to %s; want them asked for the permission, and told nothing of the person", m.To, m.Text, m.ReplyTo)
	}
	lines := w.Call(privacy.ListCases(), officer, apitest.Request{})
	if n := strings.Count(string(lines.Body), string(r.ID)); n != 1 {
		t.Errorf("the list has it %d times; want once", n)
	}
	w.Want(w.Call(privacy.GetCase(w.Store), officer, apitest.Request{Path: "/v1/admin/cases/" + string(r.ID)}), 200, "")

	before := len(w.queued(w.asker(agentsAddress)))
	w.Want(w.Call(privacy.CreateRequestCode(w.Store, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"pass": pass}}), 202, "")
	if len(w.queued(w.asker(agentsAddress))) != before {
		t.Error("the agent is mailed a code for what is the person's")
	}
	w.Want(w.open(o.packages, map[string]any{"pass": pass, "code": "12345678"}), 403, "code_invalid")
	o.work(h)
	if got := w.requests(h)[0]; got.State != request.IdentityPending {
		t.Errorf("before the person confirmed it is %s", got.State)
	}
	mine := w.pass(h)
	w.Want(w.open(o.packages, map[string]any{"pass": mine, "code": w.code(h, mine)}), 200, "")
	o.work(h)
	o.work(h)
	if got, want := said(w.requests(h)), []string{"access fulfilled by mail"}; !slices.Equal(got, want) || len(o.packages.Keys()) != 1 {
		t.Errorf("confirmed: %q, %d packages; want %q and the person's one", got, len(o.packages.Keys()), want)
	}
	if got := w.toAgent(h); len(got) != 0 {
		t.Errorf("the agent is mailed %+v; want nothing, for the person agreed to nothing", got)
	}
}

func TestWhoHasAnAccountIsAskedToLogIn(t *testing.T) {
	w := newWorld(t)
	agent, cleo := w.Member(w.studio("Rights & Co.").Org, access.Contributor), w.Member(w.studio("Cleo's").Org, access.Contributor)
	w.account(agent, agentsAddress)
	w.account(cleo, "cleo@example.com")
	was := w.agentWrites("For Cleo: please delete all of the personal data.")
	w.Want(w.attribute(w.Staff(access.PrivacyOfficer), was, forCleo("signed_permission", true), "*", ""), 200, "")
	read := func(c apitest.Caller) apitest.Answer {
		return w.Call(privacy.GetRequest(), w.Later(c, 0), apitest.Request{Path: "/v1/dsr/" + string(was.ID)})
	}
	w.Want(read(agent), 404, "request_not_found")
	a := read(cleo)
	w.Want(a, 200, "")
	var b privacy.RequestBody
	a.Into(t, &b)
	if b.State != "identity_pending" || b.Needs != "login" || b.Type != "erasure" || b.Agent == nil || !b.Agent.Signed {
		t.Errorf("the person is shown %+v; want what they must confirm, and who asks", b)
	}
	if m := w.mails(w.asker("cleo@example.com"))[privacy.MailAgentTaken]; m.ReplyTo == "privacy@pixeltrack.io" {
		t.Error("an agent with a signed permission is asked for it")
	}
	w.Want(w.Call(privacy.VerifyRequest(w.Store), w.Later(cleo, 0), apitest.Request{Path: "/v1/dsr/" + string(was.ID) + "/verify"}), 200, "")
	w.Want(w.attribute(w.Staff(access.PrivacyOfficer), was, forCleo(), "*", ""), 409, "request_not_by_mail")
}

func TestWhatAnAgentMayHaveTakeEffect(t *testing.T) {
	w := newWorld(t)
	was, officer := w.agentWrites("For our client: do not sell the data."), w.Staff(access.PrivacyOfficer)
	w.Want(w.attribute(officer, was, forCleo(), "*", ""), 422, "invalid_input")
	w.Want(w.attribute(officer, was, forCleo("signed_permission", true), "*", ""), 200, "")
	h, o := w.correspondent("cleo@example.com"), w.office()
	o.work(h)
	if got, want := said(w.requests(h)), []string{"opt_out fulfilled by mail"}; !slices.Equal(got, want) {
		t.Errorf("requests = %q; want %q on the signed permission", got, want)
	}
}

func TestAnUnclearMailOfAnAgentIsMadeClear(t *testing.T) {
	w := newWorld(t)
	was := w.agentWrites("We write for Cleo Example about what you keep.")
	w.office().work(w.asker(agentsAddress)) // hands it to people
	officer := w.Staff(access.PrivacyOfficer)
	w.Want(w.attribute(officer, was, forCleo(), "*", ""), 422, "invalid_input")
	w.Want(w.attribute(officer, was, forCleo("type", "erasure"), "*", ""), 200, "")
	h := w.correspondent("cleo@example.com")
	if r := w.requests(h)[0]; r.Kind != request.Erasure || r.State != request.IdentityPending || r.Due > was.Due || r.Received != was.Received {
		t.Errorf("the request = %+v; want an erasure that waits for the person, counted from the mail", r)
	}
}

func TestWhatIsNotAttributed(t *testing.T) {
	access15 := "Please send a copy of the personal data."
	tests := []struct {
		name   string
		text   string
		body   map[string]any
		before func(*office, *privacy.Request)
		status int
		code   string
	}{
		{"to the sender", access15, forCleo("person_email", "Desk@rights.example.com"), nil, 422, "invalid_input"},
		{"to no address", access15, forCleo("person_email", "cleo"), nil, 422, "invalid_input"},
		{"by nobody", access15, forCleo("agent_name", "  "), nil, 422, "invalid_input"},
		{"by a link", access15, forCleo("agent_name", "https://evil.example"), nil, 422, "invalid_input"},
		{"as another kind", access15, forCleo("type", "erasure"), nil, 422, "invalid_input"},
		{"when it took effect", "Do not sell the data.", forCleo("signed_permission", true), func(o *office, _ *privacy.Request) { o.work(o.asker(agentsAddress)) }, 409, "request_closed"},
		{"when the sender got theirs", access15, forCleo(), func(o *office, _ *privacy.Request) {
			h := o.correspondent(agentsAddress)
			o.prove(h, o.pass(h))
			o.must(o.run())
		}, 409, "request_at_work"},
		{"when it was forwarded for the sender", "Please correct the name.", forCleo(), func(o *office, _ *privacy.Request) {
			o.contact(o.studio("One"), agentsAddress)
			h := o.correspondent(agentsAddress)
			o.prove(h, o.pass(h))
			o.work(h)
		}, 409, "request_at_work"},
		{"under a hold", access15, forCleo(), func(o *office, r *privacy.Request) {
			r.Held = true
			tx := o.Store.Begin()
			tx.Rewrite(o.correspondent(agentsAddress), r)
			o.must(tx.Commit(o.T.Context()))
		}, 409, "kept_by_law"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			o := w.office()
			r := w.agentWrites(tt.text)
			if tt.before != nil {
				tt.before(o, r)
			}
			w.Want(w.attribute(w.Staff(access.PrivacyOfficer), r, tt.body, "*", ""), tt.status, tt.code)
			if got := w.requests(w.correspondent("cleo@example.com")); len(got) != 0 {
				t.Errorf("the person has %q; want nothing", said(got))
			}
		})
	}
}

func TestWhoAttributesAndWhat(t *testing.T) {
	w := newWorld(t)
	r := w.agentWrites("Please send a copy of the personal data.")
	w.Want(w.attribute(w.Staff(access.SupportAgent), r, forCleo(), "*", ""), 403, "permission_denied")
	w.Want(w.attribute(w.Organization(), r, forCleo(), "*", ""), 403, "")
	officer := w.Staff(access.PrivacyOfficer)
	w.Want(w.attribute(officer, &privacy.Request{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, forCleo(), "*", ""), 404, "request_not_found")
	a := w.file(map[string]any{"email": "bob@example.com", "type": "access"})
	w.Want(a, 201, "")
	w.Want(w.attribute(officer, w.requests(w.correspondent("bob@example.com"))[0], forCleo(), "*", ""), 409, "request_not_by_mail")
}

func TestTwoAttributeARequestAtOnce(t *testing.T) {
	w := newWorld(t)
	r := w.agentWrites("Please send a copy of the personal data.")
	one, other := w.Staff(access.PrivacyOfficer), w.Staff(access.PrivacyOfficer)
	answers := make(chan apitest.Answer)
	go func() { answers <- w.attribute(one, r, forCleo(), `"1"`, "") }()
	go func() { answers <- w.attribute(other, r, forCleo("person_email", "leo@example.com"), `"1"`, "") }()
	go func() { w.office().must(w.office().run()); answers <- apitest.Answer{} }()
	done := 0
	for range 3 {
		if a := <-answers; a.Status == 200 {
			done++
		} else if a.Status >= 500 {
			t.Errorf("the other = %d %s; want it refused", a.Status, a.Body)
		}
	}
	if n := len(w.requests(w.correspondent("cleo@example.com"))) + len(w.requests(w.correspondent("leo@example.com"))) + len(w.requests(w.correspondent(agentsAddress))); n != 1 || done > 1 {
		t.Errorf("%d done, the request is there %d times; want once", done, n)
	}
}
