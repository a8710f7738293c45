package payments_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/receiving"
	"pixeltrack.io/platform/pkg/store"
)

// atOnce runs all at the same time.
func atOnce(all ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, do := range all {
		wg.Go(func() {
			<-start
			do()
		})
	}
	close(start)
	wg.Wait()
}

func TestTwoRefundsAtOnce(t *testing.T) {
	w, owner, account := newConnected(t)
	for range size.Of(3, 30) {
		i, p := w.paid(owner, 10000)
		var statuses [4]int
		var all []func()
		for n := range statuses {
			all = append(all, func() {
				statuses[n] = w.refund(owner, p.ID, apitest.Request{Body: map[string]any{"amount": money(6000, "EUR")}}).Status
			})
		}
		atOnce(all...)
		if made := strings.Count(fmt.Sprint(statuses), "201"); made != 1 || strings.Count(fmt.Sprint(statuses), "422") != 3 {
			t.Errorf("answers = %v; want one refund", statuses)
		}
		w.deliver()
		at := w.ask(account, "/v1/charges/"+p.Stripe.Charge)
		if got := w.payments(owner, i)[0]; got.Refunded.Amount != 6000 || at["amount_refunded"] != 6000.0 || w.read(owner, i).PaidTotal.Amount != 4000 {
			t.Errorf("refunded %d, at Stripe %v", got.Refunded.Amount, at["amount_refunded"])
		}
	}
}

// Two amounts were asked for at once, and two pages stayed open: a row that was made anew had the version of the one before.
func TestTwoCheckoutsAtOnce(t *testing.T) {
	w, owner, _ := newConnected(t)
	w.settings(owner, map[string]any{"partial_payments": true})
	for n := range size.Of(4, 40) {
		i, token := w.invoice(owner, 10000, "EUR")
		bodies := []map[string]any{nil, nil, {"amount": money(10000, "EUR")}, nil}
		if n%2 == 1 { // two amounts: the page of one ends
			bodies[1], bodies[3] = map[string]any{"amount": money(5000, "EUR")}, map[string]any{"amount": money(5000, "EUR")}
		}
		var all []func()
		for _, b := range bodies {
			all = append(all, func() {
				var body any
				if b != nil {
					body = b
				}
				if a := w.checkout(token, body); a.Status != 201 && a.Status != 409 && a.Status != 503 {
					t.Errorf("checkout = %d %s", a.Status, a.Body)
				}
			})
		}
		atOnce(all...)
		paid := 0
		for _, raw := range w.stripe.Sessions() {
			if !strings.Contains(string(raw), `"status":"open"`) {
				continue
			}
			id := string(raw)[strings.Index(string(raw), "cs_"):]
			if _, err := w.stripe.Pay(id[:strings.Index(id, `"`)], stripe.Payment{}); err == nil {
				paid++
			}
		}
		if paid > 1 {
			t.Errorf("%d pages of one invoice could be paid", paid)
		}
		w.deliver()
		if got := len(w.payments(owner, i)); got != paid {
			t.Errorf("%d payments; want %d", got, paid)
		}
	}
}

// TestAllAtOnce lets the webhooks of a payment, the daily asking, a payment by hand and a refund in the dashboard meet.
func TestAllAtOnce(t *testing.T) {
	w, owner, account := newConnected(t)
	for range size.Of(4, 40) {
		i, token := w.invoice(owner, 10000, "EUR")
		s := w.session(token, nil)
		w.pay(s, "paid")
		intent, _ := w.ask(account, "/v1/checkout/sessions/"+s)["payment_intent"].(string)
		hooks := w.collect()
		owner = w.pass(owner, 25*time.Hour)
		for n := range hooks {
			hooks[n] = w.signed(string(hooks[n].body))
		}
		by := 0
		var all []func()
		for _, h := range append(hooks, hooks...) {
			all = append(all, func() {
				w.Want(w.receive(h), 200, "")
				if err := w.apply(h); err != nil {
					t.Error(err)
				}
			})
		}
		all = append(all, func() {
			if err := w.reconcile(); err != nil {
				t.Error(err)
			}
		}, func() {
			if a := w.manual(owner, i, 2500); a.Status == 201 {
				by = 2500
			}
		}, func() {
			if _, err := w.client.Refund(t.Context(), account, "dashboard-"+i.ID, intent, 1000, ""); err != nil {
				t.Error(err)
			}
		})
		atOnce(all...)
		w.deliver()
		paid := int64(9000 + by)
		over := max(0, paid-10000)
		got := w.read(owner, i)
		credit := int64(0)
		for _, p := range w.payments(owner, i) {
			credit += p.Credit.Amount
		}
		if got.PaidTotal.Amount != paid-over || credit != over {
			t.Errorf("paid %d, credit %d; want %d, %d", got.PaidTotal.Amount, credit, paid-over, over)
		}
	}
}

