package invoicing

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ByID names an invoice.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The invoice." example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names an invoice and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

// read gives the invoice that is meant, in the version that is meant.
func (in ChangeIn) read(ctx context.Context, c *api.Caller, others ...*store.Fetch) (*document, error) {
	d, err := read(ctx, c.Org, in.ID, others...)
	if err != nil {
		return nil, err
	}
	return d, in.Matches(d.Version)
}

// draft is read for what only a draft lets happen.
func (in ChangeIn) draft(ctx context.Context, c *api.Caller, others ...*store.Fetch) (*document, error) {
	d, err := in.read(ctx, c, others...)
	if err != nil {
		return nil, err
	}
	switch d.Status {
	case Draft:
		if d.payer != nil && d.payer.ErasedAt != 0 {
			return nil, problem.Of(problem.Conflict, "recipient_erased", "The recipient was erased; the draft can only be deleted.")
		}
		return d, nil
	case Assembling:
		return nil, problem.Of(problem.Conflict, "invoice_not_draft", "The invoice is assembling; ask again in a moment.")
	}
	return nil, problem.Of(problem.Conflict, "invoice_not_draft", "The invoice was sent; void it, or write another.")
}

func recipientErased() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "recipient_erased", When: "The recipient was erased; the draft can only be deleted."}
}

// keptByLaw refuses the deletion of what a hold or a restriction keeps.
func keptByLaw() error {
	return problem.Of(problem.Conflict, "kept_by_law", "It must be kept for now.")
}

func keptRefusal() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "kept_by_law", When: "It must be kept for now."}
}

// GetInvoice answers one invoice.
func GetInvoice(seals keys.DataKeys) api.Operation {
	return api.New(api.Route{
		ID: "get-invoice", Area: "invoicing", Method: http.MethodGet, Path: "/v1/invoices/{id}", PureRead: true,
		Permission: access.InvoicesRead, Purpose: purpose.Invoicing, Summary: "One invoice", Description: "With its lines and who is to pay. Tax ids are shown with the right tax_id:read.",
		Refusals: []api.Refusal{missing()}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		d, err := read(ctx, c.Org, in.ID)
		if err != nil {
			return nil, err
		}
		out := show(c.Now, d)
		if !c.May(access.TaxIDRead) {
			return out, nil
		}
		return out, d.reveal(ctx, seals, c.Now, &out.Body)
	})
}

// UpdateIn is the input of update-invoice.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of a draft; what is absent stays.
type UpdateBody struct {
	Currency  *string                    `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"ISO 4217; only together with lines."`
	Inclusive *bool                      `json:"prices_include_tax,omitempty"`
	Lines     *[]LineIn                  `json:"lines,omitempty" maxItems:"500" doc:"Replaces all lines. Time stays on the invoice, whatever becomes of its lines."`
	Discount  api.Optional[DiscountBody] `json:"discount,omitzero" required:"false" doc:"null removes it."`
	TermsDays *int                       `json:"payment_terms_days,omitempty" minimum:"0" maximum:"365"`
	PONumber  *string                    `json:"po_number,omitempty" maxLength:"50" doc:"Empty removes it."`
	Notes     *string                    `json:"notes,omitempty" maxLength:"4000" doc:"Empty removes them."`
	Terms     *string                    `json:"terms,omitempty" maxLength:"4000" doc:"Empty removes them."`
	Recipient *PayerBody                 `json:"recipient,omitempty" doc:"Replaces who is to pay."`
}

