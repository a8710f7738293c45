package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/stripe"
)

const (
	secretKey      = "sk_test_0123456789abcdef"
	platformSecret = "whsec_platform"
	connectSecret  = "whsec_connect"
)

// hook is a product that takes webhooks.
type hook struct {
	mu     sync.Mutex
	status func(n int) int // the answer to the nth call
	calls  []posted
}

type posted struct {
	path, signature, body string
	event                 api.Event
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p := posted{path: r.URL.Path, signature: r.Header.Get("Stripe-Signature"), body: string(body)}
	if err != nil || json.Unmarshal(body, &p.event) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, p)
	if h.status != nil {
		w.WriteHeader(h.status(len(h.calls)))
	}
}

// world is a server, a client of it, a product for its webhooks and a clock.
type world struct {
	*stripe.Server
	t     *testing.T
	api   *client.API
	url   string
	hook  *hook
	clock *simclock.Clock
}

func start(t *testing.T, change func(*stripe.Options)) *world {
	t.Helper()
	h := &hook{}
	product := httptest.NewServer(h)
	t.Cleanup(product.Close)
	clock := &simclock.Clock{}
	o := stripe.Options{Key: secretKey, Clock: clock, Platform: stripe.Endpoint{URL: product.URL + "/v1/webhooks/stripe", Secret: platformSecret},
		Connect: stripe.Endpoint{URL: product.URL + "/v1/webhooks/stripe-connect", Secret: connectSecret},
		Retries: []time.Duration{time.Millisecond, time.Millisecond}}
	if change != nil {
		change(&o)
	}
	s := stripe.New(o)
	t.Cleanup(s.Close)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return &world{Server: s, t: t, api: clientOf(web.URL, secretKey), url: web.URL, hook: h, clock: clock}
}

// clientOf is stripe-go pointed at a base, without attempts of its own.
func clientOf(base, key string) *client.API {
	config := &api.BackendConfig{URL: api.String(base), MaxNetworkRetries: api.Int64(0), LeveledLogger: &api.LeveledLogger{Level: api.LevelNull}}
	return client.New(key, &api.Backends{API: api.GetBackendWithConfig(api.APIBackend, config), Connect: api.GetBackendWithConfig(api.ConnectBackend, config),
		Uploads: api.GetBackendWithConfig(api.UploadsBackend, config)})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// quiet waits until every webhook is out.
func (w *world) quiet() {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); w.Pending() > 0; {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d webhooks are still pending", w.Pending())
		}
		<-time.After(time.Millisecond)
	}
}

// came gives the webhooks so far and forgets them.
func (w *world) came() []posted {
	w.t.Helper()
	w.quiet()
	w.hook.mu.Lock()
	defer w.hook.mu.Unlock()
	all := w.hook.calls
	w.hook.calls = nil
	return all
}

// types gives the types of the webhooks so far and forgets them.
func (w *world) types() []string {
	w.t.Helper()
	list := []string{}
	for _, p := range w.came() {
		list = append(list, string(p.event.Type))
	}
	return list
}

func (w *world) wantTypes(want ...string) {
	w.t.Helper()
	if got := w.types(); !slices.Equal(got, want) {
		w.t.Errorf("events = %v; want %v", got, want)
	}
}

// account makes a connected account that may charge.
func (w *world) account() string {
	w.t.Helper()
	a, err := w.api.Accounts.New(&api.AccountParams{Type: api.String("standard"), Country: api.String("DE"), Email: api.String("ada@example.com")})
	w.must(err)
	_, err = w.Onboard(a.ID)
	w.must(err)
	w.came()
	return a.ID
}

// sessionParams ask for two things of 12.50 EUR.
func sessionParams(account string) *api.CheckoutSessionParams {
	p := &api.CheckoutSessionParams{Mode: api.String("payment"), SuccessURL: api.String("https://example.org/paid?session={CHECKOUT_SESSION_ID}"),
		CancelURL: api.String("https://example.org/invoice"), ClientReferenceID: api.String("inv_1"),
		LineItems: []*api.CheckoutSessionLineItemParams{{Quantity: api.Int64(2), PriceData: &api.CheckoutSessionLineItemPriceDataParams{Currency: api.String("eur"),
			UnitAmount: api.Int64(1250), ProductData: &api.CheckoutSessionLineItemPriceDataProductDataParams{Name: api.String("Invoice INV-1")}}}},
		PaymentIntentData: &api.CheckoutSessionPaymentIntentDataParams{Description: api.String("Invoice INV-1"), Metadata: map[string]string{"invoice": "inv_1"}}}
	p.Metadata = map[string]string{"kind": "invoice"}
	if account != "" {
		p.SetStripeAccount(account)
	}
	return p
}

func (w *world) session(account string) *api.CheckoutSession {
	w.t.Helper()
	s, err := w.api.CheckoutSessions.New(sessionParams(account))
	w.must(err)
	return s
}

// paid makes a session, pays it and gives it as it is then.
func (w *world) paid(account string) *api.CheckoutSession {
	w.t.Helper()
	s := w.session(account)
	_, err := w.Pay(s.ID, stripe.Payment{})
	w.must(err)
	w.came()
	return w.reread(account, s.ID)
}

func (w *world) reread(account, id string) *api.CheckoutSession {
	w.t.Helper()
	p := &api.CheckoutSessionParams{}
	if account != "" {
		p.SetStripeAccount(account)
	}
	s, err := w.api.CheckoutSessions.Get(id, p)
	w.must(err)
	return s
}

// wantError compares an error of Stripe's.
func wantError(t *testing.T, err error, status int, kind api.ErrorType, code api.ErrorCode, param string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Errorf("error = %v; want one of Stripe's", err)
		return
	}
	if e.HTTPStatusCode != status || e.Type != kind || e.Code != code || e.Param != param {
		t.Errorf("error = %d %s %q %q: %s; want %d %s %q %q", e.HTTPStatusCode, e.Type, e.Code, e.Param, e.Msg, status, kind, code, param)
	}
	if e.RequestID == "" {
		t.Error("the error has no request id")
	}
}

