package invoicing_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

func TestOverdueIsJudgedWhereTheMoneyIsAskedFor(t *testing.T) {
	tests := []struct {
		name, dueOn, zone string
		status            invoicing.Status
		now               string
		want              bool
	}{
		{"on the day", "2026-03-02", "UTC", invoicing.Sent, "2026-03-02T23:59:59Z", false},
		{"on the next", "2026-03-02", "UTC", invoicing.Sent, "2026-03-03T00:00:00Z", true},
		{"viewed", "2026-03-02", "UTC", invoicing.Viewed, "2026-03-03T00:00:00Z", true},
		{"partly paid", "2026-03-02", "UTC", invoicing.PartlyPaid, "2026-03-03T00:00:00Z", true},
		{"paid", "2026-03-02", "UTC", invoicing.Paid, "2027-03-03T00:00:00Z", false},
		{"void", "2026-03-02", "UTC", invoicing.Void, "2027-03-03T00:00:00Z", false},
		{"a draft, due on no day", "", "", invoicing.Draft, "2027-03-03T00:00:00Z", false},
		{"the day is over in the east", "2026-03-02", "Pacific/Kiritimati", invoicing.Sent, "2026-03-02T10:00:00Z", true},
		{"the day goes on in the east", "2026-03-02", "Pacific/Kiritimati", invoicing.Sent, "2026-03-02T09:59:59Z", false},
		{"the day is over in the west", "2026-03-02", "Pacific/Pago_Pago", invoicing.Sent, "2026-03-03T11:00:00Z", true},
		{"the day goes on in the west", "2026-03-02", "Pacific/Pago_Pago", invoicing.Sent, "2026-03-03T10:59:59Z", false},
		{"a day of 23 hours", "2026-03-29", "Europe/Berlin", invoicing.Sent, "2026-03-29T22:00:00Z", true},
		{"a day of 25 hours", "2026-10-25", "Europe/Berlin", invoicing.Sent, "2026-10-25T22:59:59Z", false},
		{"a zone that is no longer known", "2026-03-02", "Mars/Olympus", invoicing.Sent, "2026-03-03T00:00:00Z", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			i := invoicing.Invoice{Status: tt.status, DueOn: tt.dueOn, Zone: tt.zone}
			if got := i.Overdue(now); got != tt.want {
				t.Errorf("Overdue(%s) = %v; want %v", tt.now, got, tt.want)
			}
		})
	}
}

// overdue lists what the filter gives, page by page.
func (w world) overdue(c apitest.Caller, more string) []string {
	w.T.Helper()
	var all []string
	for cursor := ""; ; {
		l := w.list(c, "overdue=true&limit=2"+more+"&cursor="+cursor)
		for _, b := range l.Data {
			if !b.Overdue || b.Status == invoicing.Paid || b.Status == invoicing.Void {
				w.T.Errorf("the filter gives %s, %s, overdue %v", b.Number, b.Status, b.Overdue)
			}
			all = append(all, b.ID)
		}
		if cursor = l.NextCursor; cursor == "" {
			return all
		}
		if len(l.Data) != 2 {
			w.T.Errorf("a page of %d with more to come; want 2", len(l.Data))
		}
	}
}

// TestTheClockOfAZone sends an invoice that is due today in zones around the world: the clock strikes ten minutes into the
// next day of each, and the job of a day finds it.
func TestTheClockOfAZone(t *testing.T) {
	for zone, want := range map[string]string{"UTC": "2026-03-03T00:10:00Z", "Europe/Berlin": "2026-03-02T23:10:00Z", "Pacific/Kiritimati": "2026-03-03T10:10:00Z",
		"America/Los_Angeles": "2026-03-03T08:10:00Z"} {
		t.Run(zone, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Set(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)) // the 3rd in Kiritimati, the 2nd elsewhere
			owner := w.studio(func(o *organization.Organization) { o.TimeZone = zone })
			cli := w.client(owner).ID
			draft := w.draft(owner, cli, nil)
			strikes, err := time.Parse(time.RFC3339, want)
			w.must(err)
			// The day is decided by the draft's last terms, when it is sent.
			w.Want(w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(draft), IfMatch: "*", Body: map[string]any{"payment_terms_days": 0}}), 200, "")
			w.Want(w.send(owner, draft, apitest.Request{}), 200, "")
			if n := w.due(invoicing.DueOverdue, strikes.Add(-time.Second)); n != 0 {
				t.Errorf("%d clocks strike before %s", n, want)
			}
			w.Clock.Set(strikes.Add(-time.Second))
			w.must(w.run(invoicing.MarkOverdue(), "", store.Key{}))
			owner = w.Later(owner, 0)
			if got := w.overdue(owner, ""); len(got) != 0 {
				t.Errorf("the filter gives %v before the run of the day", got)
			}
			if got, _ := w.get(owner, draft); !got.Overdue {
				t.Error("the invoice does not say overdue before the run of the day")
			}
			owner = w.Later(owner, time.Second)
			w.must(w.run(invoicing.MarkOverdue(), "", store.Key{}))
			if got := w.overdue(owner, ""); !slices.Equal(got, []string{draft.ID}) {
				t.Errorf("the filter gives %v; want the invoice", got)
			}
			if n := w.due(invoicing.DueOverdue, strikes.AddDate(2, 0, 0)); n != 0 {
				t.Errorf("%d clocks are left", n)
			}
		})
	}
}

