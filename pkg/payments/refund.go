package payments

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// RefundDue is the clock of refunds that Stripe is yet to be told of.
const RefundDue store.DueKind = "refund"

const (
	refundPause = time.Minute    // until a refund whose call died is told again
	keyLife     = 23 * time.Hour // within it, Stripe surely knows a key again
)

func refundDue(org id.Organization, p id.Payment, r invoicing.Refund) *store.Due {
	return store.NewDue(RefundDue, time.UnixMilli(r.Created).Add(refundPause), invoicing.PaymentKey(org, p))
}

// RefundIn is the input of create-refund.
type RefundIn struct {
	ID   string `path:"id" maxLength:"64" doc:"The payment." example:"pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Body *RefundBody
}

// RefundBody says what goes back.
type RefundBody struct {
	Amount *money.Money `json:"amount,omitempty" doc:"In the payment's currency; without it, all that is left."`
	Reason string       `json:"reason,omitempty" enum:"duplicate,fraudulent,requested_by_customer" example:"requested_by_customer"`
}

// RefundOut is the answer of create-refund.
type RefundOut struct{ Body invoicing.RefundBody }

func exampleRefund() invoicing.RefundBody {
	return invoicing.RefundBody{ID: "rfd_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", PaymentID: "pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Amount: money.Money{Amount: 1000, Currency: "EUR"},
		Status: invoicing.RefundSucceeded, Reason: "requested_by_customer", StripeID: "re_1Nispe2eZvKYlo2Cd31jOCgZ", CreatedAt: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
}

// CreateRefund pays a payment back, or a part of it.
func CreateRefund(st *store.Store, stripe *connect.Client) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-refund", Area: "invoicing", Method: http.MethodPost, Path: "/v1/payments/{id}/refunds", Status: http.StatusCreated, Audit: true,
		Permission: access.PaymentsWrite, Purpose: purpose.Invoicing, Summary: "Pay a payment back, or a part of it",
		Description: "A payment through Stripe is refunded there: the refund is written down before Stripe is told of it, is pending until Stripe has taken it, and counts as paid back " +
			"unless it fails. A manual payment's refund is a record of what you have paid back yourself. The invoice's paid sum follows.",
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "payment_not_found", When: "There is no such payment in the organization."},
			{Kind: problem.NotFound, Code: "invoice_not_found", When: "Its invoice is no longer there."},
			{Kind: problem.Conflict, Code: "payment_refunded", When: "Nothing is left of it."},
			{Kind: problem.Conflict, Code: "payment_account_disconnected", When: "The account at Stripe that took it is no longer connected."},
			{Kind: problem.Invalid, Code: "refund_exceeds_payment", When: "It is more than what is left; details say how much is."}},
		ExampleIn: RefundBody{Amount: &money.Money{Amount: 1000, Currency: "EUR"}, Reason: "requested_by_customer"}, ExampleOut: exampleRefund(),
	}, func(ctx context.Context, c *api.Caller, in *RefundIn) (*RefundOut, error) {
		var body RefundBody
		if in.Body != nil {
			body = *in.Body
		}
		d := &Desk{Store: st, Stripe: stripe, Actor: c.Org.Actor(), Clock: func() time.Time { return c.Now }}
		r := invoicing.Refund{ID: api.NewID[id.Refund](c), Reason: body.Reason, Created: c.Now.UnixMilli()}
		var p *invoicing.Payment
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if p, err = invoicing.ReadPayment(ctx, c.Org, in.ID); err != nil {
				return err
			}
			if r.Amount, err = body.of(p); err != nil {
				return err
			}
			i, err := invoicing.ReadInvoice(ctx, c.Org, p.Invoice)
			if errors.Is(err, store.ErrMissing) {
				return problem.Missing("invoice")
			}
			if err != nil {
				return err
			}
			tx, was := st.Begin(), p.Net()
			r.Status = invoicing.RefundSucceeded
			if p.Source == invoicing.Stripe {
				if err := d.reaches(ctx, p); err != nil {
					return err
				}
				r.Status = invoicing.RefundPending
				tx.Arm(c.Org, refundDue(c.Org.ID, p.ID, r))
			}
			p.Refunds = append(p.Refunds, r)
			if err := i.Move(ctx, tx, c.Org, p, was, c.Now); err != nil {
				return err
			}
			return c.Commit(ctx, tx, string(p.ID)+"/"+string(r.ID))
		})
		if err != nil {
			return nil, err
		}
		if r.Unsent() {
			// What fails here is told again in a minute; the refund is pending until then.
			if err := d.Send(ctx, c.Org, p.ID, r.ID); err == nil {
				return showRefund(ctx, c, string(p.ID)+"/"+string(r.ID))
			}
		}
		return &RefundOut{Body: p.RefundBody(r)}, nil
	}, showRefund)
}

// of judges what is to go back of a payment.
func (b RefundBody) of(p *invoicing.Payment) (int64, error) {
	left := p.Net()
	if left == 0 {
		return 0, problem.Of(problem.Conflict, "payment_refunded", "Nothing is left of the payment.")
	}
	if b.Amount == nil {
		return left, nil
	}
	_, whole := invoicing.ToStripe(*b.Amount)
	switch {
	case b.Amount.Currency != p.Currency:
		return 0, problem.InvalidField("body.amount", "not in the payment's currency")
	case b.Amount.Amount <= 0:
		return 0, problem.InvalidField("body.amount", "not more than 0")
	case b.Amount.Amount > left:
		more := problem.Of(problem.Invalid, "refund_exceeds_payment", "It is more than what is left of the payment.")
		more.Fields = []problem.Field{{Location: "body.amount", Message: "more than what is left"}}
		more.Details = map[string]any{"amount_left": left, "currency": p.Currency}
		return 0, more
	case p.Source == invoicing.Stripe && !whole:
		return 0, problem.InvalidField("body.amount", "Stripe cannot pay this amount")
	}
	return b.Amount.Amount, nil
}

// reaches refuses a payment whose account is no longer the organisation's.
func (d *Desk) reaches(ctx context.Context, p *invoicing.Payment) error {
	m, err := d.marker(ctx, p.Account)
	if errors.Is(err, errUnmatched) || err == nil && (m.Org != p.Org || !m.Connected) {
		return problem.Of(problem.Conflict, "payment_account_disconnected", "The account at Stripe that took the payment is no longer connected.")
	}
	return err
}

func showRefund(ctx context.Context, c *api.Caller, made string) (*RefundOut, error) {
	payment, refund, _ := strings.Cut(made, "/")
	p, err := invoicing.ReadPayment(ctx, c.Org, payment)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(p.Refunds, func(r invoicing.Refund) bool { return string(r.ID) == refund })
	if n < 0 {
		return nil, problem.Missing("refund")
	}
	return &RefundOut{Body: p.RefundBody(p.Refunds[n])}, nil
}

// Send tells Stripe of a refund, once however often it is called: the refund's id is the key of the call. It writes down what
// Stripe says and stops the clock.
func (d *Desk) Send(ctx context.Context, org *store.Organization, payment id.Payment, refundID id.Refund) error {
	p, err := store.Get[invoicing.Payment](ctx, org, invoicing.PaymentKey(org.ID, payment))
	if err != nil {
		return err
	}
	n := slices.IndexFunc(p.Refunds, func(r invoicing.Refund) bool { return r.ID == refundID })
	if n < 0 || !p.Refunds[n].Unsent() {
		return nil
	}
	told, err := d.tell(ctx, p, p.Refunds[n])
	var refused *connect.Refused
	switch {
	case errors.As(err, &refused):
		told = invoicing.Refund{Status: invoicing.RefundFailed, Failure: refused.Code}
	case errors.Is(err, connect.ErrAccess), errors.Is(err, connect.ErrMissing):
		told = invoicing.Refund{Status: invoicing.RefundFailed, Failure: "account_disconnected"}
	case err != nil:
		return err
	}
	return store.Again(ctx, store.ErrStale, func() error { return d.note(ctx, org, payment, refundID, told) })
}

// tell makes the call. A key that Stripe may have forgotten is not used again before the refunds that there are have been
// looked at.
func (d *Desk) tell(ctx context.Context, p *invoicing.Payment, r invoicing.Refund) (invoicing.Refund, error) {
	if d.Clock().Sub(time.UnixMilli(r.Created)) > keyLife {
		at, err := d.Stripe.Payment(ctx, p.Account, p.Intent)
		if err != nil {
			return r, err
		}
		for _, there := range truth(p.Account, p.Session, at).Refunds {
			unknown := !slices.ContainsFunc(p.Refunds, func(k invoicing.Refund) bool { return k.Stripe == there.Stripe })
			if unknown && there.Amount == r.Amount && there.Created >= r.Created-1000 {
				return there, nil
			}
		}
	}
	units, _ := invoicing.ToStripe(money.Money{Amount: r.Amount, Currency: p.Currency})
	made, err := d.Stripe.Refund(ctx, p.Account, "refund-"+string(r.ID), p.Intent, units, r.Reason)
	if err != nil {
		return r, err
	}
	return refund(made, p.Currency), nil
}

// note writes down what became of a refund that Stripe was told of.
func (d *Desk) note(ctx context.Context, org *store.Organization, payment id.Payment, refundID id.Refund, told invoicing.Refund) error {
	p, err := store.Get[invoicing.Payment](ctx, org, invoicing.PaymentKey(org.ID, payment))
	if err != nil {
		return err
	}
	i, err := invoicing.ReadInvoice(ctx, org, p.Invoice)
	if err != nil {
		return err
	}
	was, unsent := p.Net(), 0
	// Whoever asked Stripe meanwhile may have taken it for one that was made elsewhere.
	p.Refunds = slices.DeleteFunc(slices.Clone(p.Refunds), func(r invoicing.Refund) bool {
		return told.Stripe != "" && r.Stripe == told.Stripe && r.ID != refundID
	})
	var mine *invoicing.Refund
	for n := range p.Refunds {
		switch r := &p.Refunds[n]; {
		case r.ID == refundID:
			mine = r
		case r.Unsent():
			unsent++
		}
	}
	if mine == nil || !mine.Unsent() {
		return nil
	}
	mine.Stripe, mine.Status, mine.Failure = told.Stripe, told.Status, told.Failure
	tx := d.Store.Begin()
	if err := i.Move(ctx, tx, org, p, was, d.Clock()); err != nil {
		return err
	}
	if told.Stripe != "" {
		tx.Put(d.platform(), invoicing.Bind(p.Account, told.Stripe, p.Org, p.Invoice, p.ID))
	}
	if unsent == 0 {
		tx.Disarm(org, refundDue(org.ID, p.ID, *mine), false)
	}
	return tx.Commit(ctx)
}
