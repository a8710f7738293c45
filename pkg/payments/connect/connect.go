// Package connect speaks to Stripe for the connected accounts of organisations. It reads and writes no more of Stripe's
// objects than the ledger needs, and no person's name or address. It alone links Stripe's library.
package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/egress"
	"pixeltrack.io/platform/pkg/subprocessors"
)

const (
	patience = 8 * time.Second // of one attempt
	retries  = 2               // of a call that Stripe may not have heard
)

// Client speaks to Stripe with the platform's key. It is safe for concurrent use.
type Client struct {
	api, oauth stripe.Backend
	key        string
	app        string // the platform's application, ca_…
}

// New makes a client. Base is empty, or the address of another server than Stripe's. Nothing is reached but what the register
// of sub-processors allows.
func New(key, application, base string, register egress.Register) *Client {
	config := func(host string) *stripe.BackendConfig {
		c := &stripe.BackendConfig{HTTPClient: egress.Client(register, host, base, patience), MaxNetworkRetries: stripe.Int64(retries),
			LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, EnableTelemetry: stripe.Bool(false)}
		if base != "" {
			c.URL = stripe.String(strings.TrimSuffix(base, "/"))
		}
		return c
	}
	return &Client{api: stripe.GetBackendWithConfig(stripe.APIBackend, config("api.stripe.com")), oauth: stripe.GetBackendWithConfig(stripe.ConnectBackend, config("connect.stripe.com")), key: key, app: application}
}

// Open makes the client of a function: it needs PARAM_STRIPE_SECRET_KEY and STRIPE_CLIENT_ID; STRIPE_API_BASE leads to another
// server than Stripe's.
func Open(a *app.App) *Client {
	return New(secrets.Read(a, "PARAM_STRIPE_SECRET_KEY"), a.Setting("STRIPE_CLIENT_ID"), a.Optional("STRIPE_API_BASE"),
		subprocessors.NewReach(a.Table(), a.Now, a.Log()))
}

// Live says whether the key moves real money.
func (c *Client) Live() bool { return strings.Contains(c.key, "_live_") }

// What calls may fail with. Any other error is a failure to reach Stripe, or Stripe's own: the call may have been carried
// out, and is repeated with the same key.
var (
	ErrAccess  = errors.New("connect: the account has gone or took its access back")
	ErrMissing = errors.New("connect: Stripe has no such object")
	ErrState   = errors.New("connect: the object's state does not allow it")
)

// Refused is a call that Stripe understood and will not carry out, however often it is repeated.
type Refused struct{ Code string }

// Error gives Stripe's code.
func (r *Refused) Error() string { return "connect: refused: " + r.Code }

// Failed is a call that came to no end.
type Failed struct{ Code string }

// Error gives what is known: a code, never what was sent.
func (f *Failed) Error() string { return "connect: no answer that counts: " + f.Code }

// call makes one call, for an account or for the platform itself.
func (c *Client) call(ctx context.Context, b stripe.Backend, method, path, account, key string, values *form.Values, into stripe.LastResponseSetter) error {
	p := &stripe.Params{Context: ctx}
	if account != "" {
		p.StripeAccount = stripe.String(account)
	}
	if key != "" {
		p.IdempotencyKey = stripe.String(key)
	}
	return meaning(b.CallRaw(method, path, c.key, values, p, into))
}

func (c *Client) get(ctx context.Context, path, account string, values *form.Values, into stripe.LastResponseSetter) error {
	return c.call(ctx, c.api, http.MethodGet, path, account, "", values, into)
}

func (c *Client) post(ctx context.Context, path, account, key string, values *form.Values, into stripe.LastResponseSetter) error {
	return c.call(ctx, c.api, http.MethodPost, path, account, key, values, into)
}

// meaning tells what became of a call. The library's own errors hold what was answered, and go no further.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	var e *stripe.Error
	if !errors.As(err, &e) {
		var u *url.Error
		if errors.As(err, &u) && errors.Is(u.Err, egress.ErrHost) {
			return u.Err
		}
		return &Failed{Code: "no_answer"}
	}
	code := string(e.Code)
	if code == "" {
		code = string(e.Type) + e.OAuthError
	}
	switch s := e.HTTPStatusCode; {
	case code == "account_invalid" || code == "invalid_client":
		return ErrAccess
	case code == "resource_missing":
		return ErrMissing
	case s == http.StatusTooManyRequests, s == http.StatusConflict, s == http.StatusUnauthorized, s >= 500, s < 400:
		return &Failed{Code: code + " " + strconv.Itoa(s)}
	}
	return &Refused{Code: code}
}

// params makes the parameters of a call from names and values in turn.
func params(pairs ...string) *form.Values {
	v := new(form.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Add(pairs[i], pairs[i+1])
		}
	}
	return v
}

func at(parts ...string) string {
	for i := 1; i < len(parts); i += 2 {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "")
}

