package stack_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	api "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"pixeltrack.io/platform/infra/local/control"
	"pixeltrack.io/platform/infra/local/stack"
	"pixeltrack.io/platform/infra/local/stripe"
	"pixeltrack.io/platform/infra/local/template"
)

// bare starts a stack without functions whose templates name some secrets.
func bare(t *testing.T, secrets ...string) *stack.Stack {
	t.Helper()
	s, err := stack.Start(context.Background(), stack.Options{Root: "../../..", Change: func(c *template.Cloud) { c.Functions, c.SSM = nil, secrets }}, control.New)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestStripeIsPartOfTheStack(t *testing.T) {
	const prefix = "/pixeltrack/local/"
	s := bare(t, prefix+"stripe-secret-key", prefix+"stripe-webhook-secret", prefix+"stripe-connect-webhook-secret")
	backend := api.GetBackendWithConfig(api.APIBackend, &api.BackendConfig{URL: &s.Payments, MaxNetworkRetries: api.Int64(0), LeveledLogger: &api.LeveledLogger{}})
	c := client.New(s.Secrets[prefix+"stripe-secret-key"], &api.Backends{API: backend, Connect: backend, Uploads: backend})
	if _, err := c.Customers.New(&api.CustomerParams{Email: api.String("ada@example.com")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stripe-webhook-secret", "stripe-connect-webhook-secret"} {
		if err := webhook.ValidatePayload([]byte("{}"), "t=0,v1=00", s.Secrets[prefix+name]); err != webhook.ErrNoValidSignature && err != webhook.ErrTooOld || len(s.Secrets[prefix+name]) < 20 {
			t.Errorf("%s = %q, %v; want a secret of this run", name, s.Secrets[prefix+name], err)
		}
	}
	if _, err := s.Stripe.Send("charge.succeeded", "", nil, stripe.Delivery{Delay: 200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Stripe.Events() { // no function takes them here, so all are given up
		if e.Tried != 4 || e.Status != http.StatusInternalServerError {
			t.Errorf("%s was tried %d times, last %d; want 4 and the gateway's 500 when the stack has settled", e.Type, e.Tried, e.Status)
		}
	}
}

// A start that fails gives its error and ends what it had begun.
func TestAStackThatCannotStartSaysWhy(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := stack.Start(ctx, stack.Options{Root: "../../.."}, control.New); err == nil {
		t.Error("a start that was given up succeeded")
	}
}
