package payments

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/payments/connect"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// between is how long it takes until Stripe is asked again what changed at an account.
const between = 24 * time.Hour

// markerLife is how long it is known whose a disconnected account was.
const markerLife = 365 * 24 * time.Hour

// settingsPage is where Stripe's pages of onboarding lead back to, unless a caller says otherwise.
const settingsPage = "/settings/payments"

// ConnectIn is the input of create-payment-account.
type ConnectIn struct {
	Body *ConnectBody
}

// ConnectBody says where Stripe's pages lead back to.
type ConnectBody struct {
	ReturnURL  string `json:"return_url,omitempty" maxLength:"500" doc:"Where Stripe leads when its pages are left: an address of the web app; without it, its settings." example:"https://app.example.com/settings/payments"`
	RefreshURL string `json:"refresh_url,omitempty" maxLength:"500" doc:"Where Stripe leads when the link is no longer good; likewise." example:"https://app.example.com/settings/payments?refresh=1"`
}

// ConnectedBody is an account with the link to its onboarding.
type ConnectedBody struct {
	invoicing.AccountBody
	URL     string     `json:"onboarding_url,omitempty" doc:"Stripe's pages, for whoever opens it first, for minutes; shown this once." example:"https://connect.stripe.com/setup/s/acct_1032D82eZvKYlo2C/xyz"`
	Expires *time.Time `json:"onboarding_expires_at,omitempty"`
}

// ConnectOut is the answer of create-payment-account.
type ConnectOut struct{ Body ConnectedBody }

func exampleConnected() ConnectedBody {
	b := ConnectedBody{AccountBody: invoicing.ExampleAccount(), URL: "https://connect.stripe.com/setup/s/acct_1032D82eZvKYlo2C/xyz"}
	b.Status, b.Charges, b.Payouts, b.Submitted, b.Requirements = invoicing.AccountOnboarding, false, false, false, []string{"external_account"}
	at := b.CheckedAt.Add(5 * time.Minute)
	b.Expires = &at
	return b
}

// within gives an address of the web app: the one asked for, if it is one.
func within(base, asked, otherwise, field string) (string, error) {
	if asked == "" {
		return base + otherwise, nil
	}
	home, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != home.Scheme || u.Host != home.Host || u.User != nil || !strings.HasPrefix(u.Path, home.Path) {
		return "", problem.InvalidField(field, "not an address of the web app")
	}
	return asked, nil
}

// CreatePaymentAccount connects the organisation to an account at Stripe.
func CreatePaymentAccount(st *store.Store, stripe *connect.Client, app string) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-payment-account", Area: "invoicing", Method: http.MethodPost, Path: "/v1/payments/account", Status: http.StatusCreated, Audit: true,
		Permission: access.OrganizationWrite, Purpose: purpose.Invoicing, Summary: "Connect your account at Stripe",
		Description: "Has Stripe make an account that is the organization's own, when it has none, and gives the link to Stripe's pages on which its owner tells what Stripe asks. " +
			"Called again it gives a new link to the same account; a repeat under one Idempotency-Key shows none.",
		Refusals: []api.Refusal{unavailable(), {Kind: problem.NotFound, Code: "organization_not_found", When: "The organization has no settings."},
			{Kind: problem.Conflict, Code: "payment_account_refused", When: "Stripe makes no such account; the organization's country may not be one of Stripe's."}},
		ExampleIn: ConnectBody{ReturnURL: "https://app.example.com/settings/payments"}, ExampleOut: exampleConnected(),
	}, func(ctx context.Context, c *api.Caller, in *ConnectIn) (*ConnectOut, error) {
		var body ConnectBody
		if in.Body != nil {
			body = *in.Body
		}
		back, err := within(app, body.ReturnURL, settingsPage, "body.return_url")
		if err != nil {
			return nil, err
		}
		again, err := within(app, body.RefreshURL, settingsPage+"?refresh=1", "body.refresh_url")
		if err != nil {
			return nil, err
		}
		d := &Desk{Store: st, Stripe: stripe, App: app, Actor: c.Org.Actor(), Clock: func() time.Time { return c.Now }}
		var a *invoicing.Account
		err = store.Again(ctx, store.ErrStale, func() (err error) {
			a, err = d.open(ctx, c.Org)
			return err
		})
		if err != nil {
			return nil, told(err)
		}
		link, expires, err := stripe.Onboarding(ctx, a.Account, "link-"+newKey(st), back, again)
		if err != nil {
			return nil, told(err)
		}
		if err := c.Commit(ctx, st.Begin(), string(c.Org.ID)); err != nil {
			return nil, err
		}
		return &ConnectOut{Body: ConnectedBody{AccountBody: a.Body(), URL: link, Expires: &expires}}, nil
	}, func(ctx context.Context, c *api.Caller, _ string) (*ConnectOut, error) {
		a, err := invoicing.ReadAccount(ctx, c.Org)
		if err != nil {
			return nil, err
		}
		return &ConnectOut{Body: ConnectedBody{AccountBody: a.Body()}}, nil
	})
}

