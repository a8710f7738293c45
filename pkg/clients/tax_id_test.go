package clients_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

const taxID = "DE987654321"

func (w world) row(c apitest.Caller, of string) *clients.Client {
	w.T.Helper()
	row, err := store.Get[clients.Client](context.Background(), w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), clients.Key(c.Org, id.Client(of)))
	if err != nil {
		w.T.Fatal(err)
	}
	return row
}

func TestAClientsTaxIDIsSealedAndShownToThoseWhoMayReadIt(t *testing.T) {
	w := world{apitest.New(t)}
	vault := new(keystest.Vault)
	owner := w.Organization()
	manager := w.Member(owner.Org, access.Manager)
	read := func(a apitest.Answer, status int) clients.ClientBody {
		t.Helper()
		w.Want(a, status, "")
		var b clients.ClientBody
		a.Into(t, &b)
		return b
	}
	get := func(c apitest.Caller, of string) string {
		t.Helper()
		return read(w.Call(clients.GetClient(vault), c, apitest.Request{Path: "/v1/clients/" + of}), http.StatusOK).TaxID
	}
	update := func(c apitest.Caller, of string, body map[string]any) apitest.Answer {
		return w.Call(clients.UpdateClient(w.Store, vault, keys.Pseudonyms{}), c, apitest.Request{Path: "/v1/clients/" + of, IfMatch: "*", Body: body})
	}
	r := apitest.Request{Key: "k", Body: map[string]any{"name": "Example Bakery", "currency": "EUR", "tax_id": taxID}}
	made := read(w.Call(clients.CreateClient(w.Store, vault, keys.Pseudonyms{}), owner, r), http.StatusCreated)
	if again := read(w.Call(clients.CreateClient(w.Store, vault, keys.Pseudonyms{}), owner, r), http.StatusCreated); made.TaxID != taxID || again.TaxID != taxID {
		t.Errorf("the new client has %q and its repeat %q; want %s", made.TaxID, again.TaxID, taxID)
	}
	if stored := w.row(owner, made.ID).TaxID; len(stored) == 0 || bytes.Contains(stored, []byte(taxID)) {
		t.Errorf("the row holds %q; want it sealed", stored)
	}
	for _, tt := range []struct {
		who  string
		c    apitest.Caller
		want string
	}{{"the owner", owner, taxID}, {"an accountant", w.Member(owner.Org, access.Accountant), taxID}, {"a manager", manager, taxid.Masked}, {"a member", w.Member(owner.Org, access.Contributor), taxid.Masked}} {
		if got := get(tt.c, made.ID); got != tt.want {
			t.Errorf("%s reads %q; want %q", tt.who, got, tt.want)
		}
	}
	a := w.Call(clients.ListClients(), owner, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	var list api.Changes[clients.ClientBody]
	a.Into(t, &list)
	if got := list.Data[0].TaxID; got != taxid.Masked {
		t.Errorf("a list shows %q; want dots", got)
	}
	w.Want(update(manager, made.ID, map[string]any{"tax_id": "X1"}), http.StatusForbidden, "permission_denied")
	w.Want(w.Call(clients.CreateClient(w.Store, vault, keys.Pseudonyms{}), manager, apitest.Request{Body: map[string]any{"name": "x", "currency": "EUR", "tax_id": "X1"}}), http.StatusForbidden, "permission_denied")
	w.Want(update(owner, made.ID, map[string]any{"tax_id": taxid.Masked}), http.StatusUnprocessableEntity, "invalid_input")
	if b := read(update(manager, made.ID, map[string]any{"name": "Bakery"}), http.StatusOK); b.TaxID != taxid.Masked || get(owner, made.ID) != taxID {
		t.Errorf("after another change the manager reads %q and the owner %q", b.TaxID, get(owner, made.ID))
	}
	if b := read(update(owner, made.ID, map[string]any{"tax_id": "12/345/67890"}), http.StatusOK); b.TaxID != "12/345/67890" {
		t.Errorf("the change answers %q", b.TaxID)
	}
	other := read(w.Call(clients.CreateClient(w.Store, vault, keys.Pseudonyms{}), owner, apitest.Request{Body: map[string]any{"name": "Other", "currency": "EUR"}}), http.StatusCreated)
	moved := w.row(owner, other.ID)
	moved.TaxID = w.row(owner, made.ID).TaxID
	tx := w.Store.Begin()
	tx.Replace(w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), moved)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if a := w.Call(clients.GetClient(vault), owner, apitest.Request{Path: "/v1/clients/" + other.ID}); a.Status != http.StatusInternalServerError {
		t.Errorf("a tax id that was moved to another client = %d %s; want it to open nowhere", a.Status, a.Body)
	}
	if b := read(update(owner, made.ID, map[string]any{"tax_id": ""}), http.StatusOK); b.TaxID != "" || len(w.row(owner, made.ID).TaxID) != 0 {
		t.Errorf("a tax id that was removed = %q", b.TaxID)
	}
	read(update(owner, made.ID, map[string]any{"tax_id": taxID}), http.StatusOK)
	w.Want(w.Call(clients.EraseClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + made.ID + "/erasure"}), http.StatusAccepted, "")
	if got := get(owner, made.ID); got != "" {
		t.Errorf("an erased client's tax id = %q", got)
	}
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	tx = w.Store.Begin()
	clients.Forget(tx, org, id.Client(made.ID))
	if err := tx.Commit(context.Background()); err != nil || len(w.row(owner, made.ID).TaxID) != 0 {
		t.Errorf("after the erasure (%v) the row still holds a tax id", err)
	}
}
