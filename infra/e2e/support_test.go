package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/pkg/access"
)

// ticketRows counts the rows of tickets, their messages and their clocks that name a text.
func (c *caller) ticketRows(text string) int {
	c.t.Helper()
	rows, err := cloud.Rows(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, r := range rows {
		if row := fmt.Sprint(r); strings.Contains(row, text) && (strings.Contains(row, "#TICKET") || strings.Contains(row, "purge-ticket")) {
			n++
		}
	}
	return n
}

// TestATicketGoesTwoYearsAfterItsLastClose closes two tickets with a file each. One goes with it when TTL deletes its wake row,
// the other, of which the stream tells nothing, by the schedule; neither before its time.
func TestATicketGoesTwoYearsAfterItsLastClose(t *testing.T) {
	p := signUp(t)
	const all = 6 // the ticket, two messages, a due and a wake row, and the line of the queue
	closed := func() (ticket, file string) {
		t.Helper()
		at := p.newTicket()
		ticket = at[strings.LastIndex(at, "/")+1:]
		file = strings.TrimPrefix(p.newFileOf("ticket", ticket, "How it looks"), "/v1/files/")
		p.must(201, journey.Call{Method: "POST", Path: at + "/messages", Body: map[string]any{"text": "It is in the PDF too."}})
		p.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: "*"})
		p.settle()
		if n := p.ticketRows(ticket); n != all || versions(file) == 0 {
			t.Fatalf("%d rows of the ticket, %d objects; want %d, and the file", n, versions(file), all)
		}
		return ticket, file
	}
	left := func(when, ticket, file string, rows int) {
		t.Helper()
		if n := p.ticketRows(ticket); n != rows {
			t.Errorf("%s %d rows are there; want %d", when, n, rows)
		}
		if n := versions(file); (n == 0) != (rows == 0) {
			t.Errorf("%s %d objects are there; want them to go with the ticket", when, n)
		}
	}
	sweepObjects := func() {
		t.Helper()
		p.settle()
		p.later("sweep-uploads", 2*time.Minute)
	}
	begun := p.now()
	first, sketch := closed()
	pass(48 * time.Hour)
	p.logIn()
	second, photo := closed()
	years := begun.AddDate(2, 0, 0).Sub(p.now())
	p.later("sweep-retention", years-time.Hour)
	left("an hour before its time", first, sketch, all)

	pass(2 * time.Hour)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	sweepObjects()
	left("after its wake row", first, sketch, 0)
	left("two days before its time", second, photo, all)

	cloud.Stream.Off()
	defer cloud.Stream.On()
	p.later("sweep-retention", 48*time.Hour)
	sweepObjects()
	left("after the schedule", second, photo, 0)
}

var ticketID = regexp.MustCompile(`tkt_[0-9A-Z]{26}`)

// TestAQuestionIsAnsweredByMail follows two questions, of a member and of a stranger, to their answers: each is mailed what was
// said to them. What a colleague closes is told to who asked, who rates it, and then opens it again by an answer.
func TestAQuestionIsAnsweredByMail(t *testing.T) {
	owner, agent, s := signUp(t), staff(t, access.SupportAgent), stranger(t)
	grace, _ := owner.colleague("member")
	owner.newTicket()
	at := grace.newTicket()
	ticket := at[strings.LastIndex(at, "/")+1:]
	if a := grace.must(200, journey.Call{Method: "GET", Path: "/v1/support/tickets"}); a.Text("data.0.id") != ticket || a.Text("data.1.id") != "" {
		t.Errorf("a member's tickets = %s; want their own", a.Body)
	}
	s.mailTo("support@pixeltrack.io", "A discount", "Is there one for schools?", resend.Delivery{})
	for _, tt := range []struct {
		who    *caller
		ticket string
		answer map[string]any
		want   string // in the subject
	}{
		{grace, ticket, map[string]any{"text": "Under the client's tax."}, "Re: Question"},
		{s, ticketID.FindString(s.mails("We have your message")[0].Text), map[string]any{"text": "There is, of a half.", "solved": true}, "Solved: A discount"},
	} {
		agent.must(201, journey.Call{Method: "POST", Path: "/v1/admin/tickets/" + tt.ticket + "/messages", Body: tt.answer})
		agent.settle()
		if m := tt.who.mails(tt.want); len(m) != 1 || !strings.Contains(m[0].Text, tt.answer["text"].(string)) {
			t.Errorf("the mails %q = %+v; want one with the answer", tt.want, m)
		}
	}
	desk := "/v1/admin/tickets/" + ticketID.FindString(s.mails("We have your message")[0].Text)
	if a := agent.must(200, journey.Call{Method: "POST", Path: desk + "/assign", IfMatch: agent.etag(desk)}); a.Text("assignee_id") == "" {
		t.Errorf("the ticket that was taken on = %s; want whose it is", a.Body)
	}
	agent.must(200, journey.Call{Method: "POST", Path: desk + "/close", IfMatch: agent.etag(desk)})
	agent.settle()
	if n := len(s.mails("Closed: A discount")); n != 1 {
		t.Errorf("who had mailed has %d mails about the close; want 1", n)
	}

	owner.must(200, journey.Call{Method: "POST", Path: at + "/close", IfMatch: owner.etag(at)})
	owner.settle()
	if n, others := len(grace.mails("Closed: Question")), len(owner.mails("Closed: Question")); n != 1 || others != 0 {
		t.Errorf("who asked has %d mails about the close, who closed %d; want 1 and none", n, others)
	}
	rate := journey.Call{Method: "POST", Path: at + "/rating", Body: map[string]any{"score": 4}, Key: "key-" + unique()}
	twin := held(grace, rate, "TransactWriteItems", func() {
		if a := grace.must(200, rate); a.Text("rating.score") != "4" {
			t.Errorf("the rated ticket = %s", a.Body)
		}
	})
	if twin.Status != 200 || twin.Header.Get("Idempotency-Replayed") != "true" || twin.Text("rating.score") != "4" {
		t.Errorf("a twin that comes to its write later = %d %s; want the rating, replayed", twin.Status, twin.Body)
	}
	rate.Body = map[string]any{"score": 1}
	if a := grace.must(422, rate); a.Code() != "idempotency_key_reused" {
		t.Errorf("another rating under the key = %s; want idempotency_key_reused", a.Code())
	}

	grace.mailTo(grace.replyTo("Closed: Question"), "Re: Closed", "It is not over.", resend.Delivery{})
	thread := grace.must(200, journey.Call{Method: "GET", Path: at})
	if thread.Text("status") != "open" || thread.Text("gone_at") != "" || thread.Text("messages.2.text") != "It is not over." || thread.Text("rating.score") != "4" {
		t.Errorf("the ticket after an answer by mail = %s; want it open, and kept", thread.Body)
	}
	if n := grace.ticketRows(ticket); n != 5 { // the ticket, three messages, and the line of the queue
		t.Errorf("%d rows of the ticket; want 5, and no clock among them", n)
	}
}
