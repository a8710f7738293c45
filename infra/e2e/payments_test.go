package e2e_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/payments/receiving"
)

// steer makes a control call of the stack's Stripe and gives its answer.
func (c *caller) steer(path string, body any) map[string]any {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := http.Post(cloud.Control+"/_local/stripe/"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(a.Body).Decode(&out); err != nil || a.StatusCode != 200 {
		c.t.Fatalf("%s = %d %v %v", path, a.StatusCode, out, err)
	}
	return out
}

// connected connects the organization to an account that may charge, and gives its id.
func (c *caller) connected() string {
	c.t.Helper()
	account := c.must(201, journey.Call{Method: "POST", Path: "/v1/payments/account", Body: map[string]any{}}).Text("account_id")
	c.steer("accounts/"+account+"/onboard", map[string]any{})
	c.settle()
	return account
}

// checkout opens the page on which an invoice is paid and gives its session.
func (c *caller) checkout(token string) string {
	c.t.Helper()
	url := c.must(201, journey.Call{Method: "POST", Path: "/v1/public/invoices/" + token + "/checkout", Token: "none", Body: map[string]any{}}).Text("url")
	return url[strings.LastIndex(url, "/")+1:]
}

// paid makes an invoice that is paid through Stripe, and gives it with its payment.
func (c *caller) paid() (invoice, payment string) {
	c.t.Helper()
	invoice = c.newInvoice()
	c.steer("sessions/"+c.checkout(c.sendInvoice(invoice))+"/pay", map[string]any{})
	c.settle()
	return invoice, c.paymentOf(invoice)
}

func (c *caller) paymentOf(invoice string) string {
	c.t.Helper()
	return c.must(200, journey.Call{Method: "GET", Path: "/v1/payments?invoice_id=" + invoice}).Text("data.0.id")
}

// signedStripe gives the headers of a webhook as Stripe signs it.
func signedStripe(endpoint string, body []byte) map[string]string {
	at := cloud.Clock.Now().Unix()
	m := hmac.New(sha256.New, []byte(cloud.Secrets["/pixeltrack/local/"+endpoint]))
	fmt.Fprintf(m, "%d.%s", at, body)
	return map[string]string{"Stripe-Signature": fmt.Sprintf("t=%d,v1=%x", at, m.Sum(nil))}
}

func paymentSteps() []step {
	hook := func(operation, path, endpoint, more string) step {
		return step{operation: operation, status: 200, public: true, prepare: func(p *caller) journey.Call {
			body := []byte(`{"id":"evt_` + unique() + `","object":"event","type":"balance.available","created":` + fmt.Sprint(p.now().Unix()) + more + `,"data":{"object":{}}}`)
			return journey.Call{Method: "POST", Path: path, Body: body, Headers: signedStripe(endpoint, body)}
		}}
	}
	return []step{
		{operation: "get-payment", status: 200, prepare: func(p *caller) journey.Call {
			id := p.newInvoice()
			p.sendInvoice(id)
			return journey.Call{Method: "GET", Path: "/v1/payments/" + p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(id, 6065)}).Text("id")}
		}},
		{operation: "get-payment-account", status: 200, prepare: func(p *caller) journey.Call {
			return journey.Call{Method: "GET", Path: "/v1/payments/account"}
		}},
		{operation: "create-payment-account", status: 201, prepare: func(*caller) journey.Call {
			return journey.Call{Method: "POST", Path: "/v1/payments/account", Body: map[string]any{}, Key: "key-" + unique()}
		}, alone: true, check: func(_ testing.TB, p *caller) error {
			if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}); a.Text("status") != "onboarding" {
				return fmt.Errorf("the account = %s", a.Body)
			}
			return nil
		}},
		{operation: "delete-payment-account", status: 204, alone: true, prepare: func(p *caller) journey.Call {
			p.connected()
			p.checkout(p.sendInvoice(p.newInvoice()))
			return journey.Call{Method: "DELETE", Path: "/v1/payments/account"}
		}, check: func(_ testing.TB, p *caller) error {
			if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}); a.Text("status") != "disconnected" {
				return fmt.Errorf("the account = %s", a.Body)
			}
			return nil
		}},
		{operation: "create-checkout", status: 201, alone: true, public: true, prepare: func(p *caller) journey.Call {
			p.connected()
			token := p.sendInvoice(p.newInvoice())
			p.settle()
			return journey.Call{Method: "POST", Path: "/v1/public/invoices/" + token + "/checkout", Body: map[string]any{}}
		}, check: func(_ testing.TB, p *caller) error {
			open := 0
			account := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}).Text("account_id")
			for _, raw := range cloud.Stripe.Sessions() {
				var s struct{ Account, Status string }
				if json.Unmarshal(raw, &s) == nil && s.Account == account && s.Status == "open" {
					open++
				}
			}
			if open != 1 {
				return fmt.Errorf("%d pages are open; want one", open)
			}
			return nil
		}},
		{operation: "create-refund", status: 201, alone: true, moves: true, prepare: func(p *caller) journey.Call {
			p.connected()
			_, payment := p.paid()
			p.mark = payment
			return journey.Call{Method: "POST", Path: "/v1/payments/" + payment + "/refunds", Body: map[string]any{"amount": eur(6065)}, Key: "key-" + unique()}
		}, check: func(_ testing.TB, p *caller) error {
			pass(2 * time.Minute)
			if err := p.RunJob(p.t.Context(), "ReconcilePayments"); err != nil {
				return err
			}
			p.settle()
			if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/" + p.mark}); a.Text("refunded.amount") != "6065" || a.Text("refunds.0.status") != "succeeded" || a.Text("refunds.1.id") != "" {
				return fmt.Errorf("the payment = %s", a.Body)
			}
			return nil
		}},
		hook("receive-stripe", "/v1/webhooks/stripe", "stripe-webhook-secret", ""),
		hook("receive-stripe-connect", "/v1/webhooks/stripe-connect", "stripe-connect-webhook-secret", `,"account":"acct_nobody"`),
	}
}

