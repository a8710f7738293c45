package transfers_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/transfers"
)

type world struct {
	*apitest.World
	counsel apitest.Caller
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.counsel = w.Staff(access.LegalCounsel)
	return w
}

func (w *world) facts(days int) map[string]any {
	return map[string]any{"kind": "acquisition", "acquirer": "Example Holding", "country": "US", "description": "Example Holding buys PixelTrack.",
		"from": w.Clock.Now().AddDate(0, 0, days).Format(time.DateOnly)}
}

func (w *world) create(days int) id.Transfer {
	w.T.Helper()
	a := w.Call(transfers.CreateBusinessTransfer(w.Store), w.Later(w.counsel, 0), apitest.Request{Body: w.facts(days)})
	w.Want(a, http.StatusCreated, "")
	var b transfers.Body
	a.Into(w.T, &b)
	return b.ID
}

func (w *world) get(t id.Transfer) (transfers.Body, string) {
	w.T.Helper()
	a := w.Call(transfers.GetBusinessTransfer(), w.Later(w.counsel, 0), apitest.Request{Path: "/v1/admin/business-transfers/" + string(t)})
	w.Want(a, http.StatusOK, "")
	var b transfers.Body
	a.Into(w.T, &b)
	return b, a.Header.Get("ETag")
}

func (w *world) act(t id.Transfer, verb string) apitest.Answer {
	w.T.Helper()
	op := map[string]api.Operation{"start": transfers.StartBusinessTransfer(w.Store), "cancel": transfers.CancelBusinessTransfer(w.Store)}[verb]
	_, etag := w.get(t)
	return w.Call(op, w.Later(w.counsel, 0), apitest.Request{Path: "/v1/admin/business-transfers/" + string(t) + "/" + verb, IfMatch: etag})
}

func (w *world) send() {
	w.T.Helper()
	if err := notices.SendNotices().Do(context.Background(), []byte(`{}`), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
		w.T.Fatal(err)
	}
}

func (w *world) person() apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	tx := w.Store.Begin()
	access.Enlist(tx, w.Store.BindPlatform(store.Actor{Who: "test"}), c.User)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

// disclosed says whether a person sees among their disclosures that their data passed to the other company.
func (w *world) disclosed(c apitest.Caller) bool {
	w.T.Helper()
	var list api.List[privacy.Disclosure]
	a := w.Call(privacy.ListDisclosures(w.Store), w.Later(c, 0), apitest.Request{})
	w.Want(a, http.StatusOK, "")
	a.Into(w.T, &list)
	for _, d := range list.Data {
		if d.Basis == "transfer" && d.Recipient == "Example Holding" {
			return true
		}
	}
	return false
}

func TestNothingPassesBeforeEverybodyWasToldAndTheDayHasCome(t *testing.T) {
	w := newWorld(t)
	people := []apitest.Caller{w.person(), w.person(), w.person()}
	tr := w.create(40)
	w.Want(w.act(tr, "start"), 409, "notices_not_sent")
	w.send()
	w.Want(w.act(tr, "start"), 409, "objection_window_open")
	if b, _ := w.get(tr); b.Told != len(people) || b.ToldAt == nil || b.State != transfers.Announced {
		t.Errorf("after all were told = %+v", b)
	}
	w.Clock.Set(w.Clock.Now().AddDate(0, 0, 40).Truncate(24 * time.Hour).Add(-time.Second))
	w.counsel = w.Staff(access.LegalCounsel)
	w.Want(w.act(tr, "start"), 409, "objection_window_open")
	if w.disclosed(people[0]) {
		t.Error("a disclosure is shown before anything passed")
	}
	w.Clock.Advance(time.Second)
	w.Want(w.act(tr, "start"), http.StatusOK, "")
	w.Want(w.act(tr, "start"), 409, "business_transfer_over")
	w.Want(w.act(tr, "cancel"), 409, "business_transfer_over")
	for _, c := range people {
		var page api.List[notices.NoticeBody]
		w.Call(notices.ListNotices(), w.Later(c, 0), apitest.Request{}).Into(t, &page)
		if len(page.Data) != 1 || page.Data[0].Kind != notices.BusinessTransfer || page.Data[0].Object != string(tr) || !w.disclosed(c) {
			t.Errorf("notices = %+v, disclosed %v; want one notice, and the disclosure", page.Data, w.disclosed(c))
		}
	}
}

// TestNobodyWasTold lets the day come while the job that tells people does not run.
func TestNobodyWasTold(t *testing.T) {
	w := newWorld(t)
	w.person()
	tr := w.create(40)
	w.Clock.Advance(41 * 24 * time.Hour)
	w.counsel = w.Staff(access.LegalCounsel)
	w.Want(w.act(tr, "start"), 409, "notices_not_sent")
}

