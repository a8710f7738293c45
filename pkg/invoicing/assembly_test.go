package invoicing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
)

var projectKeys atomic.Int64

func (w world) project(c apitest.Caller, client string, rate int64) string {
	w.T.Helper()
	body := map[string]any{"key": fmt.Sprintf("P%04d", projectKeys.Add(1)), "name": "Web site", "client_id": client}
	if rate > 0 {
		body["hourly_rate"] = eur(rate)
	}
	a := w.Call(projects.CreateProject(w.Store), c, apitest.Request{Body: body})
	w.Want(a, http.StatusCreated, "")
	var p projects.ProjectBody
	a.Into(w.T, &p)
	return p.ID
}

func (w world) entry(c apitest.Caller, project, date string, seconds int, more map[string]any) timetracking.EntryBody {
	w.T.Helper()
	body := map[string]any{"project_id": project, "date": date, "duration_seconds": seconds}
	for k, v := range more {
		body[k] = v
	}
	a := w.Call(timetracking.CreateTimeEntry(w.Store), c, apitest.Request{Body: body})
	w.Want(a, http.StatusCreated, "")
	var e timetracking.EntryBody
	a.Into(w.T, &e)
	return e
}

func (w world) fromTime(c apitest.Caller, client string, more map[string]any, projects ...string) (invoicing.Body, apitest.Answer) {
	w.T.Helper()
	time := map[string]any{"project_ids": projects, "from": "2026-02-01", "to": "2026-03-02"}
	for k, v := range more {
		time[k] = v
	}
	a := w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, apitest.Request{Body: map[string]any{"client_id": client, "from_time": time}})
	var b invoicing.Body
	if a.Status < 300 {
		a.Into(w.T, &b)
	}
	return b, a
}

func (w world) assemble(c apitest.Caller, b invoicing.Body) error {
	return w.run(invoicing.AssembleInvoice(), "InvoiceAssembling", invoicing.Key(c.Org, id.Invoice(b.ID)))
}

func (w world) entryNow(c apitest.Caller, e timetracking.EntryBody) timetracking.EntryBody {
	w.T.Helper()
	a := w.Call(timetracking.GetTimeEntry(), c, apitest.Request{Path: "/v1/time-entries/" + e.ID})
	w.Want(a, http.StatusOK, "")
	var now timetracking.EntryBody
	a.Into(w.T, &now)
	return now
}

// invoiceOf is the invoice that an entry is on.
func (w world) invoiceOf(c apitest.Caller, e timetracking.EntryBody) string {
	w.T.Helper()
	row, err := timetracking.ReadEntry(context.Background(), w.Store.BindOrganization(c.Org, store.Actor{}), id.Entry(e.ID))
	w.must(err)
	return string(row.Invoice)
}