func TestAccounts(t *testing.T) {
	w := start(t, nil)
	p := &api.AccountParams{Type: api.String("express"), Country: api.String("DE")}
	p.Metadata = map[string]string{"organization": "org_1"}
	a, err := w.api.Accounts.New(p)
	w.must(err)
	if !strings.HasPrefix(a.ID, "acct_1") || a.Type != "express" || a.ChargesEnabled || a.DetailsSubmitted || a.DefaultCurrency != "eur" || a.Metadata["organization"] != "org_1" {
		t.Fatalf("account = %+v; want a new express account that may not charge", a)
	}
	own := sessionParams(a.ID)
	_, err = w.api.CheckoutSessions.New(own)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "", "")

	link, err := w.api.AccountLinks.New(&api.AccountLinkParams{Account: &a.ID, Type: api.String("account_onboarding"), RefreshURL: api.String("https://example.org/again"), ReturnURL: api.String("https://example.org/done")})
	w.must(err)
	if want := w.clock.Now().Add(5 * time.Minute).Unix(); link.ExpiresAt < want-2 || link.ExpiresAt > want {
		t.Errorf("the link expires at %d; want %d", link.ExpiresAt, want)
	}
	if got := w.follow(link.URL); got != "https://example.org/done" {
		t.Errorf("the link leads to %q; want the return address", got)
	}
	events := w.came()
	if len(events) != 1 || events[0].path != "/v1/webhooks/stripe-connect" || events[0].event.Account != a.ID || events[0].event.Type != "account.updated" {
		t.Fatalf("events = %+v; want account.updated of the account to the Connect endpoint", events)
	}
	if _, ok := events[0].event.Data.PreviousAttributes["charges_enabled"]; !ok {
		t.Error("account.updated does not say what charges_enabled was")
	}
	if got := w.follow(link.URL); got != "https://example.org/again" {
		t.Errorf("the link leads to %q the second time; want the refresh address", got)
	}
	a, err = w.api.Accounts.GetByID(a.ID, nil)
	w.must(err)
	if !a.ChargesEnabled || !a.DetailsSubmitted || !a.PayoutsEnabled {
		t.Errorf("account = %+v; want it enabled", a)
	}
	link, err = w.api.AccountLinks.New(&api.AccountLinkParams{Account: &a.ID, Type: api.String("account_onboarding"), RefreshURL: api.String("https://example.org/again"), ReturnURL: api.String("https://example.org/done")})
	w.must(err)
	w.clock.Advance(time.Hour)
	if got := w.follow(link.URL); got != "https://example.org/again" {
		t.Errorf("a link of an hour ago leads to %q; want the refresh address", got)
	}
	if _, err := w.Restrict(a.ID); err != nil {
		t.Fatal(err)
	}
	w.wantTypes("account.updated")
	_, err = w.api.CheckoutSessions.New(own)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "", "")
}

func TestADeletedAccountIsGoneForGood(t *testing.T) {
	w := start(t, nil)
	account, other := w.account(), w.account()
	_, err := w.api.Accounts.Del(account, nil)
	w.must(err)
	_, err = w.api.Accounts.GetByID(account, nil)
	wantError(t, err, 403, api.ErrorTypeInvalidRequest, "account_invalid", "")
	if _, err := w.Authorize(account); !errors.Is(err, stripe.ErrMissing) {
		t.Errorf("Authorize = %v; want ErrMissing", err)
	}
	var left []string
	for i := w.api.Accounts.List(&api.AccountListParams{}); i.Next(); {
		left = append(left, i.Account().ID)
	}
	if !slices.Equal(left, []string{other}) {
		t.Errorf("accounts = %v; want %s alone", left, other)
	}
	w.wantTypes()
}

// follow opens a page and gives where it leads.
func (w *world) follow(page string) string {
	w.t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stay.Get(page)
	w.must(err)
	r.Body.Close()
	return r.Header.Get("Location")
}

func TestDeauthorize(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *world, account string) error
	}{
		{"by its owner", func(w *world, account string) error { return w.Deauthorize(account) }},
		{"by the platform", func(w *world, account string) error {
			_, err := w.api.OAuth.Del(&api.DeauthorizeParams{ClientID: api.String("ca_1"), StripeUserID: &account})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, nil)
			account, other := w.account(), w.account()
			s := w.session(account)
			w.must(tt.do(w, account))
			events := w.came()
			if len(events) != 1 || events[0].event.Type != "account.application.deauthorized" || events[0].event.Account != account {
				t.Fatalf("events = %+v; want one deauthorization", events)
			}
			p := &api.CheckoutSessionParams{}
			p.SetStripeAccount(account)
			_, err := w.api.CheckoutSessions.Get(s.ID, p)
			wantError(t, err, 403, api.ErrorTypeInvalidRequest, "account_invalid", "")
			_, err = w.api.Accounts.GetByID(account, nil)
			wantError(t, err, 403, api.ErrorTypeInvalidRequest, "account_invalid", "")
			if err := w.Deauthorize(account); !errors.Is(err, stripe.ErrMissing) {
				t.Errorf("Deauthorize again = %v; want ErrMissing", err)
			}
			if _, err := w.Pay(s.ID, stripe.Payment{}); !errors.Is(err, stripe.ErrState) {
				t.Errorf("Pay = %v; want ErrState", err)
			}
			w.clock.Advance(25 * time.Hour)
			w.wantTypes() // nothing of the account comes any more
			w.session(other)
			_, err = w.Authorize(account)
			w.must(err)
			w.wantTypes("account.application.authorized")
			if got := w.reread(account, s.ID); got.Status != "expired" {
				t.Errorf("the session of an account that came back is %s; want what it had become", got.Status)
			}
			w.session(account)
			if _, err := w.Authorize(account); !errors.Is(err, stripe.ErrState) {
				t.Errorf("Authorize again = %v; want ErrState", err)
			}
		})
	}
}

func TestASessionIsPaid(t *testing.T) {
	for _, connected := range []bool{true, false} {
		t.Run(fmt.Sprintf("connected %v", connected), func(t *testing.T) {
			w := start(t, nil)
			account, path := "", "/v1/webhooks/stripe"
			if connected {
				account, path = w.account(), "/v1/webhooks/stripe-connect"
			}
			s := w.session(account)
			if !strings.HasPrefix(s.ID, "cs_test_") || s.Status != "open" || s.PaymentStatus != "unpaid" || s.AmountTotal != 2500 || s.Currency != "eur" ||
				s.ClientReferenceID != "inv_1" || s.Metadata["kind"] != "invoice" || s.PaymentIntent != nil || s.Livemode || !strings.HasPrefix(s.URL, w.url) {
				t.Fatalf("session = %+v; want an open one of 25.00 EUR", s)
			}
			if want := w.clock.Now().Add(24 * time.Hour).Unix(); s.ExpiresAt < want-2 || s.ExpiresAt > want {
				t.Errorf("it expires at %d; want a day from now, %d", s.ExpiresAt, want)
			}
			w.wantTypes()
			if _, err := w.Pay(s.ID, stripe.Payment{Email: "bob@example.com"}); err != nil {
				t.Fatal(err)
			}
			events := w.came()
			var got []string
			for _, p := range events {
				got = append(got, string(p.event.Type))
				if p.path != path || p.event.Account != account || p.event.Livemode || p.event.APIVersion != api.APIVersion {
					t.Errorf("%s came to %s with account %q; want %s and %q", p.event.Type, p.path, p.event.Account, path, account)
				}
			}
			if want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}; !slices.Equal(got, want) {
				t.Fatalf("events = %v; want %v", got, want)
			}
			var told api.CheckoutSession
			w.must(json.Unmarshal(events[3].event.Data.Raw, &told))
			if told.ID != s.ID || told.PaymentStatus != "paid" || told.Status != "complete" || told.PaymentIntent == nil || told.ClientReferenceID != "inv_1" {
				t.Errorf("the event tells %+v; want the paid session", told)
			}
			s = w.reread(account, s.ID)
			if s.CustomerDetails.Email != "bob@example.com" || s.URL != "" {
				t.Errorf("session = %+v; want the payer's address and no link", s)
			}
			ip := &api.PaymentIntentParams{}
			ip.AddExpand("latest_charge.balance_transaction")
			if account != "" {
				ip.SetStripeAccount(account)
			}
			intent, err := w.api.PaymentIntents.Get(s.PaymentIntent.ID, ip)
			w.must(err)
			if intent.Status != "succeeded" || intent.AmountReceived != 2500 || intent.Metadata["invoice"] != "inv_1" || intent.Description != "Invoice INV-1" {
				t.Errorf("intent = %+v; want a succeeded one of 25.00", intent)
			}
			charge := intent.LatestCharge
			if !charge.Paid || charge.Amount != 2500 || charge.BalanceTransaction.Fee != 103 || charge.BalanceTransaction.Net != 2397 || charge.PaymentMethodDetails.Card.Last4 != "4242" {
				t.Errorf("charge = %+v; want a paid one with a fee of 1.03", charge)
			}
			if _, err := w.Pay(s.ID, stripe.Payment{}); !errors.Is(err, stripe.ErrState) {
				t.Errorf("Pay again = %v; want ErrState", err)
			}
		})
	}
}

