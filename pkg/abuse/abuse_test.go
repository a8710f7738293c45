package abuse_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/abuse"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

type world struct {
	*apitest.World
	lead, ada apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.lead, w.ada = w.Staff(access.SecurityLead), w.Organization()
	return w
}

func (w *world) facts(more map[string]any) map[string]any {
	f := map[string]any{"subject": map[string]any{"kind": "account", "id": w.ada.User}, "ground": "phishing", "measure": "pause",
		"explanation": "Three recipients reported invoices that ask for passwords.", "days": 10}
	for k, v := range more {
		f[k] = v
	}
	return f
}

func (w *world) ofOrganization() map[string]any {
	return map[string]any{"subject": map[string]any{"kind": "organization", "id": w.ada.Org}}
}

func (w *world) flag(more map[string]any) abuse.FlagBody {
	w.T.Helper()
	a := w.Call(abuse.CreateAbuseFlag(w.Store), w.Later(w.lead, 0), apitest.Request{Body: w.facts(more)})
	w.Want(a, http.StatusCreated, "")
	var b abuse.FlagBody
	a.Into(w.T, &b)
	return b
}

func (w *world) act(op api.Operation, who apitest.Caller, f abuse.FlagBody, r apitest.Request) apitest.Answer {
	w.T.Helper()
	r.Path = strings.Replace(op.Path, "{id}", string(f.ID), 1)
	return w.Call(op, w.Later(who, 0), r)
}

// creates says whether the flagged person may make a client.
func (w *world) creates(status int, code string) {
	w.T.Helper()
	w.Want(w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), w.Later(w.ada, 0), apitest.Request{Body: map[string]any{"name": "Bakery", "currency": "EUR"}}), status, code)
}

// TestAFlagTakesNoRightsAway pauses an account and an organization: changes are refused, and reading, a request and the way
// to its package are not.
func TestAFlagTakesNoRightsAway(t *testing.T) {
	for kind, code := range map[string]string{"account": "account_paused", "organization": "organization_paused"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.creates(201, "")
			more := map[string]any{}
			if kind == "organization" {
				more = w.ofOrganization()
			}
			f := w.flag(more)
			w.creates(403, code)
			w.Want(w.Call(clients.ListClients(), w.Later(w.ada, 0), apitest.Request{}), 200, "")
			filed := w.Call(privacy.CreateRequest(w.Store), w.Later(w.ada, 0), apitest.Request{Body: map[string]any{"type": "access", "description": "Everything, please."}})
			w.Want(filed, 201, "")
			var r privacy.RequestBody
			filed.Into(t, &r)
			w.Want(w.Call(privacy.GetRequest(), w.Later(w.ada, 0), apitest.Request{Path: "/v1/dsr/" + r.ID}), 200, "")
			w.Want(w.Call(privacy.DownloadRequest(w.Store, nil), w.Later(w.ada, 0), apitest.Request{Path: "/v1/dsr/" + r.ID + "/download"}), 404, "package_not_found")
			w.Want(w.act(abuse.LiftAbuseFlag(w.Store), w.lead, f, apitest.Request{}), 428, "if_match_required")
			w.Want(w.act(abuse.LiftAbuseFlag(w.Store), w.lead, f, apitest.Request{IfMatch: `"1"`}), 204, "")
			w.creates(201, "")
			w.Want(w.act(abuse.GetAbuseFlag(w.Store), w.lead, f, apitest.Request{}), 404, "abuse_flag_not_found")
		})
	}
}

func TestAFlagLapsesByItself(t *testing.T) {
	w := newWorld(t)
	f := w.flag(nil)
	if got := w.listed(); !slices.Equal(got, []string{string(f.ID)}) {
		t.Errorf("the list = %q; want the flag", got)
	}
	w.Clock.Set(f.Until.Add(-time.Second))
	w.creates(403, "account_paused")
	w.Clock.Set(f.Until)
	w.creates(201, "")
	if got := w.listed(); len(got) != 0 {
		t.Errorf("the list = %q; want nothing of what has lapsed", got)
	}
	w.lead = w.Staff(access.SecurityLead)
	w.Want(w.act(abuse.GetAbuseFlag(w.Store), w.lead, f, apitest.Request{}), 404, "abuse_flag_not_found")
	w.flag(nil) // what has lapsed is in the way of nothing
	w.creates(403, "account_paused")
}

func (w *world) listed() []string {
	w.T.Helper()
	var page api.List[abuse.ListedFlag]
	w.Call(abuse.ListAbuseFlags(), w.Staff(access.PrivacyOfficer), apitest.Request{}).Into(w.T, &page)
	var all []string
	for _, l := range page.Data {
		all = append(all, string(l.ID))
	}
	return all
}

