package invoicing

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyPayment holds payments.
const FamilyPayment store.Family = "PAYMENT"

// Method is how something was paid.
type Method string

// The ways to pay: the first three are written down by hand, the others are Stripe's.
const (
	Bank   Method = "bank"
	Cash   Method = "cash"
	Other  Method = "other"
	Card   Method = "card"
	Debit  Method = "debit"
	Online Method = "online" // a wallet, a voucher, a transfer through Stripe
)

// Source is who says that something was paid.
type Source string

// The sources. A payment from before there was another than by hand has none.
const (
	Manual Source = "manual"
	Stripe Source = "stripe"
)

// Payment is what was paid of an invoice, with what went back of it. It moves the invoice's paid sum in the same
// transaction. Refunds and disputes are on the payment, so that its version guards their sum.
type Payment struct {
	store.Meta
	Org       id.Organization `dynamo:"org"`
	ID        id.Payment      `dynamo:"id"`
	Invoice   id.Invoice      `dynamo:"invoice"`
	Client    id.Client       `dynamo:"client"`
	Amount    int64           `dynamo:"amount"` // minor units, more than 0
	Currency  string          `dynamo:"currency"`
	PaidOn    string          `dynamo:"paid_on"` // 2026-03-02
	Method    Method          `dynamo:"method"`
	Reference string          `dynamo:"reference,omitempty"`
	Source    Source          `dynamo:"source,omitempty"`
	Account   string          `dynamo:"account,omitempty"` // of Stripe's: the connected account, the session and what it made
	Session   string          `dynamo:"session,omitempty"`
	Intent    string          `dynamo:"intent,omitempty"`
	Charge    string          `dynamo:"charge,omitempty"`
	Fee       *int64          `dynamo:"fee,omitempty"`    // minor units; nil when it is not known in the currency
	Credit    int64           `dynamo:"credit,omitempty"` // minor units beyond what the invoice takes
	Refunds   []Refund        `dynamo:"refunds,omitempty"`
	Disputes  []Dispute       `dynamo:"disputes,omitempty"`
	Created   int64           `dynamo:"created"`           // epoch milliseconds
	Updated   int64           `dynamo:"updated,omitempty"` // likewise
}

// Type is the row's type.
func (p *Payment) Type() string { return "PAYMENT" }

// Keys lists payments by id, by invoice, and by the time when they were written down or changed.
func (p *Payment) Keys() store.Keys {
	s := store.OrganizationScope(p.Org)
	return store.Keys{
		Primary: PaymentKey(p.Org, p.ID),
		Index1:  store.Key{PK: s.Partition(FamilyPayment, string(p.Invoice)), SK: string(p.ID)},
		Index2:  s.Updated(FamilyPayment, time.UnixMilli(max(p.Created, p.Updated)), string(p.ID)),
	}
}

