package sorting_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/referrals"
	"pixeltrack.io/platform/pkg/store"
)

// cleo is somebody with an account who is a contact at organizations, and has asked.
type cleo struct {
	*office
	apitest.Caller
	h *store.User
}

// asked gives each organization cleo as a contact, and lets cleo ask for an access that is not worked on yet.
func (o *office) asked(orgs ...apitest.Caller) *cleo {
	o.T.Helper()
	for _, org := range orgs {
		o.contact(org, "cleo@example.com")
	}
	c := &cleo{office: o, Caller: o.Member(o.studio("Cleo's own").Org, access.Contributor)}
	o.account(c.Caller, "cleo@example.com")
	c.h = o.Store.BindUser(c.User, store.Actor{Who: "test"})
	o.Want(o.Call(privacy.CreateRequest(o.Store), c.Caller, apitest.Request{Body: map[string]any{"type": "access"}}), 201, "")
	return c
}

// asksAll is asked with the request forwarded to the organizations.
func (o *office) asksAll(orgs ...apitest.Caller) *cleo {
	o.T.Helper()
	c := o.asked(orgs...)
	o.work(c.h)
	o.work(c.h) // on what the first run opened
	return c
}

// both gives what was forwarded, and the request that it came from.
func (c *cleo) both() (forwarded, own *privacy.Request) {
	c.T.Helper()
	for _, r := range c.requests(c.h) {
		if r.Processor {
			forwarded = r
		} else {
			own = r
		}
	}
	return forwarded, own
}

func (c *cleo) withdraws(r *privacy.Request) apitest.Answer {
	c.T.Helper()
	c.Token = c.World.Token(c.Caller)
	return c.Call(privacy.WithdrawRequest(c.Store), c.Caller, apitest.Request{Path: "/v1/dsr/" + string(r.ID) + "/withdraw"})
}

// waiting lists the requests that an organization has not answered.
func (w *world) waiting(owner apitest.Caller) []referrals.DataRequestBody {
	w.T.Helper()
	owner.Token = w.Token(owner)
	a := w.Call(referrals.ListDataRequests(), owner, apitest.Request{Path: "/v1/org/data-requests?state=open"})
	w.Want(a, 200, "")
	var out struct{ Data []referrals.DataRequestBody }
	a.Into(w.T, &out)
	return out.Data
}

// to counts the mails of a template that an organization's members have in the outbox.
func (w *world) to(org apitest.Caller, template string) (n int) {
	for _, m := range w.queued(w.org(org)) {
		if m.Template == template {
			n++
		}
	}
	return n
}

// written writes the mails of a template that go to an organization's members, but for those that are dropped.
func (w *world) written(org apitest.Caller, template string) (all []mail.Message) {
	w.T.Helper()
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: w.room.Links, PublicURL: "https://app.example.com", From: w.room.Own, Boxes: w.room.Boxes, People: account.People}
	i := slices.IndexFunc(letters.Templates(), func(t compose.Template) bool { return t.Kind == template })
	for _, m := range w.queued(w.org(org)) {
		if m.Template != template {
			continue
		}
		message, err := letters.Templates()[i].Compose(w.T.Context(), c, m)
		if errors.Is(err, compose.ErrGone) {
			continue
		}
		w.must(err)
		all = append(all, message)
	}
	return all
}

func TestAForwardedRequestIsTakenBack(t *testing.T) {
	w := newWorld(t)
	one, two := w.studio("One"), w.studio("Two")
	w.account(one, "boss@one.example")
	admin := w.Member(one.Org, access.Admin)
	w.account(admin, "admin@one.example")
	o := w.office()
	c := o.asksAll(one, two)
	f, _ := c.both()
	w.Want(w.answer(two, string(f.ID), "", map[string]any{"answer": "acted"}), 200, "")
	if got := w.waiting(one); len(got) != 1 || got[0].State != referrals.Open {
		t.Errorf("one has %+v to answer; want the request", got)
	}
	if got := w.waiting(two); len(got) != 0 {
		t.Errorf("two has %+v to answer; want nothing, for it has answered", got)
	}
	first := w.queued(w.org(one))[slices.IndexFunc(w.queued(w.org(one)), func(m *outbox.Mail) bool {
		return m.Template == referrals.MailForwarded && m.Ids["member"] == string(one.Member)
	})]
	first.State = outbox.Sent
	tx := w.Store.Begin()
	tx.Rewrite(w.org(one), first) // the owner has been told, the mail to the admin still waits
	w.must(tx.Commit(t.Context()))

	w.Want(c.withdraws(f), 200, "")
	w.Want(c.withdraws(f), 409, "request_not_withdrawable")
	for range 2 {
		o.work(c.h)
	}
	if got := w.referred(one); len(got) != 1 || got[0].State != referrals.Withdrawn || got[0].WithdrawnAt == nil || got[0].Answer != "" {
		t.Errorf("one is shown %+v; want it withdrawn", got)
	}
	if got := w.waiting(one); len(got) != 0 {
		t.Errorf("one has %+v to answer; want nothing", got)
	}
	for range 2 {
		w.Want(w.answer(one, string(f.ID), "", map[string]any{"answer": "acted"}), 409, "data_request_withdrawn")
	}
	if got := w.referred(two); len(got) != 1 || got[0].State != referrals.Answered || got[0].WithdrawnAt != nil {
		t.Errorf("two is shown %+v; want its answer as it gave it", got)
	}
	if n, m := w.to(one, referrals.MailWithdrawn), w.to(two, referrals.MailWithdrawn); n != 2 || m != 0 {
		t.Errorf("%d mails to one and %d to two; want one to each who decides for who had not answered", n, m)
	}
	if got := w.written(one, referrals.MailForwarded); len(got) != 0 {
		t.Errorf("still asked to answer: %+v; want nobody", got)
	}
	got := w.written(one, referrals.MailWithdrawn)
	if len(got) != 1 || got[0].To != "boss@one.example" || !strings.Contains(got[0].Text, "taken it back") || strings.Contains(got[0].Text, "cleo") {
		t.Errorf("written %+v; want it told to who was told of the request, without who it is", got)
	}
	f, own := c.both()
	if f.State != request.Withdrawn || f.Next != 0 || own.State == request.Withdrawn {
		t.Errorf("it is %s, the other is %s; want the one withdrawn and done with, the other as it was", f.State, own.State)
	}
	if i := slices.IndexFunc(f.Controllers, func(c privacy.Controller) bool { return c.Org == two.Org }); f.Controllers[i].Answer != referrals.Acted {
		t.Errorf("the person is shown %+v; want what two had done", f.Controllers)
	}
	w.Clock.Set(time.Unix(f.Due, 0))
	n := len(w.queued(w.org(one)))
	o.work(c.h)
	if len(w.queued(w.org(one))) != n || w.referred(one)[0].State != referrals.Withdrawn {
		t.Error("when it was due something more was said of it")
	}
}

