package invoicing

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// PublicIn names an invoice by its public link.
type PublicIn struct {
	Token string `path:"token" maxLength:"64" doc:"The token of the link." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// PublicBody is an invoice as its client sees it: without ids of the organization's.
type PublicBody struct {
	Number  string `json:"number" example:"INV-2026-0001"`
	Status  Status `json:"status" enum:"sent,viewed,partly_paid,paid,void"`
	Overdue bool   `json:"overdue"`
	Sums
	IssuedOn  string         `json:"issued_on" format:"date" example:"2026-03-02"`
	DueOn     string         `json:"due_on" format:"date" example:"2026-03-16"`
	PONumber  string         `json:"po_number,omitempty" example:"PO-77"`
	Issuer    *IssuerBody    `json:"issuer"`
	Logo      *LogoBody      `json:"issuer_logo,omitempty" doc:"The issuer's logo, as it was when the invoice was sent."`
	Recipient *RecipientBody `json:"recipient,omitempty"`
	Lines     []LineBody     `json:"lines"`
	Notes     string         `json:"notes,omitempty" example:"Thank you."`
	Terms     string         `json:"terms,omitempty"`
	Online    *PayOnline     `json:"online_payment,omitempty" doc:"How it can be paid now: POST to this address with /checkout added."`
}

// PayOnline says how an invoice can be paid online.
type PayOnline struct {
	Payable bool         `json:"payable" doc:"Whether a checkout is given."`
	Why     string       `json:"reason,omitempty" enum:"not_offered,nothing_due,payment_processing,amount_not_payable" doc:"Why not."`
	Amount  *money.Money `json:"amount,omitempty" doc:"What is paid when no amount is named: what is due."`
	Partial bool         `json:"partial" doc:"Whether a part may be paid."`
	Least   *money.Money `json:"minimum,omitempty" doc:"The least that a payment may be."`
}

// LogoBody leads to a logo.
type LogoBody struct {
	URL       string    `json:"url" format:"uri" doc:"Works for five minutes." example:"https://documents.example.com/logo.png"`
	ExpiresAt time.Time `json:"expires_at"`
}

func publicBody(b Body) PublicBody {
	return PublicBody{Number: b.Number, Status: b.Status, Overdue: b.Overdue, Sums: b.Sums, IssuedOn: b.IssuedOn, DueOn: b.DueOn, PONumber: b.PONumber,
		Issuer: b.Issuer, Recipient: b.Recipient, Lines: b.Lines, Notes: b.Notes, Terms: b.Terms}
}

func examplePublic() PublicBody {
	b := publicBody(exampleSent())
	least := money.Money{Amount: Least(b.Currency), Currency: b.Currency}
	b.Logo = &LogoBody{URL: "https://documents.example.com/logo.png", ExpiresAt: time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC)}
	b.Online = &PayOnline{Payable: true, Amount: &b.Due, Least: &least}
	return b
}

// PublicOut is the answer of get-public-invoice.
type PublicOut struct{ Body PublicBody }

func unknownLink() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "invoice_not_found", When: "No invoice has such a link, or it is no longer shown."}
}

// GetPublicInvoice shows an invoice to who has its link, and remembers the first time.
func GetPublicInvoice(st *store.Store, seals keys.DataKeys, documents Linker) api.Operation {
	return api.New(api.Route{
		ID: "get-public-invoice", Area: "invoicing", Method: http.MethodGet, Path: "/v1/public/invoices/{token}", Audience: api.Public,
		Purpose: purpose.Invoicing, Summary: "An invoice by its public link",
		Description: "For the client. The first call makes a sent invoice a viewed one. A token that is none, and one of an invoice that is no longer shown, look the same.",
		Refusals:    []api.Refusal{unknownLink()}, ExampleOut: examplePublic(),
	}, func(ctx context.Context, c *api.Caller, in *PublicIn) (*PublicOut, error) {
		org, link, err := follow(ctx, st, c, in.Token)
		if err != nil {
			return nil, err
		}
		for range meetings {
			d, err := shown(ctx, org, link)
			if err != nil {
				return nil, err
			}
			if d.Status != Sent {
				return d.public(ctx, seals, documents, c.Now)
			}
			d.Status, d.ViewedAt, d.Updated = Viewed, c.Now.UnixMilli(), c.Now.UnixMilli()
			tx := st.Begin()
			tx.Replace(org, d.Invoice)
			err = tx.Commit(ctx)
			if errors.Is(err, store.ErrStale) {
				continue // somebody else opened it, or paid, at the same time
			}
			if err != nil {
				return nil, err
			}
			return d.public(ctx, seals, documents, c.Now)
		}
		return nil, store.ErrConflict
	})
}

// public is the document as its client sees it, tax ids and logo included: it is what was sent to them.
func (d *document) public(ctx context.Context, seals keys.DataKeys, documents Linker, now time.Time) (*PublicOut, error) {
	b := d.body(now)
	if err := d.reveal(ctx, seals, now, &b); err != nil {
		return nil, err
	}
	out := &PublicOut{Body: publicBody(b)}
	out.Body.Online = d.online
	if d.Logo == "" {
		return out, nil
	}
	url, err := documents.Link(ctx, d.Logo, "logo.png", linkLife)
	out.Body.Logo = &LogoBody{URL: url, ExpiresAt: now.Add(linkLife).UTC()}
	return out, err
}

// follow finds the invoice that a public link leads to.
func follow(ctx context.Context, st *store.Store, c *api.Caller, token string) (*store.Organization, *Link, error) {
	link, err := store.Get[Link](ctx, st.BindPlatform(c.Actor()), store.TokenLookup(keys.HashToken(token)))
	if errors.Is(err, store.ErrMissing) {
		return nil, nil, problem.Missing("invoice")
	}
	if err != nil {
		return nil, nil, err
	}
	return st.BindOrganization(link.Org, store.Actor{Who: "client", Request: c.Request}), link, nil
}

// shown reads an invoice for its public page. An organization that is closed shows nothing any more.
func shown(ctx context.Context, org *store.Organization, link *Link) (*document, error) {
	s := newSale(org, link.Invoice)
	d, err := read(ctx, org, string(link.Invoice), s.fetches()...)
	switch {
	case errors.Is(err, store.ErrRestricted), err == nil && closed(s.gated, s.gate), err == nil && !d.Issued():
		return nil, problem.Missing("invoice")
	case err == nil && s.gated.Err != nil:
		return nil, s.gated.Err
	case err == nil:
		d.online = s.offer(d.Invoice)
	}
	return d, err
}

func closed(asked *store.Fetch, gate *access.OrganizationGate) bool {
	return errors.Is(asked.Err, store.ErrMissing) || asked.Err == nil && gate.Status == access.Closed
}