func TestUnbilledTimeComesOntoADraft(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web, shop, free := w.project(owner, cli, 9000), w.project(owner, cli, 0), w.project(owner, cli, 100)
	first := w.entry(owner, web, "2026-02-01", 5400, nil)
	second := w.entry(owner, web, "2026-03-02", 1800, nil)
	w.entry(owner, web, "2026-01-31", 3600, nil)
	w.entry(owner, free, "2026-02-10", 3600, nil)
	idle := w.entry(owner, web, "2026-02-10", 3600, map[string]any{"billable": false})
	unrated := w.entry(owner, shop, "2026-02-11", 3600, nil)
	b, a := w.fromTime(owner, cli, map[string]any{"taxes": vat("19")}, web, shop)
	w.Want(a, http.StatusAccepted, "")
	if b.Status != invoicing.Assembling || len(b.Lines) != 0 {
		t.Errorf("the invoice = %+v; want it assembling", b)
	}
	w.Want(w.send(owner, b, apitest.Request{}), 409, "invoice_not_draft")
	w.Want(w.Call(invoicing.UpdateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Path: at(b), IfMatch: "*", Body: map[string]any{"notes": "x"}}), 409, "invoice_not_draft")
	w.must(w.assemble(owner, b))
	got, _ := w.get(owner, b)
	if got.Status != invoicing.Draft || len(got.Lines) != 1 || got.Lines[0].Description != "Web site" || got.Lines[0].Quantity != "2" || got.Subtotal.Amount != 18000 || got.Total.Amount != 21420 ||
		got.Assembly.Entries != 2 || got.Assembly.Skipped != (invoicing.Skipped{Unrated: 1}) {
		t.Errorf("the invoice = %+v, %+v", got, got.Assembly)
	}
	for e, want := range map[timetracking.EntryBody]string{first: "invoiced", second: "invoiced", idle: "", unrated: ""} {
		if now := w.entryNow(owner, e); now.Locked != want {
			t.Errorf("entry of %s is locked %q; want %q", e.Date, now.Locked, want)
		}
	}
	path := "/v1/time-entries/" + first.ID
	w.Want(w.Call(timetracking.UpdateTimeEntry(w.Store), owner, apitest.Request{Path: path, IfMatch: "*", Body: map[string]any{"note": "x"}}), 409, "time_entry_locked")
	w.Want(w.Call(timetracking.DeleteTimeEntry(w.Store), owner, apitest.Request{Path: path, IfMatch: "*"}), 409, "time_entry_locked")
	w.Want(w.Call(timetracking.UpdateTimeEntry(w.Store), owner, apitest.Request{Path: path, IfMatch: `"1"`, Body: map[string]any{"note": "x"}}), 412, "stale_version")
	w.Want(w.Call(timetracking.UpdateTimeEntry(w.Store), owner, apitest.Request{Path: "/v1/time-entries/" + idle.ID, IfMatch: "*", Body: map[string]any{"note": "x"}}), 200, "")
	if n := w.due(invoicing.DueAssembly, w.Clock.Now().Add(time.Hour)); n != 0 {
		t.Errorf("%d clocks run on", n)
	}

	other, _ := w.fromTime(owner, cli, map[string]any{"rate": eur(5000)}, web, shop)
	w.must(w.assemble(owner, other))
	if o, _ := w.get(owner, other); o.Assembly.Entries != 1 || o.Assembly.Skipped.Claimed != 2 || o.Total.Amount != 5000 {
		t.Errorf("the other invoice = %+v; want the hour that nobody has, at the rate asked for", o.Assembly)
	}
	w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(b), IfMatch: "*"}), 204, "")
	w.must(w.run(invoicing.AssembleInvoice(), "", store.Key{}))
	if on := w.invoiceOf(owner, first) + w.invoiceOf(owner, second); on != "" {
		t.Errorf("time is still on %s", on)
	}
	third, _ := w.fromTime(owner, cli, nil, web)
	w.must(w.assemble(owner, third))
	w.Want(w.send(owner, third, apitest.Request{}), 200, "")
	if on := w.invoiceOf(owner, first); on != third.ID {
		t.Errorf("time is on %q; want %s", on, third.ID)
	}
	w.Want(w.void(owner, third, "*"), 200, "")
	w.must(w.assemble(owner, third))
	w.must(w.assemble(owner, third))
	if on := w.invoiceOf(owner, first) + w.invoiceOf(owner, second); on != "" {
		t.Errorf("time of a void invoice is still on %s", on)
	}
	if n := w.due(invoicing.DueAssembly, w.Clock.Now().Add(time.Hour)); n != 0 {
		t.Errorf("%d clocks run on", n)
	}
	if got, _ := w.get(owner, third); got.Status != invoicing.Void || got.Assembly.Entries != 2 || len(got.Lines) != 1 {
		t.Errorf("the void invoice = %+v; want it as it was sent", got)
	}
}

func TestTimeIsGrouped(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web := w.project(owner, cli, 9000)
	bob := w.Member(owner.Org, access.Contributor)
	w.entry(owner, web, "2026-02-01", 1, map[string]any{"note": "First"})
	w.entry(owner, web, "2026-02-02", 1199, nil)
	w.entry(bob, web, "2026-02-02", 2400, map[string]any{"note": strings.Repeat("ß", 2000)})
	w.Want(w.Call(projects.UpdateProject(w.Store), owner, apitest.Request{Path: "/v1/projects/" + web, IfMatch: "*", Body: map[string]any{"hourly_rate": eur(10000)}}), 200, "")
	w.entry(owner, web, "2026-02-02", 3600, map[string]any{"note": "Dearer"})
	tests := []struct {
		by    string
		lines []string
	}{
		{"project", []string{"Web site 1", "Web site 1"}},
		{"member", []string{"Hours of person", "Hours of person", "Hours of person"}},
		{"day", []string{"Hours of 2026-02-01 0.000278", "Hours of 2026-02-02 1", "Hours of 2026-02-02 0.999722"}},
		{"entry", []string{"2026-02-01: First 0.000278", "2026-02-02 0.333056", "2026-02-02: ß", "2026-02-02: Dearer 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.by, func(t *testing.T) {
			w := world{w.In(t)}
			b, _ := w.fromTime(owner, cli, map[string]any{"group_by": tt.by}, web)
			w.must(w.assemble(owner, b))
			got, _ := w.get(owner, b)
			var lines []string
			for _, l := range got.Lines {
				lines = append(lines, l.Description+" "+l.Quantity)
			}
			if len(lines) != len(tt.lines) {
				t.Fatalf("lines = %q; want %q", lines, tt.lines)
			}
			for _, want := range tt.lines {
				if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
					t.Errorf("lines = %.300q; want one %q", lines, want)
				}
			}
			w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(b), IfMatch: "*"}), 204, "")
			w.must(w.run(invoicing.AssembleInvoice(), "", store.Key{}))
		})
	}
}

func TestTimeIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli, other := w.client(owner).ID, w.client(owner).ID
	web, foreign := w.project(owner, cli, 9000), w.project(owner, other, 9000)
	stranger := w.studio()
	theirs := w.project(stranger, w.client(stranger).ID, 1)
	tests := []struct {
		name, code string
		status     int
		more       map[string]any
	}{
		{"an end before its start", "invalid_input", 422, map[string]any{"from": "2026-03-02", "to": "2026-03-01"}},
		{"no date", "invalid_input", 422, map[string]any{"from": "2026-02-30"}},
		{"two years", "invalid_input", 422, map[string]any{"from": "2024-03-02"}},
		{"no project", "invalid_input", 422, map[string]any{"project_ids": []string{}}},
		{"a project twice", "invalid_input", 422, map[string]any{"project_ids": []string{web, web}}},
		{"another client's project", "invalid_input", 422, map[string]any{"project_ids": []string{web, foreign}}},
		{"another organization's project", "project_not_found", 404, map[string]any{"project_ids": []string{theirs}}},
		{"what is no project", "project_not_found", 404, map[string]any{"project_ids": []string{"x"}}},
		{"a rate in another currency", "invalid_input", 422, map[string]any{"rate": map[string]any{"amount": 1, "currency": "USD"}}},
		{"a negative rate", "invalid_input", 422, map[string]any{"rate": eur(-1)}},
		{"a tax twice", "invalid_input", 422, map[string]any{"taxes": append(vat("7"), vat("19")...)}},
		{"a huge tax", "invalid_input", 422, map[string]any{"taxes": vat("999")}},
		{"no way to group", "invalid_input", 422, map[string]any{"group_by": "week"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t)}
			_, a := w.fromTime(owner, cli, tt.more, web)
			w.Want(a, tt.status, tt.code)
		})
	}
	_, a := w.fromTime(w.Member(owner.Org, access.Manager), cli, nil, web)
	w.Want(a, 403, "permission_denied")
	w.Want(w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), owner, apitest.Request{Body: map[string]any{"client_id": cli, "lines": []any{line("1", 1)},
		"from_time": map[string]any{"project_ids": []string{web}, "from": "2026-02-01", "to": "2026-02-02"}}}), 422, "invalid_input")
}