func TestAnAccountSeesItsOwnAlone(t *testing.T) {
	w := start(t, nil)
	a, b := w.account(), w.account()
	s := w.paid(a)
	for _, other := range []string{"", b} {
		p := &api.CheckoutSessionParams{}
		if other != "" {
			p.SetStripeAccount(other)
		}
		_, err := w.api.CheckoutSessions.Get(s.ID, p)
		wantError(t, err, 404, api.ErrorTypeInvalidRequest, "resource_missing", "id")
		r := &api.RefundParams{PaymentIntent: &s.PaymentIntent.ID}
		if other != "" {
			r.SetStripeAccount(other)
		}
		_, err = w.api.Refunds.New(r)
		wantError(t, err, 400, api.ErrorTypeInvalidRequest, "resource_missing", "payment_intent")
	}
	p := &api.CheckoutSessionParams{}
	p.SetStripeAccount("acct_1nobody")
	_, err := w.api.CheckoutSessions.Get(s.ID, p)
	wantError(t, err, 403, api.ErrorTypeInvalidRequest, "account_invalid", "")
}

func TestADeclinedCardLeavesTheSessionOpen(t *testing.T) {
	w := start(t, nil)
	s := w.session("")
	_, err := w.Pay(s.ID, stripe.Payment{Outcome: "declined", DeclineCode: "insufficient_funds"})
	w.must(err)
	w.wantTypes("payment_intent.created", "charge.failed", "payment_intent.payment_failed")
	s = w.reread("", s.ID)
	if s.Status != "open" || s.PaymentStatus != "unpaid" || s.PaymentIntent == nil {
		t.Fatalf("session = %+v; want it open with its payment begun", s)
	}
	intent, err := w.api.PaymentIntents.Get(s.PaymentIntent.ID, nil)
	w.must(err)
	if intent.Status != "requires_payment_method" || intent.LastPaymentError.DeclineCode != "insufficient_funds" || intent.LastPaymentError.Code != "card_declined" {
		t.Errorf("intent = %+v; want it to say why the card was declined", intent)
	}
	_, err = w.api.Refunds.New(&api.RefundParams{PaymentIntent: &intent.ID})
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "", "payment_intent")
	_, err = w.Pay(s.ID, stripe.Payment{})
	w.must(err)
	w.wantTypes("charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")
	if again := w.reread("", s.ID); again.PaymentIntent.ID != intent.ID || again.PaymentStatus != "paid" {
		t.Errorf("session = %+v; want it paid by the same payment", again)
	}
}

func TestAnAsyncPaymentEndsLater(t *testing.T) {
	for _, came := range []bool{true, false} {
		t.Run(fmt.Sprintf("came %v", came), func(t *testing.T) {
			w := start(t, nil)
			account := w.account()
			s := w.session(account)
			_, err := w.Pay(s.ID, stripe.Payment{Outcome: "async"})
			w.must(err)
			w.wantTypes("payment_intent.created", "payment_intent.processing", "charge.pending", "checkout.session.completed")
			if s = w.reread(account, s.ID); s.Status != "complete" || s.PaymentStatus != "unpaid" {
				t.Errorf("session = %s, %s; want complete, unpaid", s.Status, s.PaymentStatus)
			}
			_, err = w.Clear(s.ID, came)
			w.must(err)
			if _, err := w.Clear(s.ID, came); !errors.Is(err, stripe.ErrState) {
				t.Errorf("Clear again = %v; want ErrState", err)
			}
			s = w.reread(account, s.ID)
			if !came {
				w.wantTypes("charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed")
				if s.PaymentStatus != "unpaid" {
					t.Errorf("it is %s; want unpaid", s.PaymentStatus)
				}
				return
			}
			w.wantTypes("charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded")
			if s.PaymentStatus != "paid" {
				t.Errorf("it is %s; want paid", s.PaymentStatus)
			}
			r := &api.RefundParams{PaymentIntent: &s.PaymentIntent.ID}
			r.SetStripeAccount(account)
			refund, err := w.api.Refunds.New(r)
			w.must(err)
			if refund.Status != "pending" {
				t.Errorf("the refund of a debit is %s; want pending", refund.Status)
			}
			w.came()
			_, err = w.EndRefund(refund.ID, false)
			w.must(err)
			w.wantTypes("refund.updated", "charge.refund.updated")
			c := &api.ChargeParams{}
			c.SetStripeAccount(account)
			charge, err := w.api.Charges.Get(refund.Charge.ID, c)
			w.must(err)
			if charge.AmountRefunded != 0 || charge.Refunded {
				t.Errorf("%d are refunded after the refund failed; want none", charge.AmountRefunded)
			}
		})
	}
}

func TestASessionExpires(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	p := sessionParams(account)
	p.ExpiresAt = api.Int64(w.clock.Now().Add(2 * time.Hour).Unix())
	s, err := w.api.CheckoutSessions.New(p)
	w.must(err)
	_, err = w.Pay(s.ID, stripe.Payment{Outcome: "declined"})
	w.must(err)
	longer := w.session(account)
	w.came()
	w.clock.Advance(2*time.Hour - time.Minute)
	w.wantTypes()
	w.clock.Advance(time.Minute)
	w.wantTypes("checkout.session.expired", "payment_intent.canceled")
	if got := w.reread(account, s.ID); got.Status != "expired" || got.URL != "" {
		t.Errorf("session = %s; want expired", got.Status)
	}
	if _, err := w.Pay(s.ID, stripe.Payment{}); !errors.Is(err, stripe.ErrState) {
		t.Errorf("Pay = %v; want ErrState", err)
	}

	own := &api.CheckoutSessionExpireParams{}
	own.SetStripeAccount(account)
	got, err := w.api.CheckoutSessions.Expire(longer.ID, own)
	w.must(err)
	if got.Status != "expired" {
		t.Errorf("session = %s; want expired when told", got.Status)
	}
	w.wantTypes("checkout.session.expired")
	_, err = w.api.CheckoutSessions.Expire(longer.ID, own)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "", "")
	w.clock.Advance(48 * time.Hour)
	w.wantTypes() // once is enough
}

