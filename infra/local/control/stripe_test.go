package control_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	api "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"pixeltrack.io/platform/infra/local/control"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/stack"
	"pixeltrack.io/platform/infra/local/stripe"
)

// payments is a Stripe with its control, a client of it and the webhooks that came.
type payments struct {
	t        *testing.T
	server   *stripe.Server
	clock    *simclock.Clock
	url      string
	api      *client.API
	webhooks chan *http.Request
	bodies   chan []byte
}

func startPayments(t *testing.T) *payments {
	t.Helper()
	p := &payments{t: t, clock: new(simclock.Clock), webhooks: make(chan *http.Request, 100), bodies: make(chan []byte, 100)}
	product := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		p.webhooks <- r
		p.bodies <- body
	}))
	t.Cleanup(product.Close)
	p.server = stripe.New(stripe.Options{Key: "sk_test_0123456789abcdef", Clock: p.clock, Platform: stripe.Endpoint{URL: product.URL + "/platform", Secret: "whsec_a"},
		Connect: stripe.Endpoint{URL: product.URL + "/connect", Secret: "whsec_b"}})
	t.Cleanup(p.server.Close)
	provider := httptest.NewServer(p.server)
	t.Cleanup(provider.Close)
	steering := httptest.NewServer(control.New(&stack.Stack{Stripe: p.server, Clock: p.clock}))
	t.Cleanup(steering.Close)
	p.url = steering.URL
	backend := api.GetBackendWithConfig(api.APIBackend, &api.BackendConfig{URL: &provider.URL, MaxNetworkRetries: api.Int64(0), LeveledLogger: &api.LeveledLogger{}})
	p.api = client.New("sk_test_0123456789abcdef", &api.Backends{API: backend, Connect: backend, Uploads: backend})
	return p
}

// post makes a control call that answers a status, and gives its answer.
func (p *payments) post(status int, path, body string) map[string]any {
	p.t.Helper()
	r, err := http.Post(p.url+"/_local/stripe/"+path, "application/json", bytes.NewBufferString(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		p.t.Fatal(err)
	}
	if r.StatusCode != status {
		p.t.Fatalf("POST %s %s = %d %v; want %d", path, body, r.StatusCode, out, status)
	}
	return out
}

// came waits until every webhook is out and gives what came: path and type.
func (p *payments) came() []string {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); p.server.Pending() > 0; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatal("webhooks are still pending")
		}
	}
	all := []string{}
	for len(p.webhooks) > 0 {
		var e api.Event
		if err := json.Unmarshal(<-p.bodies, &e); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, (<-p.webhooks).URL.Path+" "+string(e.Type))
	}
	return all
}

func (p *payments) want(want ...string) {
	p.t.Helper()
	if got := p.came(); !slices.Equal(got, want) {
		p.t.Errorf("webhooks = %q; want %q", got, want)
	}
}

func TestStripeEvents(t *testing.T) {
	p := startPayments(t)
	id := p.post(200, "events", `{"type":"payment_intent.succeeded","account":"acct_1","object":{"id":"pi_1","object":"payment_intent","amount":12345678901},"times":2,"delay":"10ms"}`)["id"]
	for range 2 {
		r, body := <-p.webhooks, <-p.bodies
		e, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), "whsec_b")
		if err != nil {
			t.Fatal(err)
		}
		var intent api.PaymentIntent
		if err := json.Unmarshal(e.Data.Raw, &intent); err != nil {
			t.Fatal(err)
		}
		if e.ID != id || e.Type != "payment_intent.succeeded" || e.Account != "acct_1" || r.URL.Path != "/connect" || intent.ID != "pi_1" || intent.Amount != 12345678901 {
			t.Errorf("event = %+v with %+v; want %v as it was told", e, intent, id)
		}
	}
	for _, tt := range []struct {
		body string
		good bool
	}{{`{"type":"charge.failed"}`, true}, {`{"type":"charge.failed","bad_signature":true}`, false}, {`{"type":"charge.failed","old_signature":true}`, false}} {
		p.post(200, "events", tt.body)
		r, body := <-p.webhooks, <-p.bodies
		if _, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), "whsec_a"); (err == nil) != tt.good || r.URL.Path != "/platform" {
			t.Errorf("%s: signature = %v at %s; want good %v", tt.body, err, r.URL.Path, tt.good)
		}
	}
	p.post(200, "events/"+fmt.Sprint(id)+"/resend", `{}`)
	p.want("/connect payment_intent.succeeded")
	p.post(200, "webhooks/roll", `{"endpoint":"platform","secret":"whsec_c","overlap":"1h"}`)
	p.post(200, "events", `{"type":"charge.failed","secret":"previous"}`)
	r, body := <-p.webhooks, <-p.bodies
	if err := webhook.ValidatePayload(body, r.Header.Get("Stripe-Signature"), "whsec_c"); err == nil {
		t.Error("with the previous secret it is signed with the new one")
	}
	for _, tt := range []struct {
		status     int
		path, body string
	}{
		{400, "events", `{}`},
		{400, "events", `{"type":"x","delay":"soon"}`},
		{400, "events", `{"type":"x","delay":"240h"}`},
		{400, "events", `{"type":"x","account":"acct_1","secret":"previous"}`},
		{404, "events/evt_1/resend", `{}`},
		{400, "webhooks", `{}`},
		{400, "webhooks", `{"hold":false,"order":"sideways"}`},
		{400, "webhooks/roll", `{"endpoint":"platform"}`},
		{404, "sessions/cs_1/pay", `{}`},
		{400, "sessions/cs_1/clear", `{}`},
		{404, "accounts/acct_2/onboard", `{}`},
		{404, "disputes", `{"charge":"ch_1"}`},
	} {
		p.post(tt.status, tt.path, tt.body)
	}
}

