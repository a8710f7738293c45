package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	stripehook "github.com/stripe/stripe-go/v76/webhook"

	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/payments/receiving"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
	"pixeltrack.io/platform/pkg/telemetry"
)

const (
	stripeKey = "sk_test_0123456789abcdef"
	appURL    = "https://app.example.com"
)

// webhook is one that Stripe sent, as it came.
type webhook struct {
	body      []byte
	signature string
}

// world is an organisation's table with the stack's Stripe beside it, in one process. Webhooks wait in the world until a test
// delivers them.
type world struct {
	*apitest.World
	stripe *stripe.Server
	url    string
	client *connect.Client
	sim    *simclock.Clock
	log    *lines
	secret string // of the connect endpoint, as the product has it
	sent   *outgoing
	links  keys.Links
	serial *atomic.Int64
	slow   *atomic.Pointer[slow]
	broken *atomic.Pointer[string] // a part of the addresses that fail
}

// lines is a log that many write.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write adds to the log.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

type outgoing struct {
	mu  sync.Mutex
	all []webhook
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: apitest.New(t), sim: new(simclock.Clock), log: new(lines), secret: "whsec_connect", sent: new(outgoing), links: keys.Links{Secret: "links"}, serial: new(atomic.Int64), slow: new(atomic.Pointer[slow]), broken: new(atomic.Pointer[string])}
	w.sync()
	product := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.sent.mu.Lock()
		defer w.sent.mu.Unlock()
		w.sent.all = append(w.sent.all, webhook{body, r.Header.Get("Stripe-Signature")})
	}))
	t.Cleanup(product.Close)
	w.stripe = stripe.New(stripe.Options{Key: stripeKey, Clock: w.sim, Connect: stripe.Endpoint{URL: product.URL, Secret: w.secret}})
	t.Cleanup(w.stripe.Close)
	provider := httptest.NewServer(http.HandlerFunc(w.provide))
	t.Cleanup(provider.Close)
	w.url = provider.URL
	w.client = connect.New(stripeKey, "ca_test", provider.URL, subprocessors.NewReach(w.Store, w.Clock.Now, telemetry.New(w.Log, w.Clock.Now)))
	return w
}

