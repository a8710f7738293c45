package invoicing

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/store"
)

// RefundStatus is what became of a refund.
type RefundStatus string

// The states of a refund. Until it has failed, its amount counts as paid back.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// Refund is what was paid back of a payment.
type Refund struct {
	ID      id.Refund    `dynamo:"id"`
	Amount  int64        `dynamo:"amount"` // minor units
	Status  RefundStatus `dynamo:"status"`
	Reason  string       `dynamo:"reason,omitempty"`  // duplicate, fraudulent or requested_by_customer
	Failure string       `dynamo:"failure,omitempty"` // why it failed, a word of Stripe's
	Stripe  string       `dynamo:"stripe,omitempty"`  // Stripe's id, once Stripe has it
	Created int64        `dynamo:"created"`           // epoch milliseconds
}

// Unsent says whether a refund of a payment through Stripe is yet to be told to Stripe.
func (r Refund) Unsent() bool { return r.Status == RefundPending && r.Stripe == "" }

// Dispute is a payer's bank that objects to a payment. A lost one has taken its amount back.
type Dispute struct {
	ID      string `dynamo:"id"` // Stripe's
	Amount  int64  `dynamo:"amount"`
	Status  string `dynamo:"status"` // a word of Stripe's: needs_response, under_review, won, lost and others
	Reason  string `dynamo:"reason,omitempty"`
	Created int64  `dynamo:"created"` // epoch milliseconds
}

// DisputeLost is the state of a dispute that took its amount back.
const DisputeLost = "lost"

// RefundBody is a refund on the wire.
type RefundBody struct {
	ID        string       `json:"id" example:"rfd_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	PaymentID string       `json:"payment_id" example:"pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Amount    money.Money  `json:"amount"`
	Status    RefundStatus `json:"status" enum:"pending,succeeded,failed" doc:"A failed one has not gone back."`
	Reason    string       `json:"reason,omitempty" example:"requested_by_customer"`
	Failure   string       `json:"failure,omitempty" doc:"Why it failed, in a word of Stripe's." example:"charge_disputed"`
	StripeID  string       `json:"stripe_id,omitempty" example:"re_1Nispe2eZvKYlo2Cd31jOCgZ"`
	CreatedAt time.Time    `json:"created_at"`
}

// RefundBody is a refund of the payment on the wire.
func (p *Payment) RefundBody(r Refund) RefundBody {
	return RefundBody{ID: string(r.ID), PaymentID: string(p.ID), Amount: money.Money{Amount: r.Amount, Currency: p.Currency}, Status: r.Status, Reason: r.Reason,
		Failure: r.Failure, StripeID: r.Stripe, CreatedAt: time.UnixMilli(r.Created).UTC()}
}

// DisputeBody is a dispute on the wire.
type DisputeBody struct {
	ID        string      `json:"id" doc:"Stripe's." example:"dp_1MtJUT2eZvKYlo2CNaw2HvEv"`
	Amount    money.Money `json:"amount"`
	Status    string      `json:"status" doc:"In Stripe's words; a lost one has taken its amount back." example:"needs_response"`
	Reason    string      `json:"reason,omitempty" example:"fraudulent"`
	CreatedAt time.Time   `json:"created_at"`
}

// refunded is what went back or is on its way.
func (p *Payment) refunded() int64 {
	var sum int64
	for _, r := range p.Refunds {
		if r.Status != RefundFailed {
			sum += r.Amount
		}
	}
	return sum
}

// Net is what is left of the payment, less what was paid back and what lost disputes took; never less than nothing.
func (p *Payment) Net() int64 {
	left := p.Amount - p.refunded()
	for _, d := range p.Disputes {
		if d.Status == DisputeLost {
			left -= d.Amount
		}
	}
	return max(0, left)
}

// Credit is what a payment is beyond what its invoice takes.
type Credit struct {
	Payment id.Payment `dynamo:"payment"`
	Amount  int64      `dynamo:"amount"`
}

func (i *Invoice) credit() int64 {
	var sum int64
	for _, c := range i.Credits {
		sum += c.Amount
	}
	return sum
}

func (i *Invoice) creditOf(p id.Payment) int64 {
	for _, c := range i.Credits {
		if c.Payment == p {
			return c.Amount
		}
	}
	return 0
}

// receive moves what is left of one payment by an amount, back with less than nothing, and with it the invoice's paid sum,
// its state and its credits. Whatever the order of such moves, the paid sum is what came in, up to the total, and the
// credits are the rest; and the invoice is late if it is overdue now. It gives the other payments whose credit has changed.
func (i *Invoice) receive(p id.Payment, by int64, now time.Time) []id.Payment {
	takes := i.Total
	if i.Status == Void {
		takes = 0
	}
	was := i.credit()
	in := i.Paid + was + by
	over := max(0, in-takes)
	i.Paid = in - over
	var others []id.Payment
	switch change := over - was; {
	case change > 0:
		i.lend(p, change)
	case change < 0:
		rest := i.take(p, -change)
		for _, c := range slices.Clone(i.Credits) {
			if rest > 0 && c.Payment != p {
				rest = i.take(c.Payment, rest)
				others = append(others, c.Payment)
			}
		}
	}
	i.settle(now)
	i.Late = i.Overdue(now)
	return others
}

