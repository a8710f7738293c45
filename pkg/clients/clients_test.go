package clients_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

type world struct{ *apitest.World }

func newWorld(t *testing.T) world { return world{apitest.New(t)} }

func (w world) create(c apitest.Caller, name string) clients.ClientBody {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": name, "currency": "EUR"}})
	w.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(w.T, &b)
	return b
}

func at(b clients.ClientBody, more ...string) string {
	return "/v1/clients/" + b.ID + strings.Join(more, "")
}

func (w world) get(c apitest.Caller, b clients.ClientBody) apitest.Answer {
	return w.Call(clients.GetClient(nil), c, apitest.Request{Path: at(b)})
}

func (w world) list(c apitest.Caller, query string) api.Changes[clients.ClientBody] {
	w.T.Helper()
	a := w.Call(clients.ListClients(), c, apitest.Request{Path: "/v1/clients?" + query})
	w.Want(a, http.StatusOK, "")
	var l api.Changes[clients.ClientBody]
	a.Into(w.T, &l)
	return l
}

func names(l api.Changes[clients.ClientBody]) []string {
	var all []string
	for _, b := range l.Data {
		all = append(all, b.Name)
	}
	return all
}

func TestAClientIsMadeAndRead(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Body: map[string]any{
		"name": "  Example Bakery ", "currency": "EUR", "email": "office@example.com", "tags": []string{"retail"}, "notes": "Ask for Ada Example",
		"address": map[string]any{"city": "Berlin", "country": "DE"}, "default_rate": map[string]any{"amount": 9000, "currency": "EUR"}}})
	w.Want(a, http.StatusCreated, "")
	var made, got clients.ClientBody
	a.Into(t, &made)
	w.get(owner, made).Into(t, &got)
	if got.Name != "Example Bakery" || got.Number != 1 || got.Language != "en" || got.TermsDays != 14 || got.Address.City != "Berlin" ||
		got.DefaultRate == nil || got.DefaultRate.Amount != 9000 || got.Status != clients.Active || !got.CreatedAt.Equal(w.Clock.Now()) {
		t.Errorf("the client = %+v", got)
	}
	if b := w.create(owner, "Second"); b.Number != 2 || len(b.Tags) != 0 || b.Tags == nil {
		t.Errorf("the second client = %+v; want number 2 and no tags", b)
	}
	if b := w.create(w.Organization(), "Elsewhere"); b.Number != 1 {
		t.Errorf("number = %d in another organization; want 1", b.Number)
	}
	var hidden clients.ClientBody
	w.get(w.Member(owner.Org, access.Contributor), made).Into(t, &hidden)
	if hidden.DefaultRate != nil || hidden.Name != "Example Bakery" {
		t.Errorf("a member sees %+v; want all but the rate", hidden)
	}
}

func TestInputIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "Example Bakery")
	with := func(more map[string]any) map[string]any {
		b := map[string]any{"name": "Example", "currency": "EUR"}
		for k, v := range more {
			b[k] = v
		}
		return b
	}
	tests := []struct {
		name string
		body map[string]any
	}{
		{"a blank name", map[string]any{"name": "  "}},
		{"a long name", map[string]any{"name": strings.Repeat("x", 201)}},
		{"no currency", map[string]any{"currency": "XXX"}},
		{"a small currency", map[string]any{"currency": "eur"}},
		{"no language", map[string]any{"language": "?"}},
		{"negative terms", map[string]any{"payment_terms_days": -1}},
		{"no mail", map[string]any{"email": "Ada <ada@example.com>"}},
		{"too many tags", map[string]any{"tags": strings.Split("abcdefghijklmnopqrstu", "")}},
		{"a tag twice", map[string]any{"tags": []string{"a", "a"}}},
		{"an empty tag", map[string]any{"tags": []string{""}}},
		{"a negative rate", map[string]any{"default_rate": map[string]any{"amount": -1, "currency": "EUR"}}},
		{"a rate in nothing", map[string]any{"default_rate": map[string]any{"amount": 1, "currency": "ZZZ"}}},
		{"half a cent", map[string]any{"default_rate": map[string]any{"amount": 0.5, "currency": "EUR"}}},
		{"a country by name", map[string]any{"address": map[string]any{"country": "Germany"}}},
		{"an unknown field", map[string]any{"nmae": "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			w.Want(w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Body: with(tt.body)}), http.StatusUnprocessableEntity, "invalid_input")
			w.Want(w.Call(clients.UpdateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Path: at(made), IfMatch: "*", Body: tt.body}), http.StatusUnprocessableEntity, "invalid_input")
		})
	}
	w.Want(w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Body: map[string]any{"name": "x"}}), http.StatusUnprocessableEntity, "invalid_input")
}