// newKey makes a key for a call of Stripe's that is like no other.
func newKey(st *store.Store) string { return string(id.New[id.Message](st.IDs())) }

// open gives the organisation's account, and has Stripe make one when it has none. What is to be made is written down before
// Stripe is asked, so that a repeat asks for the same.
func (d *Desk) open(ctx context.Context, org *store.Organization) (*invoicing.Account, error) {
	a, err := invoicing.ReadAccount(ctx, org)
	if err != nil {
		return nil, err
	}
	if a == nil || a.Disconnected != 0 {
		if a, err = d.ask(ctx, org, a); err != nil {
			return nil, err
		}
	}
	if a.Account != "" {
		at, err := d.Stripe.Account(ctx, a.Account)
		if errors.Is(err, connect.ErrAccess) {
			if err := d.leave(ctx, org, a); err != nil {
				return nil, err
			}
			return nil, store.ErrStale // begin anew
		}
		if err != nil {
			return nil, err
		}
		return a, d.learn(ctx, org, a, at)
	}
	at, err := d.Stripe.CreateAccount(ctx, "account-"+a.Claim, a.Country)
	if err != nil {
		return nil, err
	}
	now := d.Clock()
	a.Account, a.Connected, a.Since, a.Due = at.ID, now.Unix(), now.Unix(), now.Add(between).Unix()
	note(a, at, now)
	tx := d.Store.Begin()
	tx.Replace(org, a)
	tx.Create(d.platform(), &invoicing.Marker{Org: org.ID, Account: a.Account, Connected: true}).Else(store.ErrStale)
	tx.Arm(org, a.DueRow())
	return a, tx.Commit(ctx)
}

// ask writes down that an account is to be made, in the place of one that is disconnected.
func (d *Desk) ask(ctx context.Context, org *store.Organization, old *invoicing.Account) (*invoicing.Account, error) {
	settings, err := store.Get[organization.Organization](ctx, org, organization.Key(org.ID))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("organization")
	}
	if err != nil {
		return nil, err
	}
	a := &invoicing.Account{Org: org.ID, Claim: newKey(d.Store), Country: settings.Country}
	tx := d.Store.Begin()
	if old == nil {
		tx.Create(org, a).Else(store.ErrStale)
	} else {
		a.Meta = old.Meta
		tx.Replace(org, a)
	}
	return a, tx.Commit(ctx)
}

// note takes over what Stripe says of an account.
func note(a *invoicing.Account, at connect.Account, now time.Time) {
	a.Charges, a.Payouts, a.Submitted, a.Disabled = at.Charges, at.Payouts, at.Submitted, at.Needs.Disabled
	a.Country, a.Currency, a.Checked = at.Country, strings.ToUpper(at.Currency), now.Unix()
	a.Requirements = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(at.Needs.Due), at.Needs.PastDue...))))
	if len(a.Requirements) == 0 {
		a.Requirements = nil
	}
}

// learn writes down what Stripe says of an account.
func (d *Desk) learn(ctx context.Context, org *store.Organization, a *invoicing.Account, at connect.Account) error {
	note(a, at, d.Clock())
	tx := d.Store.Begin()
	tx.Replace(org, a)
	return tx.Commit(ctx)
}

