package invoicing

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// MaxBody is how large the body of an invoice may be: 500 lines of their longest fit.
const MaxBody = 2 << 20

// CreateIn is the input of create-invoice.
type CreateIn struct {
	Body CreateBody
}

// CreateBody is a new draft.
type CreateBody struct {
	ClientID  string        `json:"client_id" maxLength:"64" doc:"An active client." example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Currency  string        `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"ISO 4217; without it the client's." example:"EUR"`
	Inclusive bool          `json:"prices_include_tax,omitempty"`
	Lines     []LineIn      `json:"lines,omitempty" maxItems:"500"`
	Discount  *DiscountBody `json:"discount,omitempty" doc:"Of the whole invoice; spread over its taxes by their share."`
	TermsDays *int          `json:"payment_terms_days,omitempty" minimum:"0" maximum:"365" doc:"Without it the client's." example:"14"`
	PONumber  string        `json:"po_number,omitempty" maxLength:"50" example:"PO-77"`
	Notes     string        `json:"notes,omitempty" maxLength:"4000" example:"Thank you."`
	Terms     string        `json:"terms,omitempty" maxLength:"4000"`
	Recipient *PayerBody    `json:"recipient,omitempty" doc:"Who is to pay; without it the client as it is now."`
	FromTime  *FromTime     `json:"from_time,omitempty" doc:"Makes the lines of unbilled, billable time, in place of lines; needs the right rates:read. The answer is 202."`
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "invoice_not_found", When: "There is no such invoice in the organization."}
}

func notDraft() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "invoice_not_draft", When: "The invoice was sent; void it, or write another. Or it is assembling still."}
}

// CreateInvoice writes a draft.
func CreateInvoice(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	e := example()
	return api.Replayable(api.Route{
		ID: "create-invoice", Area: "invoicing", Method: http.MethodPost, Path: "/v1/invoices", Status: http.StatusCreated, ReadsAhead: true, MaxBody: MaxBody,
		Permission: access.InvoicesWrite, Purpose: purpose.Invoicing, Summary: "Write an invoice",
		Description: "A draft: it has no number yet and can be changed. Its sums are counted at once, and shown as they will be on the document. " +
			"With from_time its lines are made of time: it is assembling, and in a moment a draft. The time on it is locked, and on no other invoice, until it is deleted or voided.",
		Accepted: "The invoice is assembling: its lines are being made of time.",
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "project_not_found", When: "There is no such project in the organization, or you see those that you work on alone, and it is none of them."},
			{Kind: problem.NotFound, Code: "client_not_found", When: "There is no such client in the organization."},
			{Kind: problem.Conflict, Code: "client_archived", When: "The client is archived."}},
		ExampleIn: CreateBody{ClientID: e.ClientID, Lines: []LineIn{e.Lines[0].LineIn}, TermsDays: &e.TermsDays, PONumber: e.PONumber, Notes: e.Notes}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*MadeOut, error) {
		cli, err := id.Parse[id.Client](in.Body.ClientID)
		if err != nil {
			return nil, problem.Missing("client")
		}
		if err := errors.Join(in.Body.allowed(c), in.Body.check()); err != nil {
			return nil, err
		}
		found, fetches := in.Body.FromTime.views(c)
		client, org, err := parties(ctx, c.Org, cli, fetches...)
		if err != nil {
			return nil, err
		}
		d, err := in.Body.draft(c, client, org, found)
		if err != nil {
			return nil, err
		}
		d.payer.name(pseudonyms)
		tx := st.Begin()
		clients.Bill(tx, c.Org, cli)
		d.create(tx, c)
		err = c.Commit(ctx, tx, string(d.ID))
		if errors.Is(err, clients.ErrNotActive) {
			return nil, whyNot(ctx, c, cli)
		}
		if err != nil {
			return nil, err
		}
		return made(c, d), nil
	}, func(ctx context.Context, c *api.Caller, id string) (*MadeOut, error) {
		d, err := read(ctx, c.Org, id)
		if err != nil {
			return nil, err
		}
		return made(c, d), nil
	})
}

// MadeOut is the answer of create-invoice.
type MadeOut struct {
	Status int
	api.Tagged
	Body Body
}

func made(c *api.Caller, d *document) *MadeOut {
	out := &MadeOut{Status: http.StatusCreated, Tagged: api.Tag(d.Version), Body: d.body(c.Now)}
	if d.Status == Assembling {
		out.Status = http.StatusAccepted
	}
	return out
}

// check refuses a currency that is none before anything is read.
func (b CreateBody) check() error {
	if b.Currency != "" && !money.Valid(b.Currency) {
		return problem.InvalidField("body.currency", "not a currency of ISO 4217")
	}
	return nil
}

// parties reads who is to pay and who asks for it.
func parties(ctx context.Context, org *store.Organization, cli id.Client, others ...*store.Fetch) (*clients.Client, *organization.Organization, error) {
	client, settings := new(clients.Client), new(organization.Organization)
	fetches := []*store.Fetch{{Through: org, Key: clients.Key(org.ID, cli), Row: client}, {Through: org, Key: organization.Key(org.ID), Row: settings}}
	if err := org.Store().FetchAll(ctx, append(fetches, others...)...); err != nil {
		return nil, nil, err
	}
	if errors.Is(fetches[0].Err, store.ErrMissing) {
		return nil, nil, problem.Missing("client")
	}
	return client, settings, errors.Join(fetches[0].Err, fetches[1].Err)
}

// whyNot says why an invoice could not refer to a client.
func whyNot(ctx context.Context, c *api.Caller, cli id.Client) error {
	if _, err := clients.Read(ctx, c.Org, string(cli)); err != nil {
		return err
	}
	return problem.Of(problem.Conflict, "client_archived", "The client is archived; restore it first.")
}

func (b CreateBody) draft(c *api.Caller, client *clients.Client, org *organization.Organization, found []*projects.View) (*document, error) {
	i := &Invoice{Org: c.Org.ID, ID: api.NewID[id.Invoice](c), Client: client.ID, Status: Draft, Currency: b.Currency, Rounding: org.Rounding(), Inclusive: b.Inclusive,
		Revision: 1, TermsDays: client.TermsDays, Order: b.PONumber, Notes: b.Notes, Terms: b.Terms, Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
	if i.Currency == "" {
		i.Currency = client.Currency
	}
	if b.TermsDays != nil {
		i.TermsDays = *b.TermsDays
	}
	d := &document{Invoice: i, payer: &Payer{Org: i.Org, Invoice: i.ID, Name: client.Name, Email: client.Email, Address: client.Address}}
	if b.Recipient != nil {
		if err := d.payer.take(*b.Recipient); err != nil {
			return nil, err
		}
	}
	var err error
	if i.Discount, err = b.Discount.parse(i.Currency, "body.discount"); err != nil {
		return nil, err
	}
	if b.FromTime != nil {
		i.Status = Assembling
		if i.Assembly, err = b.FromTime.plan(i, client, found, c.Now); err != nil {
			return nil, err
		}
		return d, nil
	}
	if d.lines, err = parseLines(b.Lines, i.Currency); err != nil {
		return nil, err
	}
	if err := i.count(d.lines); err != nil {
		return nil, wrong(err)
	}
	return d, nil
}

// take replaces who is to pay.
func (p *Payer) take(b PayerBody) error {
	p.Name, p.Email, p.Address = strings.TrimSpace(b.Name), b.Email, b.Address
	if p.Name == "" {
		return problem.InvalidField("body.recipient.name", "must not be blank")
	}
	if p.Address != nil && *p.Address == (clients.Address{}) {
		p.Address = nil
	}
	return nil
}

// create writes the rows of a new draft.
func (d *document) create(tx *store.Tx, c *api.Caller) {
	d.keep(tx, c.Org, c.Now)
	if d.Assembly != nil {
		tx.Arm(c.Org, d.Assembly.due(d.Invoice))
	}
	tx.Create(c.Org, d.Invoice)
	tx.Create(c.Org, d.payer)
	for _, p := range d.parts(d.lines) {
		tx.Create(c.Org, p)
	}
}

// again answers with the invoice as it is now.
func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	d, err := read(ctx, c.Org, made)
	if err != nil {
		return nil, err
	}
	return show(c.Now, d), nil
}