// TestWhatIsPaidTwiceIsCredit pays a page that was left open after the invoice was paid by hand.
func TestWhatIsPaidTwiceIsCredit(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, token := w.invoice(owner, 10000, "EUR")
	s := w.session(token, nil)
	w.Want(w.manual(owner, i, 4000), 201, "")
	w.pay(s, "paid")
	w.deliver()
	all := w.payments(owner, i)
	hand, online := all[0], all[1]
	if hand.Source != invoicing.Manual { // both are of one moment
		hand, online = online, hand
	}
	if got := w.read(owner, i); got.Status != invoicing.Paid || got.Credit == nil || got.Credit.Amount != 4000 || online.Credit.Amount != 4000 || hand.Credit.Amount != 0 {
		t.Errorf("the invoice is %s with a credit of %v, the payments have %d and %d", got.Status, got.Credit, hand.Credit.Amount, online.Credit.Amount)
	}
	// Taken back by hand, the credit pays for it.
	w.Want(w.Call(invoicing.DeletePayment(w.Store), owner, apitest.Request{Path: "/v1/payments/" + hand.ID, IfMatch: "*"}), 204, "")
	if got := w.read(owner, i); got.Status != invoicing.Paid || got.Credit != nil || w.payments(owner, i)[0].Credit.Amount != 0 {
		t.Errorf("the invoice is %s with a credit of %v", got.Status, got.Credit)
	}
	// What comes for a void invoice is credit as a whole.
	i, token = w.invoice(owner, 10000, "EUR")
	s = w.session(token, nil)
	w.Want(w.Call(invoicing.VoidInvoice(w.Store), owner, apitest.Request{Path: "/v1/invoices/" + i.ID + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong client"}}), 200, "")
	w.Want(w.checkout(token, nil), 409, "invoice_void")
	w.pay(s, "paid")
	w.deliver()
	if got := w.read(owner, i); got.Status != invoicing.Void || got.PaidTotal.Amount != 0 || got.Credit.Amount != 10000 {
		t.Errorf("the void invoice is %s, paid %d with a credit of %v", got.Status, got.PaidTotal.Amount, got.Credit)
	}
	w.Want(w.refund(owner, w.payments(owner, i)[0].ID, apitest.Request{}), 201, "")
	if got := w.read(owner, i); got.Status != invoicing.Void || got.Credit != nil {
		t.Errorf("the void invoice is %s with a credit of %v", got.Status, got.Credit)
	}
}

func TestWhatIsNotKnownChangesNothing(t *testing.T) {
	w, owner, account := newConnected(t)
	i, token := w.invoice(owner, 10000, "EUR")
	s := w.session(token, nil)
	w.pay(s, "paid")
	intent, _ := w.ask(account, "/v1/checkout/sessions/"+s)["payment_intent"].(string)
	hooks := w.collect()
	event := func(name, kind, account, object, more string) string {
		return fmt.Sprintf(`{"id":"evt_%s","object":"event","type":%q,"account":%q,"created":1,"livemode":false,"data":{"object":{"id":%q%s}}}`, name, kind, account, object, more)
	}
	unmatched := func(name, body string) {
		t.Helper()
		before := strings.Count(w.log.String(), `"event":"`+payments.UnmatchedEvent+`"`)
		h := w.signed(body)
		w.take(h)
		if e := w.event(h); e.State != receiving.Unmatched || e.ExpiresAt != w.Clock.Now().Add(receiving.Life).Unix() {
			t.Errorf("%s: the event is %s until %d", name, e.State, e.ExpiresAt)
		}
		if after := strings.Count(w.log.String(), `"event":"`+payments.UnmatchedEvent+`"`); after != before+1 {
			t.Errorf("%s: the alarm counts %d more; want one", name, after-before)
		}
		if got := w.read(owner, i); got.PaidTotal.Amount != 0 || len(w.payments(owner, i)) != 0 {
			t.Errorf("%s: the ledger has changed", name)
		}
	}
	unmatched("an unknown account", event("1", "checkout.session.completed", "acct_unknown", s, ""))
	unmatched("an unknown object", event("2", "checkout.session.completed", account, "cs_unknown", ""))
	unmatched("an unknown payment", event("3", "payment_intent.succeeded", account, "pi_unknown", `,"object":"payment_intent"`))
	unmatched("metadata that names the invoice", event("4", "checkout.session.completed", account, "cs_unknown", `,"metadata":{"invoice":"`+i.ID+`"},"client_reference_id":"`+i.ID+`"`))
	unmatched("real money", strings.Replace(event("5", "checkout.session.completed", account, s, ""), `"livemode":false`, `"livemode":true`, 1))
	other := w.studio()
	move := func(to apitest.Caller) {
		t.Helper()
		tx := w.Store.Begin()
		tx.Change(w.Store.BindPlatform(store.Actor{Who: "test"}), invoicing.MarkerKey(account), func(u *dynamo.Update) { u.Set("org", to.Org) })
		if err := tx.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	move(other)
	unmatched("an account that has moved", event("6", "checkout.session.completed", account, s, ""))
	unmatched("a payment of an account that has moved", event("7", "payment_intent.succeeded", account, intent, `,"object":"payment_intent"`))
	w.Want(w.refund(owner, "pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", apitest.Request{}), 404, "")
	move(owner)
	for _, h := range hooks { // the account is the organisation's again, and so is what was said of it
		w.take(h)
	}
	if got := w.read(owner, i); got.Status != invoicing.Paid {
		t.Errorf("the invoice is %s", got.Status)
	}
	move(other)
	p := w.payments(owner, i)[0]
	w.Want(w.refund(owner, p.ID, apitest.Request{}), 409, "payment_account_disconnected")
	h := w.signed(event("8", "balance.available", account, "", ""))
	w.take(h)
	if e := w.event(h); e.State != receiving.Ignored {
		t.Errorf("an event that nobody waits for is %s", e.State)
	}
	template, err := os.ReadFile("../../template.yaml")
	if err != nil || !strings.Contains(string(template), `$.event = "`+payments.UnmatchedEvent+`"`) {
		t.Error("no alarm counts what is unmatched")
	}
}

func TestAWebhookIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	body := `{"id":"evt_1","object":"event","type":"account.updated","account":"acct_1","created":1,"data":{"object":{"id":"acct_1"}}}`
	h := w.signed(body)
	w.Want(w.receive(h), 200, "")
	first := w.event(h)
	w.Clock.Advance(time.Minute)
	w.Want(w.receive(w.signed(body)), 200, "")
	if again := w.event(h); again.Version != first.Version || again.Received != first.Received {
		t.Errorf("the second = %+v; want the first as it was", again)
	}
	w.Want(w.receive(w.signed(strings.Replace(body, `"account":"acct_1",`, "", 1))), 400, "not_an_event")
	w.Want(w.receive(w.signed("{}")), 400, "not_an_event")
	w.Want(w.receive(webhook{[]byte("{}"), ""}), 401, "signature_invalid")
	w.Want(w.receive(w.signed(strings.Repeat(" ", 300<<10))), 413, "body_too_large")
	platform := func(h webhook) apitest.Answer {
		return w.Call(receiving.ReceiveStripe(w.Store, w.secret), apitest.Caller{}, apitest.Request{Body: h.body, Headers: map[string]string{"Stripe-Signature": h.signature}})
	}
	w.Want(platform(w.signed(body)), 400, "not_an_event")
	w.Want(platform(w.signed(strings.Replace(body, `"account":"acct_1",`, "", 1))), 200, "")
}

func TestAClosingOrganizationTakesNoMoney(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, token := w.invoice(owner, 10000, "EUR")
	session := w.session(token, nil)
	tx := w.Store.Begin()
	tx.Change(w.orgOf(owner), access.OrganizationGateKey(owner.Org), func(u *dynamo.Update) { u.Set("status", access.Closing) })
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Want(w.checkout(token, nil), 409, "payment_not_offered")
	if err := w.do(payments.ExpireCheckouts(w.client, appURL), bus.CheckoutOutdated{Row: bus.RowOf(access.OrganizationGateKey(owner.Org))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stripe.Pay(session, stripe.Payment{}); err == nil || w.hasCheckout(owner, i) {
		t.Error("the page can still be paid")
	}
	w.deliver()
	if strings.Contains(w.log.String(), payments.UnmatchedEvent) {
		t.Error("the end of a session of ours is not known")
	}
}

// TestTheEndOfAnAccountIsNoAlarm disconnects an account with a page that is open: what Stripe tells of its end comes late.
func TestTheEndOfAnAccountIsNoAlarm(t *testing.T) {
	w, owner, _ := newConnected(t)
	_, token := w.invoice(owner, 10000, "EUR")
	w.session(token, nil)
	w.Want(w.Call(payments.DeletePaymentAccount(w.Store, w.client, appURL), owner, apitest.Request{}), 204, "")
	w.deliver()
	if strings.Contains(w.log.String(), payments.UnmatchedEvent) {
		t.Error("an alarm counts the end of an account")
	}
}

// TestAnOlderAnswerNeverWins lets a run wait amid its questions while another writes down what came later.
func TestAnOlderAnswerNeverWins(t *testing.T) {
	w, owner, _ := newConnected(t)
	i, p := w.paid(owner, 10000)
	if _, err := w.stripe.OpenDispute(stripe.Dispute{PaymentIntent: p.Stripe.Intent}); err != nil {
		t.Fatal(err)
	}
	opened := w.collect()[0]
	w.Want(w.receive(opened), 200, "")
	wait := &slow{path: "/v1/disputes", answered: make(chan struct{}), release: make(chan struct{})}
	w.slow.Store(wait)
	done := make(chan error, 1)
	go func() { done <- w.apply(opened) }()
	<-wait.answered
	list, _ := w.ask(p.Stripe.Account, "/v1/disputes?payment_intent="+p.Stripe.Intent)["data"].([]any)
	dispute, _ := list[0].(map[string]any)["id"].(string)
	if _, err := w.stripe.CloseDispute(dispute, false); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	close(wait.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := w.payments(owner, i)[0]; got.Disputes[0].Status != invoicing.DisputeLost || w.read(owner, i).PaidTotal.Amount != 0 {
		t.Errorf("the payment = %+v; want the dispute lost", got)
	}
}

// TestTheDailyAskingGoesOnWhereItStopped finds what no webhook told behind a page of other events, though the run before died
// at that page.
func TestTheDailyAskingGoesOnWhereItStopped(t *testing.T) {
	w, owner, account := newConnected(t)
	i, p := w.paid(owner, 10000)
	intent := p.Stripe.Intent
	if _, err := w.client.Refund(t.Context(), account, "dashboard", intent, 1000, ""); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, err := w.stripe.Restrict(account); err != nil {
			t.Fatal(err)
		}
		if _, err := w.stripe.Onboard(account); err != nil {
			t.Fatal(err)
		}
	}
	w.collect() // nobody hears of any of it
	owner = w.pass(owner, 25*time.Hour)
	second := "starting_after=evt_"
	w.broken.Store(&second)
	if err := w.reconcile(); err == nil {
		t.Error("a run that could not read on succeeded")
	}
	w.broken.Store(nil)
	if got := w.payments(owner, i)[0]; got.Refunded.Amount != 0 {
		t.Error("the refund is on the first page; the test shows nothing")
	}
	a, err := invoicing.ReadAccount(t.Context(), w.orgOf(owner))
	if err != nil || a.After == "" || a.Run == 0 {
		t.Errorf("the account = %+v, %v; want how far the run came", a, err)
	}
	for range 2 {
		if err := w.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.payments(owner, i)[0]; got.Refunded.Amount != 1000 || w.read(owner, i).PaidTotal.Amount != 9000 {
		t.Errorf("the payment = %+v; want the refund", got)
	}
	if a, err = invoicing.ReadAccount(t.Context(), w.orgOf(owner)); err != nil || a.After != "" || a.Run != 0 || a.Due != w.Clock.Now().Add(24*time.Hour).Unix() {
		t.Errorf("the account = %+v, %v; want the next day's clock", a, err)
	}
}

func TestTwoConnectAtOnce(t *testing.T) {
	w := newWorld(t)
	for range size.Of(3, 30) {
		owner := w.studio()
		before := len(w.ask("", "/v1/accounts?limit=100")["data"].([]any))
		var ids [4]string
		var all []func()
		for n := range ids {
			all = append(all, func() {
				a := w.Call(payments.CreatePaymentAccount(w.Store, w.client, appURL), owner, apitest.Request{})
				var b payments.ConnectedBody
				if a.Status == 201 {
					a.Into(t, &b)
				} else if a.Status != 503 { // a twin's call was under way at Stripe for too long
					t.Errorf("connect = %d %s", a.Status, a.Body)
				}
				ids[n] = b.AccountID
			})
		}
		atOnce(all...)
		is := w.account(owner).AccountID
		for _, id := range ids {
			if id != "" && id != is {
				t.Errorf("accounts = %v; want one", ids)
			}
		}
		if after := len(w.ask("", "/v1/accounts?limit=100")["data"].([]any)); after != before+1 {
			t.Errorf("%d accounts were made; want one", after-before)
		}
	}
}
