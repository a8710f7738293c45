package support_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// follow runs the job for a ticket, as its event would.
func (w world) follow(c apitest.Caller, b support.TicketBody) {
	w.T.Helper()
	w.followKey(support.Key(c.Org, id.Ticket(b.ID)))
}

func (w world) followKey(key store.Key) {
	w.T.Helper()
	detail, err := json.Marshal(bus.TicketChanged{Row: bus.RowOf(key)})
	if err != nil {
		w.T.Fatal(err)
	}
	run := &job.Run{Store: w.Store, Actor: store.Actor{Who: "job:queue-ticket"}, Clock: w.Clock.Now, Event: job.Event{Detail: detail, At: w.Clock.Now()}}
	if err := support.QueueTicket().Run(context.Background(), run); err != nil {
		w.T.Fatal(err)
	}
}

func (w world) desk(op api.Operation, who apitest.Caller, b support.TicketBody, r apitest.Request) apitest.Answer {
	w.T.Helper()
	r.Path = strings.Replace(op.Path, "{id}", b.ID, 1)
	return w.Call(op, w.Later(who, time.Second), r)
}

func (w world) answered(a apitest.Answer, status int) (b support.AnsweredBody) {
	w.T.Helper()
	w.Want(a, status, "")
	a.Into(w.T, &b)
	return b
}

// queued gives the ids of the queue of a state.
func (w world) queued(agent apitest.Caller, status string) []string {
	w.T.Helper()
	var page api.List[support.QueuedBody]
	a := w.Call(support.ListSupportTickets(), w.Later(agent, 0), apitest.Request{Path: "/v1/admin/tickets?status=" + status})
	w.Want(a, 200, "")
	a.Into(w.T, &page)
	var all []string
	for _, l := range page.Data {
		all = append(all, string(l.ID))
	}
	return all
}