func TestAWithdrawalBeforeAnybodyWasTold(t *testing.T) {
	var w *world
	var one apitest.Caller
	var o *office
	var c *cleo
	for again := true; again; again = len(w.referred(one)) > 0 {
		w = newWorld(t)
		one, o = w.studio("One"), w.office()
		c = o.asked(one)
		o.work(c.h) // opens what is forwarded, and forwards it as well where its clock lies in a shard that comes later
	}
	f, _ := c.both()
	w.Want(c.withdraws(f), 200, "")
	for range 2 {
		o.work(c.h)
	}
	if n := w.to(one, referrals.MailForwarded) + w.to(one, referrals.MailWithdrawn); n != 0 || len(w.referred(one)) != 0 {
		t.Errorf("%d mails and %+v; want the organization to learn nothing", n, w.referred(one))
	}
	if f, _ = c.both(); f.Next != 0 {
		t.Error("it is still looked at")
	}
}

func TestAnAnswerMeetsAWithdrawal(t *testing.T) {
	for range 5 {
		w := newWorld(t)
		one := w.studio("One")
		o := w.office()
		c := o.asksAll(one)
		f, _ := c.both()
		answered, met := make(chan apitest.Answer), make(chan error)
		w.Want(c.withdraws(f), 200, "")
		go func() { answered <- w.answer(one, string(f.ID), "", map[string]any{"answer": "acted"}) }()
		for range 2 {
			go func() { met <- o.run() }()
		}
		a := <-answered
		for range 2 {
			w.must(<-met)
		}
		w.must(o.run())
		got, mails := w.referred(one)[0], w.to(one, referrals.MailWithdrawn)
		f, _ = c.both()
		switch {
		case f.State != request.Withdrawn || len(w.waiting(one)) != 0:
			t.Errorf("it is %s, and %d wait; want it withdrawn, and none", f.State, len(w.waiting(one)))
		case a.Status == 200:
			if got.State != referrals.Answered || mails != 0 || f.Controllers[0].Answer != referrals.Acted {
				t.Errorf("answered first: %s, %d mails, the person sees %+v; want the answer to count", got.State, mails, f.Controllers)
			}
		default:
			w.Want(a, 409, "data_request_withdrawn")
			if got.State != referrals.Withdrawn || got.Answer != "" || mails != 1 {
				t.Errorf("withdrawn first: %+v, %d mails; want it withdrawn, and told once", got, mails)
			}
		}
	}
}

func TestForwardingMeetsAWithdrawal(t *testing.T) {
	for range 5 {
		w := newWorld(t)
		one, two := w.studio("One"), w.studio("Two")
		o := w.office()
		c := o.asked(one, two)
		o.work(c.h) // opens what is forwarded
		f, _ := c.both()
		met := make(chan error)
		for range 2 {
			go func() { met <- o.run() }()
		}
		w.Want(c.withdraws(f), 200, "")
		for range 2 {
			w.must(<-met)
		}
		w.must(o.run())
		for _, org := range []apitest.Caller{one, two} {
			told := w.to(org, referrals.MailForwarded)
			if len(w.waiting(org)) != 0 || w.to(org, referrals.MailWithdrawn) != told || len(w.referred(org)) != told {
				t.Errorf("%d told of it, %d of its end, %+v wait; want who was told of the one told of the other", told, w.to(org, referrals.MailWithdrawn), w.waiting(org))
			}
		}
	}
}
