package demands_test

import (
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
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

type world struct {
	*apitest.World
	one, other, officer apitest.Caller // two counsels, and a privacy officer
	ada                 apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.one, w.other, w.officer = w.Staff(access.LegalCounsel), w.Staff(access.LegalCounsel), w.Staff(access.PrivacyOfficer)
	w.ada = w.Organization()
	return w
}

func (w *world) facts(more map[string]any) map[string]any {
	f := map[string]any{"authority": "Amtsgericht Musterstadt", "country": "DE", "instrument": "court_order", "reference": "17 Gs 42/26", "account_id": w.ada.User,
		"asked": []string{"account", "log"}, "received_at": w.Clock.Now().Add(-time.Hour), "answer_by": w.Clock.Now().AddDate(0, 0, 14)}
	for k, v := range more {
		f[k] = v
	}
	return f
}

func (w *world) create(more map[string]any) id.Demand {
	w.T.Helper()
	a := w.Call(demands.CreateLegalRequest(w.Store), w.Later(w.one, 0), apitest.Request{Body: w.facts(more)})
	w.Want(a, http.StatusCreated, "")
	var b demands.LegalRequestBody
	a.Into(w.T, &b)
	return b.ID
}

func (w *world) get(d id.Demand) (demands.LegalRequestBody, string) {
	w.T.Helper()
	a := w.Call(demands.GetLegalRequest(), w.Later(w.one, 0), apitest.Request{Path: "/v1/admin/legal-requests/" + string(d)})
	w.Want(a, http.StatusOK, "")
	var b demands.LegalRequestBody
	a.Into(w.T, &b)
	return b, a.Header.Get("ETag")
}

func (w *world) act(who apitest.Caller, op api.Operation, d id.Demand, body any) apitest.Answer {
	w.T.Helper()
	_, etag := w.get(d)
	return w.Call(op, w.Later(who, 0), apitest.Request{Path: strings.Replace(op.Path, "{id}", string(d), 1), Body: body, IfMatch: etag})
}

func (w *world) review(granted ...string) map[string]any {
	b := map[string]any{"comply": len(granted) > 0, "opinion": "A valid order, or none."}
	if len(granted) > 0 {
		b["granted"] = granted
	}
	return b
}

func (w *world) granted(d id.Demand) {
	w.T.Helper()
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, w.review("account")), 200, "")
	w.Want(w.act(w.other, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": true}), 200, "")
}

func (w *world) disclose(d id.Demand, categories ...string) apitest.Answer {
	w.T.Helper()
	return w.act(w.one, demands.RecordLegalDisclosure(w.Store), d, map[string]any{"categories": categories, "sha256": hash})
}

// sees lists what the person sees of authorities.
func (w *world) sees(c apitest.Caller) []privacy.Disclosure {
	w.T.Helper()
	var page api.List[privacy.Disclosure]
	w.Call(privacy.ListDisclosures(w.Store), w.Later(c, 0), apitest.Request{}).Into(w.T, &page)
	return slices.DeleteFunc(page.Data, func(d privacy.Disclosure) bool { return d.Basis != "legal" })
}

func (w *world) mailed(c apitest.Caller) bool {
	w.T.Helper()
	h := w.Store.BindUser(c.User, store.Actor{Who: "test"})
	for m, err := range store.All[outbox.Mail](w.T.Context(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 50}) {
		if err != nil {
			w.T.Fatal(err)
		}
		if m.Template == privacy.MailDisclosed {
			return true
		}
	}
	return false
}

func TestTwoPeopleDecide(t *testing.T) {
	w := newWorld(t)
	d := w.create(nil)
	w.Want(w.disclose(d, "account"), 409, "legal_request_state")
	w.Want(w.act(w.other, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": true}), 409, "legal_request_state")
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, w.review("account")), 200, "")
	w.Want(w.act(w.one, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": true}), 403, "same_person")
	w.Want(w.disclose(d, "account"), 409, "legal_request_state")
	w.Want(w.act(w.other, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": false}), 200, "")
	if b, _ := w.get(d); b.State != demands.Received || b.Review != nil {
		t.Errorf("given back = %s, %+v; want it as it came", b.State, b.Review)
	}
	w.Want(w.act(w.other, demands.ReviewLegalRequest(w.Store), d, w.review("account")), 200, "")
	w.Want(w.act(w.officer, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": true}), 200, "")
	if b, _ := w.get(d); b.State != demands.Approved || b.Review.By == b.Approval.By {
		t.Errorf("approved = %s by %+v and %+v", b.State, b.Review, b.Approval)
	}
	w.Want(w.disclose(d, "account", "log"), 403, "out_of_scope")
	w.Want(w.disclose(d, "account"), 200, "")
}

func TestThePersonSeesItAtOnce(t *testing.T) {
	w := newWorld(t)
	d := w.create(nil)
	w.granted(d)
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 409, "nobody_to_tell")
	w.Want(w.disclose(d, "account"), 200, "")
	got := w.sees(w.ada)
	if len(got) != 1 || got[0].Recipient != "Amtsgericht Musterstadt" || !slices.Equal(got[0].What, []string{"account"}) {
		t.Errorf("the person sees %+v; want to whom and what", got)
	}
	if other := w.sees(w.Organization()); len(other) != 0 {
		t.Errorf("somebody else sees %+v", other)
	}
	w.Want(w.act(w.one, demands.CloseLegalRequest(w.Store), d, nil), 409, "person_not_told")
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 200, "")
	if !w.mailed(w.ada) {
		t.Error("no mail to the person")
	}
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 409, "nobody_to_tell")
	w.Want(w.act(w.one, demands.CloseLegalRequest(w.Store), d, nil), 200, "")
	w.Want(w.disclose(d, "account"), 409, "legal_request_state")
}

func TestAGagHasItsDate(t *testing.T) {
	w := newWorld(t)
	d := w.create(map[string]any{"gag_until": w.Clock.Now().AddDate(0, 6, 0)})
	w.granted(d)
	w.Want(w.disclose(d, "account"), 200, "")
	if got := w.sees(w.ada); len(got) != 0 {
		t.Errorf("under the gag the person sees %+v", got)
	}
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 409, "gag_in_force")
	if w.mailed(w.ada) {
		t.Error("the person was mailed under the gag")
	}
	w.Clock.Advance(200 * 24 * time.Hour)
	if got := w.sees(w.ada); len(got) != 1 {
		t.Errorf("after the gag the person sees %+v; want what was handed over", got)
	}
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 200, "")
}

// TestTheAlarms reads the deadlines of a demand as it goes on.
func TestTheAlarms(t *testing.T) {
	w := newWorld(t)
	gag := w.Clock.Now().AddDate(0, 6, 0)
	d := w.create(map[string]any{"gag_until": gag})
	armed := func(by time.Time) []string {
		t.Helper()
		p := w.Store.BindPlatform(store.Actor{Who: "test"})
		var all []string
		for row, err := range store.All[deadline.Deadline](t.Context(), p, store.Query{Partition: p.Scope().Partition(deadline.Family), Limit: 10}) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Alarm <= by.Unix() {
				all = append(all, row.What)
			}
		}
		return all
	}
	if got := armed(w.Clock.Now().AddDate(0, 0, 12)); !slices.Equal(got, []string{"legal_request_answer_due"}) {
		t.Errorf("alarms = %v; want that of the answer, two days before", got)
	}
	w.granted(d)
	w.Want(w.disclose(d, "account"), 200, "")
	if got := armed(gag); !slices.Equal(got, []string{"legal_request_notice_due"}) {
		t.Errorf("alarms = %v; want that of the notice, at the end of the gag", got)
	}
	if got := armed(gag.Add(-time.Hour)); len(got) != 0 {
		t.Errorf("alarms = %v before the end of the gag; want none", got)
	}
	w.Clock.Set(gag.Add(time.Hour))
	w.one = w.Staff(access.LegalCounsel)
	w.Want(w.act(w.one, demands.NotifyLegalRequest(w.Store), d, nil), 200, "")
	if got := armed(gag.AddDate(9, 0, 0)); len(got) != 0 {
		t.Errorf("alarms = %v; want none any more", got)
	}
}

func TestARefusalIsDecidedByTwoAsWell(t *testing.T) {
	w := newWorld(t)
	d := w.create(map[string]any{"account_id": ""})
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, w.review()), 200, "")
	w.Want(w.act(w.one, demands.CloseLegalRequest(w.Store), d, nil), 409, "legal_request_state")
	w.Want(w.act(w.other, demands.ApproveLegalRequest(w.Store), d, map[string]any{"agree": true}), 200, "")
	if b, _ := w.get(d); b.State != demands.Refused {
		t.Errorf("state = %s; want refused", b.State)
	}
	w.Want(w.disclose(d, "account"), 409, "legal_request_state")
	w.Want(w.act(w.one, demands.CloseLegalRequest(w.Store), d, nil), 200, "")
	for state, want := range map[string]int{"received": 0, "refused": 0, "closed": 1} {
		var page api.List[demands.LegalRequestBody]
		w.Call(demands.ListLegalRequests(), w.Later(w.one, 0), apitest.Request{Path: "/v1/admin/legal-requests?state=" + state}).Into(t, &page)
		if len(page.Data) != want {
			t.Errorf("%d %s; want %d", len(page.Data), state, want)
		}
	}
	w.Clock.Advance(5*366*24*time.Hour + time.Hour)
	w.one = w.Staff(access.LegalCounsel)
	w.Want(w.Call(demands.GetLegalRequest(), w.one, apitest.Request{Path: "/v1/admin/legal-requests/" + string(d)}), 404, "legal_request_not_found")
}

func TestDemandsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	now := w.Clock.Now()
	for name, more := range map[string]map[string]any{
		"tomorrow's":               {"received_at": now.Add(24 * time.Hour)},
		"answered before it came":  {"answer_by": now.Add(-48 * time.Hour)},
		"about a thing":            {"account_id": "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"},
		"of no country":            {"country": "Germany"},
		"on no instrument":         {"instrument": "a letter"},
		"for nothing":              {"asked": []string{}},
		"for what nobody collects": {"asked": []string{"thoughts"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.Want(w.Call(demands.CreateLegalRequest(w.Store), w.one, apitest.Request{Body: w.facts(more)}), 422, "invalid_input")
		})
	}
	d := w.create(nil)
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, w.review("financial")), 422, "invalid_input")
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, map[string]any{"comply": true, "opinion": "x"}), 422, "invalid_input")
	w.Want(w.act(w.one, demands.ReviewLegalRequest(w.Store), d, map[string]any{"comply": false, "granted": []string{"account"}, "opinion": "x"}), 422, "invalid_input")

	w.Want(w.Call(demands.CreateLegalRequest(w.Store), w.Later(w.one, 0), apitest.Request{Body: w.facts(map[string]any{"account_id": id.New[id.User](w.Store.IDs())})}), 404, "account_not_found")
	gone := w.create(nil)
	w.granted(gone)
	tx := w.Store.Begin()
	tx.DeleteKey(w.Store.BindUser(w.ada.User, store.Actor{Who: "test"}), access.UserGateKey(w.ada.User), "")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.disclose(gone, "account"), 409, "account_gone")
}

