package projects_test

import (
	"context"
	"fmt"
	"net/http"
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
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct{ *apitest.World }

func newWorld(t *testing.T) world { return world{apitest.New(t)} }

func (w world) client(c apitest.Caller) clients.ClientBody {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": "EUR"}})
	w.Want(a, http.StatusCreated, "")
	var b clients.ClientBody
	a.Into(w.T, &b)
	return b
}

func (w world) clientNow(c apitest.Caller, b clients.ClientBody) clients.ClientBody {
	w.T.Helper()
	var now clients.ClientBody
	w.Call(clients.GetClient(nil), c, apitest.Request{Path: "/v1/clients/" + b.ID}).Into(w.T, &now)
	return now
}

func (w world) post(c apitest.Caller, body map[string]any) apitest.Answer {
	w.T.Helper()
	return w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: body})
}

func (w world) create(c apitest.Caller, key, client string) projects.ProjectBody {
	w.T.Helper()
	a := w.post(c, map[string]any{"key": key, "name": "Project " + key, "client_id": client})
	w.Want(a, http.StatusCreated, "")
	return read(w, a)
}

func read(w world, a apitest.Answer) projects.ProjectBody {
	w.T.Helper()
	var b projects.ProjectBody
	a.Into(w.T, &b)
	return b
}

func at(b projects.ProjectBody, more ...string) string {
	return "/v1/projects/" + b.ID + strings.Join(more, "")
}

func (w world) get(c apitest.Caller, b projects.ProjectBody) apitest.Answer {
	return w.Call(projects.GetProject(), c, apitest.Request{Path: at(b)})
}

func (w world) patch(c apitest.Caller, b projects.ProjectBody, body map[string]any) apitest.Answer {
	return w.Call(projects.UpdateProject(w.Store), c, apitest.Request{Path: at(b), IfMatch: "*", Body: body})
}

func (w world) del(c apitest.Caller, b projects.ProjectBody) apitest.Answer {
	return w.Call(projects.DeleteProject(w.Store), c, apitest.Request{Path: at(b), IfMatch: "*"})
}

func (w world) list(c apitest.Caller, query string) api.Changes[projects.ProjectBody] {
	w.T.Helper()
	a := w.Call(projects.ListProjects(), c, apitest.Request{Path: "/v1/projects?" + query})
	w.Want(a, http.StatusOK, "")
	var l api.Changes[projects.ProjectBody]
	a.Into(w.T, &l)
	return l
}

func keysOf(l api.Changes[projects.ProjectBody]) []string {
	var all []string
	for _, b := range l.Data {
		all = append(all, b.Key)
	}
	return all
}

// judge runs the job as its schedule does, with an event ahead of the clock or not.
func (w world) judge(ahead time.Duration) {
	w.T.Helper()
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Add(ahead).Format(time.RFC3339))
	if err := projects.CloseProjects().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
		w.T.Fatal(err)
	}
}

func (w world) book(c apitest.Caller, b projects.ProjectBody, book bool) {
	w.T.Helper()
	org := w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	if book {
		projects.Book(tx, org, id.Project(b.ID), "01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")
	} else {
		projects.Free(tx, org, id.Project(b.ID), "01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")
	}
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

func TestAProjectIsMadeChangedAndRead(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	bakery := w.client(owner)
	a := w.post(owner, map[string]any{"key": "WEB", "name": " New web site ", "client_id": bakery.ID, "color": "#3366cc", "starts_on": "2026-03-02",
		"hourly_rate": map[string]any{"amount": 9000, "currency": "EUR"}})
	w.Want(a, http.StatusCreated, "")
	made := read(w, a)
	if made.Key != "WEB" || made.Name != "New web site" || made.ClientID != bakery.ID || made.Billing != projects.Hourly || made.HourlyRate.Amount != 9000 || made.Status != projects.Active {
		t.Errorf("the project = %+v", made)
	}
	if got := w.clientNow(owner, bakery); got.Projects != 1 {
		t.Errorf("the client has %d projects; want 1", got.Projects)
	}
	if b := read(w, w.get(w.Member(owner.Org, access.Contributor), made)); b.HourlyRate != nil {
		t.Error("a member sees the rate")
	}
	w.Clock.Advance(time.Minute)
	other := w.client(owner)
	a = w.patch(owner, made, map[string]any{"client_id": other.ID, "billing": "fixed", "hourly_rate": nil, "starts_on": "", "ends_on": "2026-04-01"})
	w.Want(a, http.StatusOK, "")
	if b := read(w, a); b.ClientID != other.ID || b.Billing != projects.Fixed || b.HourlyRate != nil || b.StartsOn != "" || b.Name != made.Name || !b.UpdatedAt.After(made.UpdatedAt) {
		t.Errorf("the project = %+v", b)
	}
	if one, two := w.clientNow(owner, bakery).Projects, w.clientNow(owner, other).Projects; one != 0 || two != 1 {
		t.Errorf("the clients have %d and %d projects; want 0 and 1", one, two)
	}
	w.Want(w.patch(owner, made, map[string]any{"client_id": ""}), http.StatusOK, "")
	if n := w.clientNow(owner, other).Projects; n != 0 {
		t.Errorf("the client has %d projects; want 0", n)
	}
	w.Want(w.patch(owner, made, map[string]any{"starts_on": "2026-05-01"}), http.StatusUnprocessableEntity, "invalid_input")
	w.Want(w.patch(w.Member(owner.Org, access.Manager), made, map[string]any{"hourly_rate": nil}), http.StatusForbidden, "permission_denied")
}

func TestAClientThatCannotBeReferredTo(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	bakery, foreign := w.client(owner), w.client(w.Organization())
	made := w.create(owner, "WEB", "")
	w.Want(w.Call(clients.ArchiveClient(w.Store), owner, apitest.Request{Path: "/v1/clients/" + bakery.ID + "/archive", IfMatch: "*"}), http.StatusOK, "")
	tests := []struct {
		name, client string
		status       int
		code         string
	}{
		{"archived", bakery.ID, http.StatusConflict, "client_archived"},
		{"of another organization", foreign.ID, http.StatusNotFound, "client_not_found"},
		{"nothing", "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", http.StatusNotFound, "client_not_found"},
		{"malformed", "cli#x", http.StatusNotFound, "client_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t)}
			w.Want(w.post(owner, map[string]any{"key": "NEW", "name": "x", "client_id": tt.client}), tt.status, tt.code)
			w.Want(w.patch(owner, made, map[string]any{"client_id": tt.client}), tt.status, tt.code)
		})
	}
}

func TestInputIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	tests := []struct {
		name string
		more map[string]any
	}{
		{"a short key", map[string]any{"key": "W"}},
		{"a small key", map[string]any{"key": "web"}},
		{"a long key", map[string]any{"key": "ABCDEFGHIJK"}},
		{"a key with a separator", map[string]any{"key": "WE#B"}},
		{"a blank name", map[string]any{"name": " "}},
		{"no color", map[string]any{"color": "red"}},
		{"no way to bill", map[string]any{"billing": "free"}},
		{"no date", map[string]any{"starts_on": "2026-02-30"}},
		{"an end before the start", map[string]any{"starts_on": "2026-03-02", "ends_on": "2026-03-01"}},
		{"no currency", map[string]any{"hourly_rate": map[string]any{"amount": 1, "currency": "QQQ"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := map[string]any{"key": "WEB", "name": "x"}
			for k, v := range tt.more {
				body[k] = v
			}
			w.In(t).Want(w.post(owner, body), http.StatusUnprocessableEntity, "invalid_input")
		})
	}
}

func TestAKeyIsGivenOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	var mu sync.Mutex
	made, taken := 0, 0
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			a := w.post(owner, map[string]any{"key": "WEB", "name": "x"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.Status == http.StatusCreated:
				made++
			case a.Code() == "project_key_taken":
				taken++
			}
		})
	}
	wg.Wait()
	if made != 1 || taken != 5 {
		t.Errorf("%d made and %d refused; want 1 and 5", made, taken)
	}
	w.create(w.Organization(), "WEB", "")
	again := apitest.Request{Key: "k", Body: map[string]any{"key": "APP", "name": "x"}}
	first, second := w.Call(projects.CreateProject(w.Store), owner, again), w.Call(projects.CreateProject(w.Store), owner, again)
	w.Want(second, http.StatusCreated, "")
	if string(first.Body) != string(second.Body) || second.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat = %s", second.Body)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.Organization(), w.Organization()
	made := w.create(owner, "WEB", "")
	guest, member, manager := w.Member(owner.Org, access.Guest), w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Manager)
	tests := []struct {
		op                       api.Operation
		path                     string
		body                     any
		guest, member, byManager int
	}{
		{projects.CreateProject(w.Store), "/v1/projects", map[string]any{"key": "NEW", "name": "x"}, 403, 403, 201},
		{projects.ListProjects(), "/v1/projects", nil, 200, 200, 200},
		{projects.GetProject(), at(made), nil, 404, 200, 200},
		{projects.UpdateProject(w.Store), at(made), map[string]any{"name": "x"}, 403, 403, 200},
		{projects.ArchiveProject(w.Store), at(made, "/archive"), nil, 403, 403, 200},
		{projects.RestoreProject(w.Store), at(made, "/restore"), nil, 403, 403, 200},
		{projects.DeleteProject(w.Store), at(made), nil, 403, 403, 403},
	}
	for _, tt := range tests {
		t.Run(tt.op.ID, func(t *testing.T) {
			w := w.In(t)
			r := apitest.Request{Path: tt.path, Body: tt.body, IfMatch: "*"}
			w.Want(w.Call(tt.op, guest, r), tt.guest, "")
			w.Want(w.Call(tt.op, member, r), tt.member, "")
			w.Want(w.Call(tt.op, manager, r), tt.byManager, "")
			if strings.Contains(tt.path, made.ID) {
				w.Want(w.Call(tt.op, stranger, r), 404, "project_not_found")
			}
			if tt.op.Method != http.MethodGet && tt.op.ID != "create-project" {
				w.Want(w.Call(tt.op, owner, apitest.Request{Path: tt.path, Body: tt.body}), 428, "if_match_required")
				w.Want(w.Call(tt.op, owner, apitest.Request{Path: tt.path, Body: tt.body, IfMatch: `"99"`}), 412, "stale_version")
			}
		})
	}
}

