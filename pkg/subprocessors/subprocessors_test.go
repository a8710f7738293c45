package subprocessors_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
	"pixeltrack.io/platform/pkg/telemetry"
)

const host = "api.search.example"

type world struct {
	*apitest.World
	officer apitest.Caller
	log     *telemetry.Log
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t)}
	w.officer = w.Staff(access.PrivacyOfficer)
	w.log = telemetry.New(w.Log, w.Clock.Now)
	return w
}

func (w *world) day(days int) string { return w.Clock.Now().AddDate(0, 0, days).Format(time.DateOnly) }

// facts are what a company in India gets from 40 days on, with clauses that count for a year.
func (w *world) facts(more map[string]any) map[string]any {
	b := map[string]any{"id": "example-search", "from": w.day(40), "name": "Example Search", "service": "Search in documents", "parts": []string{"Index"},
		"categories": []string{"projects"}, "purposes": []string{"service_delivery"}, "country": "IN", "hosts": []string{host}, "standards": []string{"SOC 2 Type II"},
		"mechanisms": []map[string]any{{"kind": "standard_contractual_clauses", "agreed_on": w.day(-1), "review_by": w.day(365)}},
		"terms":      "https://search.example/dpa", "page": "https://search.example/trust"}
	maps.Copy(b, more)
	return b
}

// changes are facts as they are said anew.
func (w *world) changes(more map[string]any) map[string]any {
	b := w.facts(more)
	delete(b, "id")
	if _, ok := more["from"]; !ok {
		delete(b, "from")
	}
	return b
}

func (w *world) create(body map[string]any) apitest.Answer {
	w.T.Helper()
	return w.Call(subprocessors.CreateSubprocessor(w.Store), w.Later(w.officer, 0), apitest.Request{Body: body})
}

func (w *world) get(company string) (subprocessors.Body, string) {
	w.T.Helper()
	a := w.Call(subprocessors.GetSubprocessor(), w.Later(w.officer, 0), apitest.Request{Path: "/v1/admin/subprocessors/" + company})
	w.Want(a, http.StatusOK, "")
	var b subprocessors.Body
	a.Into(w.T, &b)
	return b, a.Header.Get("ETag")
}

func (w *world) update(company string, body map[string]any) apitest.Answer {
	w.T.Helper()
	_, etag := w.get(company)
	return w.Call(subprocessors.UpdateSubprocessor(w.Store), w.Later(w.officer, 0), apitest.Request{Path: "/v1/admin/subprocessors/" + company, Body: body, IfMatch: etag})
}

func (w *world) end(company string) apitest.Answer {
	w.T.Helper()
	_, etag := w.get(company)
	return w.Call(subprocessors.EndSubprocessor(w.Store), w.Later(w.officer, 0), apitest.Request{Path: "/v1/admin/subprocessors/" + company + "/end", IfMatch: etag})
}

// reached says whether the egress of a function that starts now reaches a host, and sees that the public list says the same.
func (w *world) reached(host string) bool {
	w.T.Helper()
	hosts, err := subprocessors.NewReach(w.Store, w.Clock.Now, w.log).Hosts(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	var list api.List[privacy.Subprocessor]
	a := w.Call(privacy.ListSubprocessors(w.Store), apitest.Caller{}, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	a.Into(w.T, &list)
	var public []string
	for _, p := range list.Data {
		if p.Receives {
			public = append(public, p.Hosts...)
		}
	}
	slices.Sort(public)
	slices.Sort(hosts)
	if !slices.Equal(public, hosts) {
		w.T.Errorf("the egress reaches %v; the public list says %v", hosts, public)
	}
	return slices.Contains(hosts, host)
}

// owner is the owner of an organization, on the list of all accounts.
func (w *world) owner() apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	tx := w.Store.Begin()
	access.Enlist(tx, w.Store.BindPlatform(store.Actor{Who: "test"}), c.User)
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &account.Membership{User: c.User, Organization: c.Org, Member: c.Member, Joined: 1})
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w *world) send() {
	w.T.Helper()
	if err := notices.SendNotices().Do(context.Background(), []byte(`{}`), w.Store, w.log, w.Clock.Now, "run"); err != nil {
		w.T.Fatal(err)
	}
}

