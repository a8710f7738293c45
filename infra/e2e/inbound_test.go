package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// mailTo lets a mail of the person come in.
func (c *caller) mailTo(to, subject, text string, how resend.Delivery) {
	c.t.Helper()
	cloud.Mail.Receive(resend.Inbound{From: c.person.Name + " <" + c.person.Email + ">", To: []string{to}, Subject: subject, Text: text}, how)
	c.settle()
}

// stranger is somebody without an account.
func stranger(t testing.TB) *caller {
	return &caller{Client: client(), t: t, person: journey.NewPerson()}
}

// replyTo is where the answer to the newest mail to the person with a subject goes.
func (c *caller) replyTo(subject string) string {
	c.t.Helper()
	all, err := c.Mails(c.t.Context(), c.person.Email)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range all {
		if strings.Contains(m.Subject, subject) && len(m.ReplyTo) == 1 {
			return m.ReplyTo[0]
		}
	}
	c.t.Fatalf("no mail to answer among %d", len(all))
	return ""
}

// TestAMailToSupportIsATicket follows the mails of a member and of a stranger to support: what the provider tells is told
// twice, and once with a bad signature.
func TestAMailToSupportIsATicket(t *testing.T) {
	p := signUp(t)
	p.mailTo("support@pixeltrack.io", "The tax", "It says 19 %.", resend.Delivery{Times: 2})
	p.mailTo("support@pixeltrack.io", "Forged news", "Nobody told of it.", resend.Delivery{BadSignature: true})
	p.mailTo(p.replyTo("We have your message"), "Re: We have your message", "And 7 % is right.\n\nOn Monday, PixelTrack wrote:\n> We have your message", resend.Delivery{})
	a := p.must(200, journey.Call{Method: "GET", Path: "/v1/support/tickets"})
	if n := strings.Count(string(a.Body), `"id":"tkt_`); n != 1 {
		t.Fatalf("%d tickets; want one: %s", n, a.Body)
	}
	thread := p.must(200, journey.Call{Method: "GET", Path: "/v1/support/tickets/" + a.Text("data.0.id")})
	if thread.Text("subject") != "The tax" || thread.Text("messages.0.text") != "It says 19 %." || thread.Text("messages.1.text") != "And 7 % is right." {
		t.Errorf("the ticket = %s", thread.Body)
	}

	s := stranger(t)
	s.mailTo("support@pixeltrack.io", "Hello", "Is there a discount?", resend.Delivery{})
	s.mailTo(s.replyTo("We have your message"), "Re", "For schools.", resend.Delivery{})
	if n := len(s.mails("We have your message")); n != 1 {
		t.Errorf("%d acknowledgements; want one", n)
	}
}

// byMail makes a request of somebody without an account, and gives its pass.
func (c *caller) byMail() (*caller, string) {
	c.t.Helper()
	s := stranger(c.t)
	a := s.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(), Body: map[string]any{"email": s.person.Email, "type": "access"}})
	s.settle()
	return s, a.Text("pass")
}

var mailedCode = regexp.MustCompile(`Your code is (\d{8})`)

// mailedCode has the code of a request mailed, and reads it.
func (c *caller) mailedCode(pass string) string {
	c.t.Helper()
	c.must(202, journey.Call{Method: "POST", Path: "/v1/dsr/mail/code", Body: map[string]any{"pass": pass}})
	c.settle()
	all := c.mails("Your code")
	if len(all) == 0 {
		c.t.Fatal("no code was mailed")
	}
	return mailedCode.FindStringSubmatch(all[0].Text)[1]
}