// TestAClientPaysOnline follows money from a public page into the books and out again, with webhooks that come twice and the
// wrong way round.
func TestAClientPaysOnline(t *testing.T) {
	p := signUp(t)
	account := p.connected()
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}); a.Text("status") != "enabled" || a.Text("account_id") != account {
		t.Fatalf("the account = %s", a.Body)
	}
	invoice := p.newInvoice()
	token := p.sendInvoice(invoice)
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/public/invoices/" + token, Token: "none"}); a.Text("online_payment.payable") != "true" {
		t.Errorf("the page = %s", a.Body)
	}
	pass(49 * time.Hour) // what is paid another day is kept longer
	p.logIn()
	session := p.checkout(token)
	p.steer("webhooks", map[string]any{"hold": true, "times": 2})
	defer p.steer("webhooks", map[string]any{"hold": false, "times": 1})
	told := func(order string) {
		t.Helper()
		p.steer("webhooks", map[string]any{"hold": false, "order": order})
		p.settle()
		p.steer("webhooks", map[string]any{"hold": true})
	}
	p.steer("sessions/"+session+"/pay", map[string]any{"outcome": "declined"})
	p.steer("sessions/"+session+"/pay", map[string]any{})
	told("reverse")
	is := func(status, paid string) {
		t.Helper()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); a.Text("status") != status || a.Text("paid_total.amount") != paid {
			t.Errorf("the invoice is %s, paid %s; want %s, %s", a.Text("status"), a.Text("paid_total.amount"), status, paid)
		}
	}
	is("paid", "16065")
	payment := p.paymentOf(invoice)
	pass(49 * time.Hour)
	p.logIn()
	a := p.must(201, journey.Call{Method: "POST", Path: "/v1/payments/" + payment + "/refunds", Body: map[string]any{"amount": eur(6065), "reason": "requested_by_customer"}})
	if a.Text("status") != "succeeded" {
		t.Errorf("the refund = %s", a.Body)
	}
	told("shuffle")
	is("partly_paid", "10000")
	intent := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/" + payment}).Text("stripe.payment_intent")
	dispute := p.steer("disputes", map[string]any{"payment_intent": intent})["id"].(string)
	told("reverse")
	is("partly_paid", "10000")
	p.steer("disputes/"+dispute+"/close", map[string]any{"status": "lost"})
	told("shuffle")
	is("viewed", "0")
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments?invoice_id=" + invoice}); strings.Count(string(a.Body), `"id":"pay_`) != 1 || a.Text("data.0.disputes.0.status") != "lost" {
		t.Errorf("payments = %s", a.Body)
	}
}

// TestWhatNoWebhookToldIsFound loses the webhooks of a payment: the daily asking finds it.
func TestWhatNoWebhookToldIsFound(t *testing.T) {
	p := signUp(t)
	p.connected()
	invoice := p.newInvoice()
	session := p.checkout(p.sendInvoice(invoice))
	p.steer("webhooks", map[string]any{"hold": true})
	p.steer("sessions/"+session+"/pay", map[string]any{})
	p.steer("webhooks", map[string]any{"hold": false, "order": "drop"})
	pass(25 * time.Hour)
	if err := p.RunJob(t.Context(), "ReconcilePayments"); err != nil {
		t.Fatal(err)
	}
	p.logIn()
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); a.Text("status") != "paid" {
		t.Errorf("the invoice = %s", a.Body)
	}
}

// TestACheckoutEndsWithWhatItWasFor ends the page of an invoice that is void, paid by hand, or of an organization that closes.
func TestACheckoutEndsWithWhatItWasFor(t *testing.T) {
	p := signUp(t)
	p.connected()
	open := func() (string, string) {
		t.Helper()
		invoice := p.newInvoice()
		return invoice, p.checkout(p.sendInvoice(invoice))
	}
	ended := func(what, session string) {
		t.Helper()
		p.settle()
		if _, err := cloud.Stripe.Pay(session, stripe.Payment{}); err == nil {
			t.Errorf("the page %s can still be paid", what)
		}
	}
	void, first := open()
	p.must(200, journey.Call{Method: "POST", Path: "/v1/invoices/" + void + "/void", IfMatch: "*", Body: map[string]any{"reason": "Wrong client"}})
	ended("of a void invoice", first)
	paid, second := open()
	p.must(201, journey.Call{Method: "POST", Path: "/v1/payments", Body: p.paymentBody(paid, 65)})
	ended("of a part that is paid", second)
	_, third := open()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	ended("of an organization that closes", third)
}

// TestMoneyThatCameBeforeTheEnd disconnects an account while a payment is yet to be told: it is written down first.
func TestMoneyThatCameBeforeTheEnd(t *testing.T) {
	p := signUp(t)
	p.connected()
	invoice := p.newInvoice()
	token := p.sendInvoice(invoice)
	pass(49 * time.Hour)
	p.logIn()
	session := p.checkout(token)
	p.steer("webhooks", map[string]any{"hold": true})
	p.steer("sessions/"+session+"/pay", map[string]any{})
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/payments/account"})
	p.steer("webhooks", map[string]any{"hold": false, "order": "drop"})
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); a.Text("status") != "paid" {
		t.Errorf("the invoice = %s", a.Body)
	}
}

// TestAnEventIsFinishedByTheNextRun kills the job amid what it does with an event, at each of its calls in turn, and runs it
// again: the payment is written down once.
func TestAnEventIsFinishedByTheNextRun(t *testing.T) {
	p := signUp(t)
	p.connected()
	for n := 1; n <= size.Of(6, 30); n += 1 + size.Of(1, 0) {
		invoice := p.newInvoice()
		session := p.checkout(p.sendInvoice(invoice))
		p.settle()
		cloud.Stream.Off()
		p.steer("sessions/"+session+"/pay", map[string]any{})
		for cloud.Stripe.Pending() > 0 {
			<-time.After(time.Millisecond)
		}
		for _, e := range cloud.Stripe.Events() {
			if e.Type == "checkout.session.completed" && strings.Contains(string(e.Object), session) {
				row := receiving.Event{Account: e.Account, ID: e.ID}
				event := []byte(fmt.Sprintf(`{"source":"pixeltrack","detail-type":"StripeReceived","detail":{"pk":%q,"sk":%q}}`, row.Keys().Primary.PK, row.Keys().Primary.SK))
				killedAt(t, "apply-stripe-event", n, event)
				run(t, "apply-stripe-event", event)
			}
		}
		cloud.Stream.On()
		p.settle()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); a.Text("status") != "paid" || count(p, "/v1/payments?invoice_id="+invoice, `"id":"pay_`) != 1 {
			t.Errorf("killed at call %d: the invoice = %s", n, a.Body)
		}
	}
}

