package sorting_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

func question() mail.Received {
	return mail.Received{From: "Ada Example <ada@example.com>", Subject: "The tax", Text: "It says 19 %.\n\n-- \nAda"}
}

func TestAMailOfAStrangerIsTheirTicket(t *testing.T) {
	w := newWorld(t)
	if a := w.receive(question()); a.State != mailroom.Taken || a.Why != "support" {
		t.Errorf("the mail is %s (%s); want taken", a.State, a.Why)
	}
	h := w.correspondent("ada@example.com")
	if got, want := w.tickets(h), []string{"open | The tax | It says 19 %."}; !slices.Equal(got, want) {
		t.Errorf("tickets = %q; want %q", got, want)
	}
	person, err := correspondents.Person(t.Context(), h)
	if err != nil || person.Name != "Ada Example" || person.Address != "ada@example.com" {
		t.Errorf("the correspondent is %+v, %v", person, err)
	}
	m := w.mails(h)[support.MailReceived]
	if m.To != "ada@example.com" || m.Headers["Auto-Submitted"] != "auto-replied" || strings.Contains(m.Text+m.Subject, "tax") || strings.Contains(m.Text, "19 %") {
		t.Errorf("the acknowledgement = %+v; want it to the sender, said to be of a machine, without their words", m)
	}
	answer := mail.Received{From: "ADA@Example.com", To: []string{m.ReplyTo}, Subject: "Something else", Text: "And 7 % is right."}
	w.receive(answer)
	if got, want := w.tickets(h), []string{"open | The tax | It says 19 %. | And 7 % is right."}; !slices.Equal(got, want) {
		t.Errorf("after an answer: %q; want %q", got, want)
	}
	w.receive(mail.Received{From: "ada@example.com", Subject: "Re: The tax", Text: "By subject alone."})
	if got := w.tickets(h); len(got) != 2 {
		t.Errorf("tickets = %q; want a second one, for a subject is no thread", got)
	}
}

func TestNobodyWritesIntoTheTicketOfAnother(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	h := w.correspondent("ada@example.com")
	to := w.mails(h)[support.MailReceived].ReplyTo
	w.receive(mail.Received{From: "eve@example.com", To: []string{to}, Text: "Let me in."})
	for _, guess := range []string{strings.Replace(to, ".", ".a", 1), to[:strings.Index(to, ".")] + "@pixeltrack.io", "support+x@pixeltrack.io"} {
		w.receive(mail.Received{From: "ada@example.com", To: []string{guess}, Subject: "guess", Text: "Mine."})
	}
	if got := w.tickets(h); len(got) != 4 || got[0] != "open | The tax | It says 19 %." {
		t.Errorf("tickets = %q; want the first as it was", got)
	}
	if got, want := w.tickets(w.correspondent("eve@example.com")), []string{"open | (no subject) | Let me in."}; !slices.Equal(got, want) {
		t.Errorf("tickets of who wrote into it = %q; want %q", got, want)
	}
}

func TestAMemberIsBoundWhenItIsSureThatTheyWrote(t *testing.T) {
	w := newWorld(t)
	ada := w.member("ada@example.com")
	q := question()
	w.receive(q)
	if got := w.tickets(w.org(ada)); got != nil {
		t.Errorf("tickets of the organization = %q; want none of a mail that anybody could have sent", got)
	}
	q.Headers = authentic()
	w.receive(q)
	if got, want := w.tickets(w.org(ada)), []string{"open | The tax | It says 19 %."}; !slices.Equal(got, want) {
		t.Errorf("tickets of the organization = %q; want %q", got, want)
	}
	m := w.mails(w.org(ada))[support.MailReceived]
	if m.To != "ada@example.com" {
		t.Errorf("the acknowledgement goes to %q", m.To)
	}
	w.receive(mail.Received{From: "ada@example.com", To: []string{m.ReplyTo}, Text: "Forged."})
	w.receive(mail.Received{From: "ada@example.com", To: []string{m.ReplyTo}, Text: "Mine.", Headers: authentic()})
	if got, want := w.tickets(w.org(ada)), []string{"open | The tax | It says 19 %. | Mine."}; !slices.Equal(got, want) {
		t.Errorf("tickets of the organization = %q; want %q", got, want)
	}
	if got := w.tickets(w.correspondent("ada@example.com")); len(got) != 2 {
		t.Errorf("tickets of the address = %q; want those two that anybody could have sent", got)
	}
}

