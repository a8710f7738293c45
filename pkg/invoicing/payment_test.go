package invoicing_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/store"
)

func (w world) pay(c apitest.Caller, b invoicing.Body, amount int64, r apitest.Request, more ...map[string]any) apitest.Answer {
	w.T.Helper()
	body := map[string]any{"invoice_id": b.ID, "amount": eur(amount), "paid_on": "2026-03-02"}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	r.Body = body
	return w.Call(invoicing.CreatePayment(w.Store), c, r)
}

func (w world) payments(c apitest.Caller, query string) api.Changes[invoicing.PaymentBody] {
	w.T.Helper()
	a := w.Call(invoicing.ListPayments(), c, apitest.Request{Path: "/v1/payments?" + query})
	w.Want(a, http.StatusOK, "")
	var l api.Changes[invoicing.PaymentBody]
	a.Into(w.T, &l)
	return l
}

func (w world) takeBack(c apitest.Caller, p invoicing.PaymentBody, match string) apitest.Answer {
	w.T.Helper()
	return w.Call(invoicing.DeletePayment(w.Store), c, apitest.Request{Path: "/v1/payments/" + p.ID, IfMatch: match})
}

func TestAnInvoiceIsPaid(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	b := w.sent(owner, cli, nil) // 160.65
	is := func(status invoicing.Status, paid int64) {
		t.Helper()
		got, _ := w.get(owner, b)
		if got.Status != status || got.PaidTotal.Amount != paid || got.Due.Amount != 16065-paid || (got.SettledAt != nil) != (status == invoicing.Paid) {
			t.Errorf("the invoice is %s, paid %d, due %d, settled %v; want %s, %d", got.Status, got.PaidTotal.Amount, got.Due.Amount, got.SettledAt, status, paid)
		}
	}
	a := w.pay(owner, b, 6065, apitest.Request{Key: "k"}, map[string]any{"reference": "Statement 7"})
	w.Want(a, http.StatusCreated, "")
	var first invoicing.PaymentBody
	a.Into(t, &first)
	if first.InvoiceID != b.ID || first.ClientID != cli || first.Method != invoicing.Bank || first.Amount.Amount != 6065 || first.Reference != "Statement 7" || first.PaidOn != "2026-03-02" {
		t.Errorf("the payment = %+v", first)
	}
	again := w.pay(owner, b, 6065, apitest.Request{Key: "k"}, map[string]any{"reference": "Statement 7"})
	w.Want(again, http.StatusCreated, "")
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat is no replay")
	}
	is(invoicing.PartlyPaid, 6065)
	w.Want(w.void(owner, b, "*"), 409, "invoice_has_payments")
	a = w.pay(owner, b, 10001, apitest.Request{})
	w.Want(a, 422, "payment_exceeds_due")
	if !strings.Contains(string(a.Body), `"amount_due":10000`) {
		t.Errorf("the refusal does not say what is due: %s", a.Body)
	}
	w.Clock.Advance(40 * 24 * time.Hour)
	owner = w.Later(owner, 0)
	if got, _ := w.get(owner, b); !got.Overdue {
		t.Error("the invoice is not overdue")
	}
	w.Want(w.pay(owner, b, 10000, apitest.Request{}, map[string]any{"method": "cash", "paid_on": "2026-04-11"}), http.StatusCreated, "")
	is(invoicing.Paid, 16065)
	if got, _ := w.get(owner, b); got.Overdue {
		t.Error("a paid invoice is overdue")
	}
	if n := w.clocks(w.Clock.Now().AddDate(7, 0, 0)); n != 0 {
		t.Error("the clock of the invoice counts from its issue, though it was settled later")
	}
	if n := w.clocks(w.Clock.Now().AddDate(7, 0, 1)); n != 1 {
		t.Error("no clock counts from the settlement")
	}
	w.Want(w.pay(owner, b, 1, apitest.Request{}), 422, "payment_exceeds_due")
	if l := w.list(owner, "status=paid"); len(l.Data) != 1 {
		t.Errorf("%d paid invoices; want one", len(l.Data))
	}
	w.Want(w.takeBack(owner, first, `"2"`), 412, "stale_version")
	w.Want(w.takeBack(owner, first, ""), 428, "if_match_required")
	since := w.Clock.Now()
	owner = w.Later(owner, time.Minute)
	w.Want(w.takeBack(owner, first, `"1"`), 204, "")
	is(invoicing.PartlyPaid, 10000)
	w.Want(w.takeBack(owner, first, "*"), 404, "payment_not_found")
	l := w.payments(owner, "invoice_id="+b.ID)
	if len(l.Data) != 1 || l.Data[0].Method != invoicing.Cash {
		t.Errorf("payments = %+v; want the one that is left", l.Data)
	}
	l = w.payments(owner, "updated_since="+url.QueryEscape(since.Format(time.RFC3339)))
	if len(l.Deleted) != 1 || l.Deleted[0].ID != first.ID {
		t.Errorf("changes = %+v", l)
	}
	w.Want(w.takeBack(owner, w.payments(owner, "").Data[0], "*"), 204, "")
	is(invoicing.Sent, 0)
	w.Want(w.void(owner, b, "*"), 200, "")
	w.Want(w.pay(owner, b, 1, apitest.Request{}), 409, "invoice_void")
}

