package breaches_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/breaches"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct {
	*apitest.World
	lead apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.lead = w.Staff(access.SecurityLead)
	return w
}

// facts are a breach that was discovered two hours ago, and known as one an hour ago.
func (w *world) facts(risk breaches.Risk, more map[string]any) map[string]any {
	now := w.Clock.Now()
	f := map[string]any{"nature": "A backup was readable.", "risk": risk, "discovered_at": now.Add(-2 * time.Hour), "aware_at": now.Add(-time.Hour)}
	for k, v := range more {
		f[k] = v
	}
	return f
}

func (w *world) create(facts map[string]any) breaches.BreachBody {
	w.T.Helper()
	a := w.Call(breaches.CreateBreach(w.Store), w.Later(w.lead, 0), apitest.Request{Body: facts})
	w.Want(a, http.StatusCreated, "")
	var b breaches.BreachBody
	a.Into(w.T, &b)
	return b
}

func (w *world) get(b id.Breach) (breaches.BreachBody, string) {
	w.T.Helper()
	a := w.Call(breaches.GetBreach(), w.Later(w.lead, 0), apitest.Request{Path: "/v1/admin/breaches/" + string(b)})
	w.Want(a, http.StatusOK, "")
	var out breaches.BreachBody
	a.Into(w.T, &out)
	return out, a.Header.Get("ETag")
}

func (w *world) act(op api.Operation, b id.Breach, body any) apitest.Answer {
	w.T.Helper()
	_, etag := w.get(b)
	return w.Call(op, w.Later(w.lead, 0), apitest.Request{Path: strings.Replace(op.Path, "{id}", string(b), 1), Body: body, IfMatch: etag})
}

func (w *world) told(b id.Breach, whom breaches.Whom, more ...map[string]any) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"whom": whom, "at": w.Clock.Now()}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	return w.act(breaches.ReportBreachNotice(w.Store), b, body)
}

func TestWhoMustBeTold(t *testing.T) {
	w := newWorld(t)
	now := w.Clock.Now()
	aware, seen := now.Add(-time.Hour), now.Add(-2*time.Hour)
	tests := []struct {
		name string
		risk breaches.Risk
		more map[string]any
		want []string
	}{
		{"nobody, where nobody has anything to fear", breaches.Unlikely, nil, nil},
		{"the authority within 72 hours", breaches.Likely, nil, []string{"authority " + aware.Add(72*time.Hour).Format(time.RFC3339)}},
		{"the people too, without delay", breaches.High, nil, []string{"authority " + aware.Add(72*time.Hour).Format(time.RFC3339), "subjects -"}},
		{"the organization whose data it is", breaches.High, map[string]any{"processor": true}, []string{"organizations -"}},
		{"500 Californians", breaches.Unlikely, map[string]any{"california_residents": 500}, []string{"california_residents " + seen.AddDate(0, 0, 30).Format(time.RFC3339)}},
		{"501 Californians", breaches.Unlikely, map[string]any{"california_residents": 501}, []string{"california_residents " + seen.AddDate(0, 0, 30).Format(time.RFC3339),
			"california_attorney_general " + seen.AddDate(0, 0, 45).Format(time.RFC3339)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range w.create(w.facts(tt.risk, tt.more)).Countdowns {
				due := "-"
				if c.Due != nil {
					due = c.Due.Format(time.RFC3339)
				}
				got = append(got, string(c.Whom)+" "+due)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("countdowns = %q; want %q", got, tt.want)
			}
		})
	}
}