func (w *world) notices(c apitest.Caller) []notices.NoticeBody {
	w.T.Helper()
	var page api.List[notices.NoticeBody]
	w.Call(notices.ListNotices(), w.Later(c, 0), apitest.Request{}).Into(w.T, &page)
	return page.Data
}

func TestACompanyGetsNothingBeforeItsNoticeEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		sent bool
	}{{"owners were told", true}, {"owners were not told", false}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.owner()
			w.Want(w.create(w.facts(nil)), http.StatusCreated, "")
			if tt.sent {
				w.send()
				if all := w.notices(owner); len(all) != 1 || all[0].Kind != notices.ProviderChange || all[0].Object != "example-search" || !strings.Contains(all[0].Text, "IN") {
					t.Errorf("notices = %+v; want one of the company, its data and its country", all)
				}
			}
			day := w.Clock.Now().AddDate(0, 0, 40).Truncate(24 * time.Hour)
			w.Clock.Set(day.Add(-time.Second))
			w.officer = w.Staff(access.PrivacyOfficer)
			if w.reached(host) {
				t.Error("it is reached before its day")
			}
			if b, _ := w.get("example-search"); b.Status != "announced" || b.Receives || (b.ToldAt != nil) != tt.sent {
				t.Errorf("before its day = %+v", b)
			}
			w.Clock.Set(day)
			if got := w.reached(host); got != tt.sent {
				t.Errorf("on its day it is reached: %v; want %v", got, tt.sent)
			}
			if b, _ := w.get("example-search"); b.Receives != tt.sent {
				t.Errorf("on its day = %+v", b)
			}
		})
	}
}

func TestWhatIsNotEntered(t *testing.T) {
	w := newWorld(t)
	w.Want(w.create(w.facts(nil)), http.StatusCreated, "")
	mechanism := func(agreed, review string) map[string]any {
		return map[string]any{"id": "other", "hosts": []string{"other.example"}, "mechanisms": []map[string]any{{"kind": "standard_contractual_clauses", "agreed_on": agreed, "review_by": review}}}
	}
	other := func(k string, v any) map[string]any {
		return map[string]any{"id": "other", "hosts": []string{"other.example"}, k: v}
	}
	tests := []struct {
		name   string
		more   map[string]any
		status int
		code   string
	}{
		{"a country that is not adequate, without a mechanism", other("mechanisms", []any{}), 422, "invalid_input"},
		{"the United States, without one", map[string]any{"id": "other", "hosts": []string{"other.example"}, "country": "US", "mechanisms": []any{}}, 422, "invalid_input"},
		{"a mechanism that lapsed", mechanism(w.day(-400), w.day(-1)), 422, "invalid_input"},
		{"a mechanism without a review", mechanism(w.day(-1), ""), 422, "invalid_input"},
		{"a mechanism without a date", mechanism("", w.day(365)), 422, "invalid_input"},
		{"a mechanism that is to come", mechanism(w.day(2), w.day(365)), 422, "invalid_input"},
		{"in 29 days", other("from", w.day(29)), 422, "invalid_input"},
		{"without a day", other("from", ""), 422, "invalid_input"},
		{"to sell", other("purposes", []string{"sale"}), 422, "invalid_input"},
		{"a category that is none", other("categories", []string{"shoe sizes"}), 422, "invalid_input"},
		{"another's host", other("hosts", []string{"api.stripe.com"}), 422, "invalid_input"},
		{"a host above another's", other("hosts", []string{"stripe.com"}), 422, "invalid_input"},
		{"a host below another's", other("hosts", []string{"eu." + host}), 422, "invalid_input"},
		{"all hosts", other("hosts", []string{"com"}), 422, "invalid_input"},
		{"an address", other("hosts", []string{"192.0.2.1"}), 422, "invalid_input"},
		{"an address with a path", other("hosts", []string{"other.example/data"}), 422, "invalid_input"},
		{"what is there", nil, 409, "subprocessor_exists"},
		{"what was there from the first day", map[string]any{"id": "stripe", "hosts": []string{"other.example"}}, 409, "subprocessor_exists"},
		{"an adequate country, without a mechanism", map[string]any{"id": "other", "hosts": []string{"other.example"}, "country": "DE", "mechanisms": []any{}}, 201, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.create(w.facts(tt.more)), tt.status, tt.code) })
	}
}