func TestAViewedInvoiceIsViewedAgain(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, nil)
	w.Want(w.public(token(b)), 200, "")
	a := w.pay(owner, b, 1, apitest.Request{})
	w.Want(a, 201, "")
	var p invoicing.PaymentBody
	a.Into(t, &p)
	tx := w.Store.Begin()
	org := w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"})
	tx.Change(org, org.Scope().Key(invoicing.FamilyPayment, p.ID), func(u *dynamo.Update) { u.Set("held", true) })
	w.must(tx.Commit(t.Context()))
	w.Want(w.takeBack(owner, p, "*"), 409, "kept_by_law")
	change(w, owner, org.Scope().Key(invoicing.FamilyPayment, p.ID), func(u *dynamo.Update) { u.Remove("held") })
	w.Want(w.takeBack(owner, p, "*"), 204, "")
	if got, _ := w.get(owner, b); got.Status != invoicing.Viewed {
		t.Errorf("the invoice is %s; want viewed", got.Status)
	}
}

// TestPaymentsAtOnce pays one invoice many times at once: never more than is due, and the sum is that of the payments.
func TestPaymentsAtOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, map[string]any{"lines": []any{line("10", 100)}})
	var wg sync.WaitGroup
	for range 14 {
		wg.Go(func() {
			if a := w.pay(owner, b, 100, apitest.Request{}); a.Status != 201 && a.Code() != "payment_exceeds_due" {
				t.Errorf("a payment = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	got, _ := w.get(owner, b)
	l := w.payments(owner, "invoice_id="+b.ID+"&limit=200")
	if got.Status != invoicing.Paid || got.PaidTotal.Amount != 1000 || len(l.Data) != 10 {
		t.Fatalf("the invoice is %s, paid %d by %d payments; want paid, 1000, 10", got.Status, got.PaidTotal.Amount, len(l.Data))
	}
	for i, p := range l.Data {
		wg.Go(func() {
			for range 1 + i%2 {
				if a := w.takeBack(owner, p, "*"); a.Status != 204 && a.Status != 404 {
					t.Errorf("taking back = %d %s", a.Status, a.Body)
				}
			}
		})
	}
	wg.Go(func() { w.public(token(b)) })
	wg.Wait()
	if got, _ := w.get(owner, b); got.PaidTotal.Amount != 0 || got.Due.Amount != 1000 || len(w.payments(owner, "").Data) != 0 {
		t.Errorf("afterwards the invoice is %s, paid %d", got.Status, got.PaidTotal.Amount)
	}
}

func TestAPaymentIsRefused(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	cli := w.client(owner).ID
	b, d := w.sent(owner, cli, nil), w.draft(owner, cli, nil)
	tests := []struct {
		name, code string
		status     int
		more       map[string]any
	}{
		{"of nothing", "invalid_input", 422, map[string]any{"amount": eur(0)}},
		{"of less than nothing", "invalid_input", 422, map[string]any{"amount": eur(-100)}},
		{"in another currency", "invalid_input", 422, map[string]any{"amount": map[string]any{"amount": 1, "currency": "USD"}}},
		{"in no currency", "invalid_input", 422, map[string]any{"amount": map[string]any{"amount": 1, "currency": "euro"}}},
		{"of too much", "payment_exceeds_due", 422, map[string]any{"amount": eur(16066)}},
		{"of far too much", "invalid_input", 422, map[string]any{"amount": eur(1 << 60)}},
		{"on no day", "invalid_input", 422, map[string]any{"paid_on": "2026-02-30"}},
		{"in the future", "invalid_input", 422, map[string]any{"paid_on": "2026-03-04"}},
		{"by magic", "invalid_input", 422, map[string]any{"method": "magic"}},
		{"of a draft", "invoice_not_sent", 409, map[string]any{"invoice_id": d.ID}},
		{"of no invoice", "invoice_not_found", 404, map[string]any{"invoice_id": "x"}},
		{"of another organization's", "invoice_not_found", 404, map[string]any{"invoice_id": func() string { s := w.studio(); return w.sent(s, w.client(s).ID, nil).ID }()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{w.In(t)}
			w.Want(w.pay(owner, b, 100, apitest.Request{}, tt.more), tt.status, tt.code)
		})
	}
	if got, _ := w.get(owner, b); got.PaidTotal.Amount != 0 {
		t.Errorf("paid = %d; want nothing", got.PaidTotal.Amount)
	}
	a := w.pay(owner, b, 100, apitest.Request{})
	w.Want(a, 201, "")
	var p invoicing.PaymentBody
	a.Into(t, &p)
	w.Want(w.takeBack(w.studio(), p, "*"), 404, "payment_not_found")
	w.Want(w.takeBack(owner, invoicing.PaymentBody{ID: "x"}, "*"), 404, "payment_not_found")
	for role, want := range map[access.Role][3]int{access.Guest: {403, 403, 403}, access.Contributor: {403, 403, 403}, access.Manager: {403, 403, 403}, access.Accountant: {201, 200, 204}} {
		m := w.Member(owner.Org, role)
		got := [3]int{w.pay(m, b, 1, apitest.Request{}).Status, w.Call(invoicing.ListPayments(), m, apitest.Request{}).Status, w.takeBack(m, p, "*").Status}
		if got != want {
			t.Errorf("%s: pay, list, take back = %v; want %v", role, got, want)
		}
	}
	for _, query := range []string{"invoice_id=x", "cursor=x", "invoice_id=" + b.ID + "&updated_since=2026-03-01T00:00:00Z"} {
		w.Want(w.Call(invoicing.ListPayments(), owner, apitest.Request{Path: "/v1/payments?" + query}), 422, "invalid_input")
	}
	w.Want(w.Call(invoicing.ListPayments(), apitest.Caller{}, apitest.Request{}), 401, "authentication_required")
	owner = w.Later(owner, 40*24*time.Hour)
	w.Want(w.Call(invoicing.ListPayments(), owner, apitest.Request{Path: "/v1/payments?updated_since=2026-03-01T00:00:00Z"}), 410, "resync_required")
}

func TestPaymentsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	b := w.sent(owner, w.client(owner).ID, nil)
	var want []int64
	for n := range 5 {
		w.Clock.Advance(time.Second)
		w.Want(w.pay(owner, b, int64(n+1), apitest.Request{}), 201, "")
		want = append(want, int64(n+1))
	}
	for _, query := range []string{"", "invoice_id=" + b.ID, "updated_since=2026-03-01T00:00:00Z"} {
		var got []int64
		for cursor := ""; ; {
			l := w.payments(owner, query+"&limit=2&cursor="+cursor)
			for _, p := range l.Data {
				got = append(got, p.Amount.Amount)
			}
			if cursor = l.NextCursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %v; want %v", query, got, want)
		}
	}
}