func TestABreachFromItsEntryToItsEnd(t *testing.T) {
	w := newWorld(t)
	b := w.create(w.facts(breaches.Unlikely, nil))
	w.Want(w.act(breaches.UpdateBreach(w.Store), b.ID, w.facts(breaches.High, map[string]any{"subjects": 40, "california_residents": 600})), 200, "")
	a := w.act(breaches.CloseBreach(w.Store), b.ID, map[string]any{})
	w.Want(a, 409, "notice_owed")
	if !strings.Contains(string(a.Body), `["authority","subjects","california_residents","california_attorney_general"]`) {
		t.Errorf("the refusal does not say who must be told: %s", a.Body)
	}
	w.Want(w.told(b.ID, breaches.Authority), 200, "")
	w.Want(w.told(b.ID, breaches.Authority), 200, "") // a second phase
	w.Want(w.told(b.ID, breaches.Subjects), 200, "")
	w.Want(w.told(b.ID, breaches.Residents), 200, "")
	got, _ := w.get(b.ID)
	if general := got.Countdowns[3]; general.Due == nil || !general.Due.Equal(w.Clock.Now().AddDate(0, 0, 15).Truncate(time.Second)) {
		t.Errorf("the Attorney General is told by %v; want 15 days after the residents", general.Due)
	}
	w.Clock.Advance(16 * 24 * time.Hour)
	w.Want(w.told(b.ID, breaches.AttorneyGeneral), 422, "invalid_input")
	w.Want(w.told(b.ID, breaches.AttorneyGeneral, map[string]any{"reason": "The count was found late."}), 200, "")
	got, _ = w.get(b.ID)
	if c := got.Countdowns[3]; !c.Late || c.Reason == "" || got.Countdowns[0].Late || len(got.Notices) != 5 {
		t.Errorf("countdowns = %+v", got.Countdowns)
	}
	w.Want(w.act(breaches.CloseBreach(w.Store), b.ID, map[string]any{}), 200, "")
	w.Want(w.told(b.ID, breaches.Subjects), 409, "breach_closed")
	w.Want(w.act(breaches.UpdateBreach(w.Store), b.ID, w.facts(breaches.High, nil)), 409, "breach_closed")
	for state, want := range map[string]int{"open": 0, "closed": 1} {
		var page api.List[breaches.BreachBody]
		w.Call(breaches.ListBreaches(), w.Later(w.lead, 0), apitest.Request{Path: "/v1/admin/breaches?state=" + state}).Into(t, &page)
		if len(page.Data) != want {
			t.Errorf("%d %s; want %d", len(page.Data), state, want)
		}
	}
	w.Clock.Advance(5*366*24*time.Hour + time.Hour)
	w.lead = w.Staff(access.SecurityLead)
	w.Want(w.Call(breaches.GetBreach(), w.lead, apitest.Request{Path: "/v1/admin/breaches/" + string(b.ID)}), 404, "breach_not_found")
}

func TestABreachThatNobodyWasToldOf(t *testing.T) {
	w := newWorld(t)
	b := w.create(w.facts(breaches.Unlikely, nil))
	w.Want(w.act(breaches.CloseBreach(w.Store), b.ID, map[string]any{}), 422, "invalid_input")
	w.Want(w.act(breaches.CloseBreach(w.Store), b.ID, map[string]any{"not_notified_because": "It was encrypted."}), 200, "")
}

// TestTheAlarms watches the countdowns run out.
func TestTheAlarms(t *testing.T) {
	w := newWorld(t)
	log := telemetry.New(w.Log, w.Clock.Now)
	watch := func() string {
		t.Helper()
		w.Log.Reset()
		payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
		for range 2 { // a schedule may come twice
			if err := deadline.Watch().Do(t.Context(), []byte(payload), w.Store, log, w.Clock.Now, "run"); err != nil {
				t.Fatal(err)
			}
		}
		return w.Log.String()
	}
	b := w.create(w.facts(breaches.Likely, nil))
	w.create(w.facts(breaches.Unlikely, nil))
	const alarm = "breach_notice_due_authority"
	w.Clock.Advance(46 * time.Hour)
	if strings.Contains(watch(), alarm) {
		t.Error("an alarm two days before the notice is owed")
	}
	w.Clock.Advance(90 * time.Minute)
	if n := strings.Count(watch(), alarm); n != 1 {
		t.Errorf("%d alarms on the last day; want 1", n)
	}
	w.Clock.Advance(25 * time.Hour)
	if n := strings.Count(watch(), alarm); n != 1 {
		t.Errorf("%d alarms after the date; want one more", n)
	}
	w.Want(w.told(b.ID, breaches.Authority, map[string]any{"reason": "late"}), 200, "")
	w.Clock.Advance(25 * time.Hour)
	if strings.Contains(watch(), alarm) {
		t.Error("an alarm after the authority was told")
	}
	for shard := range store.Shards {
		left, err := store.DueBy(t.Context(), w.Store.BindPlatform(store.Actor{Who: "test"}), deadline.Due, shard, w.Clock.Now().AddDate(1, 0, 0), 10)
		if err != nil || len(left) != 0 {
			t.Errorf("clocks are left: %v, %v", left, err)
		}
	}
}

func TestFactsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	now := w.Clock.Now()
	for name, more := range map[string]map[string]any{
		"aware tomorrow":                {"aware_at": now.Add(24 * time.Hour)},
		"aware before it was seen":      {"aware_at": now.Add(-3 * time.Hour)},
		"seen before it happened":       {"occurred_at": now.Add(-time.Minute)},
		"a risk that is none":           {"risk": "some"},
		"a category that is none":       {"categories": []string{"shoe sizes"}},
		"nothing happened":              {"nature": ""},
		"fewer people than nobody":      {"subjects": -1},
		"a field that is not asked for": {"names": "Ada"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Want(w.Call(breaches.CreateBreach(w.Store), w.lead, apitest.Request{Body: w.facts(breaches.Likely, more)}), 422, "invalid_input")
		})
	}
	b := w.create(w.facts(breaches.Likely, nil))
	w.Want(w.told(b.ID, breaches.Authority, map[string]any{"at": now.Add(time.Hour)}), 422, "invalid_input")
	w.Want(w.told(b.ID, breaches.Authority, map[string]any{"at": now.Add(-3 * time.Hour)}), 422, "invalid_input")
}

func TestWhoMaySeeBreaches(t *testing.T) {
	w := newWorld(t)
	b := w.create(w.facts(breaches.Likely, nil))
	path := "/v1/admin/breaches/" + string(b.ID)
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"an owner", breaches.ListBreaches(), w.Organization(), apitest.Request{}, 403, "staff_required"},
		{"support", breaches.GetBreach(), w.Staff(access.SupportAgent), apitest.Request{Path: path}, 403, "permission_denied"},
		{"legal reads", breaches.GetBreach(), w.Staff(access.LegalCounsel), apitest.Request{Path: path}, 200, ""},
		{"legal enters none", breaches.CreateBreach(w.Store), w.Staff(access.LegalCounsel), apitest.Request{Body: w.facts(breaches.Likely, nil)}, 403, "permission_denied"},
		{"no such breach", breaches.GetBreach(), w.lead, apitest.Request{Path: "/v1/admin/breaches/brc_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, 404, "breach_not_found"},
		{"an old version", breaches.UpdateBreach(w.Store), w.lead, apitest.Request{Path: path, Body: w.facts(breaches.Likely, nil), IfMatch: `"7"`}, 412, "stale_version"},
		{"no version", breaches.UpdateBreach(w.Store), w.lead, apitest.Request{Path: path, Body: w.facts(breaches.Likely, nil)}, 428, "if_match_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.Call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
}

func TestTwoAtOnceAndOneKey(t *testing.T) {
	w := newWorld(t)
	r := apitest.Request{Body: w.facts(breaches.Likely, nil), Key: "once"}
	var first, again breaches.BreachBody
	w.Call(breaches.CreateBreach(w.Store), w.lead, r).Into(t, &first)
	w.Call(breaches.CreateBreach(w.Store), w.lead, r).Into(t, &again)
	if first.ID == "" || again.ID != first.ID {
		t.Errorf("one key made %s and %s", first.ID, again.ID)
	}
	_, etag := w.get(first.ID)
	status := make([]int, 2)
	var wg sync.WaitGroup
	for n := range status {
		wg.Go(func() {
			status[n] = w.Call(breaches.ReportBreachNotice(w.Store), w.lead, apitest.Request{Path: "/v1/admin/breaches/" + string(first.ID) + "/notices",
				Body: map[string]any{"whom": "authority", "at": w.Clock.Now()}, IfMatch: etag}).Status
		})
	}
	wg.Wait()
	slices.Sort(status)
	if !slices.Equal(status, []int{200, 412}) {
		t.Errorf("two notices of one version = %v; want one to win", status)
	}
}