// TestWhatIsOverdue moves an invoice before and after its day is over, and the job's run, in every order that matters.
func TestWhatIsOverdue(t *testing.T) {
	const days = 31 * 24 * time.Hour
	type life struct {
		world
		owner apitest.Caller
		b     invoicing.Body
	}
	pay := func(amount int64) func(*life) {
		return func(l *life) {
			l.Want(l.pay(l.owner, l.b, amount, apitest.Request{}), 201, "")
		}
	}
	takeBack := func(l *life) {
		l.Want(l.takeBack(l.owner, l.payments(l.owner, "invoice_id="+l.b.ID).Data[0], "*"), 204, "")
	}
	void := func(l *life) { l.Want(l.void(l.owner, l.b, "*"), 200, "") }
	view := func(l *life) { l.Want(l.public(token(l.b)), 200, "") }
	ends := func(l *life) { l.owner = l.Later(l.owner, days) }
	run := func(l *life) { l.must(l.run(invoicing.MarkOverdue(), "", store.Key{})) }
	none := func(l *life) {
		l.T.Helper()
		if got := l.overdue(l.owner, ""); len(got) != 0 {
			l.T.Errorf("the filter gives %v; want nothing", got)
		}
	}
	one := func(l *life) {
		l.T.Helper()
		if got := l.overdue(l.owner, ""); !slices.Equal(got, []string{l.b.ID}) {
			l.T.Errorf("the filter gives %v; want the invoice", got)
		}
	}
	tests := []struct {
		name  string
		steps []func(*life)
	}{
		{"before its day", []func(*life){run, none}},
		{"after its day", []func(*life){ends, none, run, one}},
		{"viewed, then its day ends", []func(*life){view, ends, run, one}},
		{"its day ends, then viewed", []func(*life){ends, run, view, one}},
		{"paid in time", []func(*life){pay(16065), ends, run, none}},
		{"paid late", []func(*life){ends, run, one, pay(16065), none, run, none}},
		{"paid late, before the run", []func(*life){ends, pay(16065), run, none}},
		{"paid in part in time", []func(*life){pay(65), ends, run, one}},
		{"paid in part late", []func(*life){ends, run, pay(65), one, pay(16000), none}},
		{"paid in part late, before the run", []func(*life){ends, pay(65), one, run, one}},
		{"paid late and taken back", []func(*life){ends, run, pay(16065), none, takeBack, one}},
		{"paid in time, taken back in time", []func(*life){pay(16065), takeBack, none, ends, run, one}},
		{"paid in time, taken back after the run", []func(*life){pay(16065), ends, run, none, takeBack, one, pay(16065), none}},
		{"paid in time, taken back before the run", []func(*life){pay(16065), ends, takeBack, one, run, one}},
		{"void in time", []func(*life){void, ends, run, none}},
		{"void late", []func(*life){ends, run, one, void, none, run, none}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			owner := w.studio()
			l := &life{world: w, owner: owner, b: w.sent(owner, w.client(owner).ID, nil)}
			for _, step := range tt.steps {
				step(l)
			}
			got, _ := l.get(l.owner, l.b)
			for _, query := range []string{"status=" + string(got.Status), "client_id=" + l.b.ClientID} {
				if all := l.list(l.owner, query).Data; len(all) != 1 || all[0].Status != got.Status {
					t.Errorf("%s lists %d invoices; want the one that is %s", query, len(all), got.Status)
				}
			}
			run(l)
			late := 0
			if l.Clock.Now().Sub(*l.b.SentAt) < days {
				late = 1
			}
			if n := l.due(invoicing.DueOverdue, l.Clock.Now().AddDate(1, 0, 0)); n != late {
				t.Errorf("%d clocks are left; want %d", n, late)
			}
		})
	}
	w := newWorld(t)
	owner := w.studio()
	w.sent(owner, w.client(owner).ID, map[string]any{"lines": []any{line("1", 0)}})
	if n := w.due(invoicing.DueOverdue, w.Clock.Now().AddDate(2, 0, 0)); n != 0 {
		t.Errorf("%d clocks of an invoice that asks for nothing", n)
	}
}