func TestProjectsAreListedByStateAndClient(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	bakery := w.client(owner)
	for i, client := range []string{"", bakery.ID, bakery.ID, ""} {
		w.Clock.Advance(time.Second)
		w.create(owner, fmt.Sprint("P", i), client)
	}
	w.Clock.Advance(time.Second)
	away := w.create(owner, "AWAY", bakery.ID)
	w.Want(w.Call(projects.ArchiveProject(w.Store), owner, apitest.Request{Path: at(away, "/archive"), IfMatch: "*"}), http.StatusOK, "")
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{"P0", "P1", "P2", "P3", "AWAY"}},
		{"status=active", []string{"P1", "P2", "P0", "P3"}},
		{"status=archived", []string{"AWAY"}},
		{"client_id=" + bakery.ID, []string{"P1", "P2"}},
		{"status=archived&client_id=" + bakery.ID, []string{"AWAY"}},
		{"status=closing", nil},
		{"updated_since=2026-03-02T09:00:02Z", []string{"P1", "P2", "P3", "AWAY"}},
	}
	for _, tt := range tests {
		var got []string
		for cursor := ""; ; {
			l := w.list(owner, tt.query+"&limit=2&cursor="+cursor)
			got = append(got, keysOf(l)...)
			if cursor = l.NextCursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q lists %v; want %v", tt.query, got, tt.want)
		}
	}
	for _, query := range []string{"cursor=x", "client_id=x", "status=deleted", "status=active&updated_since=2026-03-02T09:00:00Z"} {
		w.Want(w.Call(projects.ListProjects(), owner, apitest.Request{Path: "/v1/projects?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
}

func TestAProjectWithoutHoursIsDeletedAMinuteLater(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	bakery := w.client(owner)
	made := w.create(owner, "WEB", bakery.ID)
	since := w.Clock.Now()
	w.Clock.Advance(time.Second)
	a := w.del(owner, made)
	w.Want(a, http.StatusAccepted, "")
	if b := read(w, a); b.Status != projects.Closing {
		t.Errorf("status = %s; want closing", b.Status)
	}
	w.Want(w.del(owner, made), http.StatusAccepted, "")
	w.Want(w.patch(owner, made, map[string]any{"name": "x"}), http.StatusConflict, "project_closing")
	w.Want(w.Call(projects.ArchiveProject(w.Store), owner, apitest.Request{Path: at(made, "/archive"), IfMatch: "*"}), http.StatusConflict, "project_closing")

	w.judge(0)
	w.Clock.Advance(59 * time.Second)
	w.judge(4 * time.Minute)
	if b := read(w, w.get(owner, made)); b.Status != projects.Closing {
		t.Errorf("status = %s before the wait was over; want closing", b.Status)
	}
	w.Want(w.post(owner, map[string]any{"key": "WEB", "name": "x"}), http.StatusConflict, "project_key_taken")
	w.Clock.Advance(time.Second)
	w.judge(0)
	w.Want(w.get(owner, made), http.StatusNotFound, "project_not_found")
	if n := w.clientNow(owner, bakery).Projects; n != 0 {
		t.Errorf("the client has %d projects; want 0", n)
	}
	l := w.list(owner, "updated_since="+since.Add(time.Millisecond).Format("2006-01-02T15:04:05.000Z"))
	if len(l.Data) != 0 || len(l.Deleted) != 1 || l.Deleted[0].ID != made.ID {
		t.Errorf("the changes = %+v; want one deletion", l)
	}
	w.create(owner, "WEB", bakery.ID)
	w.judge(0)
	if left, err := store.DueBy(context.Background(), w.Store.BindPlatform(store.Actor{}), projects.DueDelete, 0, w.Clock.Now().AddDate(1, 0, 0), 1); err != nil || len(left) > 0 {
		t.Errorf("due work is left: %v, %v", left, err)
	}
}

func TestAProjectWithHoursIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	owner := w.Organization()
	made := w.create(owner, "WEB", "")
	w.book(owner, made, true)
	w.Want(w.del(owner, made), http.StatusConflict, "project_in_use")
	w.book(owner, made, false)
	w.Want(w.Call(projects.ArchiveProject(w.Store), owner, apitest.Request{Path: at(made, "/archive"), IfMatch: "*"}), http.StatusOK, "")
	w.Want(w.del(owner, made), http.StatusAccepted, "")
	w.book(owner, made, true) // by a writer that saw the project open
	w.Clock.Advance(projects.Wait)
	w.judge(0)
	if b := read(w, w.get(owner, made)); b.Status != projects.Archived {
		t.Errorf("status = %s; want archived as before", b.Status)
	}
	w.book(owner, made, false)
	w.Want(w.del(owner, made), http.StatusAccepted, "")
	w.Clock.Advance(projects.Wait)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { w.judge(0) })
	}
	wg.Wait()
	w.Want(w.get(owner, made), http.StatusNotFound, "project_not_found")
}
