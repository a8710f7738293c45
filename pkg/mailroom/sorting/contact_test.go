package sorting_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/clients/dossier"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/referrals"
	"pixeltrack.io/platform/pkg/store"
)

// contact gives an organization a client with a contact of an address, and gives the contact's path.
func (w *world) contact(owner apitest.Caller, email string) string {
	w.T.Helper()
	owner.Token = w.Token(owner)
	a := w.Call(clients.CreateClient(w.Store, nil, w.room.Pseudonyms), owner, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR"}})
	w.Want(a, 201, "")
	var client clients.ClientBody
	a.Into(w.T, &client)
	path := "/v1/clients/" + client.ID + "/contacts"
	a = w.Call(clients.CreateContact(w.Store, w.room.Pseudonyms), owner, apitest.Request{Path: path, Body: map[string]any{"name": "Cleo Example", "email": email}})
	w.Want(a, 201, "")
	var contact clients.ContactBody
	a.Into(w.T, &contact)
	return path + "/" + contact.ID
}

// referred lists what was forwarded to an organization, newest first.
func (w *world) referred(owner apitest.Caller) []referrals.DataRequestBody {
	w.T.Helper()
	owner.Token = w.Token(owner)
	a := w.Call(referrals.ListDataRequests(), owner, apitest.Request{})
	w.Want(a, 200, "")
	var out struct{ Data []referrals.DataRequestBody }
	a.Into(w.T, &out)
	return out.Data
}

func (w *world) answer(owner apitest.Caller, id, key string, body map[string]any) apitest.Answer {
	w.T.Helper()
	owner.Token = w.Token(owner)
	return w.Call(referrals.AnswerDataRequest(w.Store), owner, apitest.Request{Path: "/v1/org/data-requests/" + id + "/answer", Key: key, Body: body})
}

// asks lets somebody without an account ask by form and prove it, and gives their handle.
func (o *office) asks(email, kind string) (*store.Case, string) {
	o.T.Helper()
	a := o.Call(privacy.CreateMailRequest(o.Store, o.room.Pseudonyms, o.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": email, "type": kind, "description": "Cleo, not Kleo."}})
	o.Want(a, 201, "")
	var made privacy.ByMailBody
	a.Into(o.T, &made)
	h := o.correspondent(email)
	o.prove(h, made.Pass)
	o.work(h)
	o.work(h) // on what the first run opened
	return h, made.Pass
}

// forwarded is the request of a person that organizations decide about.
func (o *office) forwarded(h *store.Case) *privacy.Request {
	o.T.Helper()
	for _, r := range o.requests(h) {
		if r.Processor {
			return r
		}
	}
	o.T.Fatal("nothing was forwarded")
	return nil
}

func (o *office) nextDay(h *store.Case) {
	o.T.Helper()
	o.sendAll(h)
	o.Clock.Advance(24 * time.Hour)
	o.work(h)
}

func TestAContactsRequestIsForwarded(t *testing.T) {
	w := newWorld(t)
	one, two, other := w.studio("Bauer & Daughters"), w.studio("Cat Sitters"), w.studio("Others")
	admin := w.Member(one.Org, access.Admin)
	w.Member(one.Org, access.Manager)
	w.contact(one, "Cleo@Example.com")
	w.contact(one, "cleo@example.com")
	w.contact(two, "cleo@example.com")
	w.contact(other, "leo@example.com")
	o := w.office()
	h, _ := o.asks("cleo@example.com", "access")
	f := o.forwarded(h)
	if got, want := said(o.requests(h)), []string{"access forwarded by form", "access fulfilled by form"}; !slices.Equal(got, want) {
		t.Fatalf("requests = %q; want %q", got, want)
	}
	for _, r := range o.requests(h) {
		if !r.Processor && (r.Linked != f.ID || f.Linked != r.ID || f.Due != r.Due) {
			t.Errorf("the requests %s and %s are not linked, or have other dates", r.ID, f.ID)
		}
	}
	if got := w.referred(one); len(got) != 1 || got[0].Email != "cleo@example.com" || len(got[0].Places) != 2 || got[0].Type != "access" || got[0].Description != "" || got[0].ID != string(f.ID) {
		t.Errorf("one was forwarded %+v; want the request once, with both contacts and without words", got)
	}
	if got := w.referred(two); len(got) != 1 {
		t.Errorf("two was forwarded %+v; want the request", got)
	}
	if got := w.referred(other); len(got) != 0 {
		t.Errorf("another was forwarded %+v; want nothing", got)
	}
	told := map[string]int{}
	for _, m := range w.queued(w.org(one)) {
		if m.Template == referrals.MailForwarded {
			told[m.Ids["member"]]++
		}
	}
	if len(told) != 2 || told[string(one.Member)] != 1 || told[string(admin.Member)] != 1 {
		t.Errorf("told %v; want the owner and the admin, one mail each", told)
	}
	m := w.mails(h)[privacy.MailForwarded]
	if !strings.Contains(m.Text, "2 organizations keep") || strings.Contains(m.Text, "Bauer") {
		t.Errorf("the person was mailed %q; want how many, and no names", m.Text)
	}
	_, pass, _ := strings.Cut(m.Text, "#pass=")
	opened := o.prove(h, strings.Fields(pass)[0])
	if opened.Role != "processor" || opened.State != "forwarded" || len(opened.Controllers) != 2 || opened.Controllers[0].ForwardedAt == nil {
		t.Fatalf("opened = %+v; want who was told and when", opened)
	}
	names := []string{opened.Controllers[0].Name, opened.Controllers[1].Name}
	if slices.Sort(names); !slices.Equal(names, []string{"Bauer & Daughters", "Cat Sitters"}) {
		t.Errorf("forwarded to %q; want both by name", names)
	}

	w.Want(w.answer(one, string(f.ID), "k", map[string]any{"answer": "refused"}), 422, "invalid_input")
	w.Want(w.answer(one, string(f.ID), "k", map[string]any{"answer": "acted"}), 200, "")
	w.Want(w.answer(one, string(f.ID), "k", map[string]any{"answer": "acted"}), 200, "") // the same call again
	w.Want(w.answer(admin, string(f.ID), "", map[string]any{"answer": "no_data"}), 409, "data_request_answered")
	w.Want(w.answer(other, string(f.ID), "", map[string]any{"answer": "acted"}), 404, "data_request_not_found")
	w.Want(w.answer(other, "x", "", map[string]any{"answer": "acted"}), 404, "data_request_not_found")
	o.nextDay(h)
	if f = o.forwarded(h); f.State != request.Forwarded {
		t.Errorf("with one answer it is %s; want it to wait", f.State)
	}
	w.Want(w.answer(two, string(f.ID), "", map[string]any{"answer": "refused", "explanation": "She is a witness."}), 200, "")
	o.nextDay(h)
	if f = o.forwarded(h); f.State != request.PartiallyFulfilled || len(f.Items) != 2 {
		t.Errorf("it is %s with %+v; want what was refused and what was done", f.State, f.Items)
	}
	if i := slices.IndexFunc(f.Controllers, func(c privacy.Controller) bool { return c.Org == two.Org }); f.Controllers[i].Explanation != "She is a witness." {
		t.Errorf("the receipt says %+v; want the reason", f.Controllers)
	}
	n := len(w.queued(h))
	o.nextDay(h)
	if len(w.queued(h)) != n {
		t.Error("a closed request is told again")
	}
}

func TestWhoMayAnswerForwardedRequests(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	w.contact(one, "cleo@example.com")
	o := w.office()
	h, _ := o.asks("cleo@example.com", "access")
	id := string(o.forwarded(h).ID)
	for _, role := range []access.Role{access.Manager, access.Contributor, access.Accountant, access.Guest} {
		c := w.Member(one.Org, role)
		w.Want(w.Call(referrals.ListDataRequests(), c, apitest.Request{}), 403, "permission_denied")
		w.Want(w.answer(c, id, "", map[string]any{"answer": "acted"}), 403, "permission_denied")
	}
	w.Clock.Set(time.Unix(o.forwarded(h).Due, 0))
	w.Want(w.answer(one, id, "", map[string]any{"answer": "acted"}), 409, "data_request_over")
	w.Clock.Advance(referrals.Kept)
	if got := w.referred(one); len(got) != 0 {
		t.Errorf("it is still there: %+v; want it gone after its time", got)
	}
}

func TestSilenceEndsAForwardedRequest(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	w.contact(one, "cleo@example.com")
	o := w.office()
	h, _ := o.asks("cleo@example.com", "rectification")
	if got := w.referred(one); len(got) != 1 || got[0].Description != "Cleo, not Kleo." {
		t.Errorf("forwarded %+v; want what is to be corrected", got)
	}
	f := o.forwarded(h)
	w.Clock.Set(time.Unix(f.Due, 0).Add(-48*time.Hour - time.Second))
	o.work(h)
	if f = o.forwarded(h); f.State != request.Forwarded {
		t.Errorf("before its time it is %s; want it to wait", f.State)
	}
	w.Clock.Advance(time.Second)
	o.work(h)
	if f = o.forwarded(h); f.State != request.Denied || f.Denial != "controller_silent" {
		t.Errorf("after it is %s, %s; want it to tell of the silence", f.State, f.Denial)
	}
	if m := w.mails(h)[privacy.MailDenied]; !strings.Contains(m.Text, "turn to them") {
		t.Errorf("the person was mailed %q; want where to turn to", m.Text)
	}
}

func TestAnErasureIsForwardedAndNotDoneInTheOrganization(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	path := w.contact(one, "cleo@example.com")
	w.invite(one, "cleo@example.com")
	o := w.office()
	h, _ := o.asks("cleo@example.com", "erasure")
	f := o.forwarded(h)
	w.Want(w.answer(one, string(f.ID), "", map[string]any{"answer": "acted"}), 200, "")
	if got := w.referred(one); got[0].Email != "" || len(got[0].Places) != 0 {
		t.Errorf("after the erasure the organization is shown %+v; want nothing of who asked", got[0])
	}
	o.nextDay(h)
	if f = o.forwarded(h); f.State != request.Fulfilled {
		t.Errorf("it is %s; want it fulfilled by the organization", f.State)
	}
	w.Clock.Set(time.Unix(f.Due, 0).Add(-24 * time.Hour))
	for range 3 {
		o.work(h)
		w.sendAll(h)
		w.Clock.Advance(2 * time.Minute)
	}
	if got := o.requests(h); len(got) != 0 {
		t.Errorf("what is left: %q; want them erased here", said(got))
	}
	one.Token = w.Token(one)
	w.Want(w.Call(clients.GetContact(), one, apitest.Request{Path: path}), 200, "") // theirs to delete
}

func TestSomebodyIsContactUserAndInvitee(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	w.contact(one, "cleo@example.com")
	w.invite(one, "cleo@example.com")
	cleo := w.Member(w.studio("Two").Org, access.Contributor)
	w.account(cleo, "cleo@example.com")
	a := w.Call(privacy.CreateRequest(w.Store), cleo, apitest.Request{Body: map[string]any{"type": "access"}})
	w.Want(a, 201, "")
	h := w.Store.BindUser(cleo.User, store.Actor{Who: "test"})
	o := w.office()
	o.work(h)
	o.work(h)
	all := o.requests(h)
	if len(all) != 2 || len(w.referred(one)) != 1 {
		t.Fatalf("requests = %q, forwarded %+v; want one of each", said(all), w.referred(one))
	}
	a = w.Call(privacy.CreateRequest(w.Store), cleo, apitest.Request{Body: map[string]any{"type": "access"}})
	w.Want(a, 201, "") // the forwarded one stands in nobody's way
}

func TestAnErasureAtOnceIsForwardedFirst(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	w.contact(one, "cleo@example.com")
	w.invite(one, "cleo@example.com")
	cleo := w.Member(w.studio("Two").Org, access.Contributor)
	w.account(cleo, "cleo@example.com")
	w.Want(w.Call(privacy.CreateRequest(w.Store), cleo, apitest.Request{Body: map[string]any{"type": "erasure", "at_once": true}}), 201, "")
	h := w.Store.BindUser(cleo.User, store.Actor{Who: "test"})
	h.SeeDue()
	o := w.office()
	for range 8 {
		o.must(o.run())
		w.sendAll(h)
		w.Clock.Advance(time.Minute + time.Second)
	}
	if _, err := store.Get[account.Profile](t.Context(), h, account.ProfileKey(cleo.User)); !errors.Is(err, store.ErrMissing) {
		t.Errorf("the account = %v; want it erased", err)
	}
	if got := w.referred(one); len(got) != 1 || got[0].Email != "cleo@example.com" {
		t.Errorf("forwarded %+v; want it forwarded before the address went", got)
	}
	if got := w.invited(one); got != nil {
		t.Errorf("invited = %q; want the invitation revoked with the account", got)
	}
}

func TestWhoPaysAnInvoiceIsFound(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	draft := func(email string) string {
		one.Token = w.Token(one)
		path := w.contact(one, "somebody@example.com")
		a := w.Call(invoicing.CreateInvoice(w.Store, w.room.Pseudonyms), one, apitest.Request{Body: map[string]any{"client_id": strings.Split(path, "/")[3],
			"recipient": map[string]any{"name": "Cleo Example", "email": email}, "lines": []any{map[string]any{"description": "Bread", "unit_price": map[string]any{"amount": 100, "currency": "EUR"}}}}})
		w.Want(a, 201, "")
		var b struct {
			ID string `json:"id"`
		}
		a.Into(t, &b)
		return b.ID
	}
	first := draft("cleo@example.com")
	changed := draft("cleo@example.com")
	w.Want(w.Call(invoicing.UpdateInvoice(w.Store, w.room.Pseudonyms), one, apitest.Request{Path: "/v1/invoices/" + changed, IfMatch: "*",
		Body: map[string]any{"recipient": map[string]any{"name": "Leo Example", "email": "leo@example.com"}}}), 200, "")
	o := w.office()
	o.asks("cleo@example.com", "access")
	got := w.referred(one)
	if len(got) != 1 || len(got[0].Places) != 1 || string(got[0].Places[0].Invoice) != first {
		t.Errorf("forwarded %+v; want the one invoice that goes to the address", got)
	}
}

func TestALateProofRaisesNoAlarm(t *testing.T) {
	w := newWorld(t)
	w.contact(w.studio("One"), "cleo@example.com")
	a := w.file(map[string]any{"email": "cleo@example.com", "type": "access"})
	w.Want(a, 201, "")
	var made privacy.ByMailBody
	a.Into(t, &made)
	h, o := w.correspondent("cleo@example.com"), w.office()
	w.sendAll(h)
	o.work(h)
	w.Clock.Advance(48 * time.Hour)
	o.prove(h, made.Pass)
	for range 3 {
		o.work(h)
	}
	o.forwarded(h)
	if strings.Contains(w.Log.String(), "request_not_acknowledged") {
		t.Error("a request that was forwarded late counts as not acknowledged")
	}
}

func TestAChangedContactIsFoundByTheNewAddress(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	path := w.contact(one, "cleo@example.com")
	w.Want(w.Call(clients.UpdateContact(w.Store, w.room.Pseudonyms), one, apitest.Request{Path: path, IfMatch: "*", Body: map[string]any{"email": "new@example.com"}}), 200, "")
	o := w.office()
	h, _ := o.asks("cleo@example.com", "access")
	if got := o.requests(h); len(got) != 1 {
		t.Errorf("by the old address: %q; want what is PixelTrack's alone", said(got))
	}
	h, _ = o.asks("new@example.com", "access")
	o.forwarded(h)
	w.Want(w.Call(clients.DeleteContact(w.Store), one, apitest.Request{Path: path, IfMatch: "*"}), 204, "")
	w.Clock.Advance(time.Minute)
	h, _ = o.asks("new@example.com", "portability")
	if got := said(o.requests(h)); slices.Contains(got, "portability forwarded by form") {
		t.Errorf("a deleted contact: %q; want nothing forwarded", got)
	}
}

func TestAClientIsFoundByItsOwnAddress(t *testing.T) {
	w := newWorld(t)
	one, two := w.studio("One"), w.studio("Two")
	client := func(owner apitest.Caller, email string) string {
		owner.Token = w.Token(owner)
		a := w.Call(clients.CreateClient(w.Store, nil, w.room.Pseudonyms), owner, apitest.Request{Body: map[string]any{"name": "Cleo Example", "currency": "EUR", "email": email}})
		w.Want(a, 201, "")
		var b clients.ClientBody
		a.Into(t, &b)
		return b.ID
	}
	act := func(owner apitest.Caller, op api.Operation, id string, body any, status int) apitest.Answer {
		t.Helper()
		owner.Token = w.Token(owner)
		a := w.Call(op, owner, apitest.Request{Path: strings.Replace(op.Path, "{id}", id, 1), IfMatch: "*", Body: body})
		w.Want(a, status, "")
		return a
	}
	o := w.office()
	found := func(email string) []string {
		t.Helper()
		before := len(w.referred(one))
		w.Clock.Advance(25 * time.Hour)
		o.asks(email, "access")
		all := []string{}
		if now := w.referred(one); len(now) > before {
			for _, p := range now[0].Places {
				all = append(all, string(p.Client)+string(p.Contact))
			}
		}
		return all
	}
	cli, gone, away := client(one, "Cleo@Example.com"), client(one, "gone@example.com"), client(one, "away@example.com")
	client(one, "")
	client(two, "two@example.com")
	act(one, clients.ArchiveClient(w.Store), away, nil, 200)
	changed := client(one, "old@example.com")
	act(one, clients.UpdateClient(w.Store, nil, w.room.Pseudonyms), changed, map[string]any{"email": "new@example.com"}, 200)
	bare := client(one, "bare@example.com")
	act(one, clients.UpdateClient(w.Store, nil, w.room.Pseudonyms), bare, map[string]any{"email": ""}, 200)
	act(one, clients.DeleteClient(w.Store), gone, nil, 204)

	for email, want := range map[string][]string{"cleo@example.com": {cli}, "away@example.com": {away}, "new@example.com": {changed},
		"old@example.com": {}, "bare@example.com": {}, "gone@example.com": {}, "two@example.com": {}} {
		if got := found(email); !slices.Equal(got, want) {
			t.Errorf("by %s: %q; want %q", email, got, want)
		}
	}
	exported := act(one, dossier.ExportClient(nil, datamap.Current()), cli, nil, 200)
	if text := string(exported.Body); !strings.Contains(text, "Cleo@Example.com") || strings.Contains(text, named.HashOf(w.room.Pseudonyms, "cleo@example.com")) {
		t.Errorf("the export = %s; want the address and no hash of it", text)
	}
	act(one, clients.EraseClient(w.Store), cli, nil, 202)
	listed, _, err := store.List[clients.Client](t.Context(), w.Store.BindPlatform(store.Actor{Who: "test"}), named.By(named.HashOf(w.room.Pseudonyms, "cleo@example.com")))
	if err != nil || len(listed) != 0 {
		t.Errorf("after the erasure began %d clients are listed by the address, %v; want none", len(listed), err)
	}
	if got := found("cleo@example.com"); len(got) != 0 {
		t.Errorf("erased, found %q; want nothing", got)
	}
}

func TestForwardingIsRepeated(t *testing.T) {
	w := newWorld(t)
	one := w.studio("One")
	w.contact(one, "cleo@example.com")
	o := w.office()
	a := w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": "cleo@example.com", "type": "access"}})
	var made privacy.ByMailBody
	a.Into(t, &made)
	h := w.correspondent("cleo@example.com")
	o.prove(h, made.Pass)
	met := make(chan error)
	for range 3 {
		go func() { met <- o.run() }()
	}
	for range 3 {
		w.must(<-met)
	}
	o.work(h)
	o.work(h)
	mails := 0
	for _, m := range w.queued(w.org(one)) {
		if m.Template == referrals.MailForwarded {
			mails++
		}
	}
	forwarded := 0
	for _, r := range o.requests(h) {
		if r.Processor {
			forwarded++
		}
	}
	if mails != 1 || forwarded != 1 || len(w.referred(one)) != 1 {
		t.Errorf("%d mails, %d forwarded requests, %d referrals; want one of each", mails, forwarded, len(w.referred(one)))
	}
}
