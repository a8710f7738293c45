package clients_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

func (w world) addContact(c apitest.Caller, client string, r apitest.Request) apitest.Answer {
	r.Path = "/v1/clients/" + client + "/contacts"
	return w.Call(clients.CreateContact(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, r)
}

func (w world) contact(c apitest.Caller, client, name string) clients.ContactBody {
	w.T.Helper()
	a := w.addContact(c, client, apitest.Request{Body: map[string]any{"name": name, "email": "cleo@example.com", "roles": []string{"billing"}}})
	w.Want(a, http.StatusCreated, "")
	return contactOf(w, a)
}

func contactOf(w world, a apitest.Answer) clients.ContactBody {
	w.T.Helper()
	var b clients.ContactBody
	a.Into(w.T, &b)
	return b
}

func contactPath(client string, b clients.ContactBody) string {
	return "/v1/clients/" + client + "/contacts/" + b.ID
}

func (w world) getContact(c apitest.Caller, client string, b clients.ContactBody) apitest.Answer {
	return w.Call(clients.GetContact(), c, apitest.Request{Path: contactPath(client, b)})
}

func (w world) changeContact(c apitest.Caller, client string, b clients.ContactBody, match string, body any) apitest.Answer {
	return w.Call(clients.UpdateContact(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, apitest.Request{Path: contactPath(client, b), IfMatch: match, Body: body})
}

func (w world) dropContact(c apitest.Caller, client string, b clients.ContactBody, match string) apitest.Answer {
	return w.Call(clients.DeleteContact(w.Store), c, apitest.Request{Path: contactPath(client, b), IfMatch: match})
}

func (w world) contacts(c apitest.Caller, client string) []clients.ContactBody {
	w.T.Helper()
	a := w.Call(clients.ListContacts(), c, apitest.Request{Path: "/v1/clients/" + client + "/contacts"})
	w.Want(a, http.StatusOK, "")
	var l api.List[clients.ContactBody]
	a.Into(w.T, &l)
	return l.Data
}

func (w world) newClient(c apitest.Caller) string {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR"}})
	w.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(w.T, &b)
	return b.ID
}

func TestContactsComeChangeAndGo(t *testing.T) {
	w := world{apitest.New(t)}
	owner, stranger := w.Organization(), w.Organization()
	client, other := w.newClient(owner), w.newClient(owner)
	r := apitest.Request{Key: "k", Body: map[string]any{"name": " Cleo ", "email": "cleo@example.com", "phone": "1", "job_title": "Bookkeeper", "roles": []string{"billing", "portal"}}}
	a := w.addContact(owner, client, r)
	w.Want(a, http.StatusCreated, "")
	cleo := contactOf(w, a)
	if cleo.Name != "Cleo" || cleo.Email != "cleo@example.com" || len(cleo.Roles) != 2 || cleo.ClientID != client {
		t.Errorf("the contact = %+v", cleo)
	}
	again := w.addContact(owner, client, r)
	w.Want(again, http.StatusCreated, "")
	if got := contactOf(w, again); got.ID != cleo.ID || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the replay = %+v; want the same contact", got)
	}
	w.Clock.Advance(time.Second)
	ben := w.contact(owner, client, "Ben")
	if all := w.contacts(owner, client); len(all) != 2 || all[0].ID != cleo.ID || all[1].ID != ben.ID || len(w.contacts(owner, other)) != 0 || w.row(owner, client).Contacts != 2 {
		t.Errorf("the contacts = %+v, counted %d", all, w.row(owner, client).Contacts)
	}
	tag := w.getContact(owner, client, cleo).Header.Get("ETag")
	w.Want(w.changeContact(owner, client, cleo, "", map[string]any{"name": "X"}), http.StatusPreconditionRequired, "if_match_required")
	a = w.changeContact(owner, client, cleo, tag, map[string]any{"phone": "", "roles": []string{}})
	w.Want(a, http.StatusOK, "")
	if got := contactOf(w, a); got.Phone != "" || len(got.Roles) != 0 || got.Name != "Cleo" || got.JobTitle != "Bookkeeper" {
		t.Errorf("the change = %+v; want what was sent changed and nothing else", got)
	}
	w.Want(w.changeContact(owner, client, cleo, tag, map[string]any{"name": "X"}), http.StatusPreconditionFailed, "stale_version")
	w.Want(w.dropContact(owner, client, cleo, tag), http.StatusPreconditionFailed, "stale_version")
	for who, c := range map[string]struct {
		caller apitest.Caller
		client string
	}{"a stranger": {stranger, client}, "by another client": {owner, other}, "by no client": {owner, "x"}} {
		for what, a := range map[string]apitest.Answer{"read": w.getContact(c.caller, c.client, cleo), "changed": w.changeContact(c.caller, c.client, cleo, "*", map[string]any{"name": "X"}),
			"deleted": w.dropContact(c.caller, c.client, cleo, "*")} {
			if a.Status != http.StatusNotFound || a.Code() != "contact_not_found" {
				t.Errorf("%s %s = %d %s; want contact_not_found", who, what, a.Status, a.Body)
			}
		}
	}
	w.Want(w.addContact(stranger, client, apitest.Request{Body: map[string]any{"name": "X"}}), http.StatusNotFound, "client_not_found")
	w.Want(w.addContact(owner, "x", apitest.Request{Body: map[string]any{"name": "X"}}), http.StatusNotFound, "client_not_found")
	member, guest := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Guest)
	w.Want(w.getContact(member, client, cleo), http.StatusOK, "")
	w.Want(w.getContact(guest, client, cleo), http.StatusForbidden, "permission_denied")
	w.Want(w.addContact(member, client, apitest.Request{Body: map[string]any{"name": "X"}}), http.StatusForbidden, "permission_denied")
	w.Want(w.dropContact(member, client, cleo, "*"), http.StatusForbidden, "permission_denied")
	w.Want(w.dropContact(owner, client, cleo, "*"), http.StatusNoContent, "")
	w.Want(w.getContact(owner, client, cleo), http.StatusNotFound, "contact_not_found")
	w.Want(w.addContact(owner, client, r), http.StatusNotFound, "replayed_object_gone")
	if n := w.row(owner, client).Contacts; n != 1 {
		t.Errorf("%d contacts are counted; want 1", n)
	}
	w.Want(w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*"}), http.StatusNoContent, "")
	if n := w.rowsOf(owner, client); n != 0 {
		t.Errorf("%d contacts outlived their client", n)
	}
}

// rowsOf counts the rows of a client's contacts.
func (w world) rowsOf(c apitest.Caller, client string) int {
	w.T.Helper()
	h := w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
	rows, _, err := store.List[clients.Contact](context.Background(), h, clients.Contacts(h.Scope(), id.Client(client)))
	if err != nil {
		w.T.Fatal(err)
	}
	return len(rows)
}

func TestAContactIsRefused(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	client := w.newClient(owner)
	made := w.contact(owner, client, "Cleo")
	for name, body := range map[string]map[string]any{
		"no name": {"name": ""}, "a name of nothing": {"name": "  "}, "no address": {"name": "X", "email": "x"}, "a role that is none": {"name": "X", "roles": []string{"boss"}},
		"a role twice": {"name": "X", "roles": []string{"billing", "billing"}}, "something else": {"name": "X", "age": 7}, "a long name": {"name": strings.Repeat("x", 201)},
	} {
		if a := w.addContact(owner, client, apitest.Request{Body: body}); a.Code() != "invalid_input" {
			t.Errorf("a new contact with %s = %d %s", name, a.Status, a.Body)
		}
		if a := w.changeContact(owner, client, made, "*", body); a.Code() != "invalid_input" {
			t.Errorf("a change to %s = %d %s", name, a.Status, a.Body)
		}
	}
	w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client + "/archive", IfMatch: "*"}), http.StatusOK, "")
	w.Want(w.addContact(owner, client, apitest.Request{Body: map[string]any{"name": "X"}}), http.StatusConflict, "client_archived")
	w.Want(w.changeContact(owner, client, made, "*", map[string]any{"name": "Y"}), http.StatusOK, "")
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	hold := func(set func(*dynamo.Update)) {
		tx := w.Store.Begin()
		tx.Change(h, clients.Key(owner.Org, id.Client(client)), set)
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	hold(func(u *dynamo.Update) { u.Set("held", true) })
	w.Want(w.dropContact(owner, client, made, "*"), http.StatusConflict, "kept_by_law")
	hold(func(u *dynamo.Update) { u.Remove("held") })
	w.Want(w.Call(clients.EraseClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client + "/erasure"}), http.StatusAccepted, "")
	w.Want(w.addContact(owner, client, apitest.Request{Body: map[string]any{"name": "X"}}), http.StatusConflict, "client_erased")
	w.Want(w.getContact(owner, client, made), http.StatusNotFound, "contact_not_found")
	w.Want(w.changeContact(owner, client, made, "*", map[string]any{"name": "Y"}), http.StatusNotFound, "contact_not_found")
	if all := w.contacts(owner, client); len(all) != 0 {
		t.Errorf("an erased client shows the contacts %+v", all)
	}
}

func TestContactsAtOnce(t *testing.T) {
	w := world{apitest.New(t)}
	owner := w.Organization()
	client := w.newClient(owner)
	for n := range clients.MaxContacts - 2 {
		w.contact(owner, client, fmt.Sprint("Contact ", n))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for range 4 {
		wg.Go(func() {
			a := w.addContact(owner, client, apitest.Request{Body: map[string]any{"name": "One more"}})
			mu.Lock()
			defer mu.Unlock()
			codes[a.Code()]++
		})
	}
	wg.Wait()
	if codes[""] != 2 || codes["contacts_full"] != 2 || w.rowsOf(owner, client) != clients.MaxContacts {
		t.Errorf("four at once = %v, %d rows; want two of them, and %d", codes, w.rowsOf(owner, client), clients.MaxContacts)
	}
	w.Want(w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + client, IfMatch: "*"}), http.StatusNoContent, "")
	if n := w.rowsOf(owner, client); n != 0 {
		t.Errorf("%d contacts outlived their client", n)
	}
}