// TestARefundThatStripeDidNotHear loses the call of a refund: it is pending, and told again a minute later, once.
func TestARefundThatStripeDidNotHear(t *testing.T) {
	p := signUp(t)
	p.connected()
	for _, kind := range []string{"timeout_before", "timeout_after", "error"} {
		_, payment := p.paid()
		id := "unheard-" + unique()
		if err := cloud.Faults.Add(calls.Plan{RequestID: id, Service: "stripe", Operation: "POST /v1/refunds", Kind: kind, Times: -1}); err != nil {
			t.Fatal(err)
		}
		a := p.must(201, journey.Call{Method: "POST", Path: "/v1/payments/" + payment + "/refunds", Body: map[string]any{"amount": eur(6065)}, Headers: map[string]string{"X-Local-Request": id}})
		if cloud.Faults.Forget(id) == 0 || a.Text("status") != "pending" {
			t.Errorf("%s: the refund = %s", kind, a.Body)
		}
		pass(2 * time.Minute)
		if err := p.RunJob(t.Context(), "ReconcilePayments"); err != nil {
			t.Fatal(err)
		}
		p.settle()
		p.logIn()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/" + payment}); a.Text("refunds.0.status") != "succeeded" || a.Text("refunds.1.id") != "" || a.Text("refunded.amount") != "6065" {
			t.Errorf("%s: the payment = %s", kind, a.Body)
		}
	}
}

