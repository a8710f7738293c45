package support_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

type world struct{ *apitest.World }

func newWorld(t *testing.T) world { return world{apitest.New(t)} }

func ticket(subject string) map[string]any {
	return map[string]any{"subject": subject, "text": "Where do I find it?"}
}

func at(b support.TicketBody, more ...string) string {
	return "/v1/support/tickets/" + b.ID + strings.Join(more, "")
}

func (w world) body(a apitest.Answer, status int) (b support.TicketBody) {
	w.T.Helper()
	w.Want(a, status, "")
	a.Into(w.T, &b)
	return b
}

func (w world) create(c apitest.Caller, subject string) support.TicketBody {
	w.T.Helper()
	return w.body(w.Call(support.CreateTicket(w.Store), c, apitest.Request{Body: ticket(subject)}), 201)
}

func (w world) get(c apitest.Caller, b support.TicketBody) apitest.Answer {
	return w.Call(support.GetTicket(), c, apitest.Request{Path: at(b)})
}

func (w world) reply(c apitest.Caller, b support.TicketBody, text, key string) apitest.Answer {
	return w.Call(support.CreateTicketMessage(w.Store), c, apitest.Request{Path: at(b, "/messages"), Body: map[string]any{"text": text}, Key: key})
}

func (w world) close(c apitest.Caller, b support.TicketBody, match string) apitest.Answer {
	return w.Call(support.CloseTicket(w.Store), c, apitest.Request{Path: at(b, "/close"), IfMatch: match})
}

func (w world) reopen(c apitest.Caller, b support.TicketBody, match string) apitest.Answer {
	return w.Call(support.ReopenTicket(w.Store), c, apitest.Request{Path: at(b, "/reopen"), IfMatch: match})
}

func (w world) update(c apitest.Caller, b support.TicketBody, match string) apitest.Answer {
	return w.Call(support.UpdateTicket(w.Store), c, apitest.Request{Path: at(b), IfMatch: match, Body: map[string]any{"priority": "urgent"}})
}

func (w world) subjects(c apitest.Caller, query string) (all []string) {
	w.T.Helper()
	a := w.Call(support.ListTickets(), c, apitest.Request{Path: "/v1/support/tickets?" + query})
	w.Want(a, 200, "")
	var l api.List[support.TicketBody]
	a.Into(w.T, &l)
	for _, b := range l.Data {
		all = append(all, b.Subject)
	}
	return all
}

func TestATicketWithItsThread(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "  The first ")
	if made.Subject != "The first" || made.Status != support.Open || made.Priority != "normal" || made.Messages != 1 || made.MemberID != string(owner.Member) {
		t.Errorf("the ticket = %+v", made)
	}
	w.Clock.Advance(time.Minute)
	for range 2 {
		a := w.reply(owner, made, "It is in the PDF too.", "once")
		if b := w.body(a, 201); b.Messages != 2 || b.Status != support.Open {
			t.Errorf("after a reply and its replay: %+v; want 2 messages", b)
		}
	}
	var thread support.ThreadBody
	a := w.get(owner, made)
	a.Into(t, &thread)
	if len(thread.Thread) != 2 || thread.Thread[0].Text != "Where do I find it?" || thread.Thread[1].Text != "It is in the PDF too." || thread.Thread[1].MemberID != string(owner.Member) {
		t.Errorf("the thread = %+v", thread.Thread)
	}
	if b := w.body(w.update(owner, made, a.Header.Get("ETag")), 200); b.Priority != "urgent" {
		t.Errorf("priority = %s; want urgent", b.Priority)
	}
	first := w.Call(support.CreateTicket(w.Store), owner, apitest.Request{Body: ticket("Once"), Key: "made"})
	second := w.Call(support.CreateTicket(w.Store), owner, apitest.Request{Body: ticket("Once"), Key: "made"})
	if a, b := w.body(first, 201), w.body(second, 201); a.ID != b.ID {
		t.Errorf("a replay made %s besides %s", b.ID, a.ID)
	}
}