// PaymentBody is a payment on the wire.
type PaymentBody struct {
	ID        string        `json:"id" example:"pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	InvoiceID string        `json:"invoice_id" example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	ClientID  string        `json:"client_id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Amount    money.Money   `json:"amount"`
	PaidOn    string        `json:"paid_on" format:"date" example:"2026-03-09"`
	Method    Method        `json:"method" enum:"bank,cash,other,card,debit,online"`
	Source    Source        `json:"source" enum:"manual,stripe" doc:"Who says so: a person, or Stripe."`
	Reference string        `json:"reference,omitempty" example:"Statement 7"`
	Refunded  money.Money   `json:"refunded" doc:"What went back or is on its way, failed refunds aside."`
	Credit    money.Money   `json:"credit" doc:"What is beyond the invoice's total: refund it, or settle it with the client."`
	Fee       *money.Money  `json:"fee,omitempty" doc:"What Stripe kept, when it took it in the payment's currency."`
	Stripe    *StripeBody   `json:"stripe,omitempty" doc:"Where the payment is at Stripe."`
	Refunds   []RefundBody  `json:"refunds"`
	Disputes  []DisputeBody `json:"disputes"`
	CreatedAt time.Time     `json:"created_at"`
}

// StripeBody names a payment's objects at Stripe.
type StripeBody struct {
	Account string `json:"account" example:"acct_1032D82eZvKYlo2C"`
	Intent  string `json:"payment_intent" example:"pi_3MtwBwLkdIwHu7ix28a3tqPa"`
	Charge  string `json:"charge" example:"ch_3MtwBwLkdIwHu7ix0snN0B15"`
}

func (p *Payment) body() PaymentBody {
	m := func(amount int64) money.Money { return money.Money{Amount: amount, Currency: p.Currency} }
	b := PaymentBody{ID: string(p.ID), InvoiceID: string(p.Invoice), ClientID: string(p.Client), Amount: m(p.Amount), PaidOn: p.PaidOn, Method: p.Method,
		Source: p.Source, Reference: p.Reference, Refunded: m(p.refunded()), Credit: m(p.Credit), Refunds: []RefundBody{}, Disputes: []DisputeBody{},
		CreatedAt: time.UnixMilli(p.Created).UTC()}
	if p.Source == "" {
		b.Source = Manual
	}
	if p.Fee != nil {
		fee := m(*p.Fee)
		b.Fee = &fee
	}
	if p.Source == Stripe {
		b.Stripe = &StripeBody{Account: p.Account, Intent: p.Intent, Charge: p.Charge}
	}
	for _, r := range p.Refunds {
		b.Refunds = append(b.Refunds, p.RefundBody(r))
	}
	for _, d := range p.Disputes {
		b.Disputes = append(b.Disputes, DisputeBody{ID: d.ID, Amount: m(d.Amount), Status: d.Status, Reason: d.Reason, CreatedAt: time.UnixMilli(d.Created).UTC()})
	}
	return b
}

func examplePayment() PaymentBody {
	none := money.Money{Currency: "EUR"}
	return PaymentBody{ID: "pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", InvoiceID: "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ClientID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Amount: money.Money{Amount: 6065, Currency: "EUR"}, PaidOn: "2026-03-09", Method: Bank, Source: Manual, Reference: "Statement 7", Refunded: none, Credit: none,
		Refunds: []RefundBody{}, Disputes: []DisputeBody{}, CreatedAt: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
}

// PaymentOut is the answer of a route about one payment.
type PaymentOut struct {
	api.Tagged
	Body PaymentBody
}

func showPayment(p *Payment) *PaymentOut {
	return &PaymentOut{Tagged: api.Tag(p.Version), Body: p.body()}
}

// PayIn is the input of create-payment.
type PayIn struct {
	Body PayBody
}

// PayBody is something that was paid.
type PayBody struct {
	InvoiceID string      `json:"invoice_id" maxLength:"64" doc:"An invoice that was sent." example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Amount    money.Money `json:"amount" doc:"More than 0, at most what is due, in the invoice's currency."`
	PaidOn    string      `json:"paid_on" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"At most a day ahead." example:"2026-03-09"`
	Method    Method      `json:"method,omitempty" enum:"bank,cash,other" default:"bank"`
	Reference string      `json:"reference,omitempty" maxLength:"200" example:"Statement 7"`
}

// check refuses what no payment can be, of whichever invoice.
func (b PayBody) check(now time.Time) error {
	if b.Amount.Amount <= 0 {
		return problem.InvalidField("body.amount", "not more than 0")
	}
	day, err := time.Parse(time.DateOnly, b.PaidOn)
	if err != nil || day.Year() < 1970 || day.After(now.Add(24*time.Hour)) {
		return problem.InvalidField("body.paid_on", "not a date since 1970 and at most a day ahead")
	}
	return nil
}

// bare reads an invoice without its lines, by an id as it came in.
func bare(ctx context.Context, org *store.Organization, text string) (*Invoice, error) {
	return api.Find[Invoice](ctx, org, "invoice", text, func(inv id.Invoice) store.Key { return Key(org.ID, inv) })
}

