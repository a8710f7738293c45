package sorting_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/telemetry"
)

// requests lists the requests of a scope.
func (w *world) requests(h support.Holder) []*privacy.Request {
	w.T.Helper()
	rows, _, err := store.List[privacy.Request](w.T.Context(), h, store.Query{Partition: h.Scope().Partition(privacy.FamilyRequest), Limit: 100})
	w.must(err)
	return rows
}

func said(all []*privacy.Request) (lines []string) {
	for _, r := range all {
		lines = append(lines, fmt.Sprintf("%s %s by %s", r.Kind, r.State, r.Channel))
	}
	slices.Sort(lines) // ids of one moment have no order
	return lines
}

func toPrivacy(text string) mail.Received {
	return mail.Received{From: "Ada Example <ada@example.com>", To: []string{"privacy@pixeltrack.io"}, Text: text}
}

// office has the jobs that work on requests.
type office struct {
	*world
	packages, vault *blobtest.Bucket
	engine          *erasure.Engine
}

func (w *world) office() *office {
	o := &office{world: w, packages: new(blobtest.Bucket), vault: new(blobtest.Bucket)}
	o.engine = privacy.NewEngine(w.Store, []erasure.Objects{o.packages}, o.vault, keystest.Envelope(w.Clock.Now), w.room.Pseudonyms, w.Clock.Now)
	return o
}

// work runs the worker of requests for its schedule, and builds what it asks for.
func (o *office) work(h support.Holder) {
	o.T.Helper()
	log := telemetry.New(o.Log, o.Clock.Now)
	o.must(o.run())
	rows, _, err := store.List[privacy.Package](o.T.Context(), h, store.Query{Partition: h.Scope().Partition(privacy.FamilyPackage), Limit: 10})
	o.must(err)
	for _, p := range rows {
		detail, err := json.Marshal(map[string]string{"pk": p.PK, "sk": p.SK})
		o.must(err)
		build := privacy.BuildExport(o.packages, nil, o.room.Links, o.room.Pseudonyms, nil, datamap.Current())
		o.must(build.Do(o.T.Context(), []byte(fmt.Sprintf(`{"detail-type":"ExportRequested","source":"pixeltrack","detail":%s}`, detail)), o.Store, log, o.Clock.Now, "build"))
	}
}

// run runs the worker of requests for its schedule.
func (o *office) run() error {
	return privacy.WorkRequests(o.engine).Do(o.T.Context(), []byte(fmt.Sprintf(`{"time":%q}`, o.Clock.Now().Format(time.RFC3339))), o.Store, telemetry.New(o.Log, o.Clock.Now), o.Clock.Now, "run")
}

// sendAll marks the mails of a scope as sent.
func (w *world) sendAll(h support.Holder) {
	w.T.Helper()
	for _, m := range w.queued(h) {
		if m.State == outbox.Queued {
			m.State, m.SentAt = outbox.Sent, w.Clock.Now().Unix()
			tx := w.Store.Begin()
			tx.Rewrite(h, m)
			tx.Disarm(h, outbox.DueFor(m), false)
			w.must(tx.Commit(w.T.Context()))
		}
	}
}

// pass is what the link in the newest receipt of a correspondent carries.
func (w *world) pass(h support.Holder) string {
	w.T.Helper()
	m := w.mails(h)[privacy.MailReceived]
	_, pass, ok := strings.Cut(m.Text, "#pass=")
	if !ok {
		w.T.Fatalf("no pass in %q", m.Text)
	}
	return strings.Fields(pass)[0]
}

// code has a code mailed and reads it.
func (w *world) code(h support.Holder, pass string) string {
	w.T.Helper()
	w.Clock.Advance(time.Second)
	w.Want(w.Call(privacy.CreateRequestCode(w.Store, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"pass": pass}}), 202, "")
	newest := ""
	for _, m := range w.queued(h) {
		if m.Template == privacy.MailCode && m.State == outbox.Queued {
			newest = strings.TrimSuffix(strings.Fields(w.write(m).Text)[3], ".")
		}
	}
	w.sendAll(h)
	return newest
}

func (w *world) open(packages privacy.Linker, body map[string]any) apitest.Answer {
	w.T.Helper()
	return w.Call(privacy.OpenMailRequest(w.Store, packages, w.room.Links), apitest.Caller{}, apitest.Request{Body: body})
}