// TestTheJobEndsTheSame marks what is overdue once, twice, at once, late, beside payments, and killed at each of its calls:
// in the end what is open is in the list and says so, and no clock is left.
func TestTheJobEndsTheSame(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	var open []string
	sent := func() (paid, left invoicing.Body) {
		today := map[string]any{"payment_terms_days": 0}
		paid, left = w.sent(owner, cli, today), w.sent(owner, cli, today)
		open = append(open, left.ID)
		owner = w.Later(owner, 25*time.Hour)
		return paid, left
	}
	same := func(how string) {
		t.Helper()
		got := w.overdue(owner, "")
		slices.Sort(got)
		if n := w.due(invoicing.DueOverdue, w.Clock.Now()); !slices.Equal(got, open) || n != 0 {
			t.Fatalf("%s: the filter gives %v and %d clocks are left; want %v and none", how, got, n, open)
		}
	}
	settled := func(paid invoicing.Body) { w.Want(w.pay(owner, paid, 16065, apitest.Request{}), 201, "") }
	job := func() { w.must(w.run(invoicing.MarkOverdue(), "", store.Key{})) }

	paid, left := sent()
	settled(paid)
	job()
	version := func() string { _, a := w.get(owner, left); return a.Header.Get("ETag") }
	was := version()
	job()
	if now := version(); now != was {
		t.Errorf("run twice, the invoice went from version %s to %s", was, now)
	}
	same("twice")

	paid, _ = sent()
	owner = w.Later(owner, 72*time.Hour)
	settled(paid)
	job()
	same("three days late")

	for range 5 {
		paid, _ = sent()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(job)
		}
		wg.Go(func() { settled(paid) })
		wg.Wait()
		same("at once, beside a payment")
	}

	for calls := 1; ; calls++ {
		reached := false
		for _, after := range []bool{false, true} {
			paid, _ = sent()
			settled(paid)
			m := &mortal{next: http.DefaultTransport, after: after}
			m.left.Store(int64(calls))
			cfg := w.AWS
			cfg.HTTPClient, cfg.Retryer = m, func() aws.Retryer { return aws.NopRetryer{} }
			payload := fmt.Sprintf(`{"source":"aws.scheduler","time":%q}`, w.Clock.Now().Format(time.RFC3339))
			if err := invoicing.MarkOverdue().Do(context.Background(), []byte(payload), store.New(cfg, w.Table, w.Clock.Now), telemetry.New(new(bytes.Buffer), w.Clock.Now), w.Clock.Now, "run"); err != nil {
				reached = true
			}
			job()
			same(fmt.Sprintf("killed at call %d", calls))
		}
		if !reached {
			break
		}
	}
}

func TestOverdueInvoicesAreListedInPages(t *testing.T) {
	w := newWorld(t)
	owner, stranger := w.studio(), w.studio()
	one, two := w.client(owner).ID, w.client(owner).ID
	by := map[string][]string{}
	for n := range 9 {
		w.Clock.Advance(time.Second)
		cli := []string{one, two}[n%2]
		b := w.sent(owner, cli, nil)
		status := []string{"sent", "viewed", "partly_paid"}[n%3]
		switch status {
		case "viewed":
			w.Want(w.public(token(b)), 200, "")
		case "partly_paid":
			w.Want(w.pay(owner, b, 1, apitest.Request{}), 201, "")
		}
		for _, list := range []string{"", "&client_id=" + cli, "&status=" + status, "&status=" + status + "&client_id=" + cli} {
			by[list] = append(by[list], b.ID)
		}
	}
	w.sent(stranger, w.client(stranger).ID, nil)
	owner = w.Later(owner, 31*24*time.Hour)
	stranger = w.Later(stranger, 0)
	w.must(w.run(invoicing.MarkOverdue(), "", store.Key{}))
	fresh := w.sent(owner, one, nil) // is not overdue yet
	w.draft(owner, one, nil)
	for list, want := range by {
		got := w.overdue(owner, list)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("overdue=true%s lists %v; want %v", list, got, want)
		}
	}
	for _, status := range []string{"draft", "paid", "void", "assembling"} {
		if got := w.overdue(owner, "&status="+status); len(got) != 0 {
			t.Errorf("overdue=true&status=%s lists %v", status, got)
		}
	}
	if l := w.list(owner, "status=sent"); len(l.Data) != 4 || !slices.ContainsFunc(l.Data, func(s invoicing.Summary) bool { return s.ID == fresh.ID }) {
		t.Errorf("%d sent invoices; want the three that are overdue and the one that is not", len(l.Data))
	}
	if got := w.overdue(stranger, "&client_id="+one); len(got) != 0 {
		t.Errorf("another organization sees %v", got)
	}
	next := w.list(owner, "overdue=true&client_id="+one+"&limit=1").NextCursor
	for _, query := range []string{"overdue=false", "overdue=yes", "overdue=true&updated_since=2026-03-01T00:00:00Z", "overdue=true&cursor=x", "overdue=true&client_id=" + two + "&cursor=" + next} {
		w.Want(w.Call(invoicing.ListInvoices(), owner, apitest.Request{Path: "/v1/invoices?" + query}), 422, "invalid_input")
	}
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	var met []string
	w.must(invoicing.OfClient(t.Context(), org, id.Client(two), func(i *invoicing.Invoice) error { met = append(met, string(i.ID)); return nil }))
	if slices.Sort(met); !slices.Equal(met, by["&client_id="+two]) {
		t.Errorf("the client's invoices are %v; want %v", met, by["&client_id="+two])
	}
}