// leave writes down that the platform may no longer reach an account. The ledger stays as it is.
func (d *Desk) leave(ctx context.Context, org *store.Organization, a *invoicing.Account) error {
	tx, err := d.leaving(ctx, org, a)
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (d *Desk) leaving(ctx context.Context, org *store.Organization, a *invoicing.Account) (*store.Tx, error) {
	m, err := d.marker(ctx, a.Account)
	if err != nil && !errors.Is(err, errUnmatched) {
		return nil, err
	}
	tx := d.Store.Begin()
	tx.Disarm(org, a.DueRow(), false)
	a.Disconnected, a.Charges, a.Payouts, a.Run, a.After = d.Clock().Unix(), false, false, 0, ""
	tx.Replace(org, a)
	if m != nil && m.Org == org.ID && m.Connected {
		m.Connected = false
		m.Expire(d.Clock().Add(markerLife))
		tx.Replace(d.platform(), m)
	}
	return tx, nil
}

// account brings an account up to what Stripe says. Back says that its owner has given access again.
func (d *Desk) account(ctx context.Context, account string, back bool) error {
	return store.Again(ctx, store.ErrStale, func() error {
		m, err := d.marker(ctx, account)
		if err != nil {
			return err
		}
		org := d.org(m.Org)
		a, err := invoicing.ReadAccount(ctx, org)
		if err != nil {
			return err
		}
		if a == nil || a.Account != account || !m.Connected && !back {
			return nil // it is another's turn, or it has left
		}
		at, err := d.Stripe.Account(ctx, account)
		switch {
		case errors.Is(err, connect.ErrAccess) && m.Connected:
			return d.leave(ctx, org, a)
		case errors.Is(err, connect.ErrAccess):
			return nil
		case err != nil:
			return err
		case m.Connected:
			return d.learn(ctx, org, a, at)
		}
		now := d.Clock()
		note(a, at, now)
		m.Connected, m.ExpiresAt, a.Disconnected, a.Due = true, 0, 0, now.Unix() // what happened meanwhile is read at once
		tx := d.Store.Begin()
		tx.Replace(org, a)
		tx.Replace(d.platform(), m)
		tx.Arm(org, a.DueRow())
		return tx.Commit(ctx)
	})
}

// DeletePaymentAccount ends the connection to the organisation's account at Stripe.
func DeletePaymentAccount(st *store.Store, stripe *connect.Client, app string) api.Operation {
	return api.New(api.Route{
		ID: "delete-payment-account", Area: "invoicing", Method: http.MethodDelete, Path: "/v1/payments/account", Status: http.StatusNoContent, Audit: true,
		Permission: access.OrganizationWrite, Purpose: purpose.Invoicing, Summary: "Disconnect your account at Stripe",
		Description: "Checkouts that are under way end, and clients can no longer pay online. Payments stay written down as they are; the account itself stays yours at Stripe.",
		Refusals:    []api.Refusal{unavailable(), {Kind: problem.NotFound, Code: "payment_account_not_found", When: "There is none."}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		d := &Desk{Store: st, Stripe: stripe, App: app, Actor: c.Org.Actor(), Clock: func() time.Time { return c.Now }}
		return nil, store.Again(ctx, store.ErrStale, func() error {
			a, err := invoicing.ReadAccount(ctx, c.Org)
			if err != nil {
				return err
			}
			switch a.Status() {
			case invoicing.AccountNone:
				return problem.Missing("payment account")
			case invoicing.AccountDisconnected:
				return nil
			}
			err = d.endAll(ctx, c.Org.ID, func(co *invoicing.Checkout) error {
				return d.session(ctx, co.Account, &invoicing.Binding{Org: co.Org, Invoice: co.Invoice}, co.Session)
			})
			if err != nil {
				return told(err)
			}
			if err := stripe.Disconnect(ctx, a.Account, "disconnect-"+newKey(st)); err != nil && !errors.Is(err, connect.ErrAccess) {
				return told(err)
			}
			tx, err := d.leaving(ctx, c.Org, a)
			if err != nil {
				return err
			}
			return c.Commit(ctx, tx, string(c.Org.ID))
		})
	})
}

func unavailable() api.Refusal {
	return api.Refusal{Kind: problem.Unavailable, Code: "payments_unavailable", When: "Stripe does not answer; try again."}
}

// told puts a failure of a call to Stripe into words for the caller.
func told(err error) error {
	var failed *connect.Failed
	var refused *connect.Refused
	switch {
	case errors.As(err, &failed):
		e := problem.Of(problem.Unavailable, "payments_unavailable", "Stripe does not answer; try again.")
		e.After, e.Cause = 5*time.Second, err
		return e
	case errors.As(err, &refused):
		e := problem.Of(problem.Conflict, "payment_account_refused", "Stripe makes no such account.")
		e.Cause = err
		return e
	}
	return err
}
