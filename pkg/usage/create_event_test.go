package usage_test

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
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/usage"
)

// mark sets a mark on a person's gate.
func (w *world) mark(c apitest.Caller, name string) {
	w.T.Helper()
	tx := w.Store.Begin()
	tx.Change(w.Store.BindUser(c.User, store.Actor{Who: "test"}), access.UserGateKey(c.User), func(u *dynamo.Update) { u.Set(name, true) })
	w.must(tx.Commit(context.Background()))
}

func TestAnEventIsKeptOnlyIfItsPersonAllowsIt(t *testing.T) {
	w := newWorld(t)
	given := func(w *world, c apitest.Caller) { w.choose(c, "given") }
	file := func(body map[string]any) func(w *world, c apitest.Caller) {
		return func(w *world, c apitest.Caller) {
			w.choose(c, "given")
			w.Want(w.Call(privacy.CreateRequest(w.Store), c, apitest.Request{Body: body}), http.StatusCreated, "")
		}
	}
	ago := used("export")
	ago["seconds_ago"] = 60
	tests := []struct {
		name    string
		before  func(w *world, c apitest.Caller)
		headers map[string]string
		event   map[string]any
		status  int
		kept    int
		stop    string
	}{
		{"who agreed", given, nil, used("export"), 202, 1, ""},
		{"who was never asked", func(*world, apitest.Caller) {}, nil, used("export"), 202, 0, "not_agreed"},
		{"who refused", func(w *world, c apitest.Caller) { w.choose(c, "refused") }, nil, used("export"), 202, 0, "not_agreed"},
		{"who took it back", func(w *world, c apitest.Caller) {
			w.choose(c, "given")
			w.Want(w.Call(privacy.WithdrawConsent(w.Store), c, apitest.Request{Path: "/v1/privacy/consents/analytics"}), 200, "")
		}, nil, used("export"), 202, 0, "not_agreed"},
		{"who objected", file(map[string]any{"type": "objection", "purpose": "analytics"}), nil, used("export"), 202, 0, "not_agreed"},
		{"who opted out", file(map[string]any{"type": "opt_out"}), nil, used("export"), 202, 0, "not_agreed"},
		{"whose browser signals", given, map[string]string{"Sec-GPC": "1"}, used("export"), 202, 0, "opted_out"},
		{"whose browser signals beside others", given, map[string]string{"Sec-GPC": "0,1"}, used("export"), 202, 0, "opted_out"},
		{"whose browser does not signal", given, map[string]string{"Sec-GPC": "0"}, used("export"), 202, 1, ""},
		{"whose browser has opted out", given, map[string]string{"Cookie": api.OptOutCookie + "=1"}, used("export"), 202, 0, "opted_out"},
		{"who is too young", func(w *world, c apitest.Caller) { w.choose(c, "given"); w.mark(c, "too_young") }, nil, used("export"), 202, 0, "too_young"},
		{"whose processing is restricted", func(w *world, c apitest.Caller) { w.choose(c, "given"); w.mark(c, "restrict") }, nil, used("export"), 403, 0, ""},
		{"who agreed only afterwards", given, nil, ago, 202, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{World: w.In(t), vault: w.vault, log: w.log}
			c := w.Organization()
			tt.before(w, c)
			count := len(w.rows("USAGE"))
			a := w.tell(c, apitest.Request{Headers: tt.headers}, tt.event)
			w.Want(a, tt.status, "")
			var b usage.EventsBody
			if a.Into(t, &b); b.Kept != tt.kept || b.Stop != tt.stop || tt.status == 202 && b.Received != 1 {
				t.Errorf("the answer = %+v; want %d kept, %q", b, tt.kept, tt.stop)
			}
			if got := len(w.rows("USAGE")) - count; got != tt.kept {
				t.Errorf("%d rows are written; want %d", got, tt.kept)
			}
		})
	}
	nobody := w.tell(apitest.Caller{}, apitest.Request{}, used("export"))
	w.Want(nobody, http.StatusUnauthorized, "authentication_required")
}

