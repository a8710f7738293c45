package files_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

func (w world) ticket(c apitest.Caller) string {
	w.T.Helper()
	a := w.Call(support.CreateTicket(w.Store), c, apitest.Request{Body: map[string]any{"subject": "Question", "text": "Where?"}})
	w.Want(a, http.StatusCreated, "")
	var b support.TicketBody
	a.Into(w.T, &b)
	return b.ID
}

func (w world) ticketNow(c apitest.Caller, ticket string) support.TicketBody {
	w.T.Helper()
	var b support.ThreadBody
	a := w.Call(support.GetTicket(), c, apitest.Request{Path: "/v1/support/tickets/" + ticket})
	w.Want(a, 200, "")
	a.Into(w.T, &b)
	return b.TicketBody
}

func (w world) closeTicket(c apitest.Caller, ticket string) {
	w.T.Helper()
	w.Want(w.Call(support.CloseTicket(w.Store), c, apitest.Request{Path: "/v1/support/tickets/" + ticket + "/close", IfMatch: "*"}), 200, "")
}

func TestFilesOfATicketAreSeenByWhoSeesIt(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	asker, other, admin := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Admin)
	ticket := w.ticket(asker)
	b, theirs := w.there(asker, ticket), w.there(admin, ticket)
	if got := w.ticketNow(asker, ticket); got.Files != 2 {
		t.Errorf("the ticket counts %d files; want 2", got.Files)
	}
	for name, c := range map[string]apitest.Caller{"who asked": asker, "an admin": admin} {
		for _, f := range []files.FileBody{b, theirs} {
			if a, d := w.get(c, f), w.download(c, f); a.Status != 200 || d.Status != 200 {
				t.Errorf("%s gets %d and %d; want the file", name, a.Status, d.Status)
			}
		}
		if got := len(w.list(c, "parent_type=ticket&parent_id="+ticket).Data); got != 2 {
			t.Errorf("%s: %d files of the ticket; want 2", name, got)
		}
	}
	for name, c := range map[string]apitest.Caller{"another member": other, "another organization": w.Organization()} {
		for call, a := range map[string]apitest.Answer{"get": w.get(c, b), "download": w.download(c, b), "rename": w.rename(c, b, "x", "*"), "delete": w.del(c, b, "*"), "confirm": w.confirm(c, b)} {
			if a.Status != 404 || a.Code() != "file_not_found" {
				t.Errorf("%s by %s = %d %s; want 404 file_not_found", call, name, a.Status, a.Code())
			}
		}
		if got := w.list(c, "").Data; len(got) != 0 {
			t.Errorf("%s: %d files; want none", name, len(got))
		}
		w.Want(w.Call(files.ListFiles(), c, apitest.Request{Path: "/v1/files?parent_type=ticket&parent_id=" + ticket}), 404, "ticket_not_found")
		w.Want(w.create(c, apitest.Request{Body: announce(ticket, nil)}), 404, "ticket_not_found")
	}
	w.Want(w.del(asker, b, "*"), 204, "")
	if got := w.ticketNow(asker, ticket); got.Files != 1 {
		t.Errorf("the ticket counts %d files; want 1", got.Files)
	}
	w.closeTicket(asker, ticket)
	w.Want(w.create(asker, apitest.Request{Body: announce(ticket, nil)}), 409, "ticket_closed")
}

func TestATicketTakesItsFilesAlong(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	ticket, other := w.ticket(owner), w.ticket(owner)
	gone, stays := w.there(owner, ticket), w.there(owner, other)
	w.Clock.Advance(files.GrantLife + 2*time.Minute)
	w.mustSweep() // their uploads are over
	owner = w.Later(owner, 0)
	w.asked(owner, ticket)
	w.closeTicket(owner, ticket)
	w.closeTicket(owner, other)
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	key := files.Key(owner.Org, id.File(gone.ID))
	w.change(owner, key, func(u *dynamo.Update) { u.Set("held", true) })
	if _, err := files.GoWithTicket(context.Background(), h, id.Ticket(ticket)); !errors.Is(err, retention.ErrHeld) {
		t.Errorf("GoWithTicket with a held file = %v; want ErrHeld", err)
	}
	w.change(owner, key, func(u *dynamo.Update) { u.Remove("held") })
	for range 2 {
		if _, err := files.GoWithTicket(context.Background(), h, id.Ticket(ticket)); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Advance(files.GrantLife + 2*time.Minute)
	w.mustSweep()
	owner = w.Later(owner, 0)
	if a := w.get(owner, gone); a.Status != 404 {
		t.Errorf("the file = %d; want it gone with its ticket", a.Status)
	}
	if got := w.kept.Keys(); len(got) != 1 {
		t.Errorf("objects = %q; want that of the other ticket alone", got)
	}
	if a := w.get(owner, stays); a.Status != 200 {
		t.Errorf("the file of the other ticket = %d; want it there", a.Status)
	}
}

func TestFilesThatAnErasedMemberSentAreForgotten(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	ada := w.Member(owner.Org, access.Admin)
	ticket := w.ticket(owner)
	sent := w.there(ada, ticket)
	work := w.there(ada, w.project(owner, "WORK"))
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	for range 2 {
		if _, err := files.Forget(context.Background(), h, ada.Member); err != nil {
			t.Fatal(err)
		}
	}
	if a := w.get(owner, sent); a.Status != 404 {
		t.Errorf("the file of a ticket = %d; want it gone", a.Status)
	}
	if a := w.get(owner, work); a.Status != 200 {
		t.Errorf("the file of a project = %d; want it there, for it is the organization's", a.Status)
	}
	if got := w.ticketNow(owner, ticket); got.Files != 0 {
		t.Errorf("the ticket counts %d files; want none", got.Files)
	}
}