func TestAnotherPersonReviewsAFlag(t *testing.T) {
	w := newWorld(t)
	other := w.Staff(access.SecurityLead)
	f := w.flag(map[string]any{"days": 30}) // a review in the same second leads to the same end
	days := map[string]any{"days": 30}
	w.Want(w.act(abuse.ReviewAbuseFlag(w.Store), w.lead, f, apitest.Request{Body: days, IfMatch: "*"}), 403, "same_person")
	w.Want(w.act(abuse.ReviewAbuseFlag(w.Store), other, f, apitest.Request{Body: map[string]any{"days": 91}, IfMatch: "*"}), 422, "invalid_input")
	w.Want(w.act(abuse.ReviewAbuseFlag(w.Store), other, f, apitest.Request{Body: days, IfMatch: `"9"`}), 412, "stale_version")
	a := w.act(abuse.ReviewAbuseFlag(w.Store), other, f, apitest.Request{Body: days, IfMatch: `"1"`, Key: "review"})
	w.Want(a, 200, "")
	w.Want(w.act(abuse.ReviewAbuseFlag(w.Store), other, f, apitest.Request{Body: days, IfMatch: `"1"`, Key: "review"}), 200, "")
	var b abuse.FlagBody
	if a.Into(t, &b); !b.Until.Equal(w.Clock.Now().AddDate(0, 0, 30).Truncate(time.Second)) || b.ReviewedBy == b.RaisedBy || b.ReviewedAt == nil {
		t.Errorf("reviewed = %+v; want 30 days more, by another person", b)
	}
	other = w.Later(other, 20*24*time.Hour)
	other.Proved = w.Clock.Now()
	w.Want(w.act(abuse.ReviewAbuseFlag(w.Store), other, f, apitest.Request{Body: days, IfMatch: `"2"`}), 200, "")
	w.Clock.Set(f.Until.Add(time.Second))
	w.creates(403, "account_paused")
	w.Clock.Set(f.Until.AddDate(0, 0, 20))
	w.creates(201, "")
}

func TestWhoIsTold(t *testing.T) {
	w := newWorld(t)
	w.flag(map[string]any{"measure": "watch"})
	w.creates(201, "")
	w.flag(w.ofOrganization())
	user, org := w.Store.BindUser(w.ada.User, store.Actor{Who: "test"}), w.Store.BindOrganization(w.ada.Org, store.Actor{Who: "test"})
	count := func(h store.Bound, s store.Scope) (n int) {
		for m, err := range store.All[outbox.Mail](t.Context(), h, store.Query{Partition: s.Partition(outbox.Family), Limit: 10}) {
			if err != nil {
				t.Fatal(err)
			}
			if m.Template == abuse.MailPaused && m.Ids["ground"] == "phishing" {
				n++
			}
		}
		return n
	}
	if n := count(user, user.Scope()); n != 0 {
		t.Errorf("%d mails to who is only watched; want none", n)
	}
	if n := count(org, org.Scope()); n != 1 {
		t.Errorf("%d mails to the owner of what is paused; want one", n)
	}
}

func TestWhatIsNoFlag(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		more   map[string]any
		status int
		code   string
	}{
		"without a ground":   {map[string]any{"ground": "dislike"}, 422, "invalid_input"},
		"without an end":     {map[string]any{"days": 91}, 422, "invalid_input"},
		"without a reason":   {map[string]any{"explanation": strings.Repeat(" ", 12)}, 422, "invalid_input"},
		"of nobody":          {map[string]any{"subject": map[string]any{"kind": "account", "id": "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}}, 404, "subject_not_found"},
		"of no organization": {map[string]any{"subject": map[string]any{"kind": "organization", "id": "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, "measure": "watch"}, 404, "subject_not_found"},
		"of a thing":         {map[string]any{"subject": map[string]any{"kind": "account", "id": w.ada.Org}}, 404, "subject_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			w.In(t).Want(w.Call(abuse.CreateAbuseFlag(w.Store), w.Later(w.lead, 0), apitest.Request{Body: w.facts(tt.more)}), tt.status, tt.code)
		})
	}
	for _, role := range []access.StaffRole{access.SupportAgent, access.PrivacyOfficer, access.LegalCounsel} {
		w.Want(w.Call(abuse.CreateAbuseFlag(w.Store), w.Staff(role), apitest.Request{Body: w.facts(nil)}), 403, "permission_denied")
	}
	w.Want(w.Call(abuse.ListAbuseFlags(), w.ada, apitest.Request{}), 403, "staff_required")
	status := make([]int, 3)
	var all sync.WaitGroup
	for n := range status {
		all.Go(func() {
			status[n] = w.Call(abuse.CreateAbuseFlag(w.Store), w.lead, apitest.Request{Body: w.facts(nil)}).Status
		})
	}
	all.Wait()
	if slices.Sort(status); !slices.Equal(status, []int{201, 409, 409}) {
		t.Errorf("three flags at once = %v; want one", status)
	}
}