func TestAnEventHasNoFreeText(t *testing.T) {
	w := newWorld(t)
	c := w.agreeing()
	with := func(name string, value any) map[string]any {
		e := map[string]any{"name": "screen_viewed", "screen": "timer", "platform": "web", "seconds": 3}
		if e[name] = value; value == nil {
			delete(e, name)
		}
		return e
	}
	many := make([]map[string]any, usage.MaxEvents+1)
	for n := range many {
		many[n] = used("export")
	}
	tests := []struct {
		name   string
		events []map[string]any
		status int
	}{
		{"as the catalogue says", []map[string]any{with("seconds", 86400)}, 202},
		{"an unknown kind", []map[string]any{with("name", "mail_written")}, 422},
		{"no kind", []map[string]any{with("name", nil)}, 422},
		{"an unknown value", []map[string]any{with("screen", "ada@example.com")}, 422},
		{"an empty value", []map[string]any{with("screen", "")}, 422},
		{"a property of another kind", []map[string]any{with("feature", "export")}, 422},
		{"a number of another kind", []map[string]any{with("milliseconds", 0)}, 422},
		{"a property that is not there", []map[string]any{with("platform", nil)}, 422},
		{"a number that is not there", []map[string]any{with("seconds", nil)}, 422},
		{"a property that nobody knows", []map[string]any{with("note", "for Ada")}, 422},
		{"a number below its bound", []map[string]any{with("seconds", -1)}, 422},
		{"a number above its bound", []map[string]any{with("seconds", 86401)}, 422},
		{"a number as text", []map[string]any{with("seconds", "3")}, 422},
		{"too long ago", []map[string]any{with("seconds_ago", 3601)}, 422},
		{"one good and one bad", []map[string]any{used("export"), with("screen", "x")}, 422},
		{"none", []map[string]any{}, 422},
		{"too many", many, 422},
		{"as many as may be", many[:usage.MaxEvents], 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{World: w.In(t), vault: w.vault, log: w.log}
			count := len(w.rows("USAGE"))
			a := w.tell(c, apitest.Request{}, tt.events...)
			w.Want(a, tt.status, "")
			if kept := len(w.rows("USAGE")) - count; (kept == 1) != (tt.status == 202) {
				t.Errorf("%d rows are written", kept)
			}
			if strings.Contains(string(a.Body)+w.Log.String(), "ada@") {
				t.Errorf("the value is repeated: %s", a.Body)
			}
		})
	}
}

func TestAPersonIsSomebodyElseEveryDay(t *testing.T) {
	w := newWorld(t)
	ada := w.agreeing()
	w.told(ada, used("export"), used("export"), used("help"))
	w.told(ada, used("export")) // another function, which finds the salt of the first
	if p := w.people(); len(p) != 1 {
		t.Fatalf("one person is %v on one day; want one pseudonym", p)
	}
	for _, r := range w.rows("USAGE") {
		text := fmt.Sprint(r)
		for _, leads := range []string{string(ada.User), string(ada.Member), string(ada.Org), string(ada.Session), "req-", ":00:"} {
			if strings.Contains(text, leads) {
				t.Errorf("the row leads to the person by %q: %s", leads, text)
			}
		}
		if end := time.Unix(int64(r["expires_at"].(float64)), 0).UTC(); !end.Equal(time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("the row goes at %v; want the beginning of the 90th day", end)
		}
	}
	w.told(w.Later(ada, 24*time.Hour), used("export"))
	if p := w.people(); len(p) != 2 {
		t.Errorf("one person is %v on two days; want two pseudonyms", p)
	}
}

func TestTheFirstEventsOfADayMeetAtOneSalt(t *testing.T) {
	w := newWorld(t)
	ada := w.agreeing()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.told(ada, used("export")) })
	}
	wg.Wait()
	if p := w.people(); len(p) != 1 {
		t.Errorf("one person is %v; want one pseudonym", p)
	}
}

func TestARepeatIsCountedOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.agreeing()
	for n := range 3 {
		a := w.tell(ada, apitest.Request{Key: "once"}, used("export"))
		w.Want(a, http.StatusAccepted, "")
		if replayed := a.Header.Get("Idempotency-Replayed") == "true"; replayed != (n > 0) {
			t.Errorf("call %d is replayed: %v", n, replayed)
		}
	}
	w.Want(w.tell(ada, apitest.Request{Key: "once"}, used("help")), http.StatusUnprocessableEntity, "idempotency_key_reused")
	if n := len(w.rows("USAGE")); n != 1 {
		t.Errorf("%d rows; want 1", n)
	}
	for _, r := range w.rows("IDEMPOTENCY") {
		if object, there := r["object"]; there {
			t.Errorf("the row of the key leads to %v", object)
		}
	}
}

func TestTwinsAreCountedOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.agreeing()
	w.told(ada, used("help")) // the day has its salt
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := w.tell(ada, apitest.Request{Key: "twins"}, used("export"))
			if a.Status != http.StatusAccepted && a.Code() != "idempotency_key_in_use" {
				t.Errorf("a twin = %d %s; want it kept, or told of the other", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if n := len(w.rows("USAGE")); n != 2 {
		t.Errorf("%d rows; want that of before and one of all twins", n)
	}
}

func TestWithoutTheVaultNothingIsKept(t *testing.T) {
	w := newWorld(t)
	ada := w.agreeing()
	w.vault.Fail(fmt.Errorf("the vault is away"))
	w.Want(w.tell(ada, apitest.Request{}, used("export")), http.StatusInternalServerError, "internal")
	w.vault.Fail(nil)
	w.told(ada, used("export"))
	if n := len(w.rows("USAGE")); n != 1 {
		t.Errorf("%d rows; want 1", n)
	}
}
