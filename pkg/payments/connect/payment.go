package connect

import (
	"context"
	"encoding/json"
	"fmt"

	"pixeltrack.io/platform/pkg/payments/hook"
)

func decode(text []byte, into any) error { return json.Unmarshal(text, into) }

// Payment is a payment intent with what became of its money.
type Payment struct {
	Intent   string
	Status   string // of the intent: succeeded, processing, requires_payment_method, canceled and others
	Charge   string
	Amount   int64 // that came in, in Stripe's minor units
	Currency string
	Created  int64  // of the charge, epoch seconds
	Method   string // card, sepa_debit and others
	Fee      *int64 // in the payment's currency; nil when it was taken in another
	Refunds  []Refund
	Disputes []Dispute
}

// Refund is money that went back.
type Refund struct {
	ID      string `json:"id"`
	Amount  int64  `json:"amount"`
	Status  string `json:"status"` // pending, requires_action, succeeded, failed or canceled
	Reason  string `json:"reason"`
	Failure string `json:"failure_reason"`
	Created int64  `json:"created"`
}

// Dispute is a payer's bank that objects.
type Dispute struct {
	ID      string `json:"id"`
	Amount  int64  `json:"amount"`
	Status  string `json:"status"` // needs_response, under_review, won, lost and others
	Reason  string `json:"reason"`
	Created int64  `json:"created"`
}

// Payment reads a payment with its refunds and disputes, as they are now.
func (c *Client) Payment(ctx context.Context, account, intent string) (*Payment, error) {
	var w wire[struct {
		ID       string `json:"id"`
		Status   string `json:"status"`
		Received int64  `json:"amount_received"`
		Currency string `json:"currency"`
		Charge   *struct {
			ID      string `json:"id"`
			Created int64  `json:"created"`
			Status  string `json:"status"`
			Method  struct {
				Type string `json:"type"`
			} `json:"payment_method_details"`
			Balance *struct {
				Fee      int64  `json:"fee"`
				Currency string `json:"currency"`
			} `json:"balance_transaction"`
		} `json:"latest_charge"`
	}]
	if err := c.get(ctx, at("/v1/payment_intents/", intent), account, params("expand[0]", "latest_charge", "expand[1]", "latest_charge.balance_transaction"), &w); err != nil {
		return nil, err
	}
	i := w.value
	p := &Payment{Intent: i.ID, Status: i.Status, Amount: i.Received, Currency: i.Currency}
	if i.Charge == nil || i.Status != "succeeded" {
		return p, nil
	}
	p.Charge, p.Created, p.Method = i.Charge.ID, i.Charge.Created, i.Charge.Method.Type
	if b := i.Charge.Balance; b != nil && b.Currency == i.Currency {
		p.Fee = &b.Fee
	}
	var err error
	if p.Refunds, err = all(ctx, c, account, "/v1/refunds", func(r Refund) string { return r.ID }, "payment_intent", intent); err != nil {
		return nil, err
	}
	p.Disputes, err = all(ctx, c, account, "/v1/disputes", func(d Dispute) string { return d.ID }, "payment_intent", intent)
	return p, err
}

// Refund pays a part of a payment back. Under one key it is paid once, for 24 hours.
func (c *Client) Refund(ctx context.Context, account, key, intent string, amount int64, reason string) (Refund, error) {
	var w wire[Refund]
	err := c.post(ctx, "/v1/refunds", account, key, params("payment_intent", intent, "amount", fmt.Sprint(amount), "reason", reason), &w)
	return w.value, err
}

// Events reads a page of what happened at an account since a time, newest first, from the one after an event on, and says
// whether there is more. Stripe tells of 30 days.
func (c *Client) Events(ctx context.Context, account string, since int64, after string) ([]hook.Event, bool, error) {
	var w wire[list[hook.Event]]
	err := c.get(ctx, "/v1/events", account, params("created[gte]", fmt.Sprint(since), "limit", pageSize, "starting_after", after), &w)
	return w.value.Data, w.value.More, err
}