func TestNothingIsDue(t *testing.T) {
	w := start(t, nil)
	p := sessionParams("")
	p.LineItems[0].PriceData.UnitAmount = api.Int64(0)
	s, err := w.api.CheckoutSessions.New(p)
	w.must(err)
	_, err = w.Pay(s.ID, stripe.Payment{})
	w.must(err)
	w.wantTypes("checkout.session.completed")
	if s = w.reread("", s.ID); s.PaymentStatus != "no_payment_required" || s.PaymentIntent != nil {
		t.Errorf("session = %+v; want it complete without a payment", s)
	}
}

func TestLineItems(t *testing.T) {
	w := start(t, nil)
	p := sessionParams("")
	for i := range 4 {
		item := *p.LineItems[0]
		data := *item.PriceData
		data.UnitAmount, data.ProductData = api.Int64(int64(100+i)), &api.CheckoutSessionLineItemPriceDataProductDataParams{Name: api.String(fmt.Sprint("Line ", i))}
		item.PriceData, item.Quantity = &data, api.Int64(1)
		p.LineItems = append(p.LineItems, &item)
	}
	s, err := w.api.CheckoutSessions.New(p)
	w.must(err)
	if s.AmountTotal != 2500+100+101+102+103 {
		t.Errorf("total = %d; want the sum of the lines", s.AmountTotal)
	}
	lp := &api.CheckoutSessionListLineItemsParams{Session: &s.ID}
	lp.Limit = api.Int64(2)
	var got []string
	for i := w.api.CheckoutSessions.ListLineItems(lp); i.Next(); {
		got = append(got, fmt.Sprintf("%s %d", i.LineItem().Description, i.LineItem().AmountTotal))
	}
	if want := []string{"Invoice INV-1 2500", "Line 0 100", "Line 1 101", "Line 2 102", "Line 3 103"}; !slices.Equal(got, want) {
		t.Errorf("lines = %q; want %q", got, want)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(p *api.CheckoutSessionParams)
		status int
		code   api.ErrorCode
		param  string
	}{
		{"no mode", func(p *api.CheckoutSessionParams) { p.Mode = nil }, 400, "parameter_missing", "mode"},
		{"a mode that is none", func(p *api.CheckoutSessionParams) { p.Mode = api.String("gift") }, 400, "", "mode"},
		{"a mode that is not played", func(p *api.CheckoutSessionParams) { p.Mode = api.String("subscription") }, 501, "", ""},
		{"nothing to pay", func(p *api.CheckoutSessionParams) { p.LineItems = nil }, 400, "parameter_missing", "line_items"},
		{"nowhere to go", func(p *api.CheckoutSessionParams) { p.SuccessURL = nil }, 400, "parameter_missing", "success_url"},
		{"no currency", func(p *api.CheckoutSessionParams) { p.LineItems[0].PriceData.Currency = nil }, 400, "parameter_missing", "line_items[0][price_data][currency]"},
		{"a currency that is none", func(p *api.CheckoutSessionParams) { p.LineItems[0].PriceData.Currency = api.String("xqz") }, 400, "", "line_items[0][price_data][currency]"},
		{"no quantity", func(p *api.CheckoutSessionParams) { p.LineItems[0].Quantity = nil }, 400, "parameter_missing", "line_items[0][quantity]"},
		{"a negative amount", func(p *api.CheckoutSessionParams) { p.LineItems[0].PriceData.UnitAmount = api.Int64(-1) }, 400, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"},
		{"too little", func(p *api.CheckoutSessionParams) { p.LineItems[0].PriceData.UnitAmount = api.Int64(24) }, 400, "amount_too_small", ""},
		{"too much", func(p *api.CheckoutSessionParams) { p.LineItems[0].PriceData.UnitAmount = api.Int64(50_000_000) }, 400, "amount_too_large", ""},
		{"a price that is not there", func(p *api.CheckoutSessionParams) {
			p.LineItems[0] = &api.CheckoutSessionLineItemParams{Price: api.String("price_1"), Quantity: api.Int64(1)}
		}, 400, "resource_missing", "line_items[0][price]"},
		{"a customer that is not there", func(p *api.CheckoutSessionParams) { p.Customer = api.String("cus_1") }, 400, "resource_missing", "customer"},
		{"an end that is too near", func(p *api.CheckoutSessionParams) { p.ExpiresAt = api.Int64(time.Now().Add(10 * time.Minute).Unix()) }, 400, "", "expires_at"},
		{"an end that is too far", func(p *api.CheckoutSessionParams) { p.ExpiresAt = api.Int64(time.Now().Add(25 * time.Hour).Unix()) }, 400, "", "expires_at"},
		{"a reference that is too long", func(p *api.CheckoutSessionParams) { p.ClientReferenceID = api.String(strings.Repeat("x", 201)) }, 400, "", "client_reference_id"},
		{"metadata that are too long", func(p *api.CheckoutSessionParams) { p.Metadata = map[string]string{"k": strings.Repeat("x", 501)} }, 400, "", "metadata[k]"},
		{"a key of metadata that is too long", func(p *api.CheckoutSessionParams) {
			p.PaymentIntentData.Metadata = map[string]string{strings.Repeat("k", 41): "v"}
		}, 400, "", "payment_intent_data[metadata]"},
		{"a fee for the platform", func(p *api.CheckoutSessionParams) { p.PaymentIntentData.ApplicationFeeAmount = api.Int64(1) }, 501, "", ""},
		{"a parameter that is none", func(p *api.CheckoutSessionParams) { p.AddExtra("colour", "red") }, 400, "parameter_unknown", "colour"},
		{"a nested parameter that is none", func(p *api.CheckoutSessionParams) { p.AddExtra("line_items[0][price_data][colour]", "red") }, 400, "parameter_unknown", "line_items[0][price_data][colour]"},
		{"a text for a number", func(p *api.CheckoutSessionParams) { p.AddExtra("expires_at", "soon") }, 400, "parameter_invalid_integer", "expires_at"},
		{"a currency that is not the lines'", func(p *api.CheckoutSessionParams) { p.Currency = api.String("usd") }, 400, "", "currency"},
		{"two currencies", func(p *api.CheckoutSessionParams) {
			p.LineItems = append(p.LineItems, &api.CheckoutSessionLineItemParams{Quantity: api.Int64(1), PriceData: &api.CheckoutSessionLineItemPriceDataParams{
				Currency: api.String("usd"), UnitAmount: api.Int64(100), ProductData: &api.CheckoutSessionLineItemPriceDataProductDataParams{Name: api.String("X")}}})
		}, 400, "", "line_items[1][price_data][currency]"},
		{"an expansion of nothing", func(p *api.CheckoutSessionParams) { p.AddExpand("colour") }, 400, "", "expand[0]"},
	}
	w := start(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sessionParams("")
			tt.change(p)
			_, err := w.api.CheckoutSessions.New(p)
			kind := api.ErrorTypeInvalidRequest
			if tt.status == 501 {
				kind = api.ErrorTypeAPI
			}
			wantError(t, err, tt.status, kind, tt.code, tt.param)
		})
	}
}