// TestAMailToThePrivacyAddressIsAnswered follows a request from a stranger's mail to the package, by the codes that are mailed.
func TestAMailToThePrivacyAddressIsAnswered(t *testing.T) {
	s := stranger(t)
	s.mailTo("support@pixeltrack.io", "Hello", "Is there a discount for a canary?", resend.Delivery{})
	s.mailTo("privacy@pixeltrack.io", "Subject access request", "Send me a copy of my data.", resend.Delivery{})
	receipt := s.mails(received)
	if len(receipt) != 1 || !strings.Contains(receipt[0].Text, "You have our answer by") {
		t.Fatalf("%d receipts: %+v; want one with the date", len(receipt), receipt)
	}
	_, pass, _ := strings.Cut(receipt[0].Text, "#pass=")
	pass = strings.Fields(pass)[0]
	open := func() journey.Answer {
		t.Helper()
		return s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": s.mailedCode(pass)}})
	}
	if a := open(); a.Text("state") != "verified" || a.Text("role") != "controller" || a.Text("due_at") == "" {
		t.Errorf("the request = %s; want it verified, with its date", a.Body)
	}
	s.settle()
	if err := s.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	s.settle()
	a := open()
	if a.Text("state") != "fulfilled" || a.Text("download.url") == "" {
		t.Fatalf("the request = %s; want a link to the package", a.Body)
	}
	if n := len(s.mails("Your privacy request is answered")); n != 1 {
		t.Errorf("%d mails about the answer; want one", n)
	}
	r, err := http.Get(a.Text("download.url"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != 200 {
		t.Errorf("the package = %d; want it", r.StatusCode)
	}
}

// TestAMailThatCannotBeFetchedIsTakenLater lets the provider fail while a mail comes in, for longer than the event is tried and a
// schedule waits: the mail is a ticket in the end, and one.
func TestAMailThatCannotBeFetchedIsTakenLater(t *testing.T) {
	s := stranger(t)
	s.settle()
	cloud.Lambda.TakeDeadLetters()
	if err := cloud.Faults.Add(calls.Plan{Service: "resend", Kind: "error", Times: -1}); err != nil {
		t.Fatal(err)
	}
	defer cloud.Faults.Clear()
	s.mailTo("support@pixeltrack.io", "Hello", "Does it work?", resend.Delivery{})
	if failed := cloud.Lambda.TakeDeadLetters(); len(failed) != 1 || failed[0].Function != "TakeInMail" {
		t.Errorf("%+v failed for good; want the event about the mail alone", failed)
	}
	pass(mailroom.Patience + time.Minute)
	if err := s.RunJob(t.Context(), "TakeInMail"); err == nil {
		t.Error("the schedule says nothing of a mail that it cannot take")
	}
	cloud.Faults.Clear()
	later := func() {
		t.Helper()
		s.runLater("take-in-mail", mailroom.Patience+time.Minute)
		if n := len(s.mails("We have your message")); n != 1 {
			t.Errorf("%d acknowledgements; want one", n)
		}
	}
	later()
	later()
}

// TestAnAccountAsksByMail writes to the privacy address from the address of an account, and asks by the form without a session:
// the requests lie with the account, wait for its person to log in, and are opened by no code.
func TestAnAccountAsksByMail(t *testing.T) {
	p := signUp(t)
	p.mailTo("privacy@pixeltrack.io", "Hello", "I have a concern about what you do.", resend.Delivery{})
	requests := func() journey.Answer {
		t.Helper()
		return p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr"})
	}
	if a := requests(); a.Text("data.0.type") != "unclear" {
		t.Errorf("the request = %s; want it unclear", a.Body)
	}
	p.mailTo(p.replyTo(received), "Re: "+received, "I mean access: send me my data.", resend.Delivery{})
	if a := requests(); a.Text("data.0.type") != "access" || a.Text("data.0.state") != "identity_pending" || a.Text("data.1.id") != "" {
		t.Errorf("the request = %s; want the same one, clear now", a.Body)
	}
	if m := p.mails("is clear now"); len(m) != 1 || !strings.Contains(m[0].Text, "log in again") {
		t.Errorf("the mails about it = %+v; want one that asks for a login", m)
	}

	nobody := stranger(t)
	a := nobody.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(),
		Body: map[string]any{"email": p.person.Email, "type": "rectification", "description": "My name has two t."}})
	nobody.must(202, journey.Call{Method: "POST", Path: "/v1/dsr/mail/code", Body: map[string]any{"pass": a.Text("pass")}})
	p.settle()
	if n, codes := len(p.mails(received)), len(p.mails("Your code")); n != 2 || codes != 0 {
		t.Errorf("%d receipts, %d codes; want one of each request, and no code", n, codes)
	}
	if a := nobody.must(403, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": a.Text("pass"), "code": "12345678"}}); a.Code() != "code_invalid" {
		t.Errorf("opening it with a guess = %s; want code_invalid", a.Code())
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + a.Text("id")})

	nobody.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(), Body: map[string]any{"email": p.person.Email, "type": "opt_out", "description": "Sell nothing of mine, count nothing of mine."}})
	p.settle()
	if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if c := p.must(200, journey.Call{Method: "GET", Path: "/v1/privacy/consents"}); !strings.Contains(string(c.Body), `"act":"objected"`) {
		t.Errorf("an opt-out by mail left %s; want it on record", c.Body)
	}
}