func TestAClientIsChanged(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "Example Bakery")
	w.Clock.Advance(time.Minute)
	patch := func(c apitest.Caller, match string, body map[string]any) apitest.Answer {
		return w.Call(clients.UpdateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Path: at(made), IfMatch: match, Body: body})
	}
	a := patch(owner, `"1"`, map[string]any{"email": "new@example.com", "default_rate": map[string]any{"amount": 1, "currency": "JPY"}, "tags": []string{"b"}})
	w.Want(a, http.StatusOK, "")
	if a.Header.Get("ETag") != `"2"` {
		t.Errorf("ETag = %s; want 2", a.Header.Get("ETag"))
	}
	var b clients.ClientBody
	a.Into(t, &b)
	if b.Email != "new@example.com" || b.DefaultRate == nil || b.Name != made.Name || !b.UpdatedAt.After(b.CreatedAt) {
		t.Errorf("the client = %+v", b)
	}
	w.Want(patch(owner, `"1"`, map[string]any{"name": "x"}), http.StatusPreconditionFailed, "stale_version")
	w.Want(patch(owner, "", map[string]any{"name": "x"}), http.StatusPreconditionRequired, "if_match_required")
	a = patch(owner, "*", map[string]any{"email": "", "default_rate": nil, "tags": []string{}})
	w.Want(a, http.StatusOK, "")
	b = clients.ClientBody{}
	a.Into(t, &b)
	if b.Email != "" || b.DefaultRate != nil || len(b.Tags) != 0 {
		t.Errorf("the client = %+v; want mail, rate and tags gone", b)
	}
	manager := w.Member(owner.Org, access.Manager)
	w.Want(patch(manager, "*", map[string]any{"default_rate": nil}), http.StatusForbidden, "permission_denied")
	w.Want(patch(manager, "*", map[string]any{"phone": "+49 30 5550100"}), http.StatusOK, "")
	w.Want(w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), manager, apitest.Request{Body: map[string]any{"name": "x", "currency": "EUR",
		"default_rate": map[string]any{"amount": 1, "currency": "EUR"}}}), http.StatusForbidden, "permission_denied")
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "Example Bakery")
	stranger := w.Organization()
	guest, member := w.Member(owner.Org, access.Guest), w.Member(owner.Org, access.Contributor)
	manager := w.Member(owner.Org, access.Manager)
	name := map[string]any{"name": "x"}
	tests := []struct {
		op                       api.Operation
		path                     string
		body                     any
		guest, member, byManager int
	}{
		{clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), "/v1/clients", map[string]any{"name": "x", "currency": "EUR"}, 403, 403, 201},
		{clients.ListClients(), "/v1/clients", nil, 403, 200, 200},
		{clients.GetClient(nil), at(made), nil, 403, 200, 200},
		{clients.UpdateClient(w.Store, nil, keys.Pseudonyms{}), at(made), name, 403, 403, 200},
		{clients.ArchiveClient(w.Store), at(made, "/archive"), nil, 403, 403, 200},
		{clients.RestoreClient(w.Store), at(made, "/restore"), nil, 403, 403, 200},
		{clients.DeleteClient(w.Store), at(made), nil, 403, 403, 403},
	}
	for _, tt := range tests {
		t.Run(tt.op.ID, func(t *testing.T) {
			w := w.In(t)
			r := apitest.Request{Path: tt.path, Body: tt.body, IfMatch: "*"}
			w.Want(w.Call(tt.op, guest, r), tt.guest, "")
			w.Want(w.Call(tt.op, member, r), tt.member, "")
			w.Want(w.Call(tt.op, manager, r), tt.byManager, "")
			w.Want(w.Call(tt.op, apitest.Caller{}, r), 401, "authentication_required")
			if strings.Contains(tt.path, made.ID) {
				w.Want(w.Call(tt.op, stranger, r), 404, "client_not_found")
				r.Path = strings.ReplaceAll(tt.path, made.ID, "cli_no")
				w.Want(w.Call(tt.op, owner, r), 404, "client_not_found")
			}
			if tt.op.Method != http.MethodGet && tt.op.ID != "create-client" {
				w.Want(w.Call(tt.op, owner, apitest.Request{Path: tt.path, Body: tt.body}), 428, "if_match_required")
				w.Want(w.Call(tt.op, owner, apitest.Request{Path: tt.path, Body: tt.body, IfMatch: `"99"`}), 412, "stale_version")
			}
		})
	}
}