// TestSupportAnswersWhoHasOnlyMailed answers a ticket that lies with a correspondent: it is in the queue without an
// organization, and its answer is mailed.
func TestSupportAnswersWhoHasOnlyMailed(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	agent, hash := w.Staff(access.SupportAgent), "ada-by-mail"
	h := w.Store.BindCase(hash, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	if err := correspondents.Heard(ctx, tx, h, "ada@example.com", "Ada"); err != nil {
		t.Fatal(err)
	}
	ticket := support.Ask(tx, h, support.Author{Correspondent: hash}, "The tax", "It says 19 %.", false)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	w.followKey(support.KeyIn(h.Scope(), ticket.ID))
	b := support.TicketBody{ID: string(ticket.ID)}
	read := w.answered(w.desk(support.GetSupportTicket(w.Store), agent, b, apitest.Request{}), 200)
	if read.OrganizationID != "" || read.Subject != "The tax" || len(read.Thread) != 1 {
		t.Errorf("the ticket = %+v; want it, of no organization", read)
	}
	said := w.answered(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": "It is 7 %."}}), 201)
	if said.Status != support.Pending || len(said.Thread) != 2 || said.Thread[1].StaffID == "" {
		t.Errorf("answered = %+v; want it pending, with the answer", said)
	}
	if m := w.mails(h)[support.MailAnswered]; m.To != "ada@example.com" || !strings.Contains(m.Text, "It is 7 %.") {
		t.Errorf("the mail = %+v; want the answer, to who asked", m)
	}
}

func TestSupportAnswersATicket(t *testing.T) {
	w := newWorld(t)
	agent, owner := w.Staff(access.SupportAgent), w.Organization()
	b := w.create(owner, "Wrong total")
	w.Want(w.desk(support.GetSupportTicket(w.Store), agent, b, apitest.Request{}), 404, "ticket_not_found")
	w.follow(owner, b)
	if got := w.queued(agent, "open"); !slices.Equal(got, []string{b.ID}) {
		t.Errorf("the queue = %q; want the ticket", got)
	}
	read := w.answered(w.desk(support.GetSupportTicket(w.Store), agent, b, apitest.Request{}), 200)
	if read.Subject != "Wrong total" || read.OrganizationID != owner.Org || read.MemberID != string(owner.Member) || len(read.Thread) != 1 {
		t.Errorf("the ticket = %+v", read)
	}
	mine := w.answered(w.desk(support.AssignTicket(w.Store), agent, b, apitest.Request{}), 200)
	if mine.AssigneeID == "" {
		t.Error("nobody has taken it on")
	}
	w.Want(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": " "}}), 422, "invalid_input")
	said := w.answered(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": "See the client's tax."}, Key: "one"}), 201)
	again := w.answered(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": "See the client's tax."}, Key: "one"}), 201)
	if said.Status != support.Pending || said.AssigneeID != mine.AssigneeID || len(again.Thread) != 2 {
		t.Errorf("answered = %+v, then %d messages; want it pending, with two", said, len(again.Thread))
	}
	var thread support.ThreadBody
	w.get(owner, b).Into(t, &thread)
	if last := thread.Thread[1]; last.StaffID != string(mine.AssigneeID) || last.MemberID != "" || last.Text != "See the client's tax." {
		t.Errorf("the organization reads %+v; want the answer, of one of our own people", last)
	}
	w.body(w.reply(owner, b, "Thanks!", ""), 201)
	if got := w.answered(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": "Good.", "solved": true}}), 201); got.Status != support.Solved {
		t.Errorf("the last answer leaves it %s; want it solved", got.Status)
	}
	w.follow(owner, b)
	if got := w.queued(agent, "solved"); !slices.Equal(got, []string{b.ID}) {
		t.Errorf("the solved ones = %q; want the ticket", got)
	}
	w.Want(w.desk(support.CloseSupportTicket(w.Store), agent, b, apitest.Request{}), 428, "if_match_required")
	w.Want(w.desk(support.CloseSupportTicket(w.Store), agent, b, apitest.Request{IfMatch: `"1"`}), 412, "stale_version")
	closed := w.answered(w.desk(support.CloseSupportTicket(w.Store), agent, b, apitest.Request{IfMatch: "*"}), 200)
	if closed.Status != support.Closed || closed.GoneAt == nil {
		t.Errorf("closed = %+v; want its two years to run", closed.TicketBody)
	}
	w.Want(w.desk(support.CloseSupportTicket(w.Store), agent, b, apitest.Request{IfMatch: "*"}), 409, "ticket_state")
	w.Want(w.desk(support.AnswerTicket(w.Store), agent, b, apitest.Request{Body: map[string]any{"text": "Late."}}), 409, "ticket_state")

	var page api.List[audit.RecordBody]
	w.Call(audit.ListAudit(), w.Later(owner, 0), apitest.Request{Path: "/v1/audit?object=" + url.QueryEscape(b.ID)}).Into(t, &page)
	var acts []string
	for _, r := range page.Data {
		acts = append(acts, r.Action)
	}
	slices.Sort(acts)
	if want := []string{"answer-ticket", "answer-ticket", "assign-ticket", "close-support-ticket", "get-support-ticket"}; !slices.Equal(acts, want) {
		t.Errorf("the organization's record has %q; want %q", acts, want)
	}
}

func TestWhoWorksAtTheDesk(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.create(owner, "Wrong total")
	w.follow(owner, b)
	for _, op := range support.Desk() {
		w.Want(w.desk(op, owner, b, apitest.Request{}), 403, "staff_required")
		for _, role := range []access.StaffRole{access.LegalCounsel, access.PrivacyOfficer, access.SecurityLead} {
			w.Want(w.desk(op, w.Staff(role), b, apitest.Request{}), 403, "permission_denied")
		}
	}
	w.Want(w.desk(support.GetSupportTicket(w.Store), w.Staff(access.SupportAgent), support.TicketBody{ID: "tkt_nothing"}, apitest.Request{}), 404, "ticket_not_found")
}

// TestTheQueueFollows lets events come twice, at once and out of order: the line is that of the ticket as it is, keeps who
// has taken it on, and goes with the ticket.
func TestTheQueueFollows(t *testing.T) {
	w := newWorld(t)
	agent, owner := w.Staff(access.SupportAgent), w.Organization()
	b := w.create(owner, "Wrong total")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { w.follow(owner, b) })
	}
	all.Wait()
	w.answered(w.desk(support.AssignTicket(w.Store), agent, b, apitest.Request{}), 200)
	w.body(w.update(owner, b, "*"), 200)
	w.body(w.close(owner, b, "*"), 200)
	for range 3 {
		w.follow(owner, b)
	}
	if open, closed := w.queued(agent, "open"), w.queued(agent, "closed"); len(open) != 0 || !slices.Equal(closed, []string{b.ID}) {
		t.Errorf("the queue has %q open and %q closed; want the ticket closed alone", open, closed)
	}
	if got := w.answered(w.desk(support.GetSupportTicket(w.Store), agent, b, apitest.Request{}), 200); got.AssigneeID == "" || got.Priority != "urgent" {
		t.Errorf("the line = %+v; want it with who has taken it on", got)
	}
	w.Clock.Set(w.Clock.Now().AddDate(2, 0, 2))
	w.follow(owner, b)
	if gone, _ := w.clear(); gone != 2 {
		t.Errorf("%d rows went; want the ticket and its message", gone)
	}
	w.follow(owner, b)
	if got := w.queued(w.Staff(access.SupportAgent), "closed"); len(got) != 0 {
		t.Errorf("the queue has %q; want nothing of what has gone", got)
	}
}
