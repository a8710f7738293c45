package privacy_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

func (w *world) engineActor() store.Actor { return store.Actor{Who: "test"} }

func (w *world) file(c apitest.Caller, body map[string]any) privacy.RequestBody {
	w.T.Helper()
	a := w.Call(privacy.CreateRequest(w.Store), c, apitest.Request{Body: body})
	w.Want(a, http.StatusCreated, "")
	var r privacy.RequestBody
	a.Into(w.T, &r)
	return r
}

func (w *world) get(c apitest.Caller, id string) privacy.RequestBody {
	w.T.Helper()
	a := w.Call(privacy.GetRequest(), c, apitest.Request{Path: "/v1/dsr/" + id})
	w.Want(a, http.StatusOK, "")
	var r privacy.RequestBody
	a.Into(w.T, &r)
	return r
}

// build plays the event that asks for the package of a request.
func (w *world) build(c apitest.Caller) {
	w.T.Helper()
	for _, key := range w.keys(store.UserScope(c.User).Partition(privacy.FamilyPackage)) {
		w.must(w.event(privacy.BuildExport(w.packages, w.stored(), w.links, w.pseudonyms, w.seals, w.m), privacy.EventExportRequested, key))
	}
}

func TestAccess(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	bob := w.somebody(w.Member(ada.Org, "member"), "Bob")
	w.Call(privacy.CreateConsent(w.Store), ada.Caller, apitest.Request{Body: give("given", purpose.Analytics)})

	r := w.file(ada.Caller, map[string]any{"type": "access", "description": "Everything, please."})
	if r.State != "verified" || r.DueAt.Sub(r.ReceivedAt) > 30*24*time.Hour || len(r.Derivation) != 4 {
		t.Errorf("the request = %s, due after %v by %d laws; want verified, within 30 days, 4", r.State, r.DueAt.Sub(r.ReceivedAt), len(r.Derivation))
	}
	w.Want(w.Call(privacy.DownloadRequest(w.Store, w.packages), ada.Caller, apitest.Request{Path: "/v1/dsr/" + r.ID + "/download"}), http.StatusNotFound, "package_not_found")
	w.mails(store.UserScope(ada.User))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.get(ada.Caller, r.ID); got.State != "executing" || got.Acknowledged == nil {
		t.Fatalf("after the worker = %s, acknowledged %v; want executing, acknowledged", got.State, got.Acknowledged)
	}
	w.build(ada.Caller)
	w.build(ada.Caller) // an event may come twice
	got := w.get(ada.Caller, r.ID)
	if got.State != "fulfilled" || got.Package == nil || got.Items[0].Progress != "done" {
		t.Fatalf("after the package = %+v; want fulfilled", got)
	}
	if templates := w.mails(store.UserScope(ada.User)); len(templates) != 2 {
		t.Errorf("mails = %v; want the receipt and the answer", templates)
	}

	a := w.Call(privacy.DownloadRequest(w.Store, w.packages), ada.Caller, apitest.Request{Path: "/v1/dsr/" + r.ID + "/download"})
	w.Want(a, http.StatusOK, "")
	var link privacy.DownloadBody
	a.Into(t, &link)
	if life := link.ExpiresAt.Sub(w.Clock.Now()); life != privacy.LinkLife || !strings.Contains(link.URL, "life=300") {
		t.Errorf("the link lives %v; want minutes", life)
	}
	archive, err := w.packages.Fetch(link.URL)
	w.must(err)
	text, err := journey.CheckPackage(archive)
	w.must(err)
	for _, want := range []string{"Ada", "ada@example.com", "work-of-" + string(ada.Member), "analytics", "'=SUM(1)", "Everything, please.",
		"Running the platform", "text of the mail"} { // what about.json says of purposes, and disclosures.json of mails
		if !strings.Contains(text, want) {
			t.Errorf("the package does not hold %q", want)
		}
	}
	for _, not := range []string{"argon2id", "hash-of-", bob.name, bob.email, string(bob.Member)} {
		if strings.Contains(text, not) {
			t.Errorf("the package holds %q", not)
		}
	}

	w.Want(w.Call(privacy.DownloadRequest(w.Store, w.packages), bob.Caller, apitest.Request{Path: "/v1/dsr/" + r.ID + "/download"}), http.StatusNotFound, "request_not_found")
	later := w.Later(ada.Caller, 7*24*time.Hour)
	w.Want(w.Call(privacy.DownloadRequest(w.Store, w.packages), later, apitest.Request{Path: "/v1/dsr/" + r.ID + "/download"}), http.StatusGone, "package_expired")
}

func TestALostEventIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	r := w.file(ada.Caller, map[string]any{"type": "portability"})
	w.must(w.run(privacy.WorkRequests(w.engine))) // no event reached build-export
	key := w.keys(store.UserScope(ada.User).Partition(privacy.FamilyPackage))[0]
	before := w.version(key)
	w.Clock.Advance(15 * time.Minute)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if after := w.version(key); after <= before {
		t.Fatalf("the package's row was not written again: version %d, then %d", before, after)
	}
	w.build(ada.Caller)
	if got := w.get(w.Later(ada.Caller, 0), r.ID); got.State != "fulfilled" {
		t.Errorf("the request = %s; want fulfilled", got.State)
	}
}

func TestAnOldSessionMustLogInAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	old := w.Later(ada.Caller, privacy.FreshSession+time.Minute)
	r := w.file(old, map[string]any{"type": "access"})
	if r.State != "identity_pending" || r.Needs != "login" {
		t.Fatalf("the request = %s, needs %q; want identity_pending, login", r.State, r.Needs)
	}
	verify := apitest.Request{Path: "/v1/dsr/" + r.ID + "/verify"}
	w.Want(w.Call(privacy.VerifyRequest(w.Store), old, verify), http.StatusForbidden, "fresh_login_required")
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.get(old, r.ID); got.State != "identity_pending" {
		t.Errorf("after the worker = %s; want it to wait", got.State)
	}
	fresh := w.login(ada.Caller)
	w.Want(w.Call(privacy.VerifyRequest(w.Store), fresh, verify), http.StatusOK, "")
	w.Want(w.Call(privacy.VerifyRequest(w.Store), fresh, verify), http.StatusConflict, "request_not_pending")
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.get(fresh, r.ID); got.State != "executing" {
		t.Errorf("after the proof = %s; want executing", got.State)
	}
}

func TestNoProofIsDeniedInTime(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	old := w.Later(ada.Caller, privacy.FreshSession+time.Minute)
	r := w.file(old, map[string]any{"type": "access"})
	w.Clock.Set(r.DueAt.Add(-23 * time.Hour))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	got := w.get(w.Later(old, 0), r.ID)
	if got.State != "denied" || got.Denial != "insufficient_verification" || got.Recourse == "" || !got.ClosedAt.Before(r.DueAt) {
		t.Errorf("the request = %+v; want denied in time, with recourse", got)
	}
}

func TestWithdraw(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	r := w.file(ada.Caller, map[string]any{"type": "erasure"})
	request := apitest.Request{Path: "/v1/dsr/" + r.ID + "/withdraw"}
	w.Want(w.Call(privacy.WithdrawRequest(w.Store), ada.Caller, request), http.StatusOK, "")
	w.Want(w.Call(privacy.WithdrawRequest(w.Store), ada.Caller, request), http.StatusConflict, "request_not_withdrawable")
	w.Clock.Advance(40 * 24 * time.Hour)
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if !strings.Contains(w.dump(), "ada@example.com") {
		t.Error("the account of a withdrawn erasure has gone")
	}
}

func TestWhatTakesEffectAtOnce(t *testing.T) {
	tests := []struct {
		name  string
		body  map[string]any
		state string
		end   string
		check func(w *world, ada apitest.Caller) bool
	}{
		{"withdrawal of consent", map[string]any{"type": "consent_withdrawal", "purpose": purpose.Analytics}, "fulfilled", "fulfilled", (*world).analyticsOff},
		{"objection to analytics", map[string]any{"type": "objection", "purpose": purpose.Analytics}, "fulfilled", "fulfilled", (*world).analyticsOff},
		{"opt-out", map[string]any{"type": "opt_out"}, "fulfilled", "fulfilled", (*world).analyticsOff},
		{"objection to a legitimate interest counts while it is weighed", map[string]any{"type": "objection", "purpose": purpose.Operations}, "verified", "in_review",
			func(w *world, ada apitest.Caller) bool { return !w.agreed(ada, purpose.Operations) }},
		{"restriction", map[string]any{"type": "restriction"}, "verified", "fulfilled", func(w *world, ada apitest.Caller) bool {
			return strings.Contains(w.dump(), "restrict:true")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.Organization()
			w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("given", purpose.Analytics)})
			r := w.file(ada, tt.body)
			if r.State != tt.state {
				t.Errorf("state = %s; want %s", r.State, tt.state)
			}
			if !tt.check(w, ada) {
				t.Error("it has no effect")
			}
			w.must(w.run(privacy.WorkRequests(w.engine)))
			if got := w.get(ada, r.ID); got.State != tt.end {
				t.Errorf("after the worker = %s; want %s", got.State, tt.end)
			}
		})
	}
}