func TestKeys(t *testing.T) {
	w := start(t, nil)
	_, err := clientOf(w.url, "sk_test_another0000000").Refunds.Get("re_1", nil)
	wantError(t, err, 401, api.ErrorTypeInvalidRequest, "", "")
	if strings.Contains(err.Error(), "another") {
		t.Errorf("the error tells the key: %v", err)
	}
	for _, tt := range []struct {
		name, method, path string
		key                bool
		status             int
	}{
		{"without a key", "GET", "/v1/charges", false, 401},
		{"a call that Stripe has not", "GET", "/v1/gifts", true, 404},
		{"a call that is not played", "POST", "/v1/subscriptions", true, 501},
		{"a filter that is not played", "GET", "/v1/charges?transfer_group=g", true, 501},
		{"a list", "GET", "/v1/charges", true, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, w.url+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key {
				r.SetBasicAuth(secretKey, "")
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != tt.status || !strings.HasPrefix(answer.Header.Get("Request-Id"), "req_") {
				t.Errorf("answer = %d, request %q; want %d and an id", answer.StatusCode, answer.Header.Get("Request-Id"), tt.status)
			}
		})
	}
}

func TestRefunds(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	s := w.paid(account)
	refund := func(amount int64) (*api.Refund, error) {
		p := &api.RefundParams{PaymentIntent: &s.PaymentIntent.ID, Reason: api.String("requested_by_customer")}
		if amount != 0 {
			p.Amount = &amount
		}
		p.Metadata = map[string]string{"refund": "rfd_1"}
		p.SetStripeAccount(account)
		return w.api.Refunds.New(p)
	}
	first, err := refund(1000)
	w.must(err)
	if !strings.HasPrefix(first.ID, "re_3") || first.Amount != 1000 || first.Status != "succeeded" || first.PaymentIntent.ID != s.PaymentIntent.ID || first.Metadata["refund"] != "rfd_1" {
		t.Errorf("refund = %+v; want 10.00 of the payment", first)
	}
	events := w.came()
	if len(events) != 2 || events[0].event.Type != "refund.created" || events[1].event.Type != "charge.refunded" {
		t.Fatalf("events = %+v; want refund.created and charge.refunded", events)
	}
	if got := events[1].event.GetObjectValue("amount_refunded"); got != "1000" {
		t.Errorf("charge.refunded tells %s; want 1000", got)
	}
	if got := fmt.Sprint(events[1].event.Data.PreviousAttributes["amount_refunded"]); got != "0" {
		t.Errorf("charge.refunded tells that %s was refunded before; want 0", got)
	}
	_, err = refund(1501)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "", "amount")
	if !strings.Contains(err.Error(), "Refund amount (€15.01) is greater than unrefunded amount on charge (€15.00)") {
		t.Errorf("error = %v; want Stripe's words", err)
	}
	_, err = refund(-1)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "parameter_invalid_integer", "amount")
	second, err := refund(0)
	w.must(err)
	if second.Amount != 1500 {
		t.Errorf("the rest = %d; want 1500", second.Amount)
	}
	_, err = refund(1)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "charge_already_refunded", "")

	c := &api.ChargeParams{}
	c.SetStripeAccount(account)
	c.AddExpand("refunds")
	charge, err := w.api.Charges.Get(first.Charge.ID, c)
	w.must(err)
	if !charge.Refunded || charge.AmountRefunded != 2500 || len(charge.Refunds.Data) != 2 {
		t.Errorf("charge = %+v; want it refunded by two", charge)
	}
	lp := &api.RefundListParams{Charge: &charge.ID}
	lp.SetStripeAccount(account)
	var ids []string
	for i := w.api.Refunds.List(lp); i.Next(); {
		ids = append(ids, i.Refund().ID)
	}
	if want := []string{second.ID, first.ID}; !slices.Equal(ids, want) {
		t.Errorf("refunds = %v; want %v", ids, want)
	}
	g := &api.RefundParams{}
	g.SetStripeAccount(account)
	g.AddExpand("balance_transaction")
	got, err := w.api.Refunds.Get(first.ID, g)
	w.must(err)
	if got.BalanceTransaction.Net != -1000 {
		t.Errorf("the refund took %d from the balance; want 1000", -got.BalanceTransaction.Net)
	}
	w.came()
	_, err = w.EndRefund(second.ID, false)
	w.must(err)
	w.wantTypes("refund.updated", "charge.refund.updated")
	if _, err := refund(1500); err != nil {
		t.Errorf("what came back cannot be refunded again: %v", err)
	}
}

func TestDisputes(t *testing.T) {
	for _, won := range []bool{true, false} {
		t.Run(fmt.Sprintf("won %v", won), func(t *testing.T) {
			w := start(t, nil)
			account := w.account()
			s := w.paid(account)
			raw, err := w.OpenDispute(stripe.Dispute{PaymentIntent: s.PaymentIntent.ID})
			w.must(err)
			var d api.Dispute
			w.must(json.Unmarshal(raw, &d))
			if d.Amount != 2500 || d.Status != "needs_response" || d.PaymentIntent.ID != s.PaymentIntent.ID {
				t.Errorf("dispute = %+v; want one of all that was paid", d)
			}
			w.wantTypes("charge.dispute.created", "charge.dispute.funds_withdrawn")
			r := &api.RefundParams{Charge: &d.Charge.ID}
			r.SetStripeAccount(account)
			_, err = w.api.Refunds.New(r)
			wantError(t, err, 400, api.ErrorTypeInvalidRequest, "charge_disputed", "")
			_, err = w.CloseDispute(d.ID, won)
			w.must(err)
			want := api.DisputeStatusLost
			if won {
				want = api.DisputeStatusWon
				w.wantTypes("charge.dispute.closed", "charge.dispute.funds_reinstated")
			} else {
				w.wantTypes("charge.dispute.closed")
			}
			p := &api.DisputeParams{}
			p.SetStripeAccount(account)
			got, err := w.api.Disputes.Get(d.ID, p)
			w.must(err)
			if got.Status != want {
				t.Errorf("it is %s; want %s", got.Status, want)
			}
			var net int64
			for _, b := range got.BalanceTransactions {
				net += b.Net
			}
			if wantNet := map[bool]int64{true: -1500, false: -4000}[won]; net != wantNet {
				t.Errorf("it cost %d; want %d", -net, -wantNet)
			}
		})
	}
}

