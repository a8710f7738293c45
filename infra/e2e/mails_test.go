package e2e_test

import (
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
)

// mails are the mails to the person whose subject has a word.
func (c *caller) mails(subject string) []journey.Mail {
	c.t.Helper()
	all, err := c.Mails(c.t.Context(), c.person.Email)
	if err != nil {
		c.t.Fatal(err)
	}
	var some []journey.Mail
	for _, m := range all {
		if strings.Contains(m.Subject, subject) {
			some = append(some, m)
		}
	}
	return some
}

// reported is the mail provider's report of a mail.
func (c *caller) reported(m journey.Mail, kind string) {
	c.t.Helper()
	if err := cloud.Mail.Event(m.ID, "", kind, resend.Delivery{Times: 2}); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}

// ask makes a privacy request and gives its id.
func (c *caller) ask(kind string) string {
	c.t.Helper()
	made := c.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: map[string]any{"type": kind}}).Text("id")
	c.settle()
	return made
}

func (c *caller) receipt(request string) map[string]any {
	return c.row(outbox.Key(store.UserScope(id.User(c.user)), request))
}

func (c *caller) runLater(job string, d time.Duration) {
	c.t.Helper()
	if err := c.Advance(c.t.Context(), d); err != nil {
		c.t.Fatal(err)
	}
	if err := c.RunJob(c.t.Context(), function(job)); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}

const received = "We have your privacy request"

// TestTheReceiptOfARequest follows the mail about a request to its person, and what the provider says of it back to the
// request. Who complains gets no further mail.
func TestTheReceiptOfARequest(t *testing.T) {
	p := signUp(t)
	request := p.ask("access")
	got := p.mails(received)
	if len(got) != 1 || !strings.Contains(got[0].Text, request) {
		t.Fatalf("%d mails about the request: %+v; want one", len(got), got)
	}
	if state := p.receipt(request)["state"]; state != "delivered" {
		t.Errorf("the mail is %v; want delivered", state)
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + request}); a.Text("acknowledged_at") == "" {
		t.Errorf("the request does not know its receipt: %s", a.Body)
	}
	p.reported(got[0], "email.complained")
	if state := p.receipt(request)["state"]; state != "complained" {
		t.Errorf("the mail is %v; want complained", state)
	}
	next := p.ask("portability")
	if n := len(p.mails(received)); n != 1 {
		t.Errorf("%d mails after a complaint; want 1", n)
	}
	if state := p.receipt(next)["state"]; state != "dropped" {
		t.Errorf("the next mail is %v; want dropped", state)
	}
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + next}); a.Text("acknowledged_at") != "" {
		t.Errorf("a receipt that was never sent counts: %s", a.Body)
	}
}

// TestAMailWhoseAnswerWasLost is sent once: the provider's reports come before the sender knows its id.
func TestAMailWhoseAnswerWasLost(t *testing.T) {
	p := signUp(t)
	if err := cloud.Faults.Add(calls.Plan{Service: "resend", Kind: "timeout_after", Times: -1}); err != nil {
		t.Fatal(err)
	}
	defer cloud.Faults.Clear()
	request := p.ask("access")
	got := p.mails(received)
	if len(got) != 1 {
		t.Fatalf("%d mails; want 1", len(got))
	}
	if state := p.receipt(request)["state"]; state != "queued" {
		t.Errorf("the mail is %v; want queued", state)
	}
	p.reported(got[0], "email.bounced")
	cloud.Faults.Clear()
	p.runLater("send-outbox", 6*time.Minute)
	if n := len(p.mails(received)); n != 1 {
		t.Errorf("%d mails; want 1", n)
	}
	if state := p.receipt(request)["state"]; state != "bounced" {
		t.Errorf("the mail is %v; want bounced", state)
	}
}

// TestAMailIsSentWhenTheProviderIsBack waits for a provider that fails, and asks again.
func TestAMailIsSentWhenTheProviderIsBack(t *testing.T) {
	p := signUp(t)
	if err := cloud.Faults.Add(calls.Plan{Service: "resend", Kind: "error", Times: -1}); err != nil {
		t.Fatal(err)
	}
	defer cloud.Faults.Clear()
	request := p.ask("access")
	p.runLater("send-outbox", 6*time.Minute)
	if state := p.receipt(request)["state"]; state != "queued" || len(p.mails(received)) != 0 {
		t.Errorf("the mail is %v; want queued", state)
	}
	cloud.Faults.Clear()
	p.runLater("send-outbox", 6*time.Minute)
	if state := p.receipt(request)["state"]; state != "delivered" || len(p.mails(received)) != 1 {
		t.Errorf("the mail is %v, %d were taken; want delivered and 1", state, len(p.mails(received)))
	}
}

// TestTheMailOfAnOrganization goes to its owner.
func TestTheMailOfAnOrganization(t *testing.T) {
	p := signUp(t)
	export := "exp_" + unique()
	key := outbox.Key(store.OrganizationScope(id.Organization(p.organization)), export)
	now := cloud.Clock.Now()
	p.put(key, "MAIL_OUT", map[string]any{"id": "msg_" + unique(), "scope": "ORG", "template": "privacy_request_answered", "dedupe": export,
		"ids": map[string]string{"package": export, "until": "2031-01-01"}, "state": "queued", "queued": now.Unix(), "expires_at": now.AddDate(0, 0, 30).Unix()})
	p.settle()
	if n := len(p.mails("export of your organization")); n != 1 {
		t.Errorf("%d mails to the owner; want 1", n)
	}
	if state := p.row(key)["state"]; state != "delivered" {
		t.Errorf("the mail is %v; want delivered", state)
	}
}
