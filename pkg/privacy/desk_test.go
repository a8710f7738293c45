package privacy_test

import (
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
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

// desk is one of PixelTrack's own people at work on requests.
type desk struct {
	*world
	apitest.Caller
}

func (w *world) desk(role access.StaffRole) desk { return desk{w, w.Staff(role)} }

func (d desk) see(id string) (privacy.CaseBody, string) {
	d.T.Helper()
	d.Caller = d.Later(d.Caller, 0)
	a := d.Call(privacy.GetCase(d.Store), d.Caller, apitest.Request{Path: "/v1/admin/cases/" + id})
	d.Want(a, http.StatusOK, "")
	var b privacy.CaseBody
	a.Into(d.T, &b)
	return b, a.Header.Get("ETag")
}

// act makes a call about a request as it is now.
func (d desk) act(op api.Operation, id string, body any) apitest.Answer {
	d.T.Helper()
	_, etag := d.see(id)
	return d.Call(op, d.Later(d.Caller, 0), apitest.Request{Path: strings.Replace(op.Path, "{id}", id, 1), Body: body, IfMatch: etag})
}

func (d desk) list(query string) []privacy.CaseLine {
	d.T.Helper()
	a := d.Call(privacy.ListCases(), d.Later(d.Caller, 0), apitest.Request{Path: "/v1/admin/cases" + query})
	d.Want(a, http.StatusOK, "")
	var page api.List[privacy.CaseLine]
	a.Into(d.T, &page)
	return page.Data
}

func decision(items ...map[string]any) map[string]any {
	return map[string]any{"items": items, "explanation": "Corrected in two places."}
}

func rectify() map[string]any { return map[string]any{"name": "rectification", "decision": "act"} }

func refusal() map[string]any {
	return map[string]any{"reason": "found_accurate", "explanation": "The bank confirmed it."}
}

// correction files a request that people must decide, and lets the worker bring it to them.
func (w *world) correction(c apitest.Caller) string {
	w.T.Helper()
	r := w.file(c, map[string]any{"type": "rectification", "description": "My name has two t."})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	return r.ID
}

func TestARectificationFromTheDeskToItsAnswer(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	c, _ := officer.see(id)
	if c.State != "in_review" || !c.ByPeople || c.Description != "My name has two t." || c.Channel != "api" {
		t.Fatalf("the request = %+v; want it in review, with what was written", c)
	}
	w.Want(w.Call(privacy.AssignCase(w.Store), officer.Caller, apitest.Request{Path: "/v1/admin/cases/" + id + "/assign"}), 200, "")
	if line := officer.list("?state=in_review")[0]; string(line.ID) != id || line.Assignee == "" {
		t.Errorf("the line = %+v; want the request with who works on it", line)
	}
	w.Want(officer.act(privacy.ReportCaseStep(w.Store), id, map[string]any{"item": "rectification", "outcome": "done"}), 409, "request_not_at_work")
	w.Want(officer.act(privacy.DecideCase(w.Store), id, decision(rectify())), 200, "")
	for _, outcome := range []string{"failed", "waiting"} {
		w.Want(officer.act(privacy.ReportCaseStep(w.Store), id, map[string]any{"item": "rectification", "outcome": outcome}), 200, "")
		if got := w.get(w.Later(ada.Caller, 0), id); got.ClosedAt != nil || got.State == "fulfilled" || got.Items[0].Progress != outcome {
			t.Errorf("after a step that is %s = %s, item %s; want it open", outcome, got.State, got.Items[0].Progress)
		}
	}
	w.mails(store.UserScope(ada.User))
	w.Want(officer.act(privacy.ReportCaseStep(w.Store), id, map[string]any{"item": "rectification", "outcome": "done", "count": 2}), 200, "")
	got := w.get(w.Later(ada.Caller, 0), id)
	if got.State != "fulfilled" || got.Items[0].Count != 2 || got.Explanation != "Corrected in two places." {
		t.Errorf("the person sees %s, %+v, %q; want the answer", got.State, got.Items, got.Explanation)
	}
	if m := w.mails(store.UserScope(ada.User)); !slices.Contains(m, privacy.MailAnswered) {
		t.Errorf("mails = %v; want the answer", m)
	}
	if len(officer.list("")) != 0 || len(officer.list("?state=fulfilled")) != 1 {
		t.Error("the request is not where closed ones are listed")
	}
	w.Want(officer.act(privacy.DenyCase(w.Store), id, refusal()), 409, "request_closed")
	w.Want(w.Call(privacy.AssignCase(w.Store), w.Later(officer.Caller, 0), apitest.Request{Path: "/v1/admin/cases/" + id + "/assign"}), 409, "request_closed")
}

func TestADenialNamesReasonAndRecourse(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	w.Want(officer.act(privacy.DecideCase(w.Store), id, decision(map[string]any{"name": "rectification", "decision": "refuse", "ground": "found_accurate"})), 409, "nothing_to_do")
	w.Want(officer.act(privacy.DenyCase(w.Store), id, refusal()), 200, "")
	got := w.get(w.Later(ada.Caller, 0), id)
	if got.State != "denied" || got.Denial != "found_accurate" || got.Explanation != "The bank confirmed it." || !strings.Contains(got.Recourse, "authority") {
		t.Errorf("the person sees %s %s %q %q; want reason and recourse", got.State, got.Denial, got.Explanation, got.Recourse)
	}
	if m := w.mails(store.UserScope(ada.User)); !slices.Contains(m, privacy.MailDenied) {
		t.Errorf("mails = %v; want the denial", m)
	}
	if keys := w.keys("DUE" + "#request#0"); len(keys) != 0 {
		t.Errorf("a clock of the closed request is left: %v", keys)
	}
}

func TestAnExtension(t *testing.T) {
	w := newWorld(t)
	officer := w.desk(access.PrivacyOfficer)
	more := map[string]any{"reason": "complexity", "explanation": "Three providers."}
	ada := w.somebody(w.Organization(), "Ada")
	id := w.correction(ada.Caller)
	before := w.get(ada.Caller, id)
	w.Want(officer.act(privacy.ExtendCase(w.Store), id, more), 200, "")
	got := w.get(w.Later(ada.Caller, 0), id)
	want := before.ReceivedAt.AddDate(0, 0, 60) // of all laws PIPEDA allows the least
	if !got.Extended || !got.DueAt.Equal(want) || got.ExtendedFor != "complexity" || got.ExtendedWhy != "Three providers." {
		t.Errorf("extended = %v to %v because of %s; want to %v", got.Extended, got.DueAt, got.ExtendedFor, want)
	}
	if line := officer.list("")[0]; !line.Extended || !line.DueAt.Equal(got.DueAt) {
		t.Errorf("the line = %+v; want the new date", line)
	}
	if m := w.mails(store.UserScope(ada.User)); !slices.Contains(m, privacy.MailExtended) {
		t.Errorf("mails = %v; want the notice", m)
	}
	w.Want(officer.act(privacy.ExtendCase(w.Store), id, more), 409, "request_extended")

	bob := w.somebody(w.Organization(), "Bob")
	late := w.correction(w.Later(bob.Caller, 0))
	w.Clock.Advance(31 * 24 * time.Hour)
	w.Want(officer.act(privacy.ExtendCase(w.Store), late, more), 409, "extension_too_late")
}

func TestDecisionsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	soon := w.Clock.Now().AddDate(1, 0, 0).Format(time.RFC3339)
	tests := []struct {
		name  string
		items []map[string]any
	}{
		{"an item that names somebody", []map[string]any{{"name": "Ada Example", "decision": "act"}}},
		{"one item twice", []map[string]any{rectify(), rectify()}},
		{"kept without a ground", []map[string]any{{"name": "rectification", "decision": "retain", "until": soon}}},
		{"kept without an end", []map[string]any{{"name": "rectification", "decision": "retain", "ground": "legal_claims"}}},
		{"kept until yesterday", []map[string]any{{"name": "rectification", "decision": "retain", "ground": "legal_claims", "until": "2020-01-01T00:00:00Z"}}},
		{"refused without a ground", []map[string]any{{"name": "rectification", "decision": "refuse"}}},
		{"refused until a day", []map[string]any{{"name": "rectification", "decision": "refuse", "ground": "excessive", "until": soon}}},
		{"done on a ground", []map[string]any{{"name": "rectification", "decision": "act", "ground": "excessive"}}},
		{"nothing", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.Want(officer.act(privacy.DecideCase(w.Store), id, map[string]any{"items": tt.items}), 422, "invalid_input")
		})
	}
	if got, _ := officer.see(id); got.State != "in_review" {
		t.Errorf("after all these = %s; want in_review", got.State)
	}
}

