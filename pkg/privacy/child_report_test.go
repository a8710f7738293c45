package privacy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

var pseudonyms = keys.Pseudonyms{Secret: "pseudonyms"}

// reachable lets an account be found by its address.
func (w *world) reachable(s somebody) {
	w.T.Helper()
	user := w.Store.BindUser(s.User, store.Actor{Who: "test"})
	p, err := store.Get[person](context.Background(), user, (&person{User: s.User}).Keys().Primary)
	w.must(err)
	p.Mail = account.HashOf(pseudonyms, s.email)
	tx := w.Store.Begin()
	tx.Replace(user, p)
	tx.Create(w.Store.BindPlatform(store.Actor{Who: "test"}), &account.Address{User: s.User, Hash: p.Mail})
	tx.DeleteKey(w.Store.BindPlatform(store.Actor{Who: "test"}), store.MailLookup("hash-of-"+s.first), "")
	w.must(tx.Commit(context.Background()))
}

func childReport(of, by string) map[string]any {
	return map[string]any{"email": of, "reporter_email": by, "relation": "parent", "explanation": "He is eleven.", "true_to_my_knowledge": true}
}

// report files a report and gives the token of its link, as the mail to the reporter has it.
func (w *world) report(of, by string) string {
	w.T.Helper()
	before := w.reports()
	w.Want(w.Call(privacy.CreateChildReport(w.Store, pseudonyms, w.links), apitest.Caller{}, apitest.Request{Body: childReport(of, by), Source: "198.51.100." + by[:1]}), 202, "")
	for _, r := range w.reports() {
		if !slices.Contains(before, r) {
			return w.links.Token(privacy.ChildReportPurpose, r)
		}
	}
	w.T.Fatal("there is no report")
	return ""
}

// reports lists the ids of reports.
func (w *world) reports() (all []string) {
	for line := range strings.Lines(w.dump()) {
		if !strings.Contains(line, "_type:CHILDREPORT") {
			continue
		}
		_, rest, _ := strings.Cut(line, " id:")
		id, _, _ := strings.Cut(rest, " ")
		all = append(all, id)
	}
	return all
}

func (w *world) confirm(token string) privacy.ReportedBody {
	w.T.Helper()
	a := w.Call(privacy.ConfirmChildReport(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token}})
	w.Want(a, 202, "")
	var b privacy.ReportedBody
	a.Into(w.T, &b)
	return b
}

// told lists the mails to the reporter of a token.
func (w *world) told(token string) (all []string) {
	w.T.Helper()
	h := w.Store.BindCase(keys.HashToken(token), store.Actor{Who: "test"})
	for m, err := range store.All[outbox.Mail](context.Background(), h, store.Query{Partition: h.Scope().Partition(outbox.Family), Limit: 10}) {
		w.must(err)
		all = append(all, m.Template)
	}
	slices.Sort(all)
	return all
}

func (w *world) reads(c apitest.Caller, status int, code string) {
	w.T.Helper()
	w.Want(w.Call(clients.ListClients(), w.Later(c, 0), apitest.Request{}), status, code)
}

func eraseIt() map[string]any {
	until := time.Date(2033, 1, 1, 0, 0, 0, 0, time.UTC)
	return map[string]any{"items": []map[string]any{{"name": "account", "decision": "act"}, {"name": "proofs", "decision": "retain", "ground": "legal_obligation", "until": until}}}
}