func TestATransferIsCancelled(t *testing.T) {
	w := newWorld(t)
	c := w.person()
	tr := w.create(40)
	w.Want(w.act(tr, "cancel"), http.StatusOK, "")
	w.send()
	var page api.List[notices.NoticeBody]
	w.Call(notices.ListNotices(), w.Later(c, 0), apitest.Request{}).Into(t, &page)
	if len(page.Data) != 0 {
		t.Errorf("notices = %+v of what was canceled before anybody was told; want none", page.Data)
	}
	w.Clock.Advance(41 * 24 * time.Hour)
	w.counsel = w.Staff(access.LegalCounsel)
	w.Want(w.act(tr, "start"), 409, "business_transfer_over")
}

func TestTwoStartAtOnce(t *testing.T) {
	w := newWorld(t)
	w.person()
	tr := w.create(31)
	w.send()
	w.Clock.Advance(32 * 24 * time.Hour)
	w.counsel = w.Staff(access.LegalCounsel)
	_, etag := w.get(tr)
	answers := make([]apitest.Answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = w.Call(transfers.StartBusinessTransfer(w.Store), w.Later(w.counsel, 0), apitest.Request{Path: "/v1/admin/business-transfers/" + string(tr) + "/start", IfMatch: etag})
		})
	}
	all.Wait()
	started := 0
	for _, a := range answers {
		switch {
		case a.Status == http.StatusOK:
			started++
		case a.Status != 412 && a.Status != 409:
			t.Errorf("answer = %d %s", a.Status, a.Body)
		}
	}
	if started != 1 {
		t.Errorf("it was started %d times; want once", started)
	}
}

func TestWhoMayTransfer(t *testing.T) {
	w := newWorld(t)
	tr := w.create(40)
	path := "/v1/admin/business-transfers/" + string(tr)
	start, create := transfers.StartBusinessTransfer(w.Store), transfers.CreateBusinessTransfer(w.Store)
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"an owner", create, w.Organization(), apitest.Request{Body: w.facts(40)}, 403, "staff_required"},
		{"support", create, w.Staff(access.SupportAgent), apitest.Request{Body: w.facts(40)}, 403, "permission_denied"},
		{"the officer enters", create, w.Staff(access.PrivacyOfficer), apitest.Request{Body: w.facts(40)}, 403, "permission_denied"},
		{"the officer reads", transfers.GetBusinessTransfer(), w.Staff(access.PrivacyOfficer), apitest.Request{Path: path}, 200, ""},
		{"in 29 days", create, w.counsel, apitest.Request{Body: w.facts(29)}, 422, "invalid_input"},
		{"without a version", start, w.counsel, apitest.Request{Path: path + "/start"}, 428, "if_match_required"},
		{"an older version", start, w.counsel, apitest.Request{Path: path + "/start", IfMatch: `"77"`}, 412, "stale_version"},
		{"no such transfer", start, w.counsel, apitest.Request{Path: "/v1/admin/business-transfers/trf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB/start", IfMatch: "*"}, 404, "business_transfer_not_found"},
		{"no id", start, w.counsel, apitest.Request{Path: "/v1/admin/business-transfers/none/start", IfMatch: "*"}, 404, "business_transfer_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.Call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
	body := w.facts(40)
	first := w.Call(create, w.Later(w.counsel, 0), apitest.Request{Body: body, Key: "key"})
	if second := w.Call(create, w.Later(w.counsel, 0), apitest.Request{Body: body, Key: "key"}); second.Status != http.StatusCreated || string(first.Body) != string(second.Body) {
		t.Errorf("a repeat under one key = %d %s; want %s", second.Status, second.Body, first.Body)
	}
}

func TestTheRegisterListsTransfersNewestFirst(t *testing.T) {
	w := newWorld(t)
	first := w.create(40)
	w.Clock.Advance(time.Minute)
	second := w.create(50)
	var page api.List[transfers.Entry]
	a := w.Call(transfers.ListBusinessTransfers(), w.Later(w.counsel, 0), apitest.Request{Path: "/v1/admin/business-transfers?limit=1"})
	w.Want(a, http.StatusOK, "")
	if a.Into(t, &page); len(page.Data) != 1 || page.Data[0].ID != second || page.Data[0].State != transfers.Announced || page.NextCursor == "" {
		t.Fatalf("the first page = %s; want the newer transfer alone", a.Body)
	}
	a = w.Call(transfers.ListBusinessTransfers(), w.Later(w.counsel, 0), apitest.Request{Path: "/v1/admin/business-transfers?limit=1&cursor=" + page.NextCursor})
	page = api.List[transfers.Entry]{}
	if a.Into(t, &page); len(page.Data) != 1 || page.Data[0].ID != first {
		t.Errorf("the second page = %s; want the older transfer", a.Body)
	}
	w.Want(w.Call(transfers.ListBusinessTransfers(), w.Staff(access.SupportAgent), apitest.Request{}), http.StatusForbidden, "permission_denied")
}