// CreatePayment writes down what was paid of an invoice.
func CreatePayment(st *store.Store) api.Operation {
	e := examplePayment()
	return api.Replayable(api.Route{
		ID: "create-payment", Area: "invoicing", Method: http.MethodPost, Path: "/v1/payments", Status: http.StatusCreated, ReadsAhead: true, Audit: true,
		Permission: access.PaymentsWrite, Purpose: purpose.Invoicing, Summary: "Write down a payment",
		Description: "The invoice is partly paid, or paid when nothing is due any more. More than what is due is refused.",
		Refusals: []api.Refusal{missing(), {Kind: problem.Conflict, Code: "invoice_not_sent", When: "It is a draft."},
			{Kind: problem.Conflict, Code: "invoice_void", When: "The invoice is void."},
			{Kind: problem.Invalid, Code: "payment_exceeds_due", When: "It is more than what is due; details say how much is."}},
		ExampleIn: PayBody{InvoiceID: e.InvoiceID, Amount: e.Amount, PaidOn: e.PaidOn, Method: e.Method, Reference: e.Reference}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *PayIn) (*PaymentOut, error) {
		if err := in.Body.check(c.Now); err != nil {
			return nil, err
		}
		p := &Payment{Org: c.Org.ID, ID: api.NewID[id.Payment](c), Amount: in.Body.Amount.Amount, Currency: in.Body.Amount.Currency, PaidOn: in.Body.PaidOn,
			Method: in.Body.Method, Reference: in.Body.Reference, Source: Manual, Created: c.Now.UnixMilli()}
		if p.Method == "" {
			p.Method = Bank
		}
		err := store.Again(ctx, store.ErrStale, func() error {
			i, err := bare(ctx, c.Org, in.Body.InvoiceID)
			if err != nil {
				return err
			}
			if err := i.takes(in.Body.Amount); err != nil {
				return err
			}
			p.Invoice, p.Client = i.ID, i.Client
			tx := st.Begin()
			i.receive(p.ID, p.Amount, c.Now)
			if i.Status == Paid {
				i.keep(tx, c.Org, c.Now)
			}
			tx.Replace(c.Org, i)
			tx.Create(c.Org, p)
			return c.Commit(ctx, tx, string(p.ID))
		})
		if err != nil {
			return nil, err
		}
		return showPayment(p), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*PaymentOut, error) {
		p, err := ReadPayment(ctx, c.Org, made)
		if err != nil {
			return nil, err
		}
		return showPayment(p), nil
	})
}

// takes refuses a payment that the invoice cannot take.
func (i *Invoice) takes(m money.Money) error {
	switch {
	case i.Status == Void:
		return problem.Of(problem.Conflict, "invoice_void", "The invoice is void.")
	case !i.Issued():
		return problem.Of(problem.Conflict, "invoice_not_sent", "It is a draft; send it first.")
	case m.Currency != i.Currency:
		return problem.InvalidField("body.amount", "not in the invoice's currency")
	case m.Amount > i.Total-i.Paid:
		more := problem.Of(problem.Invalid, "payment_exceeds_due", "It is more than what is due.")
		more.Fields = []problem.Field{{Location: "body.amount", Message: "more than what is due"}}
		more.Details = map[string]any{"amount_due": i.Total - i.Paid, "currency": i.Currency}
		return more
	}
	return nil
}

// ReadPayment reads a payment by an id as it came in.
func ReadPayment(ctx context.Context, org *store.Organization, text string) (*Payment, error) {
	return api.Find[Payment](ctx, org, "payment", text, func(pay id.Payment) store.Key { return PaymentKey(org.ID, pay) })
}

// PaymentsIn is the input of list-payments.
type PaymentsIn struct {
	api.Page
	api.Since
	InvoiceID string `query:"invoice_id" maxLength:"64" doc:"Only payments of this invoice; not together with updated_since."`
}

// PaymentsOut is the answer of list-payments.
type PaymentsOut struct{ Body api.Changes[PaymentBody] }

