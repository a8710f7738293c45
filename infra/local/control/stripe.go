package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/stripe"
)

// stripe lists the calls that play the people outside Stripe.
func (c *control) stripe() map[string]handler {
	return map[string]handler{
		"POST /_local/stripe/events":                         c.stripeEvent,
		"POST /_local/stripe/events/{event}/resend":          c.stripeResend,
		"GET /_local/stripe/events":                          c.stripeEvents,
		"GET /_local/stripe/sessions":                        c.stripeSessions,
		"POST /_local/stripe/sessions/{session}/pay":         c.stripePay,
		"POST /_local/stripe/sessions/{session}/clear":       c.stripeClear,
		"POST /_local/stripe/refunds/{refund}":               c.stripeRefund,
		"POST /_local/stripe/disputes":                       c.stripeDispute,
		"POST /_local/stripe/disputes/{dispute}/close":       c.stripeCloseDispute,
		"POST /_local/stripe/accounts/{account}/onboard":     c.stripeOnboard,
		"POST /_local/stripe/accounts/{account}/restrict":    c.stripeRestrict,
		"POST /_local/stripe/accounts/{account}/deauthorize": c.stripeDeauthorize,
		"POST /_local/stripe/accounts/{account}/authorize":   c.stripeAuthorize,
		"POST /_local/stripe/webhooks":                       c.stripeWebhooks,
		"POST /_local/stripe/webhooks/roll":                  c.stripeRoll,
	}
}

// delivery is how a call says that an event shall go out.
type delivery struct {
	stripe.Delivery
	After string `json:"delay"`
}

func (d delivery) read() (stripe.Delivery, error) {
	if d.After != "" {
		t, err := time.ParseDuration(d.After)
		if err != nil || t < 0 || t > patience {
			return d.Delivery, bad("delay", "delay is a duration such as 2s, of no more than %v.", patience)
		}
		d.Delay = t
	}
	return d.Delivery, nil
}

func (c *control) stripeEvent(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		Type    string         `json:"type"`
		Account string         `json:"account"`
		Object  map[string]any `json:"object"`
		delivery
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Type == "" {
		return nil, bad("incomplete", "type is needed.")
	}
	how, err := in.read()
	if err != nil {
		return nil, err
	}
	id, err := c.stack.Stripe.Send(in.Type, in.Account, in.Object, how)
	if err != nil {
		return nil, refused(err)
	}
	return map[string]string{"id": id}, nil
}

func (c *control) stripeResend(_ context.Context, r *http.Request) (any, error) {
	var in delivery
	if err := read(r, &in); err != nil {
		return nil, err
	}
	how, err := in.read()
	if err != nil {
		return nil, err
	}
	id := r.PathValue("event")
	if err := c.stack.Stripe.Resend(id, how); err != nil {
		return nil, refused(err)
	}
	return map[string]string{"id": id}, nil
}

func (c *control) stripeEvents(context.Context, *http.Request) (any, error) {
	return c.stack.Stripe.Events(), nil
}

func (c *control) stripeSessions(context.Context, *http.Request) (any, error) {
	return c.stack.Stripe.Sessions(), nil
}

func (c *control) stripePay(_ context.Context, r *http.Request) (any, error) {
	var in stripe.Payment
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return given(c.stack.Stripe.Pay(r.PathValue("session"), in))
}

func (c *control) stripeClear(_ context.Context, r *http.Request) (any, error) {
	came, err := either(r, "outcome", "succeeded", "failed")
	if err != nil {
		return nil, err
	}
	return given(c.stack.Stripe.Clear(r.PathValue("session"), came))
}

func (c *control) stripeRefund(_ context.Context, r *http.Request) (any, error) {
	taken, err := either(r, "status", "succeeded", "failed")
	if err != nil {
		return nil, err
	}
	return given(c.stack.Stripe.EndRefund(r.PathValue("refund"), taken))
}

func (c *control) stripeDispute(_ context.Context, r *http.Request) (any, error) {
	var in stripe.Dispute
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return given(c.stack.Stripe.OpenDispute(in))
}

func (c *control) stripeCloseDispute(_ context.Context, r *http.Request) (any, error) {
	won, err := either(r, "status", "won", "lost")
	if err != nil {
		return nil, err
	}
	return given(c.stack.Stripe.CloseDispute(r.PathValue("dispute"), won))
}

func (c *control) stripeOnboard(_ context.Context, r *http.Request) (any, error) {
	return given(c.stack.Stripe.Onboard(r.PathValue("account")))
}

func (c *control) stripeRestrict(_ context.Context, r *http.Request) (any, error) {
	return given(c.stack.Stripe.Restrict(r.PathValue("account")))
}

func (c *control) stripeAuthorize(_ context.Context, r *http.Request) (any, error) {
	return given(c.stack.Stripe.Authorize(r.PathValue("account")))
}

func (c *control) stripeDeauthorize(_ context.Context, r *http.Request) (any, error) {
	id := r.PathValue("account")
	if err := c.stack.Stripe.Deauthorize(id); err != nil {
		return nil, refused(err)
	}
	return map[string]any{"id": id, "deauthorized": true}, nil
}

func (c *control) stripeWebhooks(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		Hold  *bool  `json:"hold"`
		Order string `json:"order"`
		Times *int   `json:"times"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Hold == nil && in.Times == nil {
		return nil, bad("incomplete", "Send hold or times.")
	}
	if in.Times != nil {
		c.stack.Stripe.Repeat(*in.Times)
	}
	if in.Hold != nil && *in.Hold {
		c.stack.Stripe.Hold()
	}
	if in.Hold != nil && !*in.Hold {
		if err := c.stack.Stripe.Release(in.Order); err != nil {
			return nil, bad("order", "order is forward, reverse, shuffle or drop.")
		}
	}
	return map[string]int{"pending": c.stack.Stripe.Pending()}, nil
}

func (c *control) stripeRoll(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		Endpoint string `json:"endpoint"`
		Secret   string `json:"secret"`
		Overlap  string `json:"overlap"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	overlap, err := time.ParseDuration(in.Overlap)
	if in.Endpoint != "platform" && in.Endpoint != "connect" || !strings.HasPrefix(in.Secret, "whsec_") || err != nil || overlap < 0 {
		return nil, bad("incomplete", "Send endpoint (platform or connect), secret (whsec_…) and overlap (24h).")
	}
	c.stack.Stripe.Roll(in.Endpoint == "connect", in.Secret, overlap)
	return map[string]bool{"rolled": true}, nil
}

// either reads a body with one member that has one of two values, and says whether it is the first.
func either(r *http.Request, name, first, second string) (bool, error) {
	var in map[string]string
	if err := read(r, &in); err != nil {
		return false, err
	}
	if in[name] != first && in[name] != second {
		return false, bad(name, "%s is %s or %s.", name, first, second)
	}
	return in[name] == first, nil
}

// given answers what Stripe gave.
func given(v json.RawMessage, err error) (any, error) {
	if err != nil {
		return nil, refused(err)
	}
	return v, nil
}

func refused(err error) error {
	switch {
	case errors.Is(err, stripe.ErrMissing):
		return missing("no_object", "Stripe has no such object.")
	case errors.Is(err, stripe.ErrState):
		return &refusal{http.StatusConflict, problem{"state", err.Error()}}
	case errors.Is(err, stripe.ErrDelivery):
		return bad("delivery", "secret is current, or previous after one was rolled.")
	}
	return err
}