// TestAReportedChildsAccountIsFrozenThenErased follows a report to its end: nothing happens before it is confirmed, then the
// account is frozen but for its rights, people decide, jobs erase, and the reporter is told.
func TestAReportedChildsAccountIsFrozenThenErased(t *testing.T) {
	w := newWorld(t)
	tim, officer := w.somebody(w.Organization(), "Tim"), w.desk(access.PrivacyOfficer)
	w.reachable(tim)
	token := w.report(tim.email, "parent@example.com")
	w.reads(tim.Caller, 200, "")
	w.Want(w.Call(privacy.ConfirmChildReport(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": "wrong"}}), 404, "report_not_found")
	b := w.confirm(token)
	if again := w.confirm(token); again.ID != b.ID || !again.AnswerBy.Equal(b.AnswerBy) || b.AnswerBy.After(w.Clock.Now().AddDate(0, 0, 31)) {
		t.Errorf("confirmed = %+v, then %+v; want one report, with its date", b, again)
	}
	w.reads(tim.Caller, 403, "account_frozen")
	w.Want(w.Call(privacy.CreateRequest(w.Store), w.Later(tim.Caller, 0), apitest.Request{Body: map[string]any{"type": "access"}}), 201, "")
	if mails := w.mails(store.UserScope(tim.User)); !slices.Contains(mails, privacy.MailChildFrozen) {
		t.Errorf("the account was mailed %q; want that it is frozen", mails)
	}
	if own := w.Call(privacy.ListRequests(), w.Later(tim.Caller, 0), apitest.Request{}); strings.Contains(string(own.Body), "child_report") || strings.Contains(w.inScope(store.UserScope(tim.User)), "parent@") {
		t.Error("the account shows who reported it")
	}

	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.Want(officer.act(privacy.AssignCase(w.Store), string(b.ID), nil), 200, "")
	if got, _ := officer.see(string(b.ID)); got.State != "in_review" || got.Type != "child_report" || !strings.Contains(got.Description, "He is eleven.") {
		t.Errorf("at the desk it is %+v; want it in review, with what was written", got.RequestBody)
	}
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.reads(tim.Caller, 403, "account_frozen") // nobody decides but people
	w.Want(officer.act(privacy.DecideCase(w.Store), string(b.ID), eraseIt()), 200, "")
	for range 3 {
		w.must(w.run(privacy.WorkRequests(w.engine)))
		w.Clock.Advance(2 * time.Minute)
	}
	for _, mark := range []string{tim.email, string(tim.User), "name:Tim"} {
		if dump := w.dump(); strings.Contains(dump, mark) {
			t.Errorf("%s is still there after the erasure", mark)
		}
	}
	if got, _ := officer.see(string(b.ID)); got.State != "partially_fulfilled" {
		t.Errorf("the report is %s; want it answered", got.State)
	}
	if got := w.told(token); !slices.Equal(got, []string{privacy.MailChildConfirm, privacy.MailAnswered, privacy.MailReceived}) {
		t.Errorf("the reporter was told %q; want that it came, and what became of it", got)
	}
	w.Clock.Advance(31 * 24 * time.Hour)
	h := w.Store.BindCase(keys.HashToken(token), store.Actor{Who: "test"})
	if address, err := privacy.Reporter(t.Context(), h); err != store.ErrMissing {
		t.Errorf("a month later the reporter's address is %q, %v; want it forgotten", address, err)
	}
}

// inScope is every row of a scope as text.
func (w *world) inScope(s store.Scope) string {
	w.T.Helper()
	var all strings.Builder
	for line := range strings.Lines(w.dump()) {
		if strings.Contains(line, "PK:"+s.String()) {
			all.WriteString(line)
		}
	}
	return all.String()
}

// TestAReportThatIsWrong opens the account again, and keeps the next report from freezing it before people look.
func TestAReportThatIsWrong(t *testing.T) {
	w := newWorld(t)
	ada, officer := w.somebody(w.Organization(), "Ada"), w.desk(access.PrivacyOfficer)
	w.reachable(ada)
	token := w.report(ada.email, "foe@example.com")
	b := w.confirm(token)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.reads(ada.Caller, 403, "account_frozen")
	w.Want(officer.act(privacy.DenyCase(w.Store), string(b.ID), refusal()), 200, "")
	w.reads(ada.Caller, 200, "")
	if got := w.told(token); !slices.Contains(got, privacy.MailDenied) {
		t.Errorf("the reporter was told %q; want the denial", got)
	}
	if mails := w.mails(store.UserScope(ada.User)); !slices.Contains(mails, privacy.MailChildThawed) {
		t.Errorf("the account was mailed %q; want that it is open again", mails)
	}
	again := w.confirm(w.report(ada.email, "xoe@example.com"))
	w.reads(ada.Caller, 200, "")
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got, _ := officer.see(string(again.ID)); got.State != "in_review" {
		t.Errorf("the second report is %s; want it before people", got.State)
	}
}

// TestAReportOfNobody looks like any other to who makes it, and is answered by itself when a look would have been over.
func TestAReportOfNobody(t *testing.T) {
	w := newWorld(t)
	token := w.report("nobody@example.com", "parent@example.com")
	b := w.confirm(token)
	officer := w.desk(access.PrivacyOfficer)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.told(token); slices.Contains(got, privacy.MailDenied) {
		t.Errorf("at once the reporter was told %q; want nothing that tells whether there is an account", got)
	}
	w.Clock.Advance(49 * time.Hour)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got, _ := officer.see(string(b.ID)); got.State != "denied" || got.Denial != "not_held" {
		t.Errorf("after two days = %s %s; want it denied", got.State, got.Denial)
	}
	if got := w.told(token); !slices.Contains(got, privacy.MailDenied) {
		t.Errorf("the reporter was told %q; want the answer", got)
	}
}

func TestReportsAreBounded(t *testing.T) {
	w := newWorld(t)
	file := func(by, source string, status int, code string) {
		t.Helper()
		w.Want(w.Call(privacy.CreateChildReport(w.Store, pseudonyms, w.links), apitest.Caller{}, apitest.Request{Body: childReport("tim@example.com", by), Source: source}), status, code)
	}
	for n := range 3 {
		file("same@example.com", "198.51.100."+string(rune('1'+n)), 202, "")
	}
	file("Same@Example.com", "198.51.100.9", 429, "too_many_attempts")
	for n := range 5 {
		file(string(rune('a'+n))+"@example.com", "203.0.113.1", 202, "")
	}
	file("z@example.com", "203.0.113.1", 429, "too_many_attempts")
	for name, change := range map[string]map[string]any{"no address": {"email": "tim"}, "nobody who reports": {"reporter_email": "x"}, "not true": {"true_to_my_knowledge": false}, "no relation": {"relation": "neighbour"}} {
		body := childReport("tim@example.com", "q@example.com")
		for k, v := range change {
			body[k] = v
		}
		if a := w.Call(privacy.CreateChildReport(w.Store, pseudonyms, w.links), apitest.Caller{}, apitest.Request{Body: body, Source: "203.0.113.7"}); a.Status != 422 {
			t.Errorf("%s = %d; want 422", name, a.Status)
		}
	}
	token := w.report("tim@example.com", "late@example.com")
	w.Clock.Advance(25 * time.Hour)
	w.Want(w.Call(privacy.ConfirmChildReport(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token}}), 404, "report_not_found")
}
