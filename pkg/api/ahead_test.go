package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/store"
)

// createAhead is createThing as a route that reads ahead of the check; its name says what the handler made of the caller.
func createAhead(st *store.Store) api.Operation {
	return api.Replayable(api.Route{ID: "create-ahead", Area: "test", Method: http.MethodPost, Path: "/v1/ahead", Status: http.StatusCreated,
		Permission: access.ClientsWrite, ReadsAhead: true},
		func(ctx context.Context, c *api.Caller, in *createIn) (*thingOut, error) {
			row := &thing{Name: "hidden", ID: in.Body.Name, key: c.Org.Scope().Key("THING", in.Body.Name)}
			if c.May(access.RatesRead) {
				row.Name = in.Body.Name
			}
			tx := st.Begin()
			tx.Create(c.Org, row)
			if err := c.Commit(ctx, tx, row.ID); err != nil {
				return nil, err
			}
			return show(row), nil
		}, func(ctx context.Context, c *api.Caller, id string) (*thingOut, error) {
			row, err := read(ctx, c, id)
			if err != nil {
				return nil, err
			}
			return show(row), nil
		})
}

func TestAHandlerAheadOfTheCheckWritesNothingThatTheCheckForbids(t *testing.T) {
	w := apitest.New(t)
	ctx := context.Background()
	owner := w.Organization()
	h := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	u := w.Store.BindUser(owner.User, store.Actor{Who: "test"})
	change := func(b store.Bound, key store.Key, f func(*dynamo.Update)) {
		t.Helper()
		tx := w.Store.Begin()
		tx.Change(b, key, f)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	role := func(r access.Role) {
		t.Helper()
		change(h, access.AccessKey(owner.Org, owner.Member), func(u *dynamo.Update) { u.Set("role", r).Add("grant_version", 1) })
	}
	refused := func(name string, status int, code string) {
		t.Helper()
		w.Want(w.Call(createAhead(w.Store), owner, apitest.Request{Body: named(name), Key: name}), status, code)
		if _, err := store.Get[thing](ctx, h, h.Scope().Key("THING", name)); err != store.ErrMissing {
			t.Errorf("%s was written: %v", name, err)
		}
	}

	first := apitest.Request{Body: named("a"), Key: "a"}
	a := w.Call(createAhead(w.Store), owner, first)
	w.Want(a, 201, "")
	again := w.Call(createAhead(w.Store), owner, first)
	w.Want(again, 201, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || string(again.Body) != string(a.Body) {
		t.Errorf("the repeat = %s, %s", again.Header.Get("Idempotency-Replayed"), again.Body)
	}
	w.Want(w.Call(createAhead(w.Store), owner, apitest.Request{Body: named("b"), Key: "a"}), 422, "idempotency_key_reused")

	role(access.Manager)
	var b thingBody
	w.Call(createAhead(w.Store), owner, apitest.Request{Body: named("c")}).Into(t, &b)
	if b.Name != "hidden" {
		t.Errorf("name = %q right after the role was lowered; want it hidden", b.Name)
	}
	role(access.Guest)
	refused("d", 403, "permission_denied")
	role(access.Owner)
	change(h, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Closing) })
	refused("e", 403, "organization_closing")
	change(h, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Active) })
	change(u, access.UserGateKey(owner.User), func(u *dynamo.Update) { u.Set("deleted", 1) })
	refused("f", 401, "session_ended")
}