// TestAnOutsiderTellsOfEvents drives payments by events alone, as true ones and as forgeries.
func TestAnOutsiderTellsOfEvents(t *testing.T) {
	p := signUp(t)
	account := p.connected()
	invoice := p.newInvoice()
	session := p.checkout(p.sendInvoice(invoice))
	tell := func(kind string, object map[string]any, more ...string) {
		t.Helper()
		body := map[string]any{"type": kind, "object": object}
		for _, m := range more {
			body[m] = true
		}
		p.steer("events", body)
		p.settle()
	}
	is := func(status, paid string) journey.Answer {
		t.Helper()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/invoices/" + invoice}); a.Text("status") != status || a.Text("paid_total.amount") != paid {
			t.Errorf("the invoice is %s, paid %s; want %s, %s", a.Text("status"), a.Text("paid_total.amount"), status, paid)
		}
		return p.must(200, journey.Call{Method: "GET", Path: "/v1/payments?invoice_id=" + invoice})
	}
	tell("checkout.session.completed", map[string]any{"id": session, "payment_status": "paid"}, "bad_signature")
	tell("checkout.session.completed", map[string]any{"id": session, "payment_status": "paid"}, "old_signature")
	is("sent", "0")
	tell("checkout.session.completed", map[string]any{"id": session, "payment_status": "paid"})
	charge := is("paid", "16065").Text("data.0.stripe.charge")
	tell("charge.refunded", map[string]any{"id": charge, "amount_refunded": 6065})
	is("partly_paid", "10000")
	tell("charge.dispute.created", map[string]any{"id": "dp_outside", "charge": charge, "amount": 10000, "status": "needs_response"})
	if a := is("partly_paid", "10000"); a.Text("data.0.disputes.0.id") != "dp_outside" {
		t.Errorf("payments = %s", a.Body)
	}
	tell("charge.dispute.closed", map[string]any{"id": "dp_outside", "status": "lost"})
	is("sent", "0")
	tell("account.updated", map[string]any{"id": account, "charges_enabled": false})
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}); a.Text("status") != "restricted" {
		t.Errorf("the account = %s", a.Body)
	}
}

// TestAnAccountLeavesAndComesBack lets the owner of an account end the platform's access, told of and not, and give it again.
func TestAnAccountLeavesAndComesBack(t *testing.T) {
	p := signUp(t)
	first := p.connected()
	is := func(account, status string) {
		t.Helper()
		p.settle()
		if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/account"}); a.Text("account_id") != account || a.Text("status") != status {
			t.Errorf("the account = %s; want %s, %s", a.Body, account, status)
		}
	}
	p.steer("accounts/"+first+"/deauthorize", map[string]any{})
	is(first, "disconnected")
	p.steer("accounts/"+first+"/authorize", map[string]any{})
	is(first, "enabled")
	p.steer("webhooks", map[string]any{"hold": true})
	p.steer("accounts/"+first+"/deauthorize", map[string]any{})
	p.steer("webhooks", map[string]any{"hold": false, "order": "drop"})
	second := p.must(201, journey.Call{Method: "POST", Path: "/v1/payments/account", Body: map[string]any{}}).Text("account_id")
	if second == first {
		t.Error("the account that left is connected")
	}
	is(second, "onboarding")
}

// TestARefundUnderOneKey sends one refund several times at once: it is one.
func TestARefundUnderOneKey(t *testing.T) {
	p := signUp(t)
	p.connected()
	_, payment := p.paid()
	c := journey.Call{Method: "POST", Path: "/v1/payments/" + payment + "/refunds", Body: map[string]any{"amount": eur(1000)}, Key: "key-" + unique()}
	p.must(422, journey.Call{Method: "POST", Path: c.Path, Body: map[string]any{"amount": eur(99999)}}) // the function is warm
	cloud.Door.Slow(20 * time.Millisecond)
	defer cloud.Door.Slow(0)
	atOnce(4, func(int) {
		if a := p.call(c); a.Status != 201 && a.Status != 409 {
			t.Errorf("refund = %d %s", a.Status, a.Body)
		}
	})
	p.settle()
	if a := p.must(200, journey.Call{Method: "GET", Path: "/v1/payments/" + payment}); a.Text("refunded.amount") != "1000" || a.Text("refunds.1.id") != "" {
		t.Errorf("the payment = %s", a.Body)
	}
}