func TestCustomers(t *testing.T) {
	w := start(t, nil)
	p := &api.CustomerParams{Email: api.String("ada@example.com"), Name: api.String("Ada"), Address: &api.AddressParams{Country: api.String("DE")}}
	p.Metadata = map[string]string{"a": "1", "b": "2"}
	c, err := w.api.Customers.New(p)
	w.must(err)
	change := &api.CustomerParams{Name: api.String("Ada L.")}
	change.Metadata = map[string]string{"a": "", "c": "3"}
	c, err = w.api.Customers.Update(c.ID, change)
	w.must(err)
	if c.Name != "Ada L." || c.Email != "ada@example.com" || len(c.Metadata) != 2 || c.Metadata["c"] != "3" || c.Address.Country != "DE" {
		t.Errorf("customer = %+v; want the name and the metadata changed alone", c)
	}
	q := sessionParams("")
	q.Customer = &c.ID
	s, err := w.api.CheckoutSessions.New(q)
	w.must(err)
	if s.Customer.ID != c.ID {
		t.Errorf("the session is of %v; want %s", s.Customer, c.ID)
	}
	_, err = w.api.Customers.Del(c.ID, nil)
	w.must(err)
	w.wantTypes("customer.created", "customer.updated", "customer.deleted")
	got, err := w.api.Customers.Get(c.ID, nil)
	w.must(err)
	if !got.Deleted || got.Email != "" {
		t.Errorf("customer = %+v; want nothing but that it is deleted", got)
	}
	_, err = w.api.Customers.Update(c.ID, change)
	wantError(t, err, 404, api.ErrorTypeInvalidRequest, "resource_missing", "id")
	_, err = w.api.CheckoutSessions.New(q)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "resource_missing", "customer")
	if i := w.api.Customers.List(&api.CustomerListParams{}); i.Next() {
		t.Errorf("the list has %v; want nobody", i.Customer())
	}
	always := sessionParams("")
	always.CustomerCreation = api.String("always")
	s, err = w.api.CheckoutSessions.New(always)
	w.must(err)
	_, err = w.Pay(s.ID, stripe.Payment{Email: "bob@example.com"})
	w.must(err)
	if s = w.reread("", s.ID); s.Customer == nil {
		t.Error("the payer did not become a customer")
	}
}

func TestListsArePaged(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	var intents, charges, sessions []string
	var middle int64
	for i := range 7 {
		if i == 3 {
			w.clock.Advance(time.Hour)
			middle = w.clock.Now().Unix()
		}
		s := w.paid(account)
		sessions, intents = append(sessions, s.ID), append(intents, s.PaymentIntent.ID)
		p := &api.PaymentIntentParams{}
		p.SetStripeAccount(account)
		intent, err := w.api.PaymentIntents.Get(s.PaymentIntent.ID, p)
		w.must(err)
		charges = append(charges, intent.LatestCharge.ID)
	}
	newest := func(ids []string) []string {
		ids = slices.Clone(ids)
		slices.Reverse(ids)
		return ids
	}
	since := &api.RangeQueryParams{GreaterThanOrEqual: middle}
	base := api.ListParams{Limit: api.Int64(2), StripeAccount: &account}
	var got []string
	collect := func(name string, want []string, next func() bool, id func() string, err func() error) {
		t.Helper()
		got = nil
		for next() {
			got = append(got, id())
		}
		w.must(err())
		if !slices.Equal(got, want) {
			t.Errorf("%s = %v; want %v", name, got, want)
		}
	}
	pi := w.api.PaymentIntents.List(&api.PaymentIntentListParams{ListParams: base})
	collect("payment intents", newest(intents), pi.Next, func() string { return pi.PaymentIntent().ID }, pi.Err)
	pi = w.api.PaymentIntents.List(&api.PaymentIntentListParams{ListParams: base, CreatedRange: since})
	collect("payment intents since", newest(intents[3:]), pi.Next, func() string { return pi.PaymentIntent().ID }, pi.Err)
	ch := w.api.Charges.List(&api.ChargeListParams{ListParams: base, CreatedRange: since})
	collect("charges since", newest(charges[3:]), ch.Next, func() string { return ch.Charge().ID }, ch.Err)
	cs := w.api.CheckoutSessions.List(&api.CheckoutSessionListParams{ListParams: base})
	collect("sessions", newest(sessions), cs.Next, func() string { return cs.CheckoutSession().ID }, cs.Err)
	cs = w.api.CheckoutSessions.List(&api.CheckoutSessionListParams{ListParams: base, PaymentIntent: &intents[1]})
	collect("sessions of a payment", []string{sessions[1]}, cs.Next, func() string { return cs.CheckoutSession().ID }, cs.Err)

	back := base
	back.EndingBefore = &charges[0]
	ch = w.api.Charges.List(&api.ChargeListParams{ListParams: back})
	collect("charges backward", charges[1:], ch.Next, func() string { return ch.Charge().ID }, ch.Err)

	plain := api.ListParams{Limit: api.Int64(3), StripeAccount: &account, Single: true}
	bt := w.api.BalanceTransactions.List(&api.BalanceTransactionListParams{ListParams: plain, Source: &charges[2]})
	bt.Next()
	if bt.BalanceTransaction() == nil || bt.BalanceTransaction().Source.ID != charges[2] || bt.BalanceTransactionList().HasMore {
		t.Errorf("movements of a charge = %+v; want its one", bt.BalanceTransactionList())
	}
	lost := plain
	lost.StartingAfter = api.String("pi_nobody")
	pi = w.api.PaymentIntents.List(&api.PaymentIntentListParams{ListParams: lost})
	pi.Next()
	wantError(t, pi.Err(), 400, api.ErrorTypeInvalidRequest, "resource_missing", "starting_after")
	many := plain
	many.Limit = api.Int64(101)
	pi = w.api.PaymentIntents.List(&api.PaymentIntentListParams{ListParams: many})
	pi.Next()
	wantError(t, pi.Err(), 400, api.ErrorTypeInvalidRequest, "parameter_invalid_integer", "limit")
}

func TestEventsCanBeReadForThirtyDays(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	w.paid(account)
	w.clock.Advance(29 * 24 * time.Hour)
	w.paid(account)
	list := func(kinds ...string) []*api.Event {
		p := &api.EventListParams{Types: api.StringSlice(kinds)}
		p.Limit, p.StripeAccount = api.Int64(3), &account
		var all []*api.Event
		i := w.api.Events.List(p)
		for i.Next() {
			all = append(all, i.Event())
		}
		w.must(i.Err())
		return all
	}
	if got := len(list()); got != 9 {
		t.Errorf("%d events; want 9", got)
	}
	succeeded := list("payment_intent.succeeded", "charge.succeeded")
	if len(succeeded) != 4 || succeeded[0].Type != "payment_intent.succeeded" || succeeded[0].PendingWebhooks != 0 {
		t.Fatalf("events = %+v; want the four of the two payments, delivered", succeeded)
	}
	p := &api.EventParams{}
	p.SetStripeAccount(account)
	if e, err := w.api.Events.Get(succeeded[3].ID, p); err != nil || e.ID != succeeded[3].ID {
		t.Errorf("event = %v, %v; want %s", e, err, succeeded[3].ID)
	}
	w.clock.Advance(25 * time.Hour)
	if got := len(list()); got != 4 {
		t.Errorf("%d events after thirty days; want the 4 of the younger payment", got)
	}
	_, err := w.api.Events.Get(succeeded[3].ID, p)
	wantError(t, err, 404, api.ErrorTypeInvalidRequest, "resource_missing", "id")
	i := w.api.Events.List(&api.EventListParams{})
	if i.Next() {
		t.Errorf("the platform sees %v; want nothing of the account", i.Event())
	}
}