func TestAClientIsArchivedAndRestored(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made, other := w.create(owner, "Away"), w.create(owner, "Here")
	archive := apitest.Request{Path: at(made, "/archive"), IfMatch: `"1"`, Key: "k"}
	a := w.Call(clients.ArchiveClient(w.Store), owner, archive)
	w.Want(a, http.StatusOK, "")
	var b clients.ClientBody
	a.Into(t, &b)
	if b.Status != clients.Archived || a.Header.Get("ETag") != `"2"` {
		t.Errorf("the client = %+v, %s", b, a.Header.Get("ETag"))
	}
	again := w.Call(clients.ArchiveClient(w.Store), owner, archive)
	w.Want(again, http.StatusOK, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || string(again.Body) != string(a.Body) {
		t.Errorf("the repeat = %s %s", again.Header.Get("Idempotency-Replayed"), again.Body)
	}
	w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: at(made, "/archive"), IfMatch: `"2"`}), http.StatusOK, "")
	if got := names(w.list(owner, "status=archived")); !slices.Equal(got, []string{"Away"}) {
		t.Errorf("archived = %v", got)
	}
	if got := names(w.list(owner, "status=active")); !slices.Equal(got, []string{other.Name}) {
		t.Errorf("active = %v", got)
	}
	w.Want(w.Call(clients.RestoreClient(w.Store), owner, apitest.Request{Path: at(made, "/restore"), IfMatch: `"2"`}), http.StatusOK, "")
	if got := names(w.list(owner, "status=active")); len(got) != 2 {
		t.Errorf("active = %v; want both", got)
	}
}

func TestAClientIsDeletedWhenNothingRefersToIt(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	owner := w.Organization()
	made := w.create(owner, "Example Bakery")
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	cli := id.Client(made.ID)
	use := func(f func(*store.Tx, *store.Organization, id.Client)) error {
		tx := w.Store.Begin()
		f(tx, org, cli)
		return tx.Commit(ctx)
	}
	if err := use(clients.Use); err != nil {
		t.Fatal(err)
	}
	del := func(match string) apitest.Answer {
		return w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: at(made), IfMatch: match})
	}
	w.Want(del(`"1"`), http.StatusPreconditionFailed, "stale_version")
	w.Want(del(`"2"`), http.StatusConflict, "client_in_use")
	if err := use(clients.Release); err != nil {
		t.Fatal(err)
	}
	if err := use(clients.Release); err == nil {
		t.Error("a project too many was released")
	}
	since := w.Clock.Now()
	w.Clock.Advance(time.Minute)
	w.Want(del(`"3"`), http.StatusNoContent, "")
	w.Want(w.get(owner, made), http.StatusNotFound, "client_not_found")
	if err := use(clients.Use); err != clients.ErrNotActive {
		t.Errorf("using a deleted client = %v; want ErrNotActive", err)
	}
	if err := use(clients.Release); err == nil {
		t.Error("a deleted client was released")
	}
	if l := w.list(owner, ""); len(l.Data) != 0 || len(l.Deleted) != 0 {
		t.Errorf("the list = %+v; want nothing", l)
	}
	l := w.list(owner, "updated_since="+url.QueryEscape(since.Format(time.RFC3339)))
	if len(l.Data) != 0 || len(l.Deleted) != 1 || l.Deleted[0].ID != made.ID || !l.Deleted[0].At.Equal(w.Clock.Now()) {
		t.Errorf("the changes = %+v; want one deletion", l)
	}
	owner = w.Later(owner, 31*24*time.Hour)
	w.Want(w.Call(clients.ListClients(), owner, apitest.Request{Path: "/v1/clients?updated_since=" + since.Format(time.RFC3339)}), http.StatusGone, "resync_required")
}

func TestClientsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	var want []string
	for i := range 5 {
		w.Clock.Advance(time.Second)
		want = append(want, w.create(owner, fmt.Sprint("Client ", i)).Name)
	}
	for _, query := range []string{"", "status=active", "updated_since=2026-03-01T00:00:00Z"} {
		var got []string
		cursor := ""
		for {
			l := w.list(owner, query+"&limit=2&cursor="+cursor)
			got = append(got, names(l)...)
			if cursor = l.NextCursor; cursor == "" {
				break
			}
			if strings.Contains(cursor, string(owner.Org)) {
				t.Error("the cursor names the organization")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %v; want %v", query, got, want)
		}
	}
	page := w.list(owner, "limit=2")
	for _, query := range []string{"cursor=x", "status=active&cursor=" + page.NextCursor, "limit=0", "limit=201", "status=gone",
		"status=active&updated_since=2026-03-01T00:00:00Z", "updated_since=yesterday", "name=x"} {
		w.Want(w.Call(clients.ListClients(), owner, apitest.Request{Path: "/v1/clients?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
}

func TestChangesOfBothStatesAreOneList(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	since := w.Clock.Now()
	var made []clients.ClientBody
	for i := range 6 {
		w.Clock.Advance(time.Second)
		made = append(made, w.create(owner, fmt.Sprint("Client ", i)))
	}
	for _, i := range []int{4, 0, 2} { // changed in this order, after the others
		w.Clock.Advance(time.Second)
		w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: at(made[i], "/archive"), IfMatch: "*"}), http.StatusOK, "")
	}
	w.Clock.Advance(time.Second)
	w.Want(w.Call(clients.DeleteClient(w.Store), owner, apitest.Request{Path: at(made[0]), IfMatch: "*"}), http.StatusNoContent, "")
	w.Clock.Advance(time.Second)
	w.Want(w.Call(clients.RestoreClient(w.Store), owner, apitest.Request{Path: at(made[4], "/restore"), IfMatch: "*"}), http.StatusOK, "")
	for limit := range 7 {
		var got, gone []string
		for cursor := ""; ; {
			l := w.list(owner, fmt.Sprintf("updated_since=%s&limit=%d&cursor=%s", since.Format(time.RFC3339), limit+1, cursor))
			got = append(got, names(l)...)
			for _, d := range l.Deleted {
				gone = append(gone, d.ID)
			}
			if cursor = l.NextCursor; cursor == "" {
				break
			}
		}
		if want := []string{"Client 1", "Client 3", "Client 5", "Client 2", "Client 4"}; !slices.Equal(got, want) || !slices.Equal(gone, []string{made[0].ID}) {
			t.Errorf("in pages of %d: %v, deleted %v; want %v in the order of change, and the one deletion", limit+1, got, gone, want)
		}
	}
	page := w.list(owner, "updated_since="+since.Format(time.RFC3339)+"&limit=1")
	w.Want(w.Call(clients.ListClients(), owner, apitest.Request{Path: "/v1/clients?status=active&cursor=" + page.NextCursor}), http.StatusUnprocessableEntity, "invalid_input")
}

func TestNumbersAreGivenOnceEach(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	const n = 12
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { w.create(owner, fmt.Sprint("Client ", i)) })
	}
	wg.Wait()
	var got []int64
	for _, b := range w.list(owner, "").Data {
		got = append(got, b.Number)
	}
	slices.Sort(got)
	if len(got) != n || got[0] != 1 || got[n-1] != n || len(slices.Compact(got)) != n {
		t.Errorf("numbers = %v; want 1 to %d", got, n)
	}
}

func TestTwinsUnderOneKeyMakeOneClient(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Key: "twin", Body: map[string]any{"name": "Twin", "currency": "EUR"}})
			w.Want(a, http.StatusCreated, "")
			var b clients.ClientBody
			a.Into(t, &b)
			mu.Lock()
			defer mu.Unlock()
			ids[b.ID] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 || len(w.list(owner, "").Data) != 1 {
		t.Errorf("%d answers and %d clients; want one", len(ids), len(w.list(owner, "").Data))
	}
	w.Want(w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), owner, apitest.Request{Key: "twin", Body: map[string]any{"name": "Other", "currency": "EUR"}}),
		http.StatusUnprocessableEntity, "idempotency_key_reused")
}