// Account is a connected account as Stripe has it.
type Account struct {
	ID        string `json:"id"`
	Charges   bool   `json:"charges_enabled"`
	Payouts   bool   `json:"payouts_enabled"`
	Submitted bool   `json:"details_submitted"`
	Country   string `json:"country"`
	Currency  string `json:"default_currency"`
	Needs     struct {
		Due      []string `json:"currently_due"`
		PastDue  []string `json:"past_due"`
		Disabled string   `json:"disabled_reason"`
	} `json:"requirements"`
}

type wire[T any] struct {
	stripe.APIResource
	value T
}

// UnmarshalJSON reads the object alone.
func (w *wire[T]) UnmarshalJSON(text []byte) error { return decode(text, &w.value) }

// CreateAccount makes a connected account. Under one key it is made once, for 24 hours.
func (c *Client) CreateAccount(ctx context.Context, key, country string) (Account, error) {
	var w wire[Account]
	err := c.post(ctx, "/v1/accounts", "", key, params("type", "standard", "country", country), &w)
	return w.value, err
}

// Account reads an account. It is ErrAccess when the platform may not reach it.
func (c *Client) Account(ctx context.Context, account string) (Account, error) {
	var w wire[Account]
	err := c.get(ctx, at("/v1/accounts/", account), "", nil, &w)
	if errors.Is(err, ErrMissing) {
		err = ErrAccess
	}
	return w.value, err
}

// Onboarding makes a link to Stripe's pages of onboarding. It works once, for minutes.
func (c *Client) Onboarding(ctx context.Context, account, key, returnTo, refresh string) (string, time.Time, error) {
	var w wire[struct {
		URL     string `json:"url"`
		Expires int64  `json:"expires_at"`
	}]
	err := c.post(ctx, "/v1/account_links", "", key, params("account", account, "return_url", returnTo, "refresh_url", refresh, "type", "account_onboarding"), &w)
	return w.value.URL, time.Unix(w.value.Expires, 0).UTC(), err
}

// Disconnect ends the platform's access to an account. One that has none is ErrAccess.
func (c *Client) Disconnect(ctx context.Context, account, key string) error {
	var w wire[struct{}]
	return c.call(ctx, c.oauth, http.MethodPost, "/oauth/deauthorize", "", key, params("client_id", c.app, "stripe_user_id", account), &w)
}

// Session is a checkout session.
type Session struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Status  string `json:"status"`         // open, complete or expired
	Payment string `json:"payment_status"` // paid, unpaid or no_payment_required
	Intent  string `json:"payment_intent"`
}

// Sale is what a session is made for.
type Sale struct {
	Name      string // of what is paid, on Stripe's page
	Amount    int64  // in Stripe's minor units
	Currency  string // in lower case
	Success   string // where the page leads afterwards
	Cancel    string
	ExpiresAt int64
}

// CreateSession makes a session. Under one key it is made once, for 24 hours.
func (c *Client) CreateSession(ctx context.Context, account, key string, s Sale) (Session, error) {
	var w wire[Session]
	err := c.post(ctx, "/v1/checkout/sessions", account, key, params("mode", "payment", "success_url", s.Success, "cancel_url", s.Cancel,
		"expires_at", fmt.Sprint(s.ExpiresAt), "line_items[0][quantity]", "1", "line_items[0][price_data][currency]", s.Currency,
		"line_items[0][price_data][unit_amount]", fmt.Sprint(s.Amount), "line_items[0][price_data][product_data][name]", s.Name,
		"payment_intent_data[description]", s.Name), &w)
	return w.value, err
}

// Session reads a session.
func (c *Client) Session(ctx context.Context, account, id string) (Session, error) {
	var w wire[Session]
	err := c.get(ctx, at("/v1/checkout/sessions/", id), account, nil, &w)
	return w.value, err
}

// SessionOf finds the session that a payment intent was made by. It is ErrMissing when none was.
func (c *Client) SessionOf(ctx context.Context, account, intent string) (string, error) {
	var w wire[list[Session]]
	if err := c.get(ctx, "/v1/checkout/sessions", account, params("payment_intent", intent, "limit", "1"), &w); err != nil {
		return "", err
	}
	if len(w.value.Data) == 0 {
		return "", ErrMissing
	}
	return w.value.Data[0].ID, nil
}

// Expire ends an open session, so that nobody can pay it any more. It is ErrState when it is not open.
func (c *Client) Expire(ctx context.Context, account, id string) error {
	var w wire[Session]
	err := c.post(ctx, at("/v1/checkout/sessions/", id, "/expire"), account, "", nil, &w)
	var refused *Refused
	if errors.As(err, &refused) {
		return ErrState
	}
	return err
}

type list[T any] struct {
	Data []T  `json:"data"`
	More bool `json:"has_more"`
}

const pageSize = "100"

// all reads every page of a list.
func all[T any](ctx context.Context, c *Client, account, path string, id func(T) string, pairs ...string) ([]T, error) {
	var every []T
	for after := ""; ; {
		var w wire[list[T]]
		if err := c.get(ctx, path, account, params(append(pairs, "limit", pageSize, "starting_after", after)...), &w); err != nil {
			return nil, err
		}
		every = append(every, w.value.Data...)
		if !w.value.More || len(w.value.Data) == 0 {
			return every, nil
		}
		after = id(w.value.Data[len(w.value.Data)-1])
	}
}