func TestIdempotency(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	create := func(key, account, reference string) (*api.CheckoutSession, error) {
		p := sessionParams(account)
		p.ClientReferenceID = &reference
		p.SetIdempotencyKey(key)
		return w.api.CheckoutSessions.New(p)
	}
	first, err := create("k1", account, "inv_1")
	w.must(err)
	again, err := create("k1", account, "inv_1")
	w.must(err)
	if again.ID != first.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" || first.LastResponse.Header.Get("Idempotent-Replayed") != "" ||
		again.LastResponse.Header.Get("Original-Request") != first.LastResponse.RequestID || string(again.LastResponse.RawJSON) != string(first.LastResponse.RawJSON) {
		t.Errorf("a replay = %v; want the very answer of the first", again.LastResponse)
	}
	if other, err := create("k1", "", "inv_1"); err != nil || other.ID == first.ID {
		t.Errorf("the key of another account = %v, %v; want a session of its own", other, err)
	}
	_, err = create("k1", account, "inv_2")
	wantError(t, err, 400, api.ErrorTypeIdempotency, "", "")
	r := &api.RefundParams{PaymentIntent: api.String("pi_1")}
	r.SetStripeAccount(account)
	r.SetIdempotencyKey("k1")
	_, err = w.api.Refunds.New(r)
	wantError(t, err, 400, api.ErrorTypeIdempotency, "", "")

	// A call that was refused for its parameters has not begun, one that was refused later has its answer kept.
	p := sessionParams(account)
	p.Mode = api.String("gift")
	p.SetIdempotencyKey("k2")
	if _, err := w.api.CheckoutSessions.New(p); err == nil {
		t.Fatal("a mode that is none was taken")
	}
	if _, err := create("k2", account, "inv_1"); err != nil {
		t.Errorf("the key of a refused call = %v; want it free", err)
	}
	r.SetIdempotencyKey("k3")
	_, err = w.api.Refunds.New(r)
	wantError(t, err, 400, api.ErrorTypeInvalidRequest, "resource_missing", "payment_intent")
	_, err = w.api.Refunds.New(r)
	var e *api.Error
	if !errors.As(err, &e) || e.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("error = %v; want the replay of the first", err)
	}

	w.clock.Advance(24*time.Hour + time.Second)
	if later, err := create("k1", account, "inv_2"); err != nil || later.ID == first.ID {
		t.Errorf("the key after a day = %v, %v; want a new session", later, err)
	}
}

// faulty is a world in which the calls of a function go wrong as planned and are recorded.
type faulty struct {
	*world
	faults   *calls.Faults
	recorder *calls.Recorder
	function *client.API
}

func startFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{faults: new(calls.Faults), recorder: new(calls.Recorder)}
	t.Cleanup(f.faults.Clear)
	identities := identity.New()
	f.world = start(t, func(o *stripe.Options) {
		o.Identities = identities
		o.Guard = guard.Guard{Plan: f.faults.Next, Note: func(c guard.Call) {
			f.recorder.Note(calls.Call{Service: c.Service, Operation: c.Operation, Function: c.Function, RequestID: c.RequestID, Target: c.Resource, Start: c.Start, End: c.End, Status: c.Status, Error: c.Error})
		}}
	})
	id := identities.Issue("CreatePayment", nil)
	identities.Begin(id.AccessKey, "req-1")
	f.function = clientOf(f.url+"/~"+id.AccessKey, secretKey)
	return f
}

func TestFaults(t *testing.T) {
	w := startFaulty(t)
	count := func() (n int) {
		for i := w.api.CheckoutSessions.List(&api.CheckoutSessionListParams{}); i.Next(); {
			n++
		}
		return n
	}
	p := sessionParams("")
	p.SetIdempotencyKey("k")
	for _, tt := range []struct {
		kind   string
		status int
		made   int
	}{
		{"throttle", 429, 0},
		{"conflict", 429, 0},
		{"error", 503, 0},
		{"timeout_before", 0, 0},
		{"timeout_after", 0, 1},
	} {
		w.must(w.faults.Add(calls.Plan{Function: "CreatePayment", Service: "stripe", Operation: "POST /v1/checkout/sessions", Kind: tt.kind}))
		_, err := w.function.CheckoutSessions.New(p)
		var e *api.Error
		switch {
		case err == nil:
			t.Errorf("%s: no error", tt.kind)
		case tt.status == 0 && errors.As(err, &e), tt.status != 0 && (!errors.As(err, &e) || e.HTTPStatusCode != tt.status):
			t.Errorf("%s: error = %v; want status %d", tt.kind, err, tt.status)
		}
		if got := count(); got != tt.made {
			t.Errorf("%s: %d sessions; want %d", tt.kind, got, tt.made)
		}
	}
	s, err := w.function.CheckoutSessions.New(p)
	w.must(err)
	if got := count(); got != 1 || s.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d sessions; want the one whose answer was lost", got)
	}
	all := w.recorder.OfRequest("req-1")
	if len(all) != 6 || all[5].Service != "stripe" || all[5].Operation != "POST /v1/checkout/sessions" || all[5].Target != "platform" || all[5].Status != 200 || all[0].Error != "rate_limit" {
		t.Errorf("calls = %+v; want all six", all)
	}
}

func TestAKeyInFlight(t *testing.T) {
	w := startFaulty(t)
	p := sessionParams("")
	p.SetIdempotencyKey("k")
	w.must(w.faults.Add(calls.Plan{Function: "CreatePayment", Service: "stripe", Kind: "hold"}))
	done := make(chan error)
	go func() {
		_, err := w.function.CheckoutSessions.New(p)
		done <- err
	}()
	for w.faults.Held() == 0 {
		<-time.After(time.Millisecond)
	}
	_, err := w.api.CheckoutSessions.New(p)
	wantError(t, err, 409, api.ErrorTypeIdempotency, "idempotency_key_in_use", "")
	w.faults.Clear()
	w.must(<-done)
	if _, err := w.api.CheckoutSessions.New(p); err != nil {
		t.Errorf("the key afterwards = %v; want the answer", err)
	}
}

func TestSignatures(t *testing.T) {
	w := start(t, nil)
	account := w.account()
	verify := func(p posted, secret string) error {
		_, err := webhook.ConstructEvent([]byte(p.body), p.signature, secret)
		return err
	}
	send := func(account string, how stripe.Delivery) posted {
		t.Helper()
		_, err := w.Send("payment_intent.succeeded", account, map[string]any{"id": "pi_1", "object": "payment_intent"}, how)
		w.must(err)
		all := w.came()
		if len(all) != 1 {
			t.Fatalf("%d webhooks; want one", len(all))
		}
		return all[0]
	}
	p := send("", stripe.Delivery{})
	if err := verify(p, platformSecret); err != nil {
		t.Errorf("the platform's = %v; want a good signature", err)
	}
	if verify(p, connectSecret) == nil || verify(posted{body: p.body + " ", signature: p.signature}, platformSecret) == nil {
		t.Error("a signature with another secret or of another body is good")
	}
	if err := verify(send(account, stripe.Delivery{}), connectSecret); err != nil {
		t.Errorf("the account's = %v; want a good signature", err)
	}
	if verify(send("", stripe.Delivery{BadSignature: true}), platformSecret) == nil {
		t.Error("a bad signature is good")
	}
	old := send("", stripe.Delivery{OldSignature: true})
	if err := verify(old, platformSecret); err != webhook.ErrTooOld {
		t.Errorf("an old signature = %v; want ErrTooOld", err)
	}
	if err := webhook.ValidatePayloadIgnoringTolerance([]byte(old.body), old.signature, platformSecret); err != nil {
		t.Errorf("an old signature without its age = %v; want it good", err)
	}
	if _, err := w.Send("x", "", nil, stripe.Delivery{Secret: "previous"}); !errors.Is(err, stripe.ErrDelivery) {
		t.Errorf("Send with no previous secret = %v; want ErrDelivery", err)
	}

	w.Roll(false, "whsec_next", 24*time.Hour)
	both := send("", stripe.Delivery{})
	if strings.Count(both.signature, "v1=") != 2 || verify(both, platformSecret) != nil || verify(both, "whsec_next") != nil {
		t.Errorf("while it rolls: %s; want it signed with both", both.signature)
	}
	if p := send("", stripe.Delivery{Secret: "previous"}); verify(p, "whsec_next") == nil || verify(p, platformSecret) != nil {
		t.Error("with the previous secret: want it signed with that alone")
	}
	w.clock.Advance(25 * time.Hour)
	after := send("", stripe.Delivery{})
	if webhook.ValidatePayloadIgnoringTolerance([]byte(after.body), after.signature, platformSecret) == nil {
		t.Error("the previous secret counts after its time")
	}
	var stamp int64
	if _, err := fmt.Sscanf(after.signature, "t=%d,", &stamp); err != nil || stamp < w.clock.Now().Unix()-5 {
		t.Errorf("signature = %s; want it dated by the stack's clock", after.signature)
	}
}

