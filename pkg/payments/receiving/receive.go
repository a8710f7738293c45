package receiving

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/payments/hook"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// In is a webhook as it was signed.
type In struct {
	Signature string `header:"Stripe-Signature" doc:"t=…,v1=…, several v1 while a secret is replaced."`
	RawBody   []byte `contentType:"application/json"`
}

// Out says that a webhook was taken.
type Out struct{ Body Taken }

// Taken is the answer to a webhook.
type Taken struct {
	Received bool `json:"received" example:"true" doc:"Always true; what was not taken is refused."`
}

// ReceiveStripe takes what Stripe tells of the platform's own account.
func ReceiveStripe(st *store.Store, secret string) api.Operation {
	return receive(st, secret, "receive-stripe", "/v1/webhooks/stripe", false)
}

// ReceiveStripeConnect takes what Stripe tells of the accounts of organisations.
func ReceiveStripeConnect(st *store.Store, secret string) api.Operation {
	return receive(st, secret, "receive-stripe-connect", "/v1/webhooks/stripe-connect", true)
}

// receive takes an event once, however often it comes. The signature over the very bytes is checked before anything is read
// of them. The secret may be two, with a comma between them.
func receive(st *store.Store, secret, id, path string, connect bool) api.Operation {
	r := api.Route{
		ID: id, Area: "webhooks", Method: http.MethodPost, Path: path, Audience: api.Public, RawBody: true, Purpose: purpose.Invoicing,
		Summary: "Take an event of Stripe's",
		Description: "For Stripe alone. The signature is checked over the very bytes first, then that it is not older than 300 seconds. An event says that something " +
			"changed; what it is by now is asked of Stripe afterwards, so events may come twice, late and in any order.",
		ExampleIn: map[string]any{"id": "evt_1NG8Du2eZvKYlo2CUI79vXWy", "object": "event", "type": "payment_intent.succeeded", "created": 1772442000, "livemode": false,
			"data": map[string]any{"object": map[string]any{"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "object": "payment_intent"}}},
		ExampleOut: Taken{Received: true},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "signature_invalid", When: "The webhook is not signed by Stripe."},
			{Kind: problem.Unauthenticated, Code: "signature_expired", When: "The signature is more than 300 seconds from now."},
			{Kind: problem.Malformed, Code: "not_an_event", When: "What was signed is not an event, or one for the other endpoint."},
		},
	}
	if connect {
		r.Summary = "Take an event of an organization's account at Stripe"
		r.ExampleIn.(map[string]any)["account"] = "acct_1032D82eZvKYlo2C"
	}
	return api.New(r, func(ctx context.Context, c *api.Caller, in *In) (*Out, error) {
		err := hook.Verify(in.Signature, in.RawBody, secret, c.Now)
		switch {
		case errors.Is(err, hook.ErrAge):
			return nil, problem.Of(problem.Unauthenticated, "signature_expired", "The signature is too old or from the future.")
		case err != nil:
			return nil, problem.Of(problem.Unauthenticated, "signature_invalid", "The signature is not valid.")
		}
		e, err := hook.Parse(in.RawBody)
		if err != nil || connect != (e.Account != "") {
			return nil, problem.Of(problem.Malformed, "not_an_event", "This is not an event for this address.")
		}
		tx := st.Begin()
		tx.Create(st.BindPlatform(store.Actor{Who: "provider:stripe", Request: c.Request}), rowOf(e, c.Now))
		if err := tx.Commit(ctx); err != nil && !errors.Is(err, store.ErrExists) {
			return nil, err
		}
		return &Out{Taken{Received: true}}, nil
	})
}