func TestWhoSeesWhichTickets(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	admin, member, guest := w.Member(owner.Org, access.Admin), w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Guest)
	manager, stranger := w.Member(owner.Org, access.Manager), w.Organization()
	mine := w.create(member, "member's")
	w.Clock.Advance(time.Second)
	closed := w.create(member, "member's closed")
	w.body(w.close(member, closed, "*"), 200)
	w.Clock.Advance(time.Second)
	w.create(guest, "guest's")

	for name, c := range map[string]apitest.Caller{"owner": owner, "admin": admin, "the member": member} {
		if a := w.get(c, mine); a.Status != 200 {
			t.Errorf("%s: %d; want the ticket", name, a.Status)
		}
	}
	for name, c := range map[string]apitest.Caller{"a manager": manager, "a guest": guest, "another organization": stranger} {
		for call, a := range map[string]apitest.Answer{"get": w.get(c, mine), "reply": w.reply(c, mine, "x", ""), "close": w.close(c, mine, "*"),
			"reopen": w.reopen(c, closed, "*"), "update": w.update(c, mine, "*")} {
			if a.Status != 404 || a.Code() != "ticket_not_found" {
				t.Errorf("%s by %s = %d %s; want 404 ticket_not_found", call, name, a.Status, a.Code())
			}
		}
	}
	for _, c := range []struct {
		name  string
		who   apitest.Caller
		query string
		want  []string
	}{
		{"an admin sees all", admin, "", []string{"member's", "member's closed", "guest's"}},
		{"an admin by state, the last changed first", admin, "status=open", []string{"guest's", "member's"}},
		{"an admin's own", admin, "mine=true", nil},
		{"a member sees their own, by state", member, "", []string{"member's closed", "member's"}},
		{"a member by state", member, "status=closed", []string{"member's closed"}},
		{"a manager sees their own alone", manager, "status=open", nil},
		{"another organization", stranger, "", nil},
	} {
		if got := w.subjects(c.who, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func TestATicketIsClosedAndReopened(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.create(owner, "Over soon")
	w.Want(w.close(owner, b, ""), 428, "if_match_required")
	w.Want(w.close(owner, b, `"7"`), 412, "stale_version")
	w.Want(w.update(owner, b, `"7"`), 412, "stale_version")
	now := w.Clock.Now()
	for range 2 {
		got := w.body(w.close(owner, b, "*"), 200)
		if got.Status != support.Closed || got.ClosedAt == nil || got.GoneAt == nil || got.GoneAt.Before(now.AddDate(2, 0, 0)) || got.GoneAt.After(now.AddDate(2, 0, 1)) {
			t.Errorf("the closed ticket = %+v; want it gone two years after %v", got, now)
		}
	}
	w.Want(w.reply(owner, b, "One thing more", ""), 409, "ticket_state")
	w.Want(w.update(owner, b, "*"), 409, "ticket_state")
	owner = w.Later(owner, support.ReopenWithin)
	if got := w.body(w.reopen(owner, b, "*"), 200); got.Status != support.Open || got.ClosedAt != nil || got.GoneAt != nil {
		t.Errorf("the reopened ticket = %+v", got)
	}
	w.body(w.close(owner, b, "*"), 200)
	owner = w.Later(owner, support.ReopenWithin+time.Second)
	w.Want(w.reopen(owner, b, "*"), 409, "reopen_too_late")
}

func TestWhatNoTicketTakes(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.create(owner, "Real")
	for name, body := range map[string]map[string]any{
		"no text": {"subject": "x"}, "blank subject": {"subject": "  ", "text": "x"}, "blank text": {"subject": "x", "text": " \n"},
		"unknown priority": {"subject": "x", "text": "x", "priority": "now"}, "long text": {"subject": "x", "text": strings.Repeat("x", 5001)},
		"long subject": {"subject": strings.Repeat("x", 201), "text": "x"},
	} {
		if a := w.Call(support.CreateTicket(w.Store), owner, apitest.Request{Body: body}); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s = %d; want 422", name, a.Status)
		}
	}
	w.Want(w.reply(owner, b, " ", ""), 422, "")
	w.Want(w.get(owner, support.TicketBody{ID: "tkt_nothing"}), 404, "ticket_not_found")
	w.change(owner, b, func(u *dynamo.Update) { u.Set("messages", support.MaxMessages) })
	w.Want(w.reply(owner, b, "One too many", ""), 409, "ticket_full")
}

func (w world) change(c apitest.Caller, b support.TicketBody, change func(*dynamo.Update)) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), support.Key(c.Org, id.Ticket(b.ID)), change)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func TestRepliesThatMeetAreAllKept(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	b := w.create(owner, "Busy")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if a := w.reply(owner, b, fmt.Sprint("reply ", i), ""); a.Status != 201 {
				t.Errorf("reply %d = %d %s", i, a.Status, a.Code())
			}
		})
	}
	all.Wait()
	var thread support.ThreadBody
	w.get(owner, b).Into(t, &thread)
	if len(thread.Thread) != 5 || thread.Messages != 5 {
		t.Errorf("%d messages, counted %d; want 5", len(thread.Thread), thread.Messages)
	}
}