func TestRestrictionIsLifted(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada").Caller
	w.file(ada, map[string]any{"type": "restriction"})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if want := "restricted_members:[" + string(ada.Member) + "]"; !strings.Contains(w.dump(), want) {
		t.Errorf("the organisation's gate does not say %s", want)
	}
	w.Want(w.Call(privacy.CreateConsent(w.Store), ada, apitest.Request{Body: give("refused", purpose.Analytics)}), http.StatusCreated, "")
	r := w.file(ada, map[string]any{"type": "restriction_lift"})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if got := w.get(ada, r.ID); got.State != "fulfilled" || strings.Contains(w.dump(), "restrict:true") || strings.Contains(w.dump(), "restricted_members:[mbr") {
		t.Errorf("the lift = %s; want fulfilled, and the mark gone", got.State)
	}
}

// TestTheNewestWordOnARestrictionCounts works on requests to restrict and to lift in the order in which their events come.
func TestTheNewestWordOnARestrictionCounts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kinds []string // in the order in which they were filed; the first was worked on
		order []int    // in which the others are
		want  bool
	}{
		{"a lift, worked on after a newer restriction was filed", []string{"restriction", "restriction_lift", "restriction"}, []int{1, 2}, true},
		{"a newer restriction, worked on before the lift", []string{"restriction", "restriction_lift", "restriction"}, []int{2, 1}, true},
		{"a restriction, worked on after its lift", []string{"opt_out", "restriction", "restriction_lift"}, []int{2, 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.somebody(w.Organization(), "Ada").Caller
			var filed []string
			for n, kind := range tt.kinds {
				filed = append(filed, w.file(ada, map[string]any{"type": kind}).ID)
				w.Clock.Advance(time.Second)
				if n == 0 {
					w.must(w.run(privacy.WorkRequests(w.engine)))
				}
			}
			for _, n := range tt.order {
				w.must(w.event(privacy.WorkRequests(w.engine), privacy.EventRequestReceived, store.UserScope(ada.User).Key(privacy.FamilyRequest, filed[n])))
			}
			text := w.dump()
			gate, listed := w.gate(ada).Restrict, strings.Contains(text, "restricted_members:["+string(ada.Member)+"]")
			if gate != tt.want || listed != tt.want {
				t.Errorf("the account is restricted: %v, its member listed: %v; want %v", gate, listed, tt.want)
			}
			for _, r := range filed {
				if got := w.get(w.Later(ada, 0), r); got.State != "fulfilled" {
					t.Errorf("the %s is %s; want fulfilled", got.Type, got.State)
				}
			}
		})
	}
}

// TestARestrictionIsLiftedNotTakenBack keeps a request from reading as withdrawn whose effect stays.
func TestARestrictionIsLiftedNotTakenBack(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada").Caller
	r := w.file(ada, map[string]any{"type": "restriction"})
	w.Want(w.Call(privacy.WithdrawRequest(w.Store), ada, apitest.Request{Path: "/v1/dsr/" + r.ID + "/withdraw"}), http.StatusConflict, "request_not_withdrawable")
	if r.Withdrawable || !w.gate(ada).Restrict {
		t.Errorf("withdrawable %v, restricted %v; want a restriction that stands", r.Withdrawable, w.gate(ada).Restrict)
	}
}

// TestALiftOfAnAccountThatIsDueFailsNothing works on a lift after the account's 30 days, and before the sweep.
func TestALiftOfAnAccountThatIsDueFailsNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	w.file(ada.Caller, map[string]any{"type": "restriction"})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	w.Clock.Advance(time.Second)
	w.file(ada.Caller, map[string]any{"type": "restriction_lift"})
	w.Clock.Set(w.deleteAccount(ada.Caller).Add(time.Hour))
	w.must(w.run(privacy.WorkRequests(w.engine)))
	if w.gate(ada.Caller).Restrict {
		t.Error("the restriction is not lifted")
	}
	w.must(w.run(privacy.SweepRetention(w.engine)))
	w.gone(ada)
}

func TestRequestsAreLimited(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	w.file(ada, map[string]any{"type": "access"})
	w.Want(w.Call(privacy.CreateRequest(w.Store), ada, apitest.Request{Body: map[string]any{"type": "access"}}), http.StatusConflict, "request_open")
	for range privacy.DailyRequests - 1 {
		w.file(ada, map[string]any{"type": "opt_out"})
	}
	a := w.Call(privacy.CreateRequest(w.Store), ada, apitest.Request{Body: map[string]any{"type": "opt_out"}})
	w.Want(a, http.StatusTooManyRequests, "too_many_requests")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.file(w.Later(ada, 25*time.Hour), map[string]any{"type": "opt_out"})
	var list api.List[privacy.RequestBody]
	w.Call(privacy.ListRequests(), w.Later(ada, 0), apitest.Request{Path: "/v1/dsr?limit=3"}).Into(t, &list)
	if len(list.Data) != 3 || list.NextCursor == "" {
		t.Errorf("the list has %d and cursor %q; want 3 and more", len(list.Data), list.NextCursor)
	}
}

func TestARequestIsFiledOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	one := apitest.Request{Body: map[string]any{"type": "opt_out"}, Key: "once"}
	a, b := w.Call(privacy.CreateRequest(w.Store), ada, one), w.Call(privacy.CreateRequest(w.Store), ada, one)
	var first, second privacy.RequestBody
	a.Into(t, &first)
	b.Into(t, &second)
	if first.ID != second.ID || b.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat made %s beside %s", second.ID, first.ID)
	}
}

func TestOverdueRequestsRaiseAnAlarm(t *testing.T) {
	w := newWorld(t)
	ada := w.Organization()
	r := w.file(ada, map[string]any{"type": "rectification", "description": "My name is Ada, not Adam."})
	w.must(w.run(privacy.WorkRequests(w.engine)))
	for w.Clock.Now().Before(r.DueAt.Add(48 * time.Hour)) {
		w.Clock.Advance(12 * time.Hour)
		w.must(w.run(privacy.WorkRequests(w.engine)))
	}
	for _, want := range []string{"request_needs_people", "request_not_acknowledged", "request_due_soon", "request_overdue"} {
		if !strings.Contains(w.Log.String(), `"event":"`+want+`"`) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(w.Log.String(), "Adam") || strings.Contains(w.Log.String(), string(ada.User)) {
		t.Error("the log names the person")
	}
	if got := w.get(w.Later(ada, 0), r.ID); got.State != "in_review" {
		t.Errorf("the request = %s; want in_review: only people can do this", got.State)
	}
}

func TestTheReceiptOfARequest(t *testing.T) {
	tests := []struct {
		name                 string
		states               []outbox.State // what becomes of the mail, one after the other
		acknowledged, failed bool
	}{
		{"delivered", []outbox.State{outbox.Delivered}, true, false},
		{"bounced", []outbox.State{outbox.Bounced}, false, true},
		{"given up", []outbox.State{outbox.Failed}, false, true},
		{"delivered, and then bounced", []outbox.State{outbox.Delivered, outbox.Bounced}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.somebody(w.Organization(), "Ada")
			made := w.file(ada.Caller, map[string]any{"type": "access"})
			h := w.Store.BindUser(ada.User, store.Actor{Who: "provider:resend"})
			key := outbox.Key(h.Scope(), made.ID)
			var version int64
			for _, state := range tt.states {
				m, err := store.Get[outbox.Mail](context.Background(), h, key)
				w.must(err)
				m.State, m.SentAt = state, w.Clock.Now().Unix()
				tx := w.Store.Begin()
				tx.Replace(h, m)
				w.must(tx.Commit(context.Background()))
				w.must(w.event(privacy.WorkRequests(w.engine), "MailSettled", key))
				version = w.version(h.Scope().Key(privacy.FamilyRequest, made.ID))
				w.must(w.event(privacy.WorkRequests(w.engine), "MailSettled", key)) // twice
			}
			r, err := store.Get[privacy.Request](context.Background(), h, h.Scope().Key(privacy.FamilyRequest, made.ID))
			w.must(err)
			if (r.Acknowledged != 0) != tt.acknowledged || (r.AckFailed != 0) != tt.failed || r.Version != version {
				t.Errorf("acknowledged %d, failed %d, version %d; want %v, %v, %d", r.Acknowledged, r.AckFailed, r.Version, tt.acknowledged, tt.failed, version)
			}
		})
	}
}

// A worker that writes the row of a request again and again must not turn a withdrawal away.
func TestAWithdrawalThatMeetsTheWorkerGoesThrough(t *testing.T) {
	w := newWorld(t)
	ada := w.somebody(w.Organization(), "Ada")
	r := w.file(ada.Caller, map[string]any{"type": "erasure"})
	h := w.Store.BindUser(ada.User, store.Actor{Who: "job:work-requests", Request: "another"})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 6 {
			row, err := store.Get[privacy.Request](context.Background(), h, h.Scope().Key(privacy.FamilyRequest, r.ID))
			if err != nil {
				t.Error(err)
				return
			}
			tx := w.Store.Begin()
			tx.Rewrite(h, row)
			if err := tx.Commit(context.Background()); errors.Is(err, store.ErrStale) {
				return // the withdrawal was first
			} else if err != nil {
				t.Error(err)
			}
		}
	})
	w.Want(w.Call(privacy.WithdrawRequest(w.Store), ada.Caller, apitest.Request{Path: "/v1/dsr/" + r.ID + "/withdraw"}), http.StatusOK, "")
	wg.Wait()
}
