package e2e_test

import (
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/resend"
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