// lend adds to the credit of a payment.
func (i *Invoice) lend(p id.Payment, amount int64) {
	i.Credits = slices.Clone(i.Credits)
	for n := range i.Credits {
		if i.Credits[n].Payment == p {
			i.Credits[n].Amount += amount
			return
		}
	}
	i.Credits = append(i.Credits, Credit{Payment: p, Amount: amount})
}

// take takes up to an amount from the credit of a payment, and gives what it did not find.
func (i *Invoice) take(p id.Payment, amount int64) int64 {
	i.Credits = slices.Clone(i.Credits)
	for n, c := range i.Credits {
		if c.Payment == p {
			found := min(amount, c.Amount)
			i.Credits[n].Amount -= found
			amount -= found
		}
	}
	i.Credits = slices.DeleteFunc(i.Credits, func(c Credit) bool { return c.Amount == 0 })
	if len(i.Credits) == 0 {
		i.Credits = nil
	}
	return amount
}

// settle derives the state from the paid sum. A void invoice stays void whatever comes in.
func (i *Invoice) settle(now time.Time) {
	i.Updated = now.UnixMilli()
	switch {
	case i.Status == Void, i.Status == Paid && i.Paid == i.Total:
		return
	case i.Paid == i.Total:
		i.Status, i.SettledAt = Paid, now.UnixMilli()
		return
	case i.Paid > 0:
		i.Status = PartlyPaid
	case i.ViewedAt != 0:
		i.Status = Viewed
	default:
		i.Status = Sent
	}
	i.SettledAt = 0
}

// spread writes the credits that have changed onto their payments.
func (i *Invoice) spread(ctx context.Context, tx *store.Tx, org *store.Organization, payments []id.Payment, now time.Time) error {
	for _, p := range payments {
		other, err := store.Get[Payment](ctx, org, PaymentKey(org.ID, p))
		if err != nil {
			return err
		}
		other.Credit, other.Updated = i.creditOf(p), now.UnixMilli()
		tx.Replace(org, other)
	}
	return nil
}

// Move writes a payment that has changed, and what the change does to its invoice, into a transaction. Was is what was left
// of the payment before. The transaction fails with store.ErrStale when either has changed since it was read.
func (i *Invoice) Move(ctx context.Context, tx *store.Tx, org *store.Organization, p *Payment, was int64, now time.Time) error {
	p.Updated = now.UnixMilli()
	if net := p.Net(); net != was {
		if err := i.spread(ctx, tx, org, i.receive(p.ID, net-was, now), now); err != nil {
			return err
		}
		i.keep(tx, org, now)
		tx.Replace(org, i)
	}
	p.Credit = i.creditOf(p.ID)
	if p.Version == 0 {
		tx.Create(org, p).Else(store.ErrStale)
		return nil
	}
	tx.Replace(org, p)
	return nil
}

// Truth is a payment as Stripe has it, in the minor units of its currency.
type Truth struct {
	Account, Session, Intent, Charge string
	Amount                           int64
	Currency                         string
	At                               time.Time
	Method                           string // a word of Stripe's
	Fee                              *int64
	Refunds                          []Refund // with Stripe's ids
	Disputes                         []Dispute
}

// Fold brings a payment up to what Stripe has; nil for one that is not written down yet. It says whether that changes
// anything. What Stripe does not know of, a refund that it was not told of yet, stays.
func (i *Invoice) Fold(p *Payment, t Truth, ids id.Source, now time.Time) (*Payment, bool) {
	if p == nil {
		p = &Payment{Org: i.Org, ID: id.New[id.Payment](ids), Invoice: i.ID, Client: i.Client, Amount: t.Amount, Currency: t.Currency,
			PaidOn: today(t.At, i.Zone), Method: methodOf(t.Method), Source: Stripe, Account: t.Account, Session: t.Session, Intent: t.Intent, Charge: t.Charge,
			Created: now.UnixMilli()}
	}
	was := *p
	was.Refunds = slices.Clone(p.Refunds)
	if t.Session != "" {
		p.Session = t.Session
	}
	p.Charge, p.Fee = t.Charge, t.Fee
	for _, r := range t.Refunds {
		n := slices.IndexFunc(p.Refunds, func(known Refund) bool { return known.Stripe == r.Stripe })
		if n < 0 {
			r.ID = id.New[id.Refund](ids)
			p.Refunds = append(p.Refunds, r)
			continue
		}
		p.Refunds[n].Status, p.Refunds[n].Failure, p.Refunds[n].Amount = r.Status, r.Failure, r.Amount
	}
	p.Disputes = t.Disputes
	return p, p.Version == 0 || !reflect.DeepEqual(was, *p)
}

// methodOf is a way to pay of Stripe's in our words.
func methodOf(kind string) Method {
	switch {
	case kind == "card" || kind == "card_present":
		return Card
	case strings.HasSuffix(kind, "_debit") || kind == "us_bank_account":
		return Debit
	}
	return Online
}

// ReadInvoice reads an invoice without its lines.
func ReadInvoice(ctx context.Context, org *store.Organization, i id.Invoice) (*Invoice, error) {
	return store.Get[Invoice](ctx, org, Key(org.ID, i))
}

// PaymentKey is where a payment lies.
func PaymentKey(org id.Organization, p id.Payment) store.Key {
	return store.OrganizationScope(org).Key(FamilyPayment, string(p))
}