// ListPayments lists what was paid.
func ListPayments() api.Operation {
	return api.New(api.Route{
		ID: "list-payments", Area: "invoicing", Method: http.MethodGet, Path: "/v1/payments", PureRead: true,
		Permission: access.PaymentsRead, Purpose: purpose.Invoicing, Summary: "What was paid",
		Description: "In the order in which it was written down.",
		Refusals:    []api.Refusal{{Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut:  api.Changes[PaymentBody]{Data: []PaymentBody{examplePayment()}},
	}, func(ctx context.Context, c *api.Caller, in *PaymentsIn) (*PaymentsOut, error) {
		q := store.Query{Partition: c.Org.Scope().Partition(FamilyPayment), Limit: in.Limit, Cursor: in.Cursor}
		switch {
		case !in.UpdatedSince.IsZero() && in.InvoiceID != "":
			return nil, problem.InvalidField("query.updated_since", "not together with invoice_id")
		case !in.UpdatedSince.IsZero():
			if err := c.ChangedSince(in.UpdatedSince); err != nil {
				return nil, err
			}
			q.Index, q.From, q.Tombstones = store.Index2, store.Instant(in.UpdatedSince), true
		case in.InvoiceID != "":
			inv, err := id.Parse[id.Invoice](in.InvoiceID)
			if err != nil {
				return nil, problem.InvalidField("query.invoice_id", "not the id of an invoice")
			}
			q.Index, q.Partition = store.Index1, c.Org.Scope().Partition(FamilyPayment, string(inv))
		}
		page, err := api.ListChanges(ctx, c.Org, q, (*Payment).body)
		return &PaymentsOut{page}, err
	})
}

// PaymentIn names a payment.
type PaymentIn struct {
	ID string `path:"id" maxLength:"64" doc:"The payment." example:"pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// GetPayment shows a payment with its refunds and disputes.
func GetPayment() api.Operation {
	return api.New(api.Route{
		ID: "get-payment", Area: "invoicing", Method: http.MethodGet, Path: "/v1/payments/{id}", PureRead: true,
		Permission: access.PaymentsRead, Purpose: purpose.Invoicing, Summary: "A payment with its refunds and disputes",
		Refusals:   []api.Refusal{{Kind: problem.NotFound, Code: "payment_not_found", When: "There is no such payment in the organization."}},
		ExampleOut: examplePayment(),
	}, func(ctx context.Context, c *api.Caller, in *PaymentIn) (*PaymentOut, error) {
		p, err := ReadPayment(ctx, c.Org, in.ID)
		if err != nil {
			return nil, err
		}
		return showPayment(p), nil
	})
}

// TakeBackIn names a payment and the version that is meant.
type TakeBackIn struct {
	ID string `path:"id" maxLength:"64" doc:"The payment." example:"pay_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	api.IfMatch
}

// DeletePayment takes a payment back that was written down in error.
func DeletePayment(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-payment", Area: "invoicing", Method: http.MethodDelete, Path: "/v1/payments/{id}", Status: http.StatusNoContent, ReadsAhead: true, Audit: true,
		Permission: access.PaymentsWrite, Purpose: purpose.Invoicing, Summary: "Take a payment back",
		Description: "For one that was written down in error: its amount is due again.",
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "payment_not_found", When: "There is no such payment in the organization."},
			{Kind: problem.NotFound, Code: "invoice_not_found", When: "Its invoice is no longer there."},
			{Kind: problem.Conflict, Code: "payment_not_manual", When: "It was paid through Stripe: refund it."},
			keptRefusal()},
	}, func(ctx context.Context, c *api.Caller, in *TakeBackIn) (*struct{}, error) {
		return nil, store.Again(ctx, store.ErrStale, func() error {
			p, err := ReadPayment(ctx, c.Org, in.ID)
			if err != nil {
				return err
			}
			if err := in.Matches(p.Version); err != nil {
				return err
			}
			if p.Source == Stripe {
				return problem.Of(problem.Conflict, "payment_not_manual", "It was paid through Stripe; refund it.")
			}
			if p.Held {
				return keptByLaw()
			}
			i, err := bare(ctx, c.Org, string(p.Invoice))
			if err != nil {
				return err
			}
			tx := st.Begin()
			if err := i.spread(ctx, tx, c.Org, i.receive(p.ID, -p.Net(), c.Now), c.Now); err != nil {
				return err
			}
			tx.Bury(c.Org, p, string(p.ID))
			tx.Replace(c.Org, i)
			return c.Commit(ctx, tx, string(p.ID))
		})
	})
}
