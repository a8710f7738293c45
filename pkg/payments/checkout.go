package payments

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

const (
	sessionLife = 2 * time.Hour       // Stripe takes 30 minutes to a day
	sessionTail = 20 * time.Minute    // with less than this left, a new one is made
	rowLife     = 7 * 24 * time.Hour  // of a checkout whose session has ended and told nobody
	boundLife   = 30 * 24 * time.Hour // of a session's binding; a payment's stay as long as the payment
	meetings    = 8                   // with others at the same invoice
)

// CheckoutIn is the input of create-checkout.
type CheckoutIn struct {
	Token string `path:"token" maxLength:"64" doc:"The token of the link." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Body  *CheckoutBody
}

// CheckoutBody says how much is to be paid.
type CheckoutBody struct {
	Amount *money.Money `json:"amount,omitempty" doc:"Without it, what is due. A part only where the organization allows it."`
}

// SessionBody leads to Stripe's page.
type SessionBody struct {
	URL     string      `json:"url" format:"uri" doc:"Stripe's page on which it is paid." example:"https://checkout.stripe.com/c/pay/cs_test_a1b2"`
	Amount  money.Money `json:"amount"`
	Expires time.Time   `json:"expires_at" doc:"When the page ends."`
}

// CheckoutOut is the answer of create-checkout.
type CheckoutOut struct{ Body SessionBody }

// CreateCheckout gives the page on which an invoice is paid, to who has its public link. An invoice has one such page at a
// time: whoever asks for the same gets the same, and another amount ends the one before, so that two tabs cannot both pay.
func CreateCheckout(st *store.Store, stripe *connect.Client, app string) api.Operation {
	refuse := func(code, when string) api.Refusal {
		return api.Refusal{Kind: problem.Conflict, Code: code, When: when}
	}
	return api.New(api.Route{
		ID: "create-checkout", Area: "invoicing", Method: http.MethodPost, Path: "/v1/public/invoices/{token}/checkout", Audience: api.Public, Status: http.StatusCreated,
		Purpose: purpose.Invoicing, Summary: "Pay an invoice online, by its public link",
		Description: "Leads to Stripe's page, where the organization's own account takes the money. Asked again, the same page is given while it lasts; asked for another amount, " +
			"the page before ends. The invoice is paid when Stripe says so, a moment later.",
		Refusals: []api.Refusal{unavailable(), {Kind: problem.NotFound, Code: "invoice_not_found", When: "No invoice has such a link, or it is no longer shown."},
			refuse("invoice_void", "The invoice is void."), refuse("invoice_paid", "Nothing is due."),
			refuse("payment_not_offered", "The organization takes no payments online at present."), refuse("payment_processing", "A payment of it is under way."),
			refuse("amount_not_payable", "Stripe cannot take the amount: it is too small, or not in steps that Stripe counts in."),
			refuse("partial_payment_not_allowed", "It is a part, and parts are not allowed.")},
		ExampleIn: CheckoutBody{}, ExampleOut: SessionBody{URL: "https://checkout.stripe.com/c/pay/cs_test_a1b2", Amount: money.Money{Amount: 16065, Currency: "EUR"},
			Expires: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)},
	}, func(ctx context.Context, c *api.Caller, in *CheckoutIn) (*CheckoutOut, error) {
		d := &Desk{Store: st, Stripe: stripe, App: app, Actor: store.Actor{Who: "client", Request: c.Request}, Clock: func() time.Time { return c.Now }}
		var amount *money.Money
		if in.Body != nil {
			amount = in.Body.Amount
		}
		for range meetings {
			ask, err := invoicing.ReadAsk(ctx, st, c, in.Token, amount)
			if err != nil {
				return nil, err
			}
			out, err := d.meet(ctx, ask)
			if !errors.Is(err, store.ErrStale) {
				return out, paying(err)
			}
		}
		return nil, store.ErrConflict
	})
}

// paying puts a failure of a call to Stripe into words for who pays.
func paying(err error) error {
	var refused *connect.Refused
	switch {
	case errors.As(err, &refused) && (refused.Code == "amount_too_small" || refused.Code == "amount_too_large"):
		return problem.Of(problem.Conflict, "amount_not_payable", "Stripe cannot take this amount.")
	case errors.As(err, &refused), errors.Is(err, connect.ErrAccess):
		return &problem.Error{Kind: problem.Conflict, Code: "payment_not_offered", Message: "The invoice cannot be paid online at present.", Cause: err}
	}
	return told(err)
}

// meet gives the session that is asked for. Store.ErrStale says that something has changed, by us or by others: look again.
func (d *Desk) meet(ctx context.Context, ask *invoicing.Ask) (*CheckoutOut, error) {
	now, co := d.Clock(), ask.Checkout
	if co == nil || co.Claim == "" {
		old := co
		co = &invoicing.Checkout{Org: ask.Org.ID, Invoice: ask.Invoice.ID, Claim: newKey(d.Store), Account: ask.Account.Account, Amount: ask.Amount.Amount,
			Currency: ask.Amount.Currency, Ends: now.Add(sessionLife).Unix()}
		co.Expire(now.Add(sessionLife + rowLife))
		tx := d.Store.Begin()
		if old == nil {
			tx.Create(ask.Org, co).Else(store.ErrStale)
		} else {
			co.Version = old.Version
			tx.Replace(ask.Org, co)
		}
		// Whoever changes the invoice from here on ends this checkout.
		tx.Check(ask.Org, invoicing.Key(ask.Org.ID, ask.Invoice.ID), "'_v' = ?", ask.Invoice.Version).Else(store.ErrStale)
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
	}
	if co.Amount != ask.Amount.Amount || co.Account != ask.Account.Account || now.Add(sessionTail).Unix() > co.Ends {
		if err := d.end(ctx, ask.Org, ask.Invoice, co); errors.Is(err, errComplete) {
			return nil, underWay()
		} else if err != nil {
			return nil, err
		}
		return nil, store.ErrStale
	}
	s, err := d.have(ctx, ask.Org, ask.Invoice, co)
	if err != nil {
		return nil, err
	}
	switch s.Status {
	case "open":
		return &CheckoutOut{Body: SessionBody{URL: s.URL, Amount: ask.Amount, Expires: time.Unix(co.Ends, 0).UTC()}}, nil
	case "complete":
		return nil, underWay()
	}
	if err := d.close(ctx, ask.Org, co); err != nil {
		return nil, err
	}
	return nil, store.ErrStale
}

func underWay() error {
	return problem.Of(problem.Conflict, "payment_processing", "A payment of it is under way.")
}

// have gives the session of a checkout, and has Stripe make it when that was not done yet. A session that Stripe refuses to
// make ends the checkout.
func (d *Desk) have(ctx context.Context, org *store.Organization, i *invoicing.Invoice, co *invoicing.Checkout) (connect.Session, error) {
	if co.Session != "" {
		return d.Stripe.Session(ctx, co.Account, co.Session)
	}
	units, _ := invoicing.ToStripe(money.Money{Amount: co.Amount, Currency: co.Currency})
	s, err := d.Stripe.CreateSession(ctx, co.Account, "checkout-"+co.Claim, connect.Sale{Name: "Invoice " + i.Number, Amount: units, Currency: strings.ToLower(co.Currency),
		Success: d.App + invoicing.LinkPage + "?checkout=done", Cancel: d.App + invoicing.LinkPage + "?checkout=left", ExpiresAt: co.Ends})
	var refused *connect.Refused
	if errors.As(err, &refused) || errors.Is(err, connect.ErrAccess) {
		if gone := d.close(ctx, org, co); gone != nil && !errors.Is(gone, store.ErrStale) {
			return s, gone
		}
		return s, err
	}
	if err != nil {
		return s, err
	}
	co.Session = s.ID
	bind := invoicing.Bind(co.Account, s.ID, org.ID, i.ID, "")
	bind.Expire(d.Clock().Add(boundLife))
	tx := d.Store.Begin()
	tx.Replace(org, co)
	tx.Put(d.platform(), bind)
	return s, tx.Commit(ctx)
}

// errComplete says that a session was completed, and cannot end.
var errComplete = errors.New("payments: the session is complete")

// end ends a checkout, so that nobody can pay it any more. It is errComplete when somebody has.
func (d *Desk) end(ctx context.Context, org *store.Organization, i *invoicing.Invoice, co *invoicing.Checkout) error {
	if co.Session == "" {
		_, err := d.have(ctx, org, i, co)
		var refused *connect.Refused
		if errors.As(err, &refused) || errors.Is(err, connect.ErrAccess) {
			return nil // there is none, and the row has gone
		}
		if err != nil {
			return err
		}
	}
	switch err := d.Stripe.Expire(ctx, co.Account, co.Session); {
	case errors.Is(err, connect.ErrState):
		s, err := d.Stripe.Session(ctx, co.Account, co.Session)
		if err != nil {
			return err
		}
		if s.Status == "complete" {
			return errComplete
		}
	case err != nil && !errors.Is(err, connect.ErrAccess) && !errors.Is(err, connect.ErrMissing):
		return err
	}
	return d.close(ctx, org, co)
}

// endAll ends every checkout of an organisation. What was completed already is given to paid, or left to the webhook that
// tells of it.
func (d *Desk) endAll(ctx context.Context, o id.Organization, paid func(*invoicing.Checkout) error) error {
	org := d.org(o)
	var failed error
	for co, err := range checkouts(ctx, org) {
		if err != nil {
			return err
		}
		err := d.endOf(ctx, org, co.Invoice, false)
		if errors.Is(err, errComplete) && paid != nil {
			err = paid(co)
		}
		if !errors.Is(err, errComplete) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// checkouts are those of an organisation, empty ones among them.
func checkouts(ctx context.Context, org *store.Organization) iter.Seq2[*invoicing.Checkout, error] {
	return store.All[invoicing.Checkout](ctx, org, store.Query{Partition: org.Scope().Partition(invoicing.FamilyCheckout), Limit: 50})
}

// endOf ends the checkout of an invoice. Outdated says to leave alone one that is still what is due.
func (d *Desk) endOf(ctx context.Context, org *store.Organization, of id.Invoice, outdated bool) error {
	return store.Again(ctx, store.ErrStale, func() error {
		co, err := store.Get[invoicing.Checkout](ctx, org, invoicing.CheckoutKey(org.ID, of))
		if errors.Is(err, store.ErrMissing) || err == nil && co.Claim == "" {
			return nil
		}
		if err != nil {
			return err
		}
		i, err := invoicing.ReadInvoice(ctx, org, of)
		if errors.Is(err, store.ErrMissing) || err == nil && outdated && i.Open() && co.Amount <= i.Total-i.Paid {
			return nil
		}
		if err != nil {
			return err
		}
		return d.end(ctx, org, i, co)
	})
}