func TestWhatRulesDecideIsNotDecidedAtTheDesk(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	access := w.file(ada.Caller, map[string]any{"type": "access"})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.Want(officer.act(privacy.DecideCase(w.Store), access.ID, decision(map[string]any{"name": "data", "decision": "act"})), 409, "request_not_in_review")
	w.Want(officer.act(privacy.ReportCaseStep(w.Store), access.ID, map[string]any{"item": "data", "outcome": "done"}), 409, "request_not_at_work")
	w.Want(officer.act(privacy.DenyCase(w.Store), access.ID, refusal()), 409, "request_not_deniable")
}

func TestAnErasureAtTheDesk(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	r := w.file(ada.Caller, map[string]any{"type": "erasure"})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	end := w.Clock.Now().AddDate(7, 0, 0).Format(time.RFC3339)
	keep := map[string]any{"name": "proofs", "decision": "retain", "ground": "legal_obligation", "until": end}
	w.Want(officer.act(privacy.DecideCase(w.Store), r.ID, decision(keep, map[string]any{"name": "account", "decision": "retain", "ground": "legal_claims", "until": end})), 409, "nothing_to_do")
	w.Want(officer.act(privacy.DecideCase(w.Store), r.ID, decision(map[string]any{"name": "account", "decision": "act"}, map[string]any{"name": "proofs", "decision": "act"})), 422, "invalid_input")
	w.Want(officer.act(privacy.DecideCase(w.Store), r.ID, decision(keep, map[string]any{"name": "account", "decision": "act"})), 200, "")
	if got := w.get(w.Later(ada.Caller, 0), r.ID); got.State != "in_review" || got.Items[0].Ground != "legal_obligation" {
		t.Errorf("decided = %s %+v; want it to wait for its day", got.State, got.Items)
	}
	w.Clock.Set(r.DueAt.Add(-23 * time.Hour))
	for range 6 {
		w.must(w.run(privacy.WorkRequests(w.engine)))
		w.Clock.Advance(time.Hour)
	}
	got, _ := officer.see(r.ID)
	if got.State != "partially_fulfilled" || got.Explanation != "" || got.Description != "" {
		t.Errorf("after the erasure = %s %q; want it answered, and nothing of what was written", got.State, got.Explanation)
	}
	if strings.Contains(w.dump(), string(ada.User)) {
		t.Error("the table still knows the person's id")
	}
	w.Want(officer.act(privacy.DenyCase(w.Store), r.ID, refusal()), 409, "request_closed")
}