func TestAMailToThePrivacyAddressOpensARequest(t *testing.T) {
	for _, box := range []string{"privacy@pixeltrack.io", "dpo@pixeltrack.io"} {
		t.Run(box, func(t *testing.T) {
			w := newWorld(t)
			m := toPrivacy("Please send me a copy of my data, then delete my data.")
			m.To = []string{box}
			if a := w.receive(m); a.State != mailroom.Taken {
				t.Fatalf("the mail is %s (%s); want taken", a.State, a.Why)
			}
			h := w.correspondent("ada@example.com")
			got := w.requests(h)
			if want := []string{"access identity_pending by mail", "erasure identity_pending by mail"}; !slices.Equal(said(got), want) {
				t.Fatalf("requests = %q; want %q", said(got), want)
			}
			if r := got[0]; r.Received != w.Clock.Now().Unix() || r.Due != w.Clock.Now().AddDate(0, 0, 30).Unix() || !strings.Contains(r.Description, "copy of my data") {
				t.Errorf("the request = %+v; want it counted from now", r)
			}
			if a, b := got[0].History, got[1].History; a[len(a)-1].Event != "linked" || a[len(a)-1].Item != string(got[1].ID) || b[len(b)-1].Item != string(got[0].ID) {
				t.Errorf("the requests of one mail do not know of each other: %+v, %+v", a, b)
			}
			receipt := w.mails(h)[privacy.MailReceived]
			if receipt.To != "ada@example.com" || !strings.Contains(receipt.Text, time.Unix(got[0].Due, 0).UTC().Format(time.DateOnly)) || !strings.Contains(receipt.Text, "code") {
				t.Errorf("the receipt = %+v; want the date of the answer, and what is to be done", receipt)
			}
			w.receive(m)
			if again := w.requests(h); len(again) != 2 || len(again[0].History)+len(again[1].History) != len(got[0].History)+len(got[1].History)+2 {
				t.Errorf("asked again: %q; want the same two, that know of it", said(again))
			}
			if w.tickets(h) != nil {
				t.Error("the mail is a ticket as well")
			}
		})
	}
}

func TestAnAccountsRequestByMailWaitsForALogin(t *testing.T) {
	w := newWorld(t)
	ada := w.member("ada@example.com")
	w.receive(toPrivacy("Under Art. 17 GDPR: erase it all. I withdraw my consent."))
	h := w.Store.BindUser(ada.User, store.Actor{Who: "test"})
	if got, want := said(w.requests(h)), []string{"consent_withdrawal verified by mail", "erasure identity_pending by mail"}; !slices.Equal(got, want) {
		t.Errorf("requests = %q; want %q", got, want)
	}
	if got := w.requests(w.correspondent("ada@example.com")); len(got) != 0 {
		t.Errorf("requests of the address = %q; want them with the account", said(got))
	}
	o := w.office()
	o.work(h)
	if got, want := said(w.requests(h)), []string{"consent_withdrawal fulfilled by mail", "erasure identity_pending by mail"}; !slices.Equal(got, want) {
		t.Errorf("after the worker: %q; want %q", got, want)
	}
}

func TestAnUnclearMailIsAskedAbout(t *testing.T) {
	w := newWorld(t)
	w.receive(toPrivacy("I have a concern about what you do."))
	h := w.correspondent("ada@example.com")
	got := w.requests(h)
	if want := []string{"unclear verified by mail"}; !slices.Equal(said(got), want) {
		t.Fatalf("requests = %q; want %q", said(got), want)
	}
	receipt := w.mails(h)[privacy.MailReceived]
	if !strings.Contains(receipt.Text, "answer this mail") || strings.Contains(receipt.Text, "concern") {
		t.Errorf("the receipt = %q; want a question", receipt.Text)
	}
	w.Clock.Advance(48 * time.Hour)
	answer := toPrivacy("I mean access: send me my data.")
	answer.To = []string{receipt.ReplyTo}
	w.receive(answer)
	now := w.requests(h)
	if want := []string{"access identity_pending by mail"}; !slices.Equal(said(now), want) {
		t.Fatalf("requests = %q; want %q", said(now), want)
	}
	if now[0].Due != got[0].Due || now[0].Received != got[0].Received || !strings.Contains(now[0].Description, "I mean access") {
		t.Errorf("the request = %+v; want the date of the first message", now[0])
	}
	if m := w.mails(h)[privacy.MailClarified]; !strings.Contains(m.Text, "a copy of your personal data") || !strings.Contains(m.Text, "code") {
		t.Errorf("the mail = %q; want what it is about, and what is to be done", m.Text)
	}

	w.receive(toPrivacy("And another question: where are your servers?"))
	o := w.office()
	o.work(h)
	if got, want := said(w.requests(h)), []string{"access identity_pending by mail", "unclear in_review by mail"}; !slices.Equal(got, want) {
		t.Errorf("requests = %q; want %q, for people to answer", got, want)
	}
}