// TestAWrongCodeCountsOnce loses the answer of the table about a wrong code: it costs one of the five tries, and after three more
// the right code still opens the request.
func TestAWrongCodeCountsOnce(t *testing.T) {
	s, pass := stranger(t).byMail()
	code := s.mailedCode(pass)
	wrong := "1" + code[1:]
	if wrong == code {
		wrong = "2" + code[1:]
	}
	open := func(code string) journey.Call {
		return journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": code}}
	}
	s.lost("PutItem", 403, open(wrong))
	for range 3 {
		s.must(403, open(wrong))
	}
	s.must(200, open(code))
}

// TestAnAgentIsToldWhatThePersonAgreedTo follows a request from an agent to the person, and what they agree to back.
func TestAnAgentIsToldWhatThePersonAgreedTo(t *testing.T) {
	s, agent := stranger(t), stranger(t)
	a := agent.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(), Body: map[string]any{"email": s.person.Email, "type": "access",
		"agent": map[string]any{"name": "Rights and Co.", "email": agent.person.Email, "signed_permission": true}}})
	if a.Text("pass") != "" {
		t.Errorf("the agent is answered %s; want no pass", a.Body)
	}
	s.settle()
	receipt := s.mails(received)
	if len(receipt) != 1 || !strings.Contains(receipt[0].Text, "Rights and Co. says to be your authorized agent") {
		t.Fatalf("%d receipts: %+v; want one that says who asks", len(receipt), receipt)
	}
	if n := len(agent.mails("privacy request")); n != 0 {
		t.Errorf("the agent has %d mails before the person confirmed; want none", n)
	}
	_, pass, _ := strings.Cut(receipt[0].Text, "#pass=")
	pass = strings.Fields(pass)[0]
	s.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/mail/open", Body: map[string]any{"pass": pass, "code": s.mailedCode(pass), "share_with_agent": true}})
	s.settle()
	if err := s.RunJob(t.Context(), "WorkRequests"); err != nil {
		t.Fatal(err)
	}
	s.settle()
	for _, subject := range []string{"was confirmed", "is answered"} {
		if n := len(agent.mails(subject)); n != 1 {
			t.Errorf("the agent has %d mails that it %s; want one", n, subject)
		}
	}
}

// TestAnAgentOfAnAccountWaitsForItsPerson lets an agent ask for somebody with an account, who logs in and agrees.
func TestAnAgentOfAnAccountWaitsForItsPerson(t *testing.T) {
	p, agent := signUp(t), stranger(t)
	a := agent.must(201, journey.Call{Method: "POST", Path: "/v1/dsr/mail", Headers: anywhere(), Body: map[string]any{"email": p.person.Email, "type": "access",
		"agent": map[string]any{"name": "Rights and Co.", "email": agent.person.Email, "signed_permission": true}}})
	p.settle()
	if n := len(agent.mails("privacy request")); n != 0 {
		t.Errorf("the agent has %d mails before the person confirmed; want none", n)
	}
	p.must(200, journey.Call{Method: "POST", Path: "/v1/dsr/" + a.Text("id") + "/verify?share_with_agent=true"})
	p.settle()
	if n := len(agent.mails("was confirmed")); n != 1 {
		t.Errorf("the agent has %d mails that it was confirmed; want one", n)
	}
}

// closedByMail gives the pass by which somebody without an account rates a ticket of theirs that is closed.
func (c *caller) closedByMail() string {
	c.t.Helper()
	ticket, hash := id.New[id.Ticket](id.NewSource(cloud.Clock.Now)), strings.Repeat("0", 58)+unique()
	now := cloud.Clock.Now()
	c.put(support.KeyIn(store.CaseScope(hash), ticket), "TICKET", map[string]any{"correspondent": hash, "id": string(ticket), "subject": "By mail", "priority": "normal",
		"status": "closed", "messages": 1, "closed_at": now.Unix(), "due_at": now.AddDate(2, 0, 0).Unix(), "created": now.UnixMilli(), "updated": now.UnixMilli(), "_v": 1})
	return support.Pass(keys.Links{Secret: cloud.Secrets["/pixeltrack/local/link-secret"]}, hash, ticket)
}