// provide is Stripe, whose answers to some calls may be kept back.
func (w *world) provide(rw http.ResponseWriter, r *http.Request) {
	if part := w.broken.Load(); part != nil && strings.Contains(r.URL.String(), *part) {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	slow := w.slow.Load()
	if slow == nil || r.URL.Path != slow.path || !slow.once.CompareAndSwap(false, true) {
		w.stripe.ServeHTTP(rw, r)
		return
	}
	kept := httptest.NewRecorder()
	w.stripe.ServeHTTP(kept, r)
	close(slow.answered)
	<-slow.release
	rw.WriteHeader(kept.Code)
	rw.Write(kept.Body.Bytes()) //nolint:errcheck // a caller who has gone is no news
}

// slow is a call whose first answer waits.
type slow struct {
	path              string
	once              atomic.Bool
	answered, release chan struct{}
}

// sync sets Stripe's clock to the world's.
func (w *world) sync() { w.sim.Set(w.Clock.Now()) }

// pass moves both clocks and gives the caller with a fresh token.
func (w *world) pass(c apitest.Caller, d time.Duration) apitest.Caller {
	c = w.Later(c, d)
	w.sync()
	return c
}

func (w *world) studio() apitest.Caller {
	w.T.Helper()
	owner := w.Organization()
	o := organization.New(owner.Org, "Example Studio", "DE", w.Clock.Now())
	tx := w.Store.Begin()
	tx.Create(w.Store.BindOrganization(owner.Org, store.Actor{Who: "test"}), o)
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	return owner
}

// newConnected makes a world with an organisation that is connected to an account that may charge, and gives its owner and
// the account's id.
func newConnected(t *testing.T) (*world, apitest.Caller, string) {
	t.Helper()
	w := newWorld(t)
	owner := w.studio()
	return w, owner, w.connected(owner)
}

func (w *world) settings(c apitest.Caller, changes map[string]any) {
	w.T.Helper()
	w.Want(w.Call(organization.UpdateOrganization(w.Store, nil), c, apitest.Request{IfMatch: "*", Body: changes}), 200, "")
}

// connected connects an organisation to an account that may charge, and gives the account's id.
func (w *world) connected(c apitest.Caller) string {
	w.T.Helper()
	b := w.connect(c, apitest.Request{})
	if _, err := w.stripe.Onboard(b.AccountID); err != nil {
		w.T.Fatal(err)
	}
	w.deliver()
	return b.AccountID
}

func (w *world) connect(c apitest.Caller, r apitest.Request) payments.ConnectedBody {
	w.T.Helper()
	a := w.Call(payments.CreatePaymentAccount(w.Store, w.client, appURL), c, r)
	w.Want(a, 201, "")
	var b payments.ConnectedBody
	a.Into(w.T, &b)
	return b
}

func (w *world) account(c apitest.Caller) invoicing.AccountBody {
	w.T.Helper()
	a := w.Call(invoicing.GetPaymentAccount(), c, apitest.Request{})
	w.Want(a, 200, "")
	var b invoicing.AccountBody
	a.Into(w.T, &b)
	return b
}

func money(amount int64, currency string) map[string]any {
	return map[string]any{"amount": amount, "currency": currency}
}

// invoice sends an invoice of one line without taxes.
func (w *world) invoice(c apitest.Caller, total int64, currency string) (invoicing.Body, string) {
	w.T.Helper()
	a := w.Call(clients.CreateClient(w.Store, nil, keys.Pseudonyms{}), c, apitest.Request{Body: map[string]any{"name": "Example Bakery", "currency": currency, "email": "office@example.com"}})
	w.Want(a, 201, "")
	var cli clients.ClientBody
	a.Into(w.T, &cli)
	a = w.Call(invoicing.CreateInvoice(w.Store, keys.Pseudonyms{Secret: "pseudonyms"}), c, apitest.Request{Body: map[string]any{"client_id": cli.ID,
		"lines": []any{map[string]any{"description": "Sketches", "quantity": "1", "unit_price": money(total, currency)}}}})
	w.Want(a, 201, "")
	var b invoicing.Body
	a.Into(w.T, &b)
	a = w.Call(invoicing.SendInvoice(w.Store, invoicing.Letterhead{}, w.links, appURL), c, apitest.Request{Path: "/v1/invoices/" + b.ID + "/send", IfMatch: "*", Body: map[string]any{"mail": false}})
	w.Want(a, 200, "")
	a.Into(w.T, &b)
	_, token, _ := strings.Cut(b.PublicURL, "#token=")
	return b, token
}

func (w *world) read(c apitest.Caller, i invoicing.Body) invoicing.Body {
	w.T.Helper()
	a := w.Call(invoicing.GetInvoice(nil), c, apitest.Request{Path: "/v1/invoices/" + i.ID})
	w.Want(a, 200, "")
	var b invoicing.Body
	a.Into(w.T, &b)
	return b
}

func (w *world) public(token string) invoicing.PublicBody {
	w.T.Helper()
	a := w.Call(invoicing.GetPublicInvoice(w.Store, nil, nil), apitest.Caller{}, apitest.Request{Path: "/v1/public/invoices/" + token})
	w.Want(a, 200, "")
	var b invoicing.PublicBody
	a.Into(w.T, &b)
	return b
}

func (w *world) checkout(token string, body any) apitest.Answer {
	w.T.Helper()
	return w.Call(payments.CreateCheckout(w.Store, w.client, appURL), apitest.Caller{}, apitest.Request{Path: "/v1/public/invoices/" + token + "/checkout", Body: body})
}

// session gives the id of the session of a checkout that must be given.
func (w *world) session(token string, body any) string {
	w.T.Helper()
	a := w.checkout(token, body)
	w.Want(a, 201, "")
	var b payments.SessionBody
	a.Into(w.T, &b)
	return b.URL[strings.LastIndex(b.URL, "/")+1:]
}

func (w *world) pay(session, outcome string) {
	w.T.Helper()
	if _, err := w.stripe.Pay(session, stripe.Payment{Outcome: outcome}); err != nil {
		w.T.Fatal(err)
	}
}

// paid sends an invoice and has it paid through Stripe as a whole.
func (w *world) paid(c apitest.Caller, total int64) (invoicing.Body, invoicing.PaymentBody) {
	w.T.Helper()
	i, token := w.invoice(c, total, "EUR")
	w.pay(w.session(token, nil), "paid")
	w.deliver()
	return i, w.payments(c, i)[0]
}

func (w *world) payments(c apitest.Caller, i invoicing.Body) []invoicing.PaymentBody {
	w.T.Helper()
	a := w.Call(invoicing.ListPayments(), c, apitest.Request{Path: "/v1/payments?limit=200&invoice_id=" + i.ID})
	w.Want(a, 200, "")
	var l struct{ Data []invoicing.PaymentBody }
	a.Into(w.T, &l)
	return l.Data
}

func (w *world) refund(c apitest.Caller, payment string, r apitest.Request) apitest.Answer {
	w.T.Helper()
	r.Path = "/v1/payments/" + payment + "/refunds"
	return w.Call(payments.CreateRefund(w.Store, w.client), c, r)
}

func (w *world) manual(c apitest.Caller, i invoicing.Body, amount int64) apitest.Answer {
	w.T.Helper()
	return w.Call(invoicing.CreatePayment(w.Store), c, apitest.Request{Body: map[string]any{"invoice_id": i.ID, "amount": money(amount, i.Currency), "paid_on": "2026-03-02"}})
}

// collect takes what Stripe has sent so far.
func (w *world) collect() []webhook {
	w.T.Helper()
	for w.stripe.Pending() > 0 {
		<-time.After(time.Millisecond)
	}
	w.sent.mu.Lock()
	defer w.sent.mu.Unlock()
	all := w.sent.all
	w.sent.all = nil
	return all
}

func (w *world) receive(h webhook) apitest.Answer {
	w.T.Helper()
	return w.Call(receiving.ReceiveStripeConnect(w.Store, w.secret), apitest.Caller{}, apitest.Request{Body: h.body, Headers: map[string]string{"Stripe-Signature": h.signature}})
}

// signed makes a webhook of a body, as Stripe signs it.
func (w *world) signed(body string) webhook {
	at := w.Clock.Now()
	return webhook{[]byte(body), fmt.Sprintf("t=%d,v1=%x", at.Unix(), stripehook.ComputeSignature(at, []byte(body), w.secret))}
}

// keyOf is where the event of a webhook is kept.
func keyOf(h webhook) (store.Key, receiving.Event) {
	var e receiving.Event
	var in struct{ ID, Account, Type string }
	if err := json.Unmarshal(h.body, &in); err != nil {
		panic(err)
	}
	e.ID, e.Account, e.Kind = in.ID, in.Account, in.Type
	return e.Keys().Primary, e
}

// apply runs the job for the event of a webhook, as the bus does.
func (w *world) apply(h webhook) error {
	key, _ := keyOf(h)
	return w.do(payments.ApplyStripeEvent(w.client), bus.StripeReceived{Row: bus.RowOf(key)})
}

func (w *world) do(j job.Job, e bus.Event) error {
	detail, err := json.Marshal(e)
	if err != nil {
		return err
	}
	payload := fmt.Sprintf(`{"source":"pixeltrack","detail-type":%q,"detail":%s}`, e.Type(), detail)
	return j.Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.log, w.Clock.Now), w.Clock.Now, fmt.Sprintf("run-%d", w.serial.Add(1)))
}