// check refuses a change that no draft can take, whichever it is made to.
func (b UpdateBody) check() error {
	if b.Currency == nil {
		return nil
	}
	if !money.Valid(*b.Currency) {
		return problem.InvalidField("body.currency", "not a currency of ISO 4217")
	}
	if b.Lines == nil {
		return problem.InvalidField("body.currency", "only together with lines, whose prices are in it")
	}
	return nil
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// apply changes a document, and counts it anew.
func (b UpdateBody) apply(d *document) (err error) {
	set(&d.Currency, b.Currency)
	set(&d.Inclusive, b.Inclusive)
	set(&d.TermsDays, b.TermsDays)
	set(&d.Order, b.PONumber)
	set(&d.Notes, b.Notes)
	set(&d.Terms, b.Terms)
	switch {
	case b.Discount.Sent && b.Discount.Null:
		d.Discount = nil
	case b.Discount.Sent:
		if d.Discount, err = b.Discount.Value.parse(d.Currency, "body.discount"); err != nil {
			return err
		}
	}
	if b.Lines != nil {
		if d.lines, err = parseLines(*b.Lines, d.Currency); err != nil {
			return err
		}
		d.Revision++
	}
	if b.Recipient != nil {
		if d.payer == nil {
			d.payer = &Payer{Org: d.Org, Invoice: d.ID}
		}
		if err := d.payer.take(*b.Recipient); err != nil {
			return err
		}
	}
	if err := d.count(d.lines); err != nil {
		return wrong(err)
	}
	return nil
}

// UpdateInvoice changes a draft.
func UpdateInvoice(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	terms, e := 30, example()
	lines := []LineIn{e.Lines[0].LineIn}
	e.TermsDays = terms
	return api.New(api.Route{
		ID: "update-invoice", Area: "invoicing", Method: http.MethodPatch, Path: "/v1/invoices/{id}", ReadsAhead: true, MaxBody: MaxBody,
		Permission: access.InvoicesWrite, Purpose: purpose.Invoicing, Summary: "Change a draft",
		Description: "Fields that are absent stay as they are; the sums are counted anew. An invoice that was sent never changes.",
		Refusals:    []api.Refusal{missing(), notDraft(), recipientErased()}, ExampleIn: UpdateBody{TermsDays: &terms, Lines: &lines}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if err := in.Body.check(); err != nil {
			return nil, err
		}
		d, err := in.draft(ctx, c)
		if err != nil {
			return nil, err
		}
		before := d.LineCount
		if err := in.Body.apply(d); err != nil {
			return nil, err
		}
		d.Updated = c.Now.UnixMilli()
		tx := st.Begin()
		tx.Replace(c.Org, d.Invoice)
		if in.Body.Recipient != nil {
			d.payer.name(pseudonyms)
			d.payer.write(tx, c.Org)
		}
		if in.Body.Lines != nil {
			d.rewrite(tx, c.Org, before)
		}
		if err := c.Commit(ctx, tx, string(d.ID)); err != nil {
			return nil, err
		}
		return show(c.Now, d), nil
	})
}

// write puts the payer in the place of the one that was read. One that was not seen is restricted.
func (p *Payer) write(tx *store.Tx, org *store.Organization) {
	if p.Version > 0 {
		tx.Replace(org, p)
		return
	}
	tx.Create(org, p).Else(store.ErrRestricted)
}

// rewrite puts the parts of the lines in the place of those that were there. Whoever else writes them writes the invoice
// too, whose version decides.
func (d *document) rewrite(tx *store.Tx, org *store.Organization, before int) {
	parts := d.parts(d.lines)
	for _, p := range parts {
		tx.Put(org, p)
	}
	for n := len(parts); n*PartSize < before; n++ {
		tx.DeleteKey(org, partKey(d.Org, d.ID, n), "")
	}
}

// DeleteInvoice removes a draft.
func DeleteInvoice(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-invoice", Area: "invoicing", Method: http.MethodDelete, Path: "/v1/invoices/{id}", Status: http.StatusNoContent, ReadsAhead: true, Audit: true,
		Permission: access.InvoicesWrite, Purpose: purpose.Invoicing, Summary: "Delete a draft",
		Description: "Only a draft, which has no number; an invoice that was sent is voided and stays. The time on it is free again a few minutes later.",
		Refusals:    []api.Refusal{missing(), notDraft(), keptRefusal()},
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		d, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		if d.Status != Draft && d.Status != Assembling {
			return nil, problem.Of(problem.Conflict, "invoice_not_draft", "The invoice was sent; void it.")
		}
		tx := st.Begin()
		if d.Assembly != nil {
			tx.Arm(c.Org, assemblyDue(d.Org, d.ID, c.Now.Unix()))
		}
		tx.Bury(c.Org, d.Invoice, string(d.ID))
		tx.DeleteKey(c.Org, PayerKey(d.Org, d.ID), "attribute_not_exists('restricted')").Else(keptByLaw())
		for n := 0; n*PartSize < d.LineCount; n++ {
			tx.DeleteKey(c.Org, partKey(d.Org, d.ID, n), "").Else(keptByLaw())
		}
		clients.Unbill(tx, c.Org, d.Client)
		tx.Disarm(c.Org, d.due(), true)
		return nil, c.Commit(ctx, tx, string(d.ID))
	})
}
