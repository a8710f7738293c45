package payments

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/store"
)

// Desk brings what is at Stripe into the ledger. Whoever holds one may do so at the same time as others: a fold reads its
// rows, then asks Stripe what is true now, and writes only if the rows are still as it read them. So an older answer of
// Stripe's never overwrites a newer one, and nobody needs to know in which order things were told.
type Desk struct {
	Store  *store.Store
	Stripe *connect.Client
	App    string // the base of the web app's addresses
	Actor  store.Actor
	Clock  func() time.Time
}

func (d *Desk) platform() *store.Platform { return d.Store.BindPlatform(d.Actor) }

// org gives the handle of an organisation that a binding or a marker names. The books are kept whatever is restricted.
func (d *Desk) org(org id.Organization) *store.Organization {
	h := d.Store.BindOrganization(org, d.Actor)
	h.SeeRestricted()
	return h
}

// errUnmatched says that something at Stripe is not known here, or no longer the organisation's.
var errUnmatched = errors.New("payments: not known here")

// marker reads whose account it is.
func (d *Desk) marker(ctx context.Context, account string) (*invoicing.Marker, error) {
	m, err := store.Get[invoicing.Marker](ctx, d.platform(), invoicing.MarkerKey(account))
	if errors.Is(err, store.ErrMissing) {
		return nil, errUnmatched
	}
	return m, err
}

// binding finds the invoice that an object belongs to: by the object, by its payment, or by the session that made the payment.
func (d *Desk) binding(ctx context.Context, account, object, intent string) (*invoicing.Binding, string, error) {
	for _, known := range []string{object, intent} {
		b, err := d.boundTo(ctx, account, known)
		if !errors.Is(err, store.ErrMissing) {
			return b, known, err
		}
	}
	if intent == "" {
		return nil, "", errUnmatched
	}
	session, err := d.Stripe.SessionOf(ctx, account, intent)
	if errors.Is(err, connect.ErrMissing) || errors.Is(err, connect.ErrAccess) {
		return nil, "", errUnmatched
	}
	if err != nil {
		return nil, "", err
	}
	b, err := d.boundTo(ctx, account, session)
	if errors.Is(err, store.ErrMissing) {
		err = errUnmatched
	}
	return b, session, err
}

func (d *Desk) boundTo(ctx context.Context, account, object string) (*invoicing.Binding, error) {
	if object == "" {
		return nil, store.ErrMissing
	}
	return store.Get[invoicing.Binding](ctx, d.platform(), invoicing.BindingKey(account, object))
}

// object folds what an object of an account belongs to, as it is at Stripe now. It is errUnmatched for what is not known
// here, or belongs to another organisation than the account by now.
func (d *Desk) object(ctx context.Context, m *invoicing.Marker, object, intent string) error {
	b, by, err := d.binding(ctx, m.Account, object, intent)
	if err != nil {
		return err
	}
	switch {
	case b.Org != m.Org:
		return errUnmatched
	case !m.Connected:
		return errIgnored // it has left; Stripe tells nothing more of it
	}
	switch {
	case strings.HasPrefix(by, "cs_"):
		err = d.session(ctx, m.Account, b, by)
	case b.Payment != "":
		err = d.payment(ctx, m.Account, b, "", "")
	default:
		return errUnmatched
	}
	switch {
	case errors.Is(err, connect.ErrAccess):
		return d.account(ctx, m.Account, false) // it has left, and nobody told
	case errors.Is(err, connect.ErrMissing), errors.Is(err, store.ErrMissing):
		return errUnmatched
	}
	return err
}

// session folds a session and the payment that it made.
func (d *Desk) session(ctx context.Context, account string, b *invoicing.Binding, id string) error {
	s, err := d.Stripe.Session(ctx, account, id)
	if err != nil {
		return err
	}
	switch {
	case s.Status == "open":
		return nil
	case s.Status == "complete" && s.Intent != "":
		return d.payment(ctx, account, b, s.Intent, id)
	}
	return d.over(ctx, b, id)
}

// over ends the checkout of a session that nobody will pay any more.
func (d *Desk) over(ctx context.Context, b *invoicing.Binding, session string) error {
	org := d.org(b.Org)
	return store.Again(ctx, store.ErrStale, func() error {
		co, err := d.checkout(ctx, org, b.Invoice, session)
		if co == nil || err != nil {
			return err
		}
		return d.close(ctx, org, co)
	})
}

// close empties a checkout whose session is over. It is store.ErrStale when the checkout has changed meanwhile.
func (d *Desk) close(ctx context.Context, org *store.Organization, co *invoicing.Checkout) error {
	tx := d.Store.Begin()
	co.Close(tx, org)
	return tx.Commit(ctx)
}

