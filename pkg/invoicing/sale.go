package invoicing

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// sale is what decides beside the invoice whether it can be paid online.
type sale struct {
	org      *store.Organization
	id       id.Invoice
	gate     *access.OrganizationGate
	gated    *store.Fetch
	settings *organization.Organization
	set      *store.Fetch
	account  *Account
	has      *store.Fetch
	checkout *Checkout
	under    *store.Fetch
}

func newSale(org *store.Organization, i id.Invoice) *sale {
	s := &sale{org: org, id: i, gate: new(access.OrganizationGate), settings: new(organization.Organization), account: new(Account), checkout: new(Checkout)}
	s.gated = &store.Fetch{Through: org, Key: access.OrganizationGateKey(org.ID), Row: s.gate}
	s.set = &store.Fetch{Through: org, Key: organization.Key(org.ID), Row: s.settings}
	s.has = &store.Fetch{Through: org, Key: AccountKey(org.ID), Row: s.account}
	s.under = &store.Fetch{Through: org, Key: CheckoutKey(org.ID, i), Row: s.checkout}
	return s
}

func (s *sale) fetches() []*store.Fetch { return []*store.Fetch{s.gated, s.set, s.has, s.under} }

// Why an invoice cannot be paid online.
const (
	notOffered = "not_offered"
	nothingDue = "nothing_due"
	processing = "payment_processing"
	notPayable = "amount_not_payable"
)

// offer says how an invoice can be paid online.
func (s *sale) offer(i *Invoice) *PayOnline {
	due, least := i.money(i.Total-i.Paid), i.money(Least(i.Currency))
	_, whole := ToStripe(due)
	whole = whole && due.Amount >= least.Amount
	o := &PayOnline{Partial: s.set.Err == nil && s.settings.Partial}
	switch {
	case !i.Open() || due.Amount <= 0:
		o.Why = nothingDue
	case s.gated.Err != nil || s.gate.Status != access.Active || s.has.Err != nil || s.account.Status() != AccountEnabled:
		o.Why = notOffered
	case s.under.Err == nil && s.checkout.Under:
		o.Why = processing
	case !whole && (!o.Partial || due.Amount < least.Amount):
		o.Why = notPayable
	default:
		o.Payable, o.Amount, o.Least = true, &due, &least
	}
	return o
}

// Ask is a wish to pay an invoice, found by its public link, that nothing stands against.
type Ask struct {
	Org      *store.Organization
	Invoice  *Invoice
	Account  *Account
	Checkout *Checkout   // that is under way, or an empty one; nil when there was never one
	Amount   money.Money // that is to be paid
}

// ReadAsk reads what a checkout by a public link needs, and refuses what cannot be paid. A nil amount is what is due.
func ReadAsk(ctx context.Context, st *store.Store, c *api.Caller, token string, amount *money.Money) (*Ask, error) {
	org, link, err := follow(ctx, st, c, token)
	if err != nil {
		return nil, err
	}
	s, i := newSale(org, link.Invoice), new(Invoice)
	asked := &store.Fetch{Through: org, Key: Key(org.ID, link.Invoice), Row: i}
	if err := st.FetchAll(ctx, append(s.fetches(), asked)...); err != nil {
		return nil, err
	}
	switch {
	case asked.Err != nil, closed(s.gated, s.gate), !i.Issued():
		return nil, problem.Missing("invoice")
	case i.Status == Void:
		return nil, problem.Of(problem.Conflict, "invoice_void", "The invoice is void.")
	}
	offer := s.offer(i)
	due := i.money(i.Total - i.Paid)
	switch offer.Why {
	case nothingDue:
		return nil, problem.Of(problem.Conflict, "invoice_paid", "Nothing is due.")
	case notOffered:
		return nil, problem.Of(problem.Conflict, "payment_not_offered", "The invoice cannot be paid online at present.")
	case processing:
		return nil, problem.Of(problem.Conflict, "payment_processing", "A payment of it is under way.")
	}
	a := &Ask{Org: org, Invoice: i, Account: s.account, Amount: due}
	if amount != nil {
		if a.Amount, err = offer.part(due, *amount); err != nil {
			return nil, err
		}
	}
	if _, ok := ToStripe(a.Amount); !ok || a.Amount.Amount < Least(i.Currency) {
		return nil, problem.Of(problem.Conflict, "amount_not_payable", "Stripe cannot take this amount.")
	}
	if s.under.Err == nil {
		a.Checkout = s.checkout
	} else if !errors.Is(s.under.Err, store.ErrMissing) {
		return nil, s.under.Err
	}
	return a, nil
}

// part judges an amount that a client names.
func (o *PayOnline) part(due, m money.Money) (money.Money, error) {
	switch {
	case m.Currency != due.Currency:
		return m, problem.InvalidField("body.amount", "not in the invoice's currency")
	case m.Amount <= 0 || m.Amount > due.Amount:
		return m, problem.InvalidField("body.amount", "more than 0 and at most what is due")
	case m.Amount != due.Amount && !o.Partial:
		return m, problem.Of(problem.Conflict, "partial_payment_not_allowed", "Pay what is due as a whole.")
	case m.Amount < Least(m.Currency):
		return m, problem.InvalidField("body.amount", "less than the minimum")
	}
	return m, nil
}