func TestAMemberOfTwoOrganizationsIsInNeither(t *testing.T) {
	w := newWorld(t)
	ada := w.member("ada@example.com")
	other := w.Organization()
	second := other
	second.User = ada.User
	w.join(second)
	h := w.Store.BindOrganization(other.Org, store.Actor{Who: "test"})
	a, err := store.Get[access.Access](t.Context(), h, access.AccessKey(other.Org, other.Member))
	w.must(err)
	a.User = ada.User
	tx := w.Store.Begin()
	tx.Replace(h, a)
	w.must(tx.Commit(t.Context()))

	q := question()
	q.Headers = authentic()
	w.receive(q)
	if a, b, c := w.tickets(w.org(ada)), w.tickets(h), w.tickets(w.correspondent("ada@example.com")); a != nil || b != nil || len(c) != 1 {
		t.Errorf("tickets = %q, %q, %q; want it with the person alone, for no organization knows that it is meant", a, b, c)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	w := newWorld(t)
	auto := func(name, value string) map[string]mail.Values { return map[string]mail.Values{name: {value}} }
	for why, m := range map[string]mail.Received{
		"no_box":         {To: []string{"sales@pixeltrack.io"}},
		"own":            {From: "Support <support@pixeltrack.io>"},
		"auto_submitted": {Headers: auto("Auto-Submitted", "auto-replied")},
		"bulk":           {Headers: auto("precedence", "bulk")},
		"bounce":         {From: "mailer-daemon@example.com"},
		"no_sender":      {From: "ada"},
		"empty":          {Subject: " ", Text: "\n"},
	} {
		t.Run(why, func(t *testing.T) {
			if m.From == "" {
				m.From = "ada@example.com"
			}
			if m.Text == "" {
				m.Text = "Hello"
			}
			if got := w.receive(m); got.State != mailroom.Ignored || got.Why != why {
				t.Errorf("the mail is %s (%s); want ignored (%s)", got.State, got.Why, why)
			}
		})
	}
	t.Run("our own sender", func(t *testing.T) {
		if got := w.receive(mail.Received{From: "no-reply@mail.pixeltrack.io", Text: "x"}); got.Why != "own" {
			t.Errorf("the mail is %s (%s); want ignored (own)", got.State, got.Why)
		}
	})
	if got := w.tickets(w.correspondent("ada@example.com")); got != nil {
		t.Errorf("tickets = %q; want none", got)
	}
}

func TestMachinesDoNotTalkToEachOther(t *testing.T) {
	w := newWorld(t)
	h := w.correspondent("ada@example.com")
	for range correspondents.DailyMails {
		w.receive(question())
	}
	if got := w.receive(question()); got.State != mailroom.Ignored || got.Why != "too_many" {
		t.Errorf("one too many is %s (%s); want ignored", got.State, got.Why)
	}
	if got := len(w.tickets(h)); got != correspondents.DailyMails {
		t.Errorf("%d tickets; want %d", got, correspondents.DailyMails)
	}
	if got := w.acknowledged(h); got != correspondents.DailyAnswers {
		t.Errorf("%d acknowledgements; want %d", got, correspondents.DailyAnswers)
	}
	w.Clock.Advance(25 * time.Hour)
	wary := question()
	wary.Headers = map[string]mail.Values{"X-Auto-Response-Suppress": {"All"}}
	if got := w.receive(wary); got.State != mailroom.Taken || w.acknowledged(h) != correspondents.DailyAnswers {
		t.Errorf("a mail that wants no answer of a machine is %s, %d acknowledgements; want it taken and none more", got.State, w.acknowledged(h))
	}
	w.receive(question())
	if got := w.acknowledged(h); got != correspondents.DailyAnswers+1 {
		t.Errorf("%d acknowledgements on the next day; want one more", got)
	}
}

func TestAMailIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	key := w.arrive(question())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := w.event(key); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.must(w.event(key))
	w.Clock.Advance(time.Hour)
	w.must(w.schedule())
	if got := w.tickets(w.correspondent("ada@example.com")); len(got) != 1 {
		t.Errorf("tickets = %q; want one", got)
	}
	if got := w.dueArrivals(); got != 0 {
		t.Errorf("%d clocks are left; want none", got)
	}
}