func TestWhoMaySeeLegalRequests(t *testing.T) {
	w := newWorld(t)
	d := w.create(nil)
	path := "/v1/admin/legal-requests/" + string(d)
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"the person", demands.GetLegalRequest(), w.ada, apitest.Request{Path: path}, 403, "staff_required"},
		{"security", demands.GetLegalRequest(), w.Staff(access.SecurityLead), apitest.Request{Path: path}, 403, "permission_denied"},
		{"a privacy officer reads", demands.GetLegalRequest(), w.officer, apitest.Request{Path: path}, 200, ""},
		{"a privacy officer reviews none", demands.ReviewLegalRequest(w.Store), w.officer, apitest.Request{Path: path + "/review", Body: w.review("account"), IfMatch: `"1"`}, 403, "permission_denied"},
		{"no such request", demands.GetLegalRequest(), w.one, apitest.Request{Path: "/v1/admin/legal-requests/lgr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, 404, "legal_request_not_found"},
		{"an old version", demands.ReviewLegalRequest(w.Store), w.one, apitest.Request{Path: path + "/review", Body: w.review("account"), IfMatch: `"7"`}, 412, "stale_version"},
		{"no version", demands.ReviewLegalRequest(w.Store), w.one, apitest.Request{Path: path + "/review", Body: w.review("account")}, 428, "if_match_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.Call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
}

func TestTwoAtOnceAndOneKey(t *testing.T) {
	w := newWorld(t)
	r := apitest.Request{Body: w.facts(nil), Key: "once"}
	var first, again demands.LegalRequestBody
	w.Call(demands.CreateLegalRequest(w.Store), w.one, r).Into(t, &first)
	w.Call(demands.CreateLegalRequest(w.Store), w.one, r).Into(t, &again)
	if first.ID == "" || again.ID != first.ID {
		t.Errorf("one key made %s and %s", first.ID, again.ID)
	}
	_, etag := w.get(first.ID)
	status := make([]int, 2)
	var wg sync.WaitGroup
	for n, who := range []apitest.Caller{w.one, w.other} {
		wg.Go(func() {
			status[n] = w.Call(demands.ReviewLegalRequest(w.Store), who, apitest.Request{Path: "/v1/admin/legal-requests/" + string(first.ID) + "/review", Body: w.review("account"), IfMatch: etag}).Status
		})
	}
	wg.Wait()
	slices.Sort(status)
	if !slices.Equal(status, []int{200, 412}) {
		t.Errorf("two reviews of one version = %v; want one to win", status)
	}
}
