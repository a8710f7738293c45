package invoicing

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyAccount holds connected accounts, one to an organisation.
const FamilyAccount store.Family = "CONNECTED"

// ReconcileDue is the clock of connected accounts: when Stripe is asked next what changed.
const ReconcileDue store.DueKind = "reconcile"

// Account is an organisation's own account at Stripe, which its clients pay to. It says what Stripe last said; the money and
// the people behind the account are Stripe's to know.
type Account struct {
	store.Meta
	Org          id.Organization `dynamo:"org"`
	Claim        string          `dynamo:"claim"`             // under which key Stripe is asked to make it
	Account      string          `dynamo:"account,omitempty"` // acct_…, once Stripe has made it
	Charges      bool            `dynamo:"charges_enabled,omitempty"`
	Payouts      bool            `dynamo:"payouts_enabled,omitempty"`
	Submitted    bool            `dynamo:"details_submitted,omitempty"`
	Requirements []string        `dynamo:"requirements,omitempty"` // what Stripe still asks, in its words
	Disabled     string          `dynamo:"disabled_reason,omitempty"`
	Country      string          `dynamo:"country,omitempty"`
	Currency     string          `dynamo:"currency,omitempty"`
	Connected    int64           `dynamo:"connected,omitempty"`    // this and the other times: epoch seconds
	Disconnected int64           `dynamo:"disconnected,omitempty"` // when access ended
	Checked      int64           `dynamo:"checked,omitempty"`
	Due          int64           `dynamo:"due,omitempty"`   // when Stripe is asked next
	Since        int64           `dynamo:"since,omitempty"` // what changed before is known
	Run          int64           `dynamo:"run,omitempty"`   // when the reading that is under way began
	After        string          `dynamo:"after,omitempty"` // the event up to which it has come
}

// Type is the row's type.
func (a *Account) Type() string { return "CONNECTED" }

// Keys puts the account into the organisation's scope.
func (a *Account) Keys() store.Keys { return store.Keys{Primary: AccountKey(a.Org)} }

// AccountKey is where an organisation's connected account lies.
func AccountKey(org id.Organization) store.Key {
	return store.OrganizationScope(org).Key(FamilyAccount)
}

// DueRow is the clock of the account. Its target is the account's marker.
func (a *Account) DueRow() *store.Due {
	return store.NewDue(ReconcileDue, time.Unix(a.Due, 0), MarkerKey(a.Account))
}

// AccountStatus is what an organisation can do with its account.
type AccountStatus string

// The states of a connected account.
const (
	AccountNone         AccountStatus = "none"
	AccountOnboarding   AccountStatus = "onboarding" // its owner has not told all that Stripe asks
	AccountEnabled      AccountStatus = "enabled"
	AccountRestricted   AccountStatus = "restricted" // Stripe has stopped it
	AccountDisconnected AccountStatus = "disconnected"
)

// Status derives the state; nil is none.
func (a *Account) Status() AccountStatus {
	switch {
	case a == nil || a.Account == "" && a.Disconnected == 0:
		return AccountNone
	case a.Disconnected != 0:
		return AccountDisconnected
	case !a.Submitted:
		return AccountOnboarding
	case !a.Charges:
		return AccountRestricted
	}
	return AccountEnabled
}

// AccountBody is a connected account on the wire.
type AccountBody struct {
	Status       AccountStatus `json:"status" enum:"none,onboarding,enabled,restricted,disconnected"`
	AccountID    string        `json:"account_id,omitempty" doc:"Stripe's." example:"acct_1032D82eZvKYlo2C"`
	Charges      bool          `json:"charges_enabled" doc:"Whether clients can pay."`
	Payouts      bool          `json:"payouts_enabled" doc:"Whether Stripe pays out."`
	Submitted    bool          `json:"details_submitted"`
	Requirements []string      `json:"requirements_due" doc:"What Stripe still asks, in Stripe's words."`
	Disabled     string        `json:"disabled_reason,omitempty" example:"requirements.past_due"`
	Country      string        `json:"country,omitempty" example:"DE"`
	Currency     string        `json:"default_currency,omitempty" example:"EUR"`
	ConnectedAt  *time.Time    `json:"connected_at,omitempty"`
	CheckedAt    *time.Time    `json:"checked_at,omitempty" doc:"When Stripe was last asked."`
}

// Body is the account on the wire.
func (a *Account) Body() AccountBody {
	b := AccountBody{Status: a.Status(), Requirements: []string{}}
	if a == nil {
		return b
	}
	b.AccountID, b.Charges, b.Payouts, b.Submitted, b.Disabled, b.Country, b.Currency = a.Account, a.Charges, a.Payouts, a.Submitted, a.Disabled, a.Country, a.Currency
	b.Requirements = append(b.Requirements, a.Requirements...)
	b.ConnectedAt, b.CheckedAt = instant(a.Connected*1000), instant(a.Checked*1000)
	return b
}

// ExampleAccount is an account for the documentation.
func ExampleAccount() AccountBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return AccountBody{Status: AccountEnabled, AccountID: "acct_1032D82eZvKYlo2C", Charges: true, Payouts: true, Submitted: true, Requirements: []string{}, Country: "DE", Currency: "EUR",
		ConnectedAt: &at, CheckedAt: &at}
}