func TestMailsThatMeetAreAllTaken(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	h := w.correspondent("ada@example.com")
	to := []string{w.mails(h)[support.MailReceived].ReplyTo}
	keys := []store.Key{}
	for range 4 {
		keys = append(keys, w.arrive(mail.Received{From: "ada@example.com", To: to, Text: "More."}))
	}
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() {
			if err := w.event(key); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, want := w.tickets(h), []string{"open | The tax | It says 19 %. | More. | More. | More. | More."}; !slices.Equal(got, want) {
		t.Errorf("tickets = %q; want %q", got, want)
	}
}

func TestAMailWaitsForTheProvider(t *testing.T) {
	w := newWorld(t)
	key := w.arrive(question())
	w.provider.err = errors.New("the provider is away")
	if w.event(key) == nil {
		t.Error("a mail that cannot be fetched is no failure")
	}
	w.Clock.Advance(time.Hour)
	if w.schedule() == nil {
		t.Error("a mail that cannot be fetched is no failure for the schedule")
	}
	w.provider.err = nil
	w.must(w.schedule()) // not yet: it waits after each try
	if got := w.arrival(key); got.State != mailroom.Received {
		t.Errorf("the mail is %s; want it to wait", got.State)
	}
	w.Clock.Advance(mailroom.Patience)
	w.must(w.schedule())
	if got := w.arrival(key); got.State != mailroom.Taken {
		t.Errorf("the mail is %s; want taken", got.State)
	}

	lost := w.arrive(question())
	w.provider.err = errors.New("the provider is away")
	w.Clock.Advance(73 * time.Hour)
	w.must(w.schedule())
	if got := w.arrival(lost); got.State != mailroom.Lost || !strings.Contains(w.Log.String(), `"mail_lost"`) {
		t.Errorf("the mail is %s after three days; want it lost, and people told", got.State)
	}
	w.provider.err = nil
	gone := w.arrive(question())
	clear(w.provider.mails)
	w.must(w.event(gone))
	if got := w.arrival(gone); got.State != mailroom.Lost || got.Why != "not_there" {
		t.Errorf("a mail that the provider has not is %s (%s); want lost", got.State, got.Why)
	}
}

// dueArrivals counts the clocks of mails.
func (w *world) dueArrivals() int {
	w.T.Helper()
	n := 0
	for _, err := range store.AllDue(w.T.Context(), w.Store.BindPlatform(store.Actor{Who: "test"}), mailroom.DueArrival, w.Clock.Now().AddDate(1, 0, 0)) {
		w.must(err)
		n++
	}
	return n
}

// closed closes the first ticket of a scope, as its state machine does.
func (w *world) closed(h *store.Case) *support.Ticket {
	w.T.Helper()
	rows, _, err := store.List[support.Ticket](w.T.Context(), h, store.Query{Partition: h.Scope().Partition(support.Family), Limit: 1})
	w.must(err)
	tx := w.Store.Begin()
	w.must(rows[0].End(tx, h))
	w.must(tx.Commit(w.T.Context()))
	return rows[0]
}

func TestAnAnswerOpensAClosedTicketForTwoWeeks(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	h := w.correspondent("ada@example.com")
	to := []string{w.mails(h)[support.MailReceived].ReplyTo}
	w.closed(h)
	w.Clock.Advance(support.ReopenWithin - time.Second)
	w.receive(mail.Received{From: "ada@example.com", To: to, Text: "Again."})
	if got, want := w.tickets(h), []string{"open | The tax | It says 19 %. | Again."}; !slices.Equal(got, want) {
		t.Errorf("tickets = %q; want %q", got, want)
	}
	w.closed(h)
	w.Clock.Advance(support.ReopenWithin)
	w.receive(mail.Received{From: "ada@example.com", To: to, Subject: "Late", Text: "Once more."})
	if got, want := w.tickets(h), []string{"closed | The tax | It says 19 %. | Again.", "open | Late | Once more."}; !slices.Equal(got, want) {
		t.Errorf("tickets = %q; want %q", got, want)
	}
}

func TestACorrespondentGoesTwoYearsAfterTheLastClose(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	h := w.correspondent("ada@example.com")
	ticket := w.closed(h)
	clearances := map[store.DueKind]retention.Clearer{retention.TicketPurge: support.Clear(files.GoWithTicket), retention.CorrespondentPurge: correspondents.Clear}
	sweep := func() (gone int) {
		for _, kind := range []store.DueKind{retention.TicketPurge, retention.CorrespondentPurge} {
			for d, err := range store.AllDue(t.Context(), w.Store.BindPlatform(store.Actor{Who: "test"}), kind, w.Clock.Now()) {
				w.must(err)
				tx, n, err := clearances[kind](t.Context(), w.Store, store.Actor{Who: "sweep"}, d)
				w.must(err)
				if tx != nil {
					tx.Disarm(h, d, true)
					w.must(tx.Commit(t.Context()))
				}
				gone += n
			}
		}
		return gone
	}
	w.Clock.Set(time.Unix(ticket.DueAt, 0).Add(-time.Hour))
	if n := sweep(); n != 0 {
		t.Errorf("%d rows went before their time", n)
	}
	w.Clock.Set(time.Unix(ticket.DueAt, 0))
	if n := sweep(); n != 3 {
		t.Errorf("%d rows went; want the message, the ticket and the correspondent", n)
	}
	if _, err := correspondents.Person(t.Context(), h); err == nil {
		t.Error("the correspondent is still there")
	}
}

// acknowledged counts the acknowledgements in a scope.
func (w *world) acknowledged(h *store.Case) int {
	w.T.Helper()
	return len(w.queued(h))
}