// checkout reads the checkout of an invoice if it is that of a session, nil when not.
func (d *Desk) checkout(ctx context.Context, org *store.Organization, i id.Invoice, session string) (*invoicing.Checkout, error) {
	if session == "" {
		return nil, nil
	}
	co, err := store.Get[invoicing.Checkout](ctx, org, invoicing.CheckoutKey(org.ID, i))
	if errors.Is(err, store.ErrMissing) || err == nil && co.Session != session {
		return nil, nil
	}
	return co, err
}

// payment folds a payment: one that is written down, or one that a session has made.
func (d *Desk) payment(ctx context.Context, account string, b *invoicing.Binding, intent, session string) error {
	org := d.org(b.Org)
	return store.Again(ctx, store.ErrStale, func() error {
		now := d.Clock()
		p, err := d.written(ctx, org, account, b, intent)
		if err != nil {
			return err
		}
		i, err := invoicing.ReadInvoice(ctx, org, b.Invoice)
		if err != nil {
			return err
		}
		var co *invoicing.Checkout
		var was int64
		var known []string
		if p != nil {
			intent, session, was, known = p.Intent, p.Session, p.Net(), p.Objects()
			for _, r := range p.Refunds {
				if r.Unsent() {
					if err := d.Send(ctx, org, p.ID, r.ID); err != nil {
						return err
					}
					return store.ErrStale
				}
			}
		}
		if co, err = d.checkout(ctx, org, b.Invoice, session); err != nil {
			return err
		}
		at, err := d.Stripe.Payment(ctx, account, intent)
		if err != nil {
			return err
		}
		if at.Status != "succeeded" {
			return d.waiting(ctx, org, co, at)
		}
		p, changed := i.Fold(p, truth(account, session, at), d.Store.IDs(), now)
		if !changed && co == nil {
			return nil
		}
		tx := d.Store.Begin()
		if changed {
			if err := i.Move(ctx, tx, org, p, was, now); err != nil {
				return err
			}
			for _, object := range p.Objects() {
				bind := invoicing.Bind(account, object, b.Org, b.Invoice, p.ID)
				switch {
				case slices.Contains(known, object), tx.Len() > bound:
				case object == p.Intent: // who writes a payment down first
					tx.Create(d.platform(), bind).Else(store.ErrStale)
				default:
					tx.Put(d.platform(), bind)
				}
			}
		}
		if co != nil {
			co.Close(tx, org)
		}
		return tx.Commit(ctx)
	})
}

// bound is how large a transaction may grow with bindings. A refund beyond it is found by its payment.
const bound = 80

// written reads a payment that is written down, nil when it is not yet.
func (d *Desk) written(ctx context.Context, org *store.Organization, account string, b *invoicing.Binding, intent string) (*invoicing.Payment, error) {
	payment := b.Payment
	if payment == "" || intent != "" {
		bound, err := d.boundTo(ctx, account, intent)
		if errors.Is(err, store.ErrMissing) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		payment = bound.Payment
	}
	return store.Get[invoicing.Payment](ctx, org, invoicing.PaymentKey(org.ID, payment))
}

// waitLife is how long a payment that is under way keeps others from beginning.
const waitLife = 30 * 24 * time.Hour

// waiting notes that the money of a session is yet to come, or that it will not.
func (d *Desk) waiting(ctx context.Context, org *store.Organization, co *invoicing.Checkout, at *connect.Payment) error {
	switch {
	case co == nil:
		return nil
	case at.Status != "processing":
		return d.close(ctx, org, co)
	case co.Under:
		return nil
	}
	co.Under = true
	co.Expire(d.Clock().Add(waitLife))
	tx := d.Store.Begin()
	tx.Replace(org, co)
	return tx.Commit(ctx)
}

// truth puts what Stripe says into the ledger's words.
func truth(account, session string, at *connect.Payment) invoicing.Truth {
	code := strings.ToUpper(at.Currency)
	t := invoicing.Truth{Account: account, Session: session, Intent: at.Intent, Charge: at.Charge, Amount: invoicing.FromStripe(at.Amount, code), Currency: code,
		At: time.Unix(at.Created, 0), Method: at.Method}
	if at.Fee != nil {
		fee := invoicing.FromStripe(*at.Fee, code)
		t.Fee = &fee
	}
	for _, r := range slices.Backward(at.Refunds) { // newest first
		t.Refunds = append(t.Refunds, refund(r, code))
	}
	for _, s := range slices.Backward(at.Disputes) {
		t.Disputes = append(t.Disputes, invoicing.Dispute{ID: s.ID, Amount: invoicing.FromStripe(s.Amount, code), Status: s.Status, Reason: s.Reason, Created: s.Created * 1000})
	}
	return t
}

func refund(r connect.Refund, code string) invoicing.Refund {
	status := invoicing.RefundPending
	switch r.Status {
	case "succeeded":
		status = invoicing.RefundSucceeded
	case "failed", "canceled":
		status = invoicing.RefundFailed
	}
	return invoicing.Refund{Amount: invoicing.FromStripe(r.Amount, code), Status: status, Reason: r.Reason, Failure: r.Failure, Stripe: r.ID, Created: r.Created * 1000}
}
