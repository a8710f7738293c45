package support_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

var links = keys.Links{Secret: "links"}

// mails writes the mails that wait in a scope, by template; one that is not wanted any more is empty.
func (w world) mails(h support.Holder) map[string]mail.Message {
	w.T.Helper()
	rows, _, err := store.List[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 100})
	if err != nil {
		w.T.Fatal(err)
	}
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: links, PublicURL: "https://app.example.com", From: "PixelTrack <no-reply@example.com>",
		Boxes: mail.Boxes{Domain: "pixeltrack.io"}, People: account.People}
	all := map[string]mail.Message{}
	for _, m := range rows {
		for _, t := range support.Templates() {
			if t.Kind != m.Template {
				continue
			}
			message, err := t.Compose(context.Background(), c, m)
			if err != nil && !errors.Is(err, compose.ErrGone) {
				w.T.Fatal(err)
			}
			all[m.Template] = message
		}
	}
	return all
}

// staffed lets one of PixelTrack's own people act on a ticket.
func (w world) staffed(c apitest.Caller, b support.TicketBody, what func(tx *store.Tx, h support.Holder, t *support.Ticket) error) {
	w.T.Helper()
	h := w.Store.BindOrganization(c.Org, store.Actor{Who: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"})
	t, err := store.Get[support.Ticket](context.Background(), h, support.Key(c.Org, id.Ticket(b.ID)))
	if err != nil {
		w.T.Fatal(err)
	}
	tx := w.Store.Begin()
	if err := what(tx, h, t); err != nil {
		w.T.Fatal(err)
	}
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	w.Clock.Advance(time.Second)
}

func (w world) profile(c apitest.Caller) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &account.Profile{User: c.User, Name: "Ada", Email: "ada@example.com"})
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func TestWhoAskedHearsWhatOthersDo(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	ada := w.Member(owner.Org, access.Contributor)
	w.profile(ada)
	b := w.create(ada, "The tax")
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	w.Clock.Advance(time.Second)
	w.staffed(ada, b, func(tx *store.Tx, h support.Holder, t *support.Ticket) error {
		return t.Say(tx, h, support.Answer, "It is 7 %.")
	})
	m := w.mails(org)[support.MailAnswered]
	if m.To != "ada@example.com" || m.Subject != "Re: The tax" || !strings.Contains(m.Text, "It is 7 %.") || !strings.Contains(m.Text, mail.Above) || !strings.HasPrefix(m.ReplyTo, "support+") {
		t.Errorf("the mail of an answer = %+v", m)
	}
	w.staffed(ada, b, func(tx *store.Tx, h support.Holder, t *support.Ticket) error {
		return t.Say(tx, h, support.Solve, "Done now.")
	})
	if m := w.mails(org)[support.MailSolved]; !strings.Contains(m.Text, "Done now.") || !strings.Contains(m.Text, "/support/tickets/"+b.ID+"/rating") {
		t.Errorf("the mail of a solution = %+v", m)
	}
	w.body(w.close(owner, b, "*"), 200)
	if m := w.mails(org)[support.MailClosed]; m.To != "ada@example.com" || !strings.Contains(m.Text, w.Clock.Now().AddDate(2, 0, 0).Format(time.DateOnly)) {
		t.Errorf("the mail of a close = %+v", m)
	}
	own := w.create(owner, "own")
	w.body(w.close(owner, own, "*"), 200)
	if n := len(w.mails(org)); n != 3 {
		t.Errorf("%d kinds of mails; want none to who closes their own ticket", n)
	}
	w.body(w.reopen(ada, b, "*"), 200)
	if m := w.mails(org)[support.MailClosed]; m.To != "" {
		t.Errorf("the mail of a close that no longer counts = %+v; want none", m)
	}
}

func (w world) rate(c apitest.Caller, b support.TicketBody, score int, key string) apitest.Answer {
	return w.Call(support.RateTicket(w.Store), c, apitest.Request{Path: at(b, "/rating"), Body: map[string]any{"score": score, "comment": " Quick. "}, Key: key})
}

func TestATicketIsRated(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	ada, other := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor)
	b := w.create(ada, "The tax")
	w.Want(w.rate(ada, b, 5, ""), 409, "ticket_state")
	w.body(w.close(ada, b, "*"), 200)
	for range 2 {
		got := w.body(w.rate(ada, b, 4, "once"), 200)
		if got.Rating == nil || got.Rating.Score != 4 || got.Rating.Comment != "Quick." || got.Status != support.Closed {
			t.Errorf("the rated ticket = %+v", got)
		}
	}
	if got := w.body(w.rate(ada, b, 1, ""), 200); got.Rating.Score != 1 {
		t.Errorf("rated again = %+v; want the later rating", got.Rating)
	}
	w.Want(w.rate(owner, b, 5, ""), 403, "asker_only")
	w.Want(w.rate(other, b, 5, ""), 404, "ticket_not_found")
	w.Want(w.rate(w.Organization(), b, 5, ""), 404, "ticket_not_found")
	for _, score := range []int{0, 6, -1} {
		w.Want(w.rate(ada, b, score, ""), 422, "")
	}
}

func TestACorrespondentRatesByTheLink(t *testing.T) {
	w := newWorld(t)
	hash := correspondents.HashOf(keys.Pseudonyms{Secret: "s"}, "ada@example.com")
	h := w.Store.BindCase(hash, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	if err := correspondents.Heard(context.Background(), tx, h, "ada@example.com", "Ada"); err != nil {
		t.Fatal(err)
	}
	ticket := support.Ask(tx, h, support.Author{Correspondent: hash}, "The tax", "It says 19 %.", false)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	rate := func(pass string) apitest.Answer {
		return w.Call(support.RateMailTicket(w.Store, links), apitest.Caller{}, apitest.Request{Body: map[string]any{"pass": pass, "score": 3}})
	}
	pass := support.Pass(links, hash, ticket.ID)
	w.Want(rate(pass), 409, "ticket_state")
	tx = w.Store.Begin()
	if err := ticket.End(tx, h); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if m := w.mails(h)[support.MailClosed]; m.To != "ada@example.com" || !strings.Contains(m.Text, "#pass="+pass) {
		t.Errorf("the mail = %+v; want the link", m)
	}
	w.Want(rate(pass), 200, "")
	for _, wrong := range []string{"x", pass + "a", "0" + pass, strings.Replace(pass, string(ticket.ID), "tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", 1)} {
		w.Want(rate(wrong), 404, "ticket_not_found")
	}
	rated, err := store.Get[support.Ticket](context.Background(), h, support.KeyIn(h.Scope(), ticket.ID))
	if err != nil || rated.Score != 3 {
		t.Errorf("the ticket = %+v, %v; want its rating", rated, err)
	}
}
