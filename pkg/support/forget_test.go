package support_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

func (w world) forget(c apitest.Caller) (int, error) {
	h := w.Store.BindOrganization(c.Org, store.Actor{Who: "job:erase"})
	h.SeeRestricted()
	h.SeeDue()
	return support.Forget(context.Background(), h, c.Member, noFiles)
}

// texts is a thread as a caller sees it.
func (w world) texts(c apitest.Caller, b support.TicketBody) []string {
	w.T.Helper()
	var thread support.ThreadBody
	w.get(c, b).Into(w.T, &thread)
	all := []string{thread.Subject}
	for _, m := range thread.Thread {
		all = append(all, m.Text)
	}
	return all
}

func TestWhatAnErasedMemberWroteIsForgotten(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	ada := w.Member(owner.Org, access.Admin)
	alone, closed := w.create(ada, "alone"), w.create(ada, "closed")
	w.body(w.close(ada, closed, "*"), 200)
	shared, theirs := w.create(ada, "shared"), w.create(owner, "theirs")
	w.Clock.Advance(time.Second)
	w.body(w.reply(owner, shared, "The owner's words", ""), 201)
	w.body(w.reply(ada, theirs, "Ada's words", ""), 201)

	for range 2 { // again ends the same
		if _, err := w.forget(ada); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string]support.TicketBody{"alone": alone, "closed": closed} {
			if a := w.get(owner, b); a.Status != 404 {
				t.Errorf("the ticket %s = %d; want it gone", name, a.Status)
			}
		}
		if got, want := w.texts(owner, shared), []string{"", "", "The owner's words"}; !slices.Equal(got, want) {
			t.Errorf("a ticket that others wrote in = %q; want %q", got, want)
		}
		if got, want := w.texts(owner, theirs), []string{"theirs", "Where do I find it?", ""}; !slices.Equal(got, want) {
			t.Errorf("a ticket of another = %q; want %q", got, want)
		}
	}
	for d, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), retention.TicketPurge, w.Clock.Now().AddDate(3, 0, 0)) {
		t.Errorf("the clock of a ticket that has gone is still there: %+v, %v", d, err)
	}
}

func TestAHeldTicketIsNotForgotten(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	held := w.create(owner, "held")
	w.change(owner, held, func(u *dynamo.Update) { u.Set("held", true) })
	if _, err := w.forget(owner); !errors.Is(err, retention.ErrHeld) {
		t.Errorf("Forget = %v; want ErrHeld", err)
	}
	if a := w.get(owner, held); a.Status != 200 {
		t.Errorf("the held ticket = %d; want it there", a.Status)
	}
}
