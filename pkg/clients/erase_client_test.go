package clients_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

func TestAClientIsErased(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "Kanari Vogel")
	erase := func(c apitest.Caller, path, key string) apitest.Answer {
		return w.Call(clients.EraseClient(w.Store), c, apitest.Request{Path: path, Key: key})
	}
	w.Want(erase(w.Organization(), at(made, "/erasure"), ""), http.StatusNotFound, "client_not_found")
	w.Want(erase(owner, "/v1/clients/x/erasure", ""), http.StatusNotFound, "client_not_found")
	for _, r := range []access.Role{access.Manager, access.Contributor, access.Accountant} {
		w.Want(erase(w.Member(owner.Org, r), at(made, "/erasure"), ""), http.StatusForbidden, "permission_denied")
	}
	row := clients.Key(owner.Org, id.Client(made.ID))
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	mark := func(change func(*dynamo.Update)) {
		t.Helper()
		tx := w.Store.Begin()
		tx.Change(org, row, change)
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	mark(func(u *dynamo.Update) { u.Set("held", true) })
	w.Want(erase(owner, at(made, "/erasure"), ""), http.StatusConflict, "kept_by_law")
	mark(func(u *dynamo.Update) { u.Remove("held").Set("invoices", 2).Set("projects", 1).Set("files", 3) })

	var b clients.ErasureBody
	a := erase(w.Member(owner.Org, access.Admin), at(made, "/erasure"), "k")
	w.Want(a, http.StatusAccepted, "")
	a.Into(t, &b)
	if b.Status != "running" || !b.ErasedAt.Equal(w.Clock.Now()) || len(b.Kept) != 3 || b.Kept[0].Count != 2 || b.Kept[0].Until != w.Clock.Now().AddDate(7, 0, 0).Format("2006-01-02") {
		t.Errorf("the erasure = %+v", b)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var again clients.ErasureBody
			a := erase(owner, at(made, "/erasure"), "")
			w.Want(a, http.StatusAccepted, "")
			a.Into(t, &again)
			if !again.ErasedAt.Equal(b.ErasedAt) {
				t.Errorf("erased again at %v; want %v", again.ErasedAt, b.ErasedAt)
			}
		})
	}
	wg.Wait()
	var is clients.ClientBody
	w.get(owner, made).Into(t, &is)
	if is.Name != "" || is.Email != "" || is.ErasedAt == nil || is.Status != clients.Archived {
		t.Errorf("the client = %+v", is)
	}
	w.Want(w.Call(clients.UpdateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"name": "Kanari Vogel"}}), http.StatusConflict, "client_erased")
	w.Want(w.Call(clients.RestoreClient(w.Store), owner, apitest.Request{Path: at(made, "/restore"), IfMatch: "*"}), http.StatusConflict, "client_erased")
	tx := w.Store.Begin()
	clients.Bill(tx, org, id.Client(made.ID))
	if err := tx.Commit(context.Background()); err != clients.ErrNotActive {
		t.Errorf("an invoice to an erased client = %v; want %v", err, clients.ErrNotActive)
	}
}

// TestErasuresMeet erases a client many times at once, while it is changed: it is erased, once.
func TestErasuresMeet(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "Kanari Vogel")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			w.Want(w.Call(clients.EraseClient(w.Store), owner, apitest.Request{Path: at(made, "/erasure")}), http.StatusAccepted, "")
		})
		wg.Go(func() {
			a := w.Call(clients.UpdateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: map[string]any{"name": "Kanari Vogel"}})
			if a.Status != http.StatusOK && a.Status != http.StatusConflict && a.Status != http.StatusPreconditionFailed {
				t.Errorf("the change = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	var is clients.ClientBody
	w.get(owner, made).Into(t, &is)
	if is.ErasedAt == nil || is.Name != "" {
		t.Errorf("the client = %+v", is)
	}
}