func TestDelivery(t *testing.T) {
	t.Run("is tried again until it is taken", func(t *testing.T) {
		w := start(t, nil)
		w.hook.status = func(n int) int { return []int{500, 503, 200}[min(n, 3)-1] }
		id, err := w.Send("charge.succeeded", "", nil, stripe.Delivery{})
		w.must(err)
		w.wantTypes("charge.succeeded", "charge.succeeded", "charge.succeeded")
		e, err := w.api.Events.Get(id, nil)
		w.must(err)
		if e.PendingWebhooks != 0 {
			t.Errorf("%d webhooks are pending; want none", e.PendingWebhooks)
		}
	})
	t.Run("is given up", func(t *testing.T) {
		w := start(t, nil)
		w.hook.status = func(int) int { return 500 }
		id, err := w.Send("charge.succeeded", "", nil, stripe.Delivery{})
		w.must(err)
		w.wantTypes("charge.succeeded", "charge.succeeded", "charge.succeeded")
		p := &api.EventListParams{DeliverySuccess: api.Bool(false)}
		i := w.api.Events.List(p)
		if !i.Next() || i.Event().ID != id || i.Event().PendingWebhooks != 1 {
			t.Errorf("events that were not taken = %+v; want %s", i.Event(), id)
		}
		w.hook.status = nil
		w.must(w.Resend(id, stripe.Delivery{}))
		if all := w.came(); len(all) != 1 || all[0].event.ID != id {
			t.Errorf("sent again = %+v; want the same event", all)
		}
	})
	t.Run("comes twice with one id when told", func(t *testing.T) {
		w := start(t, nil)
		_, err := w.Send("charge.succeeded", "", nil, stripe.Delivery{Times: 2})
		w.must(err)
		all := w.came()
		if len(all) != 2 || all[0].event.ID != all[1].event.ID || all[0].body != all[1].body {
			t.Errorf("webhooks = %+v; want one event twice", all)
		}
		w.Repeat(2)
		w.session("")
		s := w.session("")
		_, err = w.Pay(s.ID, stripe.Payment{})
		w.must(err)
		w.wantTypes("payment_intent.created", "payment_intent.created", "charge.succeeded", "charge.succeeded",
			"payment_intent.succeeded", "payment_intent.succeeded", "checkout.session.completed", "checkout.session.completed")
	})
	t.Run("comes late", func(t *testing.T) {
		w := start(t, nil)
		_, err := w.Send("charge.failed", "", nil, stripe.Delivery{Delay: 50 * time.Millisecond})
		w.must(err)
		_, err = w.Send("charge.succeeded", "", nil, stripe.Delivery{})
		w.must(err)
		if n := w.Pending(); n == 0 {
			t.Error("nothing is pending while one is late")
		}
		w.wantTypes("charge.succeeded", "charge.failed")
	})
	t.Run("is held and comes in another order", func(t *testing.T) {
		w := start(t, nil)
		w.Hold()
		s := w.session("")
		_, err := w.Pay(s.ID, stripe.Payment{})
		w.must(err)
		w.wantTypes()
		if got := w.Events(); len(got) != 4 || !got[0].Held {
			t.Errorf("events = %+v; want four that are held", got)
		}
		if err := w.Release("sideways"); !errors.Is(err, stripe.ErrDelivery) {
			t.Errorf("Release = %v; want ErrDelivery", err)
		}
		w.must(w.Release(stripe.Reverse))
		w.wantTypes("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "payment_intent.created")
	})
	t.Run("is lost", func(t *testing.T) {
		w := start(t, nil)
		w.Hold()
		_, err := w.Send("charge.succeeded", "", nil, stripe.Delivery{})
		w.must(err)
		w.must(w.Release(stripe.Drop))
		w.wantTypes()
		i := w.api.Events.List(&api.EventListParams{DeliverySuccess: api.Bool(false)})
		if !i.Next() || i.Event().Type != "charge.succeeded" {
			t.Errorf("events that were not taken = %+v; want the lost one", i.Event())
		}
	})
}

func TestPagesArePaidByAClick(t *testing.T) {
	w := start(t, nil)
	s := w.session(w.account())
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	click := func(outcome string) (int, string, string) {
		r, err := stay.PostForm(s.URL, url.Values{"outcome": {outcome}})
		w.must(err)
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		w.must(err)
		return r.StatusCode, r.Header.Get("Location"), string(text)
	}
	r, err := http.Get(s.URL)
	w.must(err)
	text, err := io.ReadAll(r.Body)
	r.Body.Close()
	w.must(err)
	if !strings.Contains(string(text), "€25.00") || !strings.Contains(string(text), "Invoice INV-1") {
		t.Errorf("page = %s; want what is paid", text)
	}
	if status, _, text := click("declined"); status != 200 || !strings.Contains(text, "declined") {
		t.Errorf("declined: %d %s; want the page with a note", status, text)
	}
	if status, to, _ := click("paid"); status != 303 || to != "https://example.org/paid?session="+s.ID {
		t.Errorf("paid: %d to %s; want the way back with the session", status, to)
	}
	if status, _, _ := click("paid"); status != 409 {
		t.Errorf("paid again: %d; want 409", status)
	}
}

func TestManyAtOnceNeverRefundMoreThanWasPaid(t *testing.T) {
	w := start(t, nil)
	s := w.paid("")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			p := &api.RefundParams{PaymentIntent: &s.PaymentIntent.ID, Amount: api.Int64(300)}
			p.Context = context.Background()
			if _, err := w.api.Refunds.New(p); err != nil && !strings.Contains(err.Error(), "greater than") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var sum int64
	for i := w.api.Refunds.List(&api.RefundListParams{PaymentIntent: &s.PaymentIntent.ID}); i.Next(); {
		sum += i.Refund().Amount
	}
	if sum != 2400 {
		t.Errorf("%d were refunded; want 2400, the most that 25.00 hold", sum)
	}
}