// TestNoEntryIsOnTwoInvoices assembles many drafts over the same time at once, some of them twice: 20 over 1,000 entries at
// full size.
func TestNoEntryIsOnTwoInvoices(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web := w.project(owner, cli, 9000)
	n, drafts := size.Of(60, 1000), size.Of(8, 20)
	var entries []timetracking.EntryBody
	for i := range n {
		entries = append(entries, w.entry(owner, web, "2026-02-"+fmt.Sprintf("%02d", 1+i%28), 60, nil))
	}
	var all []invoicing.Body
	for range drafts {
		b, a := w.fromTime(owner, cli, map[string]any{"group_by": "day"}, web)
		w.Want(a, 202, "")
		all = append(all, b)
	}
	var wg sync.WaitGroup
	for i, b := range all {
		for range 1 + i%2 {
			wg.Go(func() {
				if err := w.assemble(owner, b); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for i := range 10 { // and people edit meanwhile
		wg.Go(func() {
			a := w.Call(timetracking.UpdateTimeEntry(w.Store), owner, apitest.Request{Path: "/v1/time-entries/" + entries[i].ID, IfMatch: "*", Body: map[string]any{"note": "Later"}})
			if a.Status != 200 && a.Code() != "time_entry_locked" && a.Code() != "stale_version" {
				t.Errorf("an edit = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	w.Clock.Advance(invoicing.Patience)
	w.must(w.run(invoicing.AssembleInvoice(), "", store.Key{}))
	owner = w.Later(owner, 0)
	on := map[string]int{}
	for _, e := range entries {
		on[w.invoiceOf(owner, e)]++
	}
	if on[""] != 0 {
		t.Errorf("%d entries are on no invoice", on[""])
	}
	var seconds int64
	for _, b := range all {
		got, _ := w.get(owner, b)
		if got.Status != invoicing.Draft || got.Assembly.Entries != on[b.ID] {
			t.Errorf("an invoice is %s of %d entries; %d say that they are on it", got.Status, got.Assembly.Entries, on[b.ID])
		}
		seconds += got.Subtotal.Amount
	}
	if want := int64(n) * 150; seconds != want {
		t.Errorf("the invoices come to %d; want %d", seconds, want)
	}
}

// mortal is a connection that dies after some calls: before one is carried out, or after it, with its answer lost.
type mortal struct {
	next  http.RoundTripper
	left  atomic.Int64
	after bool
}

var errDead = errors.New("the run was killed")

func (m *mortal) Do(r *http.Request) (*http.Response, error) {
	switch left := m.left.Add(-1); {
	case left < 0, left == 0 && !m.after:
		return nil, errDead
	case left == 0:
		if a, err := m.next.RoundTrip(r); err == nil {
			a.Body.Close()
		}
		return nil, errDead
	}
	return m.next.RoundTrip(r)
}

// killed runs the job until it dies, and says whether it did.
func (w world) killed(c apitest.Caller, b invoicing.Body, calls int, after bool) bool {
	w.T.Helper()
	m := &mortal{next: http.DefaultTransport, after: after}
	m.left.Store(int64(calls))
	cfg := w.AWS
	cfg.HTTPClient, cfg.Retryer = m, func() aws.Retryer { return aws.NopRetryer{} }
	key := invoicing.Key(c.Org, id.Invoice(b.ID))
	payload := fmt.Sprintf(`{"source":"pixeltrack","detail-type":"InvoiceAssembling","time":%q,"detail":{"pk":%q,"sk":%q}}`, w.Clock.Now().Format(time.RFC3339), key.PK, key.SK)
	err := invoicing.AssembleInvoice().Do(context.Background(), []byte(payload), store.New(cfg, w.Table, w.Clock.Now), telemetry.New(new(bytes.Buffer), w.Clock.Now), w.Clock.Now, "run")
	return err != nil
}

// TestAKilledAssemblyGoesOn kills the job at each of its calls. One run later every entry is on a finished draft; and when
// the draft is deleted or its hour is over in between, every entry is free.
func TestAKilledAssemblyGoesOn(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web := w.project(owner, cli, 9000)
	var entries []timetracking.EntryBody
	for range 4 {
		entries = append(entries, w.entry(owner, web, "2026-02-02", 900, nil))
	}
	on := func(want string) {
		t.Helper()
		for _, e := range entries {
			if got := w.invoiceOf(owner, e); got != want {
				t.Fatalf("an entry is on %q; want %q", got, want)
			}
		}
	}
	sweep := func(after time.Duration) {
		t.Helper()
		owner = w.Later(owner, after)
		w.must(w.run(invoicing.AssembleInvoice(), "", store.Key{}))
		if n := w.due(invoicing.DueAssembly, w.Clock.Now().Add(24*time.Hour)); n != 0 {
			t.Fatalf("%d clocks run on", n)
		}
	}
	remove := func(b invoicing.Body) {
		t.Helper()
		w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(b), IfMatch: "*"}), 204, "")
	}
	for _, after := range []bool{false, true} {
		for calls := 1; ; calls++ {
			b, _ := w.fromTime(owner, cli, nil, web)
			died := w.killed(owner, b, calls, after)
			switch calls % 3 {
			case 0: // the draft is finished
				sweep(invoicing.Patience)
				on(b.ID)
				if got, _ := w.get(owner, b); got.Status != invoicing.Draft || got.Subtotal.Amount != 9000 || got.Assembly.Entries != 4 {
					t.Fatalf("killed at call %d the invoice is %+v", calls, got)
				}
				remove(b)
				sweep(0)
			case 1: // or deleted
				remove(b)
				w.killed(owner, b, calls/2+1, after)
				sweep(invoicing.Patience)
			case 2: // or too late
				sweep(invoicing.Endurance)
				if got, _ := w.get(owner, b); died && got.Assembly.Failed != "" && (got.Assembly.Failed != "timeout" || got.LineCount != 0) {
					t.Fatalf("too late the invoice is %+v", got)
				} else if got.Assembly.Failed == "" {
					on(b.ID)
				}
				remove(b)
				sweep(0)
			}
			on("")
			if !died && calls > 3 {
				break
			}
		}
	}
}

// meddled is a connection on which something happens before one of its calls.
type meddled struct {
	left   atomic.Int64
	meddle func()
}

func (m *meddled) Do(r *http.Request) (*http.Response, error) {
	if m.left.Add(-1) == 0 {
		m.meddle()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAnAssemblyIsOvertaken lets something happen before each call of a run: the draft is deleted and its time freed, the
// draft is finished by another run, or one of the entries is edited. The run that was overtaken claims nothing more.
func TestAnAssemblyIsOvertaken(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web := w.project(owner, cli, 9000)
	var entries []timetracking.EntryBody
	for range 3 {
		entries = append(entries, w.entry(owner, web, "2026-02-02", 900, nil))
	}
	remove := func(b invoicing.Body) {
		w.Want(w.Call(invoicing.DeleteInvoice(w.Store), owner, apitest.Request{Path: at(b), IfMatch: "*"}), 204, "")
		w.must(w.run(invoicing.AssembleInvoice(), "", store.Key{}))
	}
	for calls, reached := 1, true; reached; calls++ {
		reached = false
		for _, what := range []string{"deleted", "finished", "edited"} {
			b, _ := w.fromTime(owner, cli, nil, web)
			m := &meddled{meddle: func() {
				reached = true
				switch what {
				case "deleted":
					remove(b)
				case "finished":
					w.must(w.assemble(owner, b))
				case "edited":
					w.Call(timetracking.UpdateTimeEntry(w.Store), owner, apitest.Request{Path: "/v1/time-entries/" + entries[2].ID, IfMatch: "*", Body: map[string]any{"note": "Later"}})
				}
			}}
			m.left.Store(int64(calls))
			cfg := w.AWS
			cfg.HTTPClient = m
			key := invoicing.Key(owner.Org, id.Invoice(b.ID))
			payload := fmt.Sprintf(`{"source":"pixeltrack","detail-type":"InvoiceAssembling","time":%q,"detail":{"pk":%q,"sk":%q}}`, w.Clock.Now().Format(time.RFC3339), key.PK, key.SK)
			w.must(invoicing.AssembleInvoice().Do(context.Background(), []byte(payload), store.New(cfg, w.Table, w.Clock.Now), telemetry.New(new(bytes.Buffer), w.Clock.Now), w.Clock.Now, "run"))
			on := map[string]int{}
			for _, e := range entries {
				on[w.invoiceOf(owner, e)]++
			}
			if gone := what == "deleted" && reached; gone && on[""] != 3 {
				t.Fatalf("deleted before call %d, the draft has taken %v", calls, on)
			} else if !gone {
				if got, _ := w.get(owner, b); got.Status != invoicing.Draft || got.Subtotal.Amount != 6750 || got.Assembly.Entries != 3 || on[b.ID] != 3 {
					t.Fatalf("%s before call %d, the invoice is %s of %d entries, %d; they are on %v", what, calls, got.Status, got.Assembly.Entries, got.Subtotal.Amount, on)
				}
				remove(b)
			}
		}
	}
}

func TestTooManyLinesAreNoDraft(t *testing.T) {
	if !size.Full() {
		t.Skip("takes 501 entries")
	}
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	web := w.project(owner, cli, 9000)
	var last timetracking.EntryBody
	for range 501 {
		last = w.entry(owner, web, "2026-02-02", 60, nil)
	}
	b, _ := w.fromTime(owner, cli, map[string]any{"group_by": "entry"}, web)
	w.must(w.assemble(owner, b))
	if got, _ := w.get(owner, b); got.Status != invoicing.Draft || got.LineCount != 0 || got.Assembly.Failed != "too_many_lines" || w.invoiceOf(owner, last) != "" {
		t.Errorf("the invoice = %+v", got)
	}
	b, _ = w.fromTime(owner, cli, nil, web)
	w.must(w.assemble(owner, b))
	if got, _ := w.get(owner, b); got.LineCount != 1 || got.Assembly.Entries != 501 {
		t.Errorf("the invoice = %+v", got)
	}
}
