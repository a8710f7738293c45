package payments_test

import (
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/telemetry"
)

func TestAnAccountIsConnected(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	if b := w.account(owner); b.Status != invoicing.AccountNone {
		t.Errorf("the account = %+v; want none", b)
	}
	first := w.connect(owner, apitest.Request{Key: "k", Body: map[string]any{"return_url": appURL + "/back"}})
	if first.Status != invoicing.AccountOnboarding || first.URL == "" || first.Expires == nil || !strings.HasPrefix(first.AccountID, "acct_") || first.Country != "DE" || first.Currency != "EUR" || len(first.Requirements) == 0 {
		t.Errorf("the account = %+v", first)
	}
	if again := w.connect(owner, apitest.Request{Key: "k", Body: map[string]any{"return_url": appURL + "/back"}}); again.AccountID != first.AccountID || again.URL != "" {
		t.Errorf("the repeat shows %+v; want the account and no link", again)
	}
	if more := w.connect(owner, apitest.Request{}); more.AccountID != first.AccountID || more.URL == first.URL || more.URL == "" {
		t.Errorf("another call gives %+v; want another link to the same account", more)
	}
	if _, err := w.stripe.Onboard(first.AccountID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if b := w.account(owner); b.Status != invoicing.AccountEnabled || !b.Charges || !b.Payouts || !b.Submitted || len(b.Requirements) != 0 {
		t.Errorf("the account = %+v; want enabled", b)
	}
	if _, err := w.stripe.Restrict(first.AccountID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if b := w.account(owner); b.Status != invoicing.AccountRestricted || b.Disabled == "" || len(b.Requirements) == 0 {
		t.Errorf("the account = %+v; want restricted", b)
	}
	if err := w.stripe.Deauthorize(first.AccountID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if b := w.account(owner); b.Status != invoicing.AccountDisconnected || b.Charges {
		t.Errorf("the account = %+v; want disconnected", b)
	}
	if _, err := w.stripe.Authorize(first.AccountID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if b := w.account(owner); b.Status != invoicing.AccountRestricted {
		t.Errorf("the account = %+v; want it back", b)
	}
	remove := payments.DeletePaymentAccount(w.Store, w.client, appURL)
	w.Want(w.Call(remove, owner, apitest.Request{}), 204, "")
	w.Want(w.Call(remove, owner, apitest.Request{}), 204, "")
	w.deliver()
	if b := w.account(owner); b.Status != invoicing.AccountDisconnected {
		t.Errorf("the account = %+v; want disconnected", b)
	}
	if next := w.connect(owner, apitest.Request{}); next.AccountID == first.AccountID || next.Status != invoicing.AccountOnboarding {
		t.Errorf("connected again = %+v; want another account", next)
	}
	w.Want(w.Call(remove, w.studio(), apitest.Request{}), 404, "payment_account_not_found")
}

func TestOnboardingLeadsBackToTheWebAppAlone(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	for _, url := range []string{"https://evil.example.com/", "http://app.example.com/", "https://app.example.com@evil.example.com/", "//app.example.com", "javascript:alert(1)", "https://app.example.com.evil.example.com/", "%"} {
		for _, field := range []string{"return_url", "refresh_url"} {
			a := w.Call(payments.CreatePaymentAccount(w.Store, w.client, appURL), owner, apitest.Request{Body: map[string]any{field: url}})
			w.Want(a, 422, "invalid_input")
		}
	}
	if b := w.account(owner); b.Status != invoicing.AccountNone {
		t.Errorf("the account = %+v; want none", b)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	w, owner, _ := newConnected(t)
	_, p := w.paid(owner, 10000)
	for _, role := range access.Roles() {
		c := w.Member(owner.Org, role)
		accounts, reads, refunds := 403, 403, 403
		switch role {
		case access.Owner, access.Admin:
			accounts, reads, refunds = 201, 200, 201
		case access.Accountant:
			reads, refunds = 200, 201
		}
		w.Want(w.Call(payments.CreatePaymentAccount(w.Store, w.client, appURL), c, apitest.Request{}), accounts, "")
		w.Want(w.Call(invoicing.GetPaymentAccount(), c, apitest.Request{}), reads, "")
		w.Want(w.Call(invoicing.GetPayment(), c, apitest.Request{Path: "/v1/payments/" + p.ID}), reads, "")
		w.Want(w.refund(c, p.ID, apitest.Request{Body: map[string]any{"amount": money(1, "EUR")}}), refunds, "")
		if accounts == 403 {
			w.Want(w.Call(payments.DeletePaymentAccount(w.Store, w.client, appURL), c, apitest.Request{}), 403, "permission_denied")
		}
	}
	stranger := w.studio()
	w.Want(w.Call(invoicing.GetPayment(), stranger, apitest.Request{Path: "/v1/payments/" + p.ID}), 404, "payment_not_found")
	w.Want(w.refund(stranger, p.ID, apitest.Request{}), 404, "payment_not_found")
}

func TestAnInvoiceIsPaidOnline(t *testing.T) {
	w := newWorld(t)
	owner := w.studio()
	i, token := w.invoice(owner, 16065, "EUR")
	if o := w.public(token).Online; o == nil || o.Payable || o.Why != "not_offered" {
		t.Errorf("without an account the page offers %+v", o)
	}
	w.Want(w.checkout(token, nil), 409, "payment_not_offered")
	account := w.connected(owner)
	if o := w.public(token).Online; !o.Payable || o.Partial || o.Amount.Amount != 16065 || o.Least.Amount != 50 {
		t.Errorf("the page offers %+v", o)
	}
	first := w.session(token, nil)
	if again := w.session(token, map[string]any{"amount": money(16065, "EUR")}); again != first {
		t.Errorf("the second tab gets %s; want %s", again, first)
	}
	w.Want(w.checkout(token, map[string]any{"amount": money(5000, "EUR")}), 409, "partial_payment_not_allowed")
	w.settings(owner, map[string]any{"partial_payments": true})
	for _, m := range []map[string]any{money(16066, "EUR"), money(0, "EUR"), money(-1, "EUR"), money(49, "EUR"), money(5000, "USD")} {
		w.Want(w.checkout(token, map[string]any{"amount": m}), 422, "invalid_input")
	}
	part := w.session(token, map[string]any{"amount": money(6065, "EUR")})
	if part == first {
		t.Error("a part is paid on the page of the whole")
	}
	if _, err := w.stripe.Pay(first, stripe.Payment{}); err == nil {
		t.Error("two tabs can both pay")
	}
	w.pay(part, "declined")
	w.pay(part, "paid")
	w.deliver()
	got := w.read(owner, i)
	if got.Status != invoicing.PartlyPaid || got.PaidTotal.Amount != 6065 {
		t.Errorf("the invoice is %s, paid %d; want partly_paid, 6065", got.Status, got.PaidTotal.Amount)
	}
	all := w.payments(owner, i)
	if len(all) != 1 || all[0].Amount.Amount != 6065 || all[0].Method != invoicing.Card || all[0].Source != invoicing.Stripe || all[0].Stripe.Account != account || all[0].Fee.Amount != 206 || all[0].PaidOn != "2026-03-02" {
		t.Errorf("payments = %+v", all)
	}
	w.pay(w.session(token, nil), "paid")
	w.deliver()
	if got := w.read(owner, i); got.Status != invoicing.Paid || got.Due.Amount != 0 || got.Credit != nil || w.hasCheckout(owner, i) {
		t.Errorf("the invoice is %s, due %d, credit %v", got.Status, got.Due.Amount, got.Credit)
	}
	w.Want(w.checkout(token, nil), 409, "invoice_paid")
	if o := w.public(token).Online; o.Payable || o.Why != "nothing_due" {
		t.Errorf("the page offers %+v", o)
	}
	w.Want(w.Call(invoicing.DeletePayment(w.Store), owner, apitest.Request{Path: "/v1/payments/" + all[0].ID, IfMatch: "*"}), 409, "payment_not_manual")
	for _, h := range []string{"office@example.com", "payer@example.com", "Pat Payer", token} {
		if strings.Contains(w.log.String(), h) {
			t.Errorf("the log says %s", h)
		}
	}
}

func TestADebitTakesItsTime(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, token := w.invoice(owner, 16065, "EUR")
	s := w.session(token, nil)
	w.pay(s, "async")
	w.deliver()
	if got := w.read(owner, i); got.PaidTotal.Amount != 0 {
		t.Errorf("paid %d before the money came", got.PaidTotal.Amount)
	}
	w.Want(w.checkout(token, nil), 409, "payment_processing")
	if o := w.public(token).Online; o.Payable || o.Why != "payment_processing" {
		t.Errorf("the page offers %+v", o)
	}
	if _, err := w.stripe.Clear(s, false); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	s = w.session(token, nil)
	w.pay(s, "async")
	if _, err := w.stripe.Clear(s, true); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if all := w.payments(owner, i); len(all) != 1 || all[0].Method != invoicing.Debit || w.read(owner, i).Status != invoicing.Paid {
		t.Errorf("payments = %+v", all)
	}
}

func TestAPaymentIsRefunded(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, p := w.paid(owner, 16065)
	part := apitest.Request{Key: "k", Body: map[string]any{"amount": money(6065, "EUR"), "reason": "duplicate"}}
	a := w.refund(owner, p.ID, part)
	w.Want(a, 201, "")
	var r invoicing.RefundBody
	a.Into(t, &r)
	if r.Status != invoicing.RefundSucceeded || r.Amount.Amount != 6065 || r.Reason != "duplicate" || !strings.HasPrefix(r.StripeID, "re_") || r.PaymentID != p.ID {
		t.Errorf("the refund = %+v", r)
	}
	again := w.refund(owner, p.ID, part)
	if w.Want(again, 201, ""); again.Header.Get("Idempotency-Replayed") != "true" || string(again.Body) != string(a.Body) {
		t.Errorf("the repeat = %s; want %s", again.Body, a.Body)
	}
	w.deliver()
	if got := w.read(owner, i); got.Status != invoicing.PartlyPaid || got.PaidTotal.Amount != 10000 {
		t.Errorf("the invoice is %s, paid %d", got.Status, got.PaidTotal.Amount)
	}
	a = w.refund(owner, p.ID, apitest.Request{Body: map[string]any{"amount": money(10001, "EUR")}})
	if w.Want(a, 422, "refund_exceeds_payment"); !strings.Contains(string(a.Body), `"amount_left":10000`) {
		t.Errorf("the refusal = %s", a.Body)
	}
	for _, b := range []map[string]any{{"amount": money(1, "USD")}, {"amount": money(0, "EUR")}, {"reason": "regret"}} {
		if a := w.refund(owner, p.ID, apitest.Request{Body: b}); a.Status != 422 {
			t.Errorf("refund %v = %d; want 422", b, a.Status)
		}
	}
	w.Want(w.refund(owner, p.ID, apitest.Request{}), 201, "")
	w.Want(w.refund(owner, p.ID, apitest.Request{}), 409, "payment_refunded")
	w.deliver()
	if all := w.payments(owner, i); len(all) != 1 || len(all[0].Refunds) != 2 || all[0].Refunded.Amount != 16065 {
		t.Errorf("payments = %+v", all)
	}
	if got := w.read(owner, i); got.PaidTotal.Amount != 0 || got.Status != invoicing.Sent {
		t.Errorf("the invoice is %s, paid %d", got.Status, got.PaidTotal.Amount)
	}
	w.Want(w.refund(owner, "pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", apitest.Request{}), 404, "payment_not_found")

	other, _ := w.invoice(owner, 5000, "EUR")
	w.Want(w.manual(owner, other, 5000), 201, "")
	by := w.payments(owner, other)[0]
	a = w.refund(owner, by.ID, apitest.Request{Body: map[string]any{"amount": money(2000, "EUR")}})
	w.Want(a, 201, "")
	r = invoicing.RefundBody{}
	if a.Into(t, &r); r.Status != invoicing.RefundSucceeded || r.StripeID != "" {
		t.Errorf("the refund of a manual payment = %+v", r)
	}
	if got := w.read(owner, other); got.PaidTotal.Amount != 3000 {
		t.Errorf("paid %d; want 3000", got.PaidTotal.Amount)
	}
	w.Want(w.Call(invoicing.DeletePayment(w.Store), owner, apitest.Request{Path: "/v1/payments/" + by.ID, IfMatch: "*"}), 204, "")
	if got := w.read(owner, other); got.PaidTotal.Amount != 0 {
		t.Errorf("paid %d; want 0", got.PaidTotal.Amount)
	}
}

func TestADisputeThatIsLostTakesTheMoneyBack(t *testing.T) {
	for _, won := range []bool{true, false} {
		w, owner, _ := newConnected(t)
		i, p := w.paid(owner, 16065)
		if _, err := w.stripe.OpenDispute(stripe.Dispute{PaymentIntent: p.Stripe.Intent, Amount: 6065}); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		p = w.payments(owner, i)[0]
		if len(p.Disputes) != 1 || p.Disputes[0].Status != "needs_response" || p.Disputes[0].Amount.Amount != 6065 || w.read(owner, i).Status != invoicing.Paid {
			t.Errorf("payment = %+v", p)
		}
		a := w.refund(owner, p.ID, apitest.Request{Body: map[string]any{"amount": money(1000, "EUR")}})
		w.Want(a, 201, "")
		if !strings.Contains(string(a.Body), `"charge_disputed"`) || w.read(owner, i).PaidTotal.Amount != 16065 {
			t.Errorf("a refund of a disputed payment = %s", a.Body)
		}
		if _, err := w.stripe.CloseDispute(p.Disputes[0].ID, won); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		want := int64(10000)
		if won {
			want = 16065
		}
		if got := w.read(owner, i); got.PaidTotal.Amount != want {
			t.Errorf("won %v: paid %d; want %d", won, got.PaidTotal.Amount, want)
		}
	}
}

// TestWhatGoesBackIsOverdueAgain pays an invoice in time and has the money go back after its day: it is overdue at once,
// though the clock of its day has long struck.
func TestWhatGoesBackIsOverdueAgain(t *testing.T) {
	for name, back := range map[string]func(w *world, c apitest.Caller, p invoicing.PaymentBody){
		"refunded": func(w *world, c apitest.Caller, p invoicing.PaymentBody) {
			w.Want(w.refund(c, p.ID, apitest.Request{Body: map[string]any{"amount": money(65, "EUR")}}), 201, "")
		},
		"disputed": func(w *world, c apitest.Caller, p invoicing.PaymentBody) {
			if _, err := w.stripe.OpenDispute(stripe.Dispute{PaymentIntent: p.Stripe.Intent, Amount: 65}); err != nil {
				w.T.Fatal(err)
			}
			w.deliver()
			disputed := w.read(c, invoicing.Body{Summary: invoicing.Summary{ID: p.InvoiceID}})
			if _, err := w.stripe.CloseDispute(w.payments(c, disputed)[0].Disputes[0].ID, false); err != nil {
				w.T.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, owner, _ := newConnected(t)
			i, p := w.paid(owner, 16065)
			owner = w.pass(owner, 31*24*time.Hour)
			if err := invoicing.MarkOverdue().Do(t.Context(), []byte(`{}`), w.Store, telemetry.New(w.log, w.Clock.Now), w.Clock.Now, "run"); err != nil {
				t.Fatal(err)
			}
			listed := func() bool {
				a := w.Call(invoicing.ListInvoices(), owner, apitest.Request{Path: "/v1/invoices?overdue=true"})
				w.Want(a, 200, "")
				return strings.Contains(string(a.Body), i.ID)
			}
			if listed() {
				t.Error("a paid invoice is listed as overdue")
			}
			back(w, owner, p)
			w.deliver()
			if !listed() {
				t.Error("an invoice whose money went back is not listed as overdue")
			}
		})
	}
}

func TestCurrenciesOfStripe(t *testing.T) {
	w, owner, account := newConnected(t)
	tests := []struct {
		currency      string
		amount, units int64
		code          string
	}{
		{"EUR", 16065, 16065, ""}, {"JPY", 5000, 5000, ""}, {"KWD", 12340, 12340, ""}, {"KWD", 12345, 0, "amount_not_payable"}, {"ISK", 5000, 500000, ""},
		{"MGA", 500000, 5000, ""}, {"MGA", 500050, 0, "amount_not_payable"}, {"HUF", 17499, 0, "amount_not_payable"}, {"EUR", 49, 0, "amount_not_payable"}, {"EUR", 100_000_000, 0, "amount_not_payable"},
	}
	for _, tt := range tests {
		i, token := w.invoice(owner, tt.amount, tt.currency)
		if tt.code != "" {
			w.Want(w.checkout(token, nil), 409, tt.code)
			if o := w.public(token).Online; o.Payable || o.Why != "amount_not_payable" {
				t.Errorf("%d %s: the page offers %+v", tt.amount, tt.currency, o)
			}
			continue
		}
		s := w.session(token, nil)
		if got := w.ask(account, "/v1/checkout/sessions/"+s)["amount_total"]; got != float64(tt.units) {
			t.Errorf("%d %s: Stripe is asked for %v; want %d", tt.amount, tt.currency, got, tt.units)
		}
		w.pay(s, "paid")
		w.deliver()
		if got := w.read(owner, i); got.Status != invoicing.Paid || got.PaidTotal.Amount != tt.amount {
			t.Errorf("%d %s: paid %d", tt.amount, tt.currency, got.PaidTotal.Amount)
		}
	}
}

func TestASessionEndsByItself(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, token := w.invoice(owner, 16065, "EUR")
	first := w.session(token, nil)
	w.deliver()
	owner = w.pass(owner, 110*time.Minute)
	second := w.session(token, nil)
	if second == first {
		t.Error("a session is given that ends in ten minutes")
	}
	w.deliver()
	owner = w.pass(owner, 3*time.Hour)
	w.deliver()
	if w.hasCheckout(owner, i) {
		t.Error("a checkout outlives its session")
	}
	if w.session(token, nil) == second {
		t.Error("a session is given that has ended")
	}
}
