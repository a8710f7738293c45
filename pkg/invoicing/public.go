package invoicing

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
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
	IssuedOn  string      `json:"issued_on" format:"date" example:"2026-03-02"`
	DueOn     string      `json:"due_on" format:"date" example:"2026-03-16"`
	PONumber  string      `json:"po_number,omitempty" example:"PO-77"`
	Issuer    *IssuerBody `json:"issuer"`
	Recipient *PayerBody  `json:"recipient,omitempty"`
	Lines     []LineBody  `json:"lines"`
	Notes     string      `json:"notes,omitempty" example:"Thank you."`
	Terms     string      `json:"terms,omitempty"`
}

func publicBody(b Body) PublicBody {
	return PublicBody{Number: b.Number, Status: b.Status, Overdue: b.Overdue, Sums: b.Sums, IssuedOn: b.IssuedOn, DueOn: b.DueOn, PONumber: b.PONumber,
		Issuer: b.Issuer, Recipient: b.Recipient, Lines: b.Lines, Notes: b.Notes, Terms: b.Terms}
}

// PublicOut is the answer of get-public-invoice.
type PublicOut struct{ Body PublicBody }

func unknownLink() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "invoice_not_found", When: "No invoice has such a link, or it is no longer shown."}
}

// GetPublicInvoice shows an invoice to who has its link, and remembers the first time.
func GetPublicInvoice(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-public-invoice", Area: "invoicing", Method: http.MethodGet, Path: "/v1/public/invoices/{token}", Audience: api.Public,
		Purpose: purpose.Invoicing, Summary: "An invoice by its public link",
		Description: "For the client. The first call makes a sent invoice a viewed one. A token that is none, and one of an invoice that is no longer shown, look the same.",
		Refusals:    []api.Refusal{unknownLink()}, ExampleOut: publicBody(exampleSent()),
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
				return &PublicOut{Body: publicBody(d.body(c.Now))}, nil
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
			return &PublicOut{Body: publicBody(d.body(c.Now))}, nil
		}
		return nil, store.ErrConflict
	})
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
	gate := new(access.OrganizationGate)
	asked := &store.Fetch{Through: org, Key: access.OrganizationGateKey(org.ID), Row: gate}
	d, err := read(ctx, org, string(link.Invoice), asked)
	switch {
	case errors.Is(err, store.ErrRestricted), err == nil && closed(asked, gate), err == nil && !d.Issued():
		return nil, problem.Missing("invoice")
	case err == nil && asked.Err != nil:
		return nil, asked.Err
	}
	return d, err
}

func closed(asked *store.Fetch, gate *access.OrganizationGate) bool {
	return errors.Is(asked.Err, store.ErrMissing) || asked.Err == nil && gate.Status == access.Closed
}