// reconcile runs the job as its schedule does.
func (w *world) reconcile() error {
	return payments.ReconcilePayments(w.client).Do(context.Background(), []byte(`{}`), w.Store, telemetry.New(w.log, w.Clock.Now), w.Clock.Now, fmt.Sprintf("run-%d", w.serial.Add(1)))
}

// deliver delivers what Stripe has sent, in order and once each.
func (w *world) deliver() {
	w.T.Helper()
	for _, h := range w.collect() {
		w.take(h)
	}
}

func (w *world) take(h webhook) {
	w.T.Helper()
	w.Want(w.receive(h), 200, "")
	if err := w.apply(h); err != nil {
		w.T.Error(err)
	}
}

// event reads what became of the event of a webhook.
func (w *world) event(h webhook) *receiving.Event {
	w.T.Helper()
	key, _ := keyOf(h)
	e, err := store.Get[receiving.Event](context.Background(), w.Store.BindPlatform(store.Actor{}), key)
	if err != nil {
		w.T.Fatal(err)
	}
	return e
}

func (w *world) orgOf(c apitest.Caller) *store.Organization {
	return w.Store.BindOrganization(c.Org, store.Actor{Who: "test"})
}

func (w *world) hasCheckout(c apitest.Caller, i invoicing.Body) bool {
	w.T.Helper()
	inv, err := id.Parse[id.Invoice](i.ID)
	if err != nil {
		w.T.Fatal(err)
	}
	co, err := store.Get[invoicing.Checkout](context.Background(), w.orgOf(c), invoicing.CheckoutKey(c.Org, inv))
	return err == nil && co.Claim != ""
}

// ask reads a list or an object of an account at Stripe, by hand.
func (w *world) ask(account, path string) map[string]any {
	w.T.Helper()
	r, err := http.NewRequest(http.MethodGet, w.url+path, nil)
	if err != nil {
		w.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	if account != "" {
		r.Header.Set("Stripe-Account", account)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer a.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(a.Body).Decode(&v); err != nil || a.StatusCode != 200 {
		w.T.Fatalf("GET %s = %d %v %v", path, a.StatusCode, v, err)
	}
	return v
}