func TestStripePeople(t *testing.T) {
	p := startPayments(t)
	a, err := p.api.Accounts.New(&api.AccountParams{Type: api.String("standard"), Country: api.String("DE")})
	if err != nil {
		t.Fatal(err)
	}
	p.post(200, "accounts/"+a.ID+"/onboard", "")
	p.want("/connect account.updated")
	session := func() string {
		t.Helper()
		q := &api.CheckoutSessionParams{Mode: api.String("payment"), SuccessURL: api.String("https://example.org/"), LineItems: []*api.CheckoutSessionLineItemParams{{Quantity: api.Int64(1),
			PriceData: &api.CheckoutSessionLineItemPriceDataParams{Currency: api.String("eur"), UnitAmount: api.Int64(5000),
				ProductData: &api.CheckoutSessionLineItemPriceDataProductDataParams{Name: api.String("Work")}}}}}
		q.SetStripeAccount(a.ID)
		s, err := p.api.CheckoutSessions.New(q)
		if err != nil {
			t.Fatal(err)
		}
		return s.ID
	}
	id := session()
	p.post(200, "webhooks", `{"hold":true}`)
	if s := p.post(200, "sessions/"+id+"/pay", `{"outcome":"paid","email":"bob@example.com"}`); s["payment_status"] != "paid" {
		t.Errorf("session = %v; want it paid", s)
	}
	p.want()
	p.post(200, "webhooks", `{"hold":false,"order":"reverse","times":1}`)
	p.want("/connect checkout.session.completed", "/connect payment_intent.succeeded", "/connect charge.succeeded", "/connect payment_intent.created")
	p.post(409, "sessions/"+id+"/pay", `{}`)

	get := &api.CheckoutSessionParams{}
	get.SetStripeAccount(a.ID)
	s, err := p.api.CheckoutSessions.Get(id, get)
	if err != nil {
		t.Fatal(err)
	}
	d := p.post(200, "disputes", `{"payment_intent":"`+s.PaymentIntent.ID+`","amount":1000}`)
	p.post(200, "disputes/"+fmt.Sprint(d["id"])+"/close", `{"status":"lost"}`)
	p.want("/connect charge.dispute.created", "/connect charge.dispute.funds_withdrawn", "/connect charge.dispute.closed")

	late := session()
	p.post(200, "sessions/"+late+"/pay", `{"outcome":"async"}`)
	p.came()
	p.post(200, "sessions/"+late+"/clear", `{"outcome":"succeeded"}`)
	p.want("/connect charge.succeeded", "/connect payment_intent.succeeded", "/connect checkout.session.async_payment_succeeded")
	if s, err = p.api.CheckoutSessions.Get(late, get); err != nil {
		t.Fatal(err)
	}
	q := &api.RefundParams{PaymentIntent: &s.PaymentIntent.ID}
	q.SetStripeAccount(a.ID)
	refund, err := p.api.Refunds.New(q)
	if err != nil {
		t.Fatal(err)
	}
	p.came()
	if r := p.post(200, "refunds/"+refund.ID, `{"status":"succeeded"}`); r["status"] != "succeeded" {
		t.Errorf("refund = %v; want it succeeded", r)
	}
	p.want("/connect refund.updated", "/connect charge.refund.updated")
	p.post(200, "accounts/"+a.ID+"/deauthorize", "")
	p.want("/connect account.application.deauthorized")

	var sessions, events []map[string]any
	for path, out := range map[string]*[]map[string]any{"sessions": &sessions, "events": &events} {
		r, err := http.Get(p.url + "/_local/stripe/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if err := json.NewDecoder(r.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
	if len(sessions) != 2 || sessions[0]["account"] != a.ID || len(events) < 15 || events[0]["status"] != 200.0 {
		t.Errorf("%d sessions, %d events; want two, and what was told of them", len(sessions), len(events))
	}
}
