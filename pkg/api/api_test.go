package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// thing is a row of these tests.
type thing struct {
	store.Meta
	Name string `dynamo:"name"`
	ID   string `dynamo:"id"`
	key  store.Key
}

func (t *thing) Type() string     { return "THING" }
func (t *thing) Keys() store.Keys { return store.Keys{Primary: t.key} }

type thingBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type createIn struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"20"`
	}
}

type thingOut struct {
	api.Tagged
	Body thingBody
}

type ByID struct {
	ID string `path:"id"`
}

type changeIn struct {
	ByID
	api.IfMatch
	Body struct {
		Name string `json:"name" minLength:"1"`
	}
}

func read(ctx context.Context, c *api.Caller, id string) (*thing, error) {
	row, err := store.Get[thing](ctx, c.Org, c.Org.Scope().Key("THING", id))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("thing")
	}
	return row, err
}

func show(row *thing) *thingOut {
	return &thingOut{Tagged: api.Tag(row.Version), Body: thingBody{row.ID, row.Name}}
}

func createThing(st *store.Store) api.Operation {
	return api.Replayable(api.Route{ID: "create-thing", Area: "test", Method: http.MethodPost, Path: "/v1/things", Status: http.StatusCreated, Permission: access.ClientsWrite},
		func(ctx context.Context, c *api.Caller, in *createIn) (*thingOut, error) {
			row := &thing{Name: in.Body.Name, ID: in.Body.Name, key: c.Org.Scope().Key("THING", in.Body.Name)}
			tx := st.Begin()
			tx.Create(c.Org, row).Else(problem.Of(problem.Conflict, "thing_exists", "There is one."))
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

func getThing() api.Operation {
	return api.New(api.Route{ID: "get-thing", Area: "test", Method: http.MethodGet, Path: "/v1/things/{id}", Permission: access.ClientsRead, PureRead: true},
		func(ctx context.Context, c *api.Caller, in *ByID) (*thingOut, error) {
			row, err := read(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			if !c.May(access.RatesRead) {
				row.Name = "hidden"
			}
			return show(row), nil
		})
}

func changeThing(st *store.Store) api.Operation {
	return api.New(api.Route{ID: "change-thing", Area: "test", Method: http.MethodPatch, Path: "/v1/things/{id}", Permission: access.ClientsWrite},
		func(ctx context.Context, c *api.Caller, in *changeIn) (*thingOut, error) {
			row, err := read(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			row.key = store.Key{PK: row.PK, SK: row.SK}
			if err := in.Matches(row.Version); err != nil {
				return nil, err
			}
			row.Name = in.Body.Name
			tx := st.Begin()
			tx.Replace(c.Org, row)
			if err := c.Commit(ctx, tx, row.ID); err != nil {
				return nil, err
			}
			return show(row), nil
		})
}

func named(name string) map[string]string { return map[string]string{"name": name} }

func TestRefusalsComeInOrder(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	guest := w.Member(owner.Org, access.Guest)
	other := w.Organization()
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("a")}), 201, "")
	big := `{"name":"` + strings.Repeat("x", api.DefaultMaxBody) + `"}`
	forged := owner
	forged.Token = owner.Token[:len(owner.Token)-4] + "AAAA"
	late := owner

	tests := []struct {
		name   string
		op     api.Operation
		as     apitest.Caller
		in     apitest.Request
		status int
		code   string
	}{
		{"too large before all", createThing(w.Store), apitest.Caller{}, apitest.Request{Body: big}, 413, "body_too_large"},
		{"not JSON before who", createThing(w.Store), apitest.Caller{}, apitest.Request{Body: `{"name"`}, 400, "malformed_json"},
		{"not UTF-8", createThing(w.Store), owner, apitest.Request{Body: "{\"name\":\"\xff\"}"}, 400, "malformed_json"},
		{"a NUL", createThing(w.Store), owner, apitest.Request{Body: `{"name":"a\u0000"}`}, 400, "malformed_text"},
		{"an escaped backslash is no NUL", createThing(w.Store), owner, apitest.Request{Body: `{"name":"b\\u0000"}`}, 201, ""},
		{"no token before rights", createThing(w.Store), apitest.Caller{}, apitest.Request{Body: named("")}, 401, "authentication_required"},
		{"a forged token", createThing(w.Store), forged, apitest.Request{Body: named("b")}, 401, "token_invalid"},
		{"no right before the fields", createThing(w.Store), guest, apitest.Request{Body: named("")}, 403, "permission_denied"},
		{"fields", createThing(w.Store), owner, apitest.Request{Body: named("")}, 422, "invalid_input"},
		{"an unknown field", createThing(w.Store), owner, apitest.Request{Body: `{"name":"x","more":1}`}, 422, "invalid_input"},
		{"a missing body", createThing(w.Store), owner, apitest.Request{}, 422, "invalid_input"},
		{"fields before If-Match", changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/a", Body: named("")}, 422, "invalid_input"},
		{"If-Match before the object", changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/no", Body: named("z")}, 428, "if_match_required"},
		{"the object before its version", changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/no", Body: named("z"), IfMatch: `"9"`}, 404, "thing_not_found"},
		{"another organisation's object", changeThing(w.Store), other, apitest.Request{Path: "/v1/things/a", Body: named("z"), IfMatch: `"1"`}, 404, "thing_not_found"},
		{"a stale version", changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/a", Body: named("z"), IfMatch: `"9"`}, 412, "stale_version"},
		{"an unknown query parameter", getThing(), owner, apitest.Request{Path: "/v1/things/a?x=1"}, 422, "invalid_input"},
		{"a conflict last", createThing(w.Store), owner, apitest.Request{Body: named("a")}, 409, "thing_exists"},
		{"any version", changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/a", Body: named("y"), IfMatch: "*"}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			a := w.Call(tt.op, tt.as, tt.in)
			w.Want(a, tt.status, tt.code)
			if tt.status >= 400 && a.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("content type = %q; want application/problem+json", a.Header.Get("Content-Type"))
			}
			if a.Header.Get("X-Request-Id") == "" {
				t.Error("no X-Request-Id")
			}
		})
	}
	w.Clock.Advance(time.Hour)
	w.Want(w.Call(getThing(), late, apitest.Request{Path: "/v1/things/a"}), 401, "token_expired")
}

func TestTheRowsDecideNotTheToken(t *testing.T) {
	w := apitest.New(t)
	ctx := context.Background()
	owner := w.Organization()
	manager := w.Member(owner.Org, access.Manager)
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("a")}), 201, "")

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
	get := apitest.Request{Path: "/v1/things/a"}
	body := func(a apitest.Answer) string {
		var b thingBody
		a.Into(t, &b)
		return b.Name
	}
	if got := body(w.Call(getThing(), manager, get)); got != "hidden" {
		t.Errorf("name = %q for a manager; want it hidden", got)
	}
	change(h, access.AccessKey(owner.Org, owner.Member), func(u *dynamo.Update) { u.Set("role", access.Manager).Add("grant_version", 1) })
	if got := body(w.Call(getThing(), owner, get)); got != "hidden" {
		t.Errorf("name = %q right after the role was lowered; want it hidden", got)
	}
	change(h, access.AccessKey(owner.Org, owner.Member), func(u *dynamo.Update) { u.Set("role", access.Guest).Add("grant_version", 1) })
	w.Want(w.Call(getThing(), owner, get), 403, "permission_denied")
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("b")}), 403, "permission_denied")
	change(h, access.AccessKey(owner.Org, owner.Member), func(u *dynamo.Update) { u.Set("role", access.Owner).Add("grant_version", 1) })

	change(h, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Closing) })
	w.Want(w.Call(getThing(), owner, get), 200, "")
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("b")}), 403, "organization_closing")
	change(h, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Suspended) })
	w.Want(w.Call(getThing(), owner, get), 403, "organization_suspended")
	change(h, access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Active) })

	change(u, access.UserGateKey(owner.User), func(u *dynamo.Update) { u.Set("restrict", true) })
	w.Want(w.Call(getThing(), owner, get), 200, "")
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("b")}), 403, "processing_restricted")
	change(u, access.UserGateKey(owner.User), func(u *dynamo.Update) { u.Remove("restrict") })

	change(h, access.AccessKey(owner.Org, manager.Member), func(u *dynamo.Update) { u.Set("removed", 1) })
	w.Want(w.Call(getThing(), manager, get), 401, "membership_ended")
	change(u, access.UserGateKey(owner.User), func(u *dynamo.Update) { u.Remove("sessions") })
	w.Want(w.Call(getThing(), owner, get), 401, "session_ended")
	w.Want(w.Call(createThing(w.Store), owner, apitest.Request{Body: named("b")}), 401, "session_ended")
}

func TestARepeatUnderOneKeyIsAnsweredWithTheObjectAsItIsNow(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	create := createThing(w.Store)
	first := w.Call(create, owner, apitest.Request{Body: named("a"), Key: "k1"})
	w.Want(first, 201, "")
	w.Want(w.Call(changeThing(w.Store), owner, apitest.Request{Path: "/v1/things/a", Body: named("new"), IfMatch: `"1"`}), 200, "")
	again := w.Call(create, owner, apitest.Request{Body: named("a"), Key: "k1"})
	w.Want(again, 201, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || !strings.Contains(string(again.Body), `"name":"new"`) {
		t.Errorf("the repeat = %v %s; want Idempotency-Replayed and the object as it is now", again.Header, again.Body)
	}
	w.Want(w.Call(create, owner, apitest.Request{Body: named("b"), Key: "k1"}), 422, "idempotency_key_reused")
	w.Want(w.Call(create, w.Organization(), apitest.Request{Body: named("a"), Key: "k1"}), 201, "")
	w.Want(w.Call(create, w.Later(owner, api.IdempotencyLife), apitest.Request{Body: named("a"), Key: "k1"}), 409, "thing_exists")
	if strings.Contains(w.Log.String(), "new") {
		t.Error("the log holds what was written")
	}
}

func TestTwinsUnderOneKeyMakeOneThing(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	create := createThing(w.Store)
	answers := make([]apitest.Answer, 30)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = w.Call(create, owner, apitest.Request{Body: named("a"), Key: "same"}) })
	}
	wg.Wait()
	replays := 0
	for _, a := range answers {
		w.Want(a, 201, "")
		if a.Header.Get("Idempotency-Replayed") == "true" {
			replays++
		}
	}
	if replays != len(answers)-1 {
		t.Errorf("%d of %d answers were replays; want all but one", replays, len(answers))
	}
}

// A twin that reads only after the first has written finds another version, or nothing. It is a replay all the same.
func TestATwinThatComesLateIsAReplay(t *testing.T) {
	for name, refusal := range map[string]error{
		"another version": api.Stale(), "a stale write": store.ErrStale, "nothing": problem.Missing("thing"), "a conflict": problem.Of(problem.Conflict, "thing_exists", "There is one."),
	} {
		t.Run(name, func(t *testing.T) {
			w := apitest.New(t)
			owner := w.Organization()
			create := createThing(w.Store)
			again := false
			late := api.Replayable(create.Route, func(_ context.Context, _ *api.Caller, _ *createIn) (*thingOut, error) {
				again = true
				w.Want(w.Call(create, owner, apitest.Request{Body: named("a"), Key: "same"}), 201, "") // the first, while this one has begun
				return nil, refusal
			}, func(ctx context.Context, c *api.Caller, id string) (*thingOut, error) {
				row, err := read(ctx, c, id)
				if err != nil {
					return nil, err
				}
				return show(row), nil
			})
			a := w.Call(late, owner, apitest.Request{Body: named("a"), Key: "same"})
			w.Want(a, 201, "")
			if !again || a.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("the late twin = %v; want a replay", a.Header)
			}
		})
	}
}

// TestADangerousActAsksForAFreshProof ages a token that is still good.
func TestADangerousActAsksForAFreshProof(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	dangerous := api.New(api.Route{ID: "end-thing", Area: "test", Method: http.MethodPost, Path: "/v1/things/end", Audience: api.Users, Status: http.StatusNoContent, Fresh: 10 * time.Minute},
		func(context.Context, *api.Caller, *struct{}) (*struct{}, error) { return nil, nil })
	w.Clock.Advance(10 * time.Minute)
	w.Want(w.Call(dangerous, owner, apitest.Request{}), 204, "")
	w.Clock.Advance(time.Second)
	a := w.Call(dangerous, owner, apitest.Request{})
	w.Want(a, 401, "reauthentication_required")
	want := `Bearer realm="pixeltrack", error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="600"`
	if got := a.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("WWW-Authenticate = %s; want %s", got, want)
	}
	if !strings.Contains(string(a.Body), `"max_age":600`) {
		t.Errorf("the refusal = %s; want its age in details", a.Body)
	}
	w.Want(w.Call(dangerous, w.Later(owner, 0), apitest.Request{}), 204, "")
}

// TestTwinsOfWhatIsShownOnceAreAnsweredWithoutIt lets repeats meet of a call that cannot be shown again.
func TestTwinsOfWhatIsShownOnceAreAnsweredWithoutIt(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	secret := api.New(api.Route{ID: "create-secret", Area: "test", Method: http.MethodPost, Path: "/v1/secrets", Status: http.StatusCreated, Permission: access.ClientsWrite},
		func(ctx context.Context, c *api.Caller, in *createIn) (*thingOut, error) {
			row := &thing{Name: in.Body.Name, ID: in.Body.Name, key: c.Org.Scope().Key("THING", in.Body.Name)}
			tx := w.Store.Begin()
			tx.Put(c.Org, row)
			if err := c.Commit(ctx, tx, row.ID); err != nil {
				return nil, err
			}
			return show(row), nil
		})
	var wg sync.WaitGroup
	var mu sync.Mutex
	shown := 0
	for range 10 {
		wg.Go(func() {
			a := w.Call(secret, owner, apitest.Request{Body: named("a"), Key: "once"})
			mu.Lock()
			defer mu.Unlock()
			if a.Status != 201 {
				t.Errorf("a twin = %d %s; want 201", a.Status, a.Body)
			}
			if len(a.Body) > 0 {
				shown++
			} else if a.Header.Get("Idempotency-Replayed") != "true" {
				t.Error("a repeat does not say that it is one")
			}
		})
	}
	wg.Wait()
	if shown != 1 {
		t.Errorf("the answer was shown %d times; want once", shown)
	}
}

// Whatever is wrong with a call, and whoever makes it, a restored table answers nothing.
func TestNothingIsAnsweredOfARestoredTable(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	create := createThing(w.Store)
	w.Want(w.Call(create, owner, apitest.Request{Body: named("first")}), 201, "")
	w.Open = func(context.Context) error { return store.ErrRestored }
	tests := []struct {
		name string
		op   api.Operation
		as   apitest.Caller
		in   apitest.Request
	}{
		{"a read", getThing(), owner, apitest.Request{Path: "/v1/things/first"}},
		{"a write", create, owner, apitest.Request{Body: named("second")}},
		{"a call without a token", getThing(), apitest.Caller{}, apitest.Request{Path: "/v1/things/first"}},
		{"a body that is too large", create, owner, apitest.Request{Body: strings.Repeat("x", 1<<21)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.In(t).Call(tt.op, tt.as, tt.in)
			w.In(t).Want(a, http.StatusServiceUnavailable, "restoring")
			if a.Header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After = %q; want a minute", a.Header.Get("Retry-After"))
			}
		})
	}
	w.Open = nil
	w.Want(w.Call(getThing(), owner, apitest.Request{Path: "/v1/things/second"}), 404, "thing_not_found")
}

func TestAPanicIsAnAnswer(t *testing.T) {
	w := apitest.New(t)
	owner, officer := w.Organization(), w.Staff(access.PrivacyOfficer)
	for name, c := range map[string]struct {
		route  api.Route
		caller apitest.Caller
	}{
		"public":    {api.Route{Audience: api.Public, Method: http.MethodGet}, apitest.Caller{}},
		"pure read": {api.Route{Permission: access.ClientsRead, Method: http.MethodGet, PureRead: true}, owner},
		"ahead":     {api.Route{Permission: access.ClientsWrite, Method: http.MethodPost, ReadsAhead: true}, owner},
		"checked":   {api.Route{Permission: access.ClientsWrite, Method: http.MethodPost}, owner},
		"staff":     {api.Route{Audience: api.Staff, Permission: access.HealthRead, Method: http.MethodGet}, officer},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.In(t)
			c.route.ID, c.route.Area, c.route.Path = "panic", "test", "/v1/panic"
			w.Want(w.Call(api.New(c.route, func(context.Context, *api.Caller, *struct{}) (*struct{}, error) { panic("tried") }), c.caller, apitest.Request{}), 500, "internal")
		})
	}
	if text := w.Log.String(); !strings.Contains(text, "panic: tried") {
		t.Errorf("the log does not say why: %s", text)
	}
}