func TestWhoHasOnlyWrittenToSupportGetsTheirData(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	h := w.correspondent("ada@example.com")
	o := w.office()
	a := w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": "Ada@example.com", "type": "access", "country": "DE"}})
	w.Want(a, 201, "")
	var made privacy.ByMailBody
	a.Into(t, &made)
	if made.Role != "controller" || made.State != "identity_pending" || made.DueAt != w.Clock.Now().AddDate(0, 0, 30) {
		t.Errorf("the request = %+v; want it with its date and role", made)
	}
	if made.Pass != w.pass(h) {
		t.Errorf("the pass of the mail is another one than that of the answer")
	}
	o.work(h)
	if w.open(o.packages, map[string]any{"pass": made.Pass, "code": "00000000"}).Code() != "code_invalid" {
		t.Error("it opens before a code was mailed")
	}
	code := w.code(h, made.Pass)
	for _, wrong := range []map[string]any{{"pass": made.Pass, "code": "00000000"}, {"pass": "x" + made.Pass, "code": code}} {
		if a := w.open(o.packages, wrong); a.Status != 403 && a.Status != 404 {
			t.Errorf("%v = %d; want a refusal", wrong, a.Status)
		}
	}
	w.Want(w.open(o.packages, map[string]any{"pass": made.Pass, "code": code}), 200, "")
	w.Want(w.open(o.packages, map[string]any{"pass": made.Pass, "code": code}), 403, "code_invalid")
	o.work(h)
	if got, want := said(w.requests(h)), []string{"access fulfilled by form"}; !slices.Equal(got, want) {
		t.Fatalf("requests = %q; want %q", got, want)
	}
	var opened privacy.OpenBody
	b := w.open(o.packages, map[string]any{"pass": made.Pass, "code": w.code(h, made.Pass)})
	w.Want(b, 200, "")
	b.Into(t, &opened)
	if opened.State != "fulfilled" || opened.Download == nil || opened.Download.URL == "" {
		t.Fatalf("opened = %+v; want a link to the package", opened)
	}
	if n := len(o.packages.Keys()); n != 1 {
		t.Fatalf("%d packages; want one", n)
	}
	content, err := o.packages.Fetch(opened.Download.URL)
	w.must(err)
	text := unzipped(t, content)
	for _, want := range []string{"It says 19 %.", "ada@example.com", "Ada Example", "The tax"} {
		if !strings.Contains(text, want) {
			t.Errorf("the package has no %q", want)
		}
	}
}

func TestACodeIsTriedFiveTimesAndMailedThrice(t *testing.T) {
	w := newWorld(t)
	w.receive(toPrivacy("A copy of my data, please."))
	h := w.correspondent("ada@example.com")
	pass := w.pass(h)
	packages := new(blobtest.Bucket)
	code := w.code(h, pass)
	wrong := "1" + code[1:]
	if wrong == code {
		wrong = "2" + code[1:]
	}
	for range privacy.CodeTries {
		w.Want(w.open(packages, map[string]any{"pass": pass, "code": wrong}), 403, "code_invalid")
	}
	w.Want(w.open(packages, map[string]any{"pass": pass, "code": code}), 403, "code_invalid")
	code = w.code(h, pass)
	w.Clock.Advance(privacy.CodeLife)
	w.Want(w.open(packages, map[string]any{"pass": pass, "code": code}), 403, "code_invalid")
	if w.code(h, pass) == "" || w.code(h, pass) != "" {
		t.Error("a fourth code was mailed within an hour")
	}
	w.Clock.Advance(time.Hour)
	w.Want(w.open(packages, map[string]any{"pass": pass, "code": w.code(h, pass)}), 200, "")
}