func TestATransferThatIsNotReviewedStops(t *testing.T) {
	w := newWorld(t)
	w.Want(w.create(w.facts(nil)), http.StatusCreated, "")
	w.send()
	w.Clock.Advance(41 * 24 * time.Hour)
	if !w.reached(host) {
		t.Fatal("it is not reached after its day")
	}
	alarms := func() int {
		w.Log.Reset()
		payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
		if err := deadline.Watch().Do(t.Context(), []byte(payload), w.Store, w.log, w.Clock.Now, "run"); err != nil {
			t.Fatal(err)
		}
		return strings.Count(w.Log.String(), "transfer_review_due")
	}
	if n := alarms(); n != 0 {
		t.Errorf("%d alarms within the year; want none", n)
	}
	w.Clock.Advance(300 * 24 * time.Hour)
	if n := alarms(); n != 1 {
		t.Errorf("%d alarms in the month before the review; want 1", n)
	}
	w.Clock.Advance(25 * 24 * time.Hour)
	if w.reached(host) {
		t.Error("it is reached after its review is overdue")
	}
	w.officer = w.Staff(access.PrivacyOfficer)
	w.Want(w.update("example-search", w.changes(nil)), http.StatusOK, "") // reviewed again, which gives it no more
	if !w.reached(host) {
		t.Error("it is not reached after its review")
	}
}

func TestMoreIsAnnouncedAndLessIsNot(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	w.Want(w.create(w.facts(map[string]any{"categories": []string{"projects", "clients"}})), http.StatusCreated, "")
	w.send()
	w.Clock.Advance(41 * 24 * time.Hour)
	w.officer = w.Staff(access.PrivacyOfficer)
	w.Want(w.update("example-search", w.changes(nil)), http.StatusOK, "")
	if b, _ := w.get("example-search"); !slices.Equal(b.Current.Categories, []string{"projects"}) || b.Planned != nil {
		t.Errorf("with less data = %+v; want it at once", b)
	}
	more := map[string]any{"hosts": []string{host, "eu.search.test"}, "from": w.day(40)}
	w.Want(w.update("example-search", w.changes(map[string]any{"hosts": more["hosts"], "from": w.day(20)})), 422, "invalid_input")
	w.Want(w.update("example-search", w.changes(map[string]any{"hosts": more["hosts"]})), 422, "invalid_input")
	w.Want(w.update("example-search", w.changes(more)), http.StatusOK, "")
	first, _ := w.get("example-search")
	w.send()
	if !w.reached(host) || w.reached("eu.search.test") {
		t.Error("what is planned counts before its day, or what counts does not")
	}
	w.Want(w.update("example-search", w.changes(more)), http.StatusOK, "") // announced anew
	second, _ := w.get("example-search")
	if a, err := notices.Find(t.Context(), w.Store.BindPlatform(store.Actor{}), first.Announcement); err != nil || a.Withdrawn == 0 || second.Announcement == first.Announcement || second.ToldAt != nil {
		t.Errorf("the announcement before = %+v, %v; want it withdrawn, and another that is not told yet", a, err)
	}
	w.send()
	if n := len(w.notices(owner)); n != 3 {
		t.Errorf("%d notices; want 3", n)
	}
	w.Clock.Advance(41 * 24 * time.Hour)
	if !w.reached(host) || !w.reached("eu.search.test") {
		t.Error("what was planned does not count on its day")
	}
}