// noFiles is that no ticket has any.
func noFiles(context.Context, support.Holder, id.Ticket) (int, error) { return 0, nil }

// clear does what the sweep does with every clock of tickets that is due.
func (w world) clear() (gone int, held int) {
	w.T.Helper()
	ctx, platform := context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"})
	for d, err := range store.AllDue(ctx, platform, retention.TicketPurge, w.Clock.Now()) {
		if err != nil {
			w.T.Fatal(err)
		}
		tx, n, err := support.Clear(noFiles)(ctx, w.Store, store.Actor{Who: "sweep"}, d)
		if err == retention.ErrHeld {
			held++
			continue
		}
		if err == nil && tx != nil {
			err = tx.Commit(ctx)
		}
		if err != nil {
			w.T.Fatal(err)
		}
		gone += n
	}
	return gone, held
}

func TestAClosedTicketGoesAfterTwoYears(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	again, closed, open, held := w.create(owner, "closed again"), w.create(owner, "closed"), w.create(owner, "open"), w.create(owner, "held")
	w.body(w.reply(owner, closed, "Thanks", ""), 201)
	w.body(w.close(owner, again, "*"), 200)
	w.body(w.close(owner, held, "*"), 200)
	gone := *w.body(w.close(owner, closed, "*"), 200).GoneAt
	start := w.Clock.Now()
	owner = w.Later(owner, 24*time.Hour)
	w.body(w.reopen(owner, again, "*"), 200)
	w.body(w.close(owner, again, "*"), 200)

	w.Clock.Set(start.AddDate(2, 0, 0).Add(-25 * time.Hour))
	if gone, _ := w.clear(); gone != 0 {
		t.Errorf("%d rows went before their two years were over", gone)
	}
	w.change(owner, held, func(u *dynamo.Update) { u.Set("held", true).Remove("due_at") })
	w.Clock.Set(gone)
	owner = w.Member(owner.Org, access.Admin) // the owner's session is over by now
	w.Want(w.get(owner, closed), 404, "ticket_not_found")
	w.Want(w.reopen(owner, closed, "*"), 404, "ticket_not_found")
	if gone, held := w.clear(); gone != 3 || held != 1 {
		t.Errorf("%d rows went, %d tickets were kept; want the ticket and its two messages gone, and the held one kept", gone, held)
	}
	w.change(owner, held, func(u *dynamo.Update) { u.Remove("held") })
	if gone, _ := w.clear(); gone != 2 {
		t.Errorf("%d rows went; want the ticket whose hold has ended, and its message", gone)
	}
	if gone, _ := w.clear(); gone != 0 {
		t.Errorf("%d rows went the second time; want none", gone)
	}
	for name, b := range map[string]support.TicketBody{"closed again a day later": again, "open": open} {
		if a := w.get(owner, b); a.Status != 200 {
			t.Errorf("%s: %d; want it there", name, a.Status)
		}
	}
}