// AccountOut is the answer of get-payment-account.
type AccountOut struct{ Body AccountBody }

// ReadAccount reads an organisation's connected account, nil when it has none.
func ReadAccount(ctx context.Context, org *store.Organization) (*Account, error) {
	a, err := store.Get[Account](ctx, org, AccountKey(org.ID))
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	return a, err
}

// GetPaymentAccount shows the organisation's connected account.
func GetPaymentAccount() api.Operation {
	return api.New(api.Route{
		ID: "get-payment-account", Area: "invoicing", Method: http.MethodGet, Path: "/v1/payments/account", PureRead: true,
		Permission: access.PaymentsRead, Purpose: purpose.Invoicing, Summary: "Your account at Stripe",
		Description: "What Stripe last said of the account that your clients pay to, told by Stripe's webhooks and asked once a day. Without one the status is none.",
		ExampleOut:  ExampleAccount(),
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*AccountOut, error) {
		a, err := ReadAccount(ctx, c.Org)
		if err != nil {
			return nil, err
		}
		return &AccountOut{Body: a.Body()}, nil
	})
}

// provider is Stripe in the keys of lookups.
const provider = "stripe"

// Marker says which organisation a connected account belongs to: one at a time. It stays when the account is disconnected,
// so that what is late finds where it belonged.
type Marker struct {
	store.Meta
	Org       id.Organization `dynamo:"org"`
	Connected bool            `dynamo:"connected,omitempty"`
	Account   string          `dynamo:"account"`
}

// Type is the row's type.
func (m *Marker) Type() string { return "STRIPEACCOUNT" }

// Keys puts the marker under the account itself.
func (m *Marker) Keys() store.Keys { return store.Keys{Primary: MarkerKey(m.Account)} }

// MarkerKey is where the marker of an account lies.
func MarkerKey(account string) store.Key { return store.ExternalLookup(provider, account, account) }

// Binding leads from an object of Stripe's to the invoice and the payment that it belongs to. It is written when we had the
// object made, or first took it in, and names its organisation for good.
type Binding struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Invoice id.Invoice      `dynamo:"invoice"`
	Payment id.Payment      `dynamo:"payment,omitempty"`
	account string
	object  string
}

// Type is the row's type.
func (b *Binding) Type() string { return "STRIPEOBJECT" }

// Keys puts a binding under the account and the object.
func (b *Binding) Keys() store.Keys { return store.Keys{Primary: BindingKey(b.account, b.object)} }

// BindingKey is where the binding of an object lies.
func BindingKey(account, object string) store.Key {
	return store.ExternalLookup(provider, account, object)
}

// Bind makes the binding of an object of an account.
func Bind(account, object string, org id.Organization, i id.Invoice, p id.Payment) *Binding {
	return &Binding{Org: org, Invoice: i, Payment: p, account: account, object: object}
}

// Objects lists what the payment is at Stripe, its intent first.
func (p *Payment) Objects() []string {
	if p.Source != Stripe {
		return nil
	}
	all := []string{p.Intent, p.Session, p.Charge}
	for _, r := range p.Refunds {
		all = append(all, r.Stripe)
	}
	for _, d := range p.Disputes {
		all = append(all, d.ID)
	}
	return slices.DeleteFunc(all, func(object string) bool { return object == "" })
}

// FamilyCheckout holds checkouts that are under way.
const FamilyCheckout store.Family = "CHECKOUT"

// Checkout is the one session in which an invoice may be paid at a time. The row says so before the session is made. When the
// session is over the row is empty, and stays: a row that is made anew would begin with the first version again, and who read
// the one before could overwrite it.
type Checkout struct {
	store.Meta
	Org      id.Organization `dynamo:"org"`
	Invoice  id.Invoice      `dynamo:"invoice"`
	Claim    string          `dynamo:"claim,omitempty"` // under which key Stripe is asked to make the session; empty when there is none
	Account  string          `dynamo:"account"`
	Amount   int64           `dynamo:"amount"` // of the invoice's minor units
	Currency string          `dynamo:"currency"`
	Session  string          `dynamo:"session,omitempty"`    // cs_…, once Stripe has made it
	Under    bool            `dynamo:"processing,omitempty"` // it was completed, and its money is yet to come
	Ends     int64           `dynamo:"ends"`                 // epoch seconds; nobody can pay it from then on
}

// Type is the row's type.
func (c *Checkout) Type() string { return "CHECKOUT" }

// Keys puts a checkout under its invoice.
func (c *Checkout) Keys() store.Keys { return store.Keys{Primary: CheckoutKey(c.Org, c.Invoice)} }

// Close empties a checkout whose session is over. The transaction fails with store.ErrStale when it has changed meanwhile.
func (c *Checkout) Close(tx *store.Tx, org *store.Organization) {
	c.Claim, c.Session, c.Account, c.Amount, c.Ends, c.Under = "", "", "", 0, 0, false
	tx.Replace(org, c)
}

// CheckoutKey is where the checkout of an invoice lies.
func CheckoutKey(org id.Organization, i id.Invoice) store.Key {
	return store.OrganizationScope(org).Key(FamilyCheckout, string(i))
}