func TestACompanyEnds(t *testing.T) {
	w := newWorld(t)
	if !w.reached("api.resend.com") {
		t.Fatal("a company of the first day is not reached")
	}
	w.Want(w.end("resend"), http.StatusOK, "")
	if w.reached("api.resend.com") || !w.reached("api.stripe.com") {
		t.Error("what ended is reached, or another is not")
	}
	w.Want(w.update("resend", w.changes(map[string]any{"hosts": []string{"api.resend.com"}})), 409, "subprocessor_ended")
	w.Want(w.end("resend"), 409, "subprocessor_ended")
	w.Want(w.create(w.facts(map[string]any{"id": "resend", "hosts": []string{"api.resend.com"}})), http.StatusCreated, "")
	if w.reached("api.resend.com") {
		t.Error("what was entered anew is reached at once")
	}
	w.Want(w.end("resend"), http.StatusOK, "") // before it came
	w.send()
	w.Clock.Advance(41 * 24 * time.Hour)
	if w.reached("api.resend.com") {
		t.Error("what ended before its day is reached on it")
	}
}

// TestTheEgressReadsTheRegisterAgain lets a function live on while the register changes.
func TestTheEgressReadsTheRegisterAgain(t *testing.T) {
	w := newWorld(t)
	r := subprocessors.NewReach(w.Store, w.Clock.Now, w.log)
	w.Want(w.end("stripe"), http.StatusOK, "")
	w.Clock.Advance(5 * time.Minute)
	hosts, err := r.Hosts(t.Context())
	if err != nil || slices.Contains(hosts, "api.stripe.com") {
		t.Errorf("hosts after five minutes = %v, %v; want none of what ended", hosts, err)
	}
}

func TestWhoMayChangeTheRegister(t *testing.T) {
	w := newWorld(t)
	w.Want(w.create(w.facts(nil)), http.StatusCreated, "")
	path := "/v1/admin/subprocessors/example-search"
	_, etag := w.get("example-search")
	end, put := subprocessors.EndSubprocessor(w.Store), subprocessors.UpdateSubprocessor(w.Store)
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"an owner reads", subprocessors.GetSubprocessor(), w.Organization(), apitest.Request{Path: path}, 403, "staff_required"},
		{"support reads", subprocessors.GetSubprocessor(), w.Staff(access.SupportAgent), apitest.Request{Path: path}, 403, "permission_denied"},
		{"counsel reads", subprocessors.GetSubprocessor(), w.Staff(access.LegalCounsel), apitest.Request{Path: path}, 200, ""},
		{"counsel enters", subprocessors.CreateSubprocessor(w.Store), w.Staff(access.LegalCounsel), apitest.Request{Body: w.facts(nil)}, 403, "permission_denied"},
		{"security ends", end, w.Staff(access.SecurityLead), apitest.Request{Path: path + "/end", IfMatch: etag}, 403, "permission_denied"},
		{"without a version", end, w.officer, apitest.Request{Path: path + "/end"}, 428, "if_match_required"},
		{"an older version", end, w.officer, apitest.Request{Path: path + "/end", IfMatch: `"77"`}, 412, "stale_version"},
		{"an older version, said anew", put, w.officer, apitest.Request{Path: path, IfMatch: `"77"`, Body: w.changes(map[string]any{"from": w.day(40)})}, 412, "stale_version"},
		{"no such company", end, w.officer, apitest.Request{Path: "/v1/admin/subprocessors/nobody/end", IfMatch: "*"}, 404, "subprocessor_not_found"},
		{"no such company, said anew", put, w.officer, apitest.Request{Path: "/v1/admin/subprocessors/nobody", IfMatch: "*", Body: w.changes(map[string]any{"from": w.day(40), "hosts": []string{"nobody.example"}})}, 404, "subprocessor_not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(w.Call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
}

func TestTwoEnterAtOnce(t *testing.T) {
	w := newWorld(t)
	answers := make([]apitest.Answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.create(w.facts(nil)) })
	}
	all.Wait()
	made := 0
	for _, a := range answers {
		if a.Status == http.StatusCreated {
			made++
		} else {
			w.Want(a, 409, "subprocessor_exists")
		}
	}
	if made != 1 {
		t.Errorf("it was entered %d times; want once", made)
	}
}