func TestTheAnswerIsTheSameForKnownAndUnknownAddresses(t *testing.T) {
	w := newWorld(t)
	w.member("ada@example.com")
	shape := func(email string) string {
		a := w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": email, "type": "erasure"}})
		w.Want(a, 201, "")
		var b map[string]any
		a.Into(t, &b)
		delete(b, "id")
		pass := b["pass"].(string)
		b["pass"] = len(pass)
		w.Want(w.Call(privacy.CreateRequestCode(w.Store, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"pass": pass}}), 202, "")
		w.Want(w.open(new(blobtest.Bucket), map[string]any{"pass": pass, "code": "00000000"}), 403, "code_invalid")
		return fmt.Sprint(b)
	}
	if a, b := shape("ada@example.com"), shape("eve@example.com"); a != b {
		t.Errorf("an address with an account is answered %s, one without %s", a, b)
	}
	for range correspondents.DailyAnswers - 1 {
		shape("ada@example.com")
	}
	w.Want(w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": "ada@example.com", "type": "erasure"}}), 429, "too_many_requests")
	w.Want(w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": "ada", "type": "erasure"}}), 422, "")
	w.Want(w.Call(privacy.CreateRequestCode(w.Store, w.room.Links), apitest.Caller{}, apitest.Request{Body: map[string]any{"pass": "x"}}), 404, "request_not_found")
}

func TestACorrespondentIsErased(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	w.receive(toPrivacy("Please delete my data."))
	h := w.correspondent("ada@example.com")
	o := w.office()
	pass := w.pass(h)
	w.Want(w.open(o.packages, map[string]any{"pass": pass, "code": w.code(h, pass)}), 200, "")
	o.work(h)
	w.sendAll(h)
	r := w.requests(h)[0]
	if r.State != request.InReview {
		t.Fatalf("the erasure is %s; want it to wait for its day", r.State)
	}
	w.Clock.Set(time.Unix(r.Due, 0).Add(-24 * time.Hour))
	for range 3 {
		o.work(h)
		w.sendAll(h)
		w.Clock.Advance(2 * time.Minute)
	}
	if got := w.requests(h); len(got) != 0 || w.tickets(h) != nil || len(w.queued(h)) != 0 {
		t.Errorf("what is left: %q, %q, %d mails; want nothing", said(got), w.tickets(h), len(w.queued(h)))
	}
	if _, err := correspondents.Person(t.Context(), h); err == nil {
		t.Error("the correspondent is still there")
	}
	kept := w.Store.BindCase(o.engine.Subject(erasure.ScopeCorrespondent, correspondents.HashOf(w.room.Pseudonyms, "ada@example.com")), store.Actor{Who: "test"})
	proof := w.requests(kept)
	if want := []string{"erasure partially_fulfilled by mail"}; !slices.Equal(said(proof), want) || proof[0].Description != "" {
		t.Errorf("the proof = %q %q; want the request without words", said(proof), proof[0].Description)
	}
	if n := len(o.vault.Keys()); n != 1 {
		t.Errorf("the vault has %d entries; want one", n)
	}
	if a := w.receive(question()); a.State != mailroom.Taken || len(w.tickets(h)) != 1 {
		t.Error("who was erased cannot write again")
	}
}

func TestWhatACorrespondentWroteIsRestricted(t *testing.T) {
	w := newWorld(t)
	w.receive(question())
	w.receive(toPrivacy("Restrict the processing of my data."))
	h := w.correspondent("ada@example.com")
	o := w.office()
	pass := w.pass(h)
	w.Want(w.open(o.packages, map[string]any{"pass": pass, "code": w.code(h, pass)}), 200, "")
	o.work(h)
	if got, want := said(w.requests(h)), []string{"restriction fulfilled by mail"}; !slices.Equal(got, want) {
		t.Errorf("requests = %q; want %q", got, want)
	}
	if got := w.tickets(h); got != nil {
		t.Errorf("tickets = %q; want none to be seen", got)
	}
	h.SeeRestricted()
	if got := w.tickets(h); len(got) != 1 {
		t.Errorf("tickets = %q; want it stored", got)
	}
}

func TestOneNetworkWritesToAHundredAtMost(t *testing.T) {
	w := newWorld(t)
	ask := func(n int, source string) apitest.Answer {
		return w.Call(privacy.CreateMailRequest(w.Store, w.room.Pseudonyms, w.room.Links), apitest.Caller{}, apitest.Request{Source: source,
			Body: map[string]any{"email": fmt.Sprintf("p%d@example.com", n), "type": "access"}})
	}
	for n := range 100 {
		w.Want(ask(n, fmt.Sprintf("192.0.2.%d", n)), 201, "")
	}
	w.Want(ask(100, "192.0.2.200"), 429, "too_many_attempts")
	w.Want(ask(100, "198.51.100.1"), 201, "")
}