// TestAPurgeLeavesTheDocketWithoutThePerson deletes an account with requests open and closed: their lines lead to the keyed
// hash.
func TestAPurgeLeavesTheDocketWithoutThePerson(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	closed := w.file(ada.Caller, map[string]any{"type": "opt_out"})
	open := w.correction(ada.Caller)
	w.deleteAccount(ada.Caller)
	w.Clock.Advance(31 * 24 * time.Hour)
	w.must(w.run(privacy.SweepRetention(w.engine)))
	for id, want := range map[string]string{closed.ID: "fulfilled", open: "denied"} {
		if got, _ := officer.see(id); got.State != want {
			t.Errorf("a request of the purged person = %s; want %s", got.State, want)
		}
	}
	if strings.Contains(w.dump(), string(ada.User)) {
		t.Error("the table still knows the person's id")
	}
}

func TestWhoMayWorkOnRequests(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	_, etag := officer.see(id)
	call := func(op api.Operation, c apitest.Caller, r apitest.Request) apitest.Answer {
		r.Path = strings.Replace(op.Path, "{id}", id, 1)
		return w.Call(op, c, r)
	}
	tests := []struct {
		name   string
		op     api.Operation
		who    apitest.Caller
		r      apitest.Request
		status int
		code   string
	}{
		{"the person", privacy.GetCase(w.Store), ada.Caller, apitest.Request{}, 403, "staff_required"},
		{"support", privacy.GetCase(w.Store), w.Staff(access.SupportAgent), apitest.Request{}, 403, "permission_denied"},
		{"security", privacy.ListCases(), w.Staff(access.SecurityLead), apitest.Request{}, 403, "permission_denied"},
		{"legal reads", privacy.GetCase(w.Store), w.Staff(access.LegalCounsel), apitest.Request{}, 200, ""},
		{"legal does not decide", privacy.DenyCase(w.Store), w.Staff(access.LegalCounsel), apitest.Request{Body: refusal(), IfMatch: etag}, 403, "permission_denied"},
		{"an old version", privacy.DenyCase(w.Store), officer.Caller, apitest.Request{Body: refusal(), IfMatch: `"1"`}, 412, "stale_version"},
		{"no version", privacy.DenyCase(w.Store), officer.Caller, apitest.Request{Body: refusal()}, 428, "if_match_required"},
		{"no reason", privacy.DenyCase(w.Store), officer.Caller, apitest.Request{Body: map[string]any{"explanation": "no"}, IfMatch: etag}, 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { w.Want(call(tt.op, tt.who, tt.r), tt.status, tt.code) })
	}
	t.Run("no such request", func(t *testing.T) {
		for _, other := range []string{"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "x", string(ada.User)} {
			w.Want(w.Call(privacy.GetCase(w.Store), w.Later(officer.Caller, 0), apitest.Request{Path: "/v1/admin/cases/" + other}), 404, "request_not_found")
		}
	})
	t.Run("a proof that is not fresh", func(t *testing.T) {
		stale := officer.Caller
		stale.Proved = w.Clock.Now()
		stale = w.Later(stale, access.StaffFresh+time.Second)
		w.Want(call(privacy.DenyCase(w.Store), stale, apitest.Request{Body: refusal(), IfMatch: etag}), 401, "reauthentication_required")
		w.Want(call(privacy.GetCase(w.Store), stale, apitest.Request{}), 200, "")
	})
}

func TestTwoDecisionsAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	one, other := w.desk(access.PrivacyOfficer), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	_, etag := one.see(id)
	path := "/v1/admin/cases/" + id
	var wg sync.WaitGroup
	status := make([]int, 2)
	wg.Go(func() {
		status[0] = w.Call(privacy.DenyCase(w.Store), one.Caller, apitest.Request{Path: path + "/deny", Body: refusal(), IfMatch: etag}).Status
	})
	wg.Go(func() {
		status[1] = w.Call(privacy.DecideCase(w.Store), other.Caller, apitest.Request{Path: path + "/decide", Body: decision(rectify()), IfMatch: etag}).Status
	})
	wg.Wait()
	slices.Sort(status)
	if status[0] != 200 || status[1] != 409 && status[1] != 412 {
		t.Errorf("two at once = %v; want one to win", status)
	}
}

func TestADecisionUnderOneKey(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	id := w.correction(ada.Caller)
	_, etag := officer.see(id)
	r := apitest.Request{Path: "/v1/admin/cases/" + id + "/deny", Body: refusal(), IfMatch: etag, Key: "once"}
	first := w.Call(privacy.DenyCase(w.Store), officer.Caller, r)
	again := w.Call(privacy.DenyCase(w.Store), officer.Caller, r)
	w.Want(first, 200, "")
	w.Want(again, 200, "")
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat is not marked as one")
	}
	r.Body = map[string]any{"reason": "excessive", "explanation": "Another."}
	w.Want(w.Call(privacy.DenyCase(w.Store), officer.Caller, r), 422, "idempotency_key_reused")
}

// TestTheListIsInOrderOfItsDates files requests on several days and reads them page by page.
func TestTheListIsInOrderOfItsDates(t *testing.T) {
	w := newWorld(t)
	officer := w.desk(access.PrivacyOfficer)
	var filed []string
	for n := range 5 {
		filed = append(filed, w.correction(w.Later(w.somebody(w.Organization(), fmt.Sprint("P", n)).Caller, 0)))
		w.Clock.Advance(25 * time.Hour)
	}
	var got []string
	for cursor := ""; ; {
		a := w.Call(privacy.ListCases(), w.Later(officer.Caller, 0), apitest.Request{Path: "/v1/admin/cases?limit=2&cursor=" + cursor})
		var page api.List[privacy.CaseLine]
		a.Into(t, &page)
		for _, l := range page.Data {
			got = append(got, string(l.ID))
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, filed) {
		t.Errorf("listed %v; want %v", got, filed)
	}
	first, _ := officer.see(filed[0])
	if due := officer.list("?due_before=" + first.DueAt.Add(time.Minute).Format(time.RFC3339)); len(due) != 1 || string(due[0].ID) != filed[0] {
		t.Errorf("owed by the first date: %v; want the first", due)
	}
	w.Clock.Set(first.DueAt.Add(time.Hour))
	if line := officer.list("")[0]; !line.Overdue {
		t.Error("a request past its date is not shown as overdue")
	}
}
