package invoicing

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/counter"
	"pixeltrack.io/platform/pkg/invoicing/numbering"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// What public links are made for, and the page of the web app that they lead to.
const (
	LinkPurpose = "invoice"
	LinkPage    = "/invoice"
)

// SendIn is the input of send-invoice.
type SendIn struct {
	ChangeIn
	Body *SendBody
}

// SendBody says how an invoice is sent.
type SendBody struct {
	Mail *bool `json:"mail,omitempty" doc:"Whether the invoice is mailed to its recipient; without it, it is. Otherwise pass its public_url on." example:"true"`
}

func (b *SendBody) mails() bool { return b == nil || b.Mail == nil || *b.Mail }

// errNumberTaken says that a document has a number already that a change of the pattern has brought back.
var errNumberTaken = errors.New("invoicing: the number is taken")

// SendInvoice gives a draft its number and brings it to its client.
func SendInvoice(st *store.Store, letterhead Letterhead, links keys.Links, publicURL string) api.Operation {
	yes, e := true, exampleSent()
	e.PublicURL = "https://app.example.com/invoice#token=0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"
	return api.Replayable(api.Route{
		ID: "send-invoice", Area: "invoicing", Method: http.MethodPost, Path: "/v1/invoices/{id}/send", ReadsAhead: true, Audit: true,
		Permission: access.InvoicesSend, Purpose: purpose.Invoicing, Summary: "Send an invoice",
		Description: "The draft gets the organization's next number, its dates, its issuer with logo and tax id, and the client's tax id, and never changes again. Numbers have no gaps: one is given only with the invoice that has it. " +
			"public_url leads to the page for the client and is shown this once.",
		Refusals: []api.Refusal{missing(), notDraft(), recipientErased(), {Kind: problem.Conflict, Code: "invoice_empty", When: "The draft has no lines."},
			{Kind: problem.Conflict, Code: "recipient_without_address", When: "There is no e-mail address to mail the invoice to."}},
		ExampleIn: SendBody{Mail: &yes}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *SendIn) (*Out, error) {
		org := new(organization.Organization)
		settings := &store.Fetch{Through: c.Org, Key: organization.Key(c.Org.ID), Row: org}
		logo := new(picture.Picture)
		shown := &store.Fetch{Through: c.Org, Key: picture.Key(c.Org.Scope()), Row: logo}
		d, err := in.draft(ctx, c, settings, shown)
		if err != nil {
			return nil, err
		}
		if errors.Is(shown.Err, store.ErrMissing) {
			logo, shown.Err = nil, nil
		}
		if err := errors.Join(settings.Err, shown.Err); err != nil {
			return nil, err
		}
		switch {
		case d.LineCount == 0:
			return nil, problem.Of(problem.Conflict, "invoice_empty", "The draft has no lines.")
		case in.Body.mails() && (d.payer == nil || d.payer.Email == ""):
			return nil, problem.Of(problem.Conflict, "recipient_without_address", "There is no e-mail address to mail the invoice to.")
		}
		if err := c.Checked(); err != nil { // from here on something is written, to the bucket
			return nil, err
		}
		payer, err := letterhead.stamp(ctx, c.Org, d, org, logo)
		if err != nil {
			return nil, err
		}
		token := links.Token(LinkPurpose, string(d.ID))
		sent, err := send(ctx, st, c, d, org, keys.HashToken(token), in.Body.mails(), payer)
		if err != nil {
			return nil, err
		}
		out := show(c.Now, sent)
		out.Body.PublicURL = publicURL + LinkPage + "#token=" + token
		return out, nil
	}, again)
}

// send tries numbers until one is the invoice's. Each try is one transaction, so a number is given with its invoice or not
// at all. The row of the payer is written where payer says so.
func send(ctx context.Context, st *store.Store, c *api.Caller, d *document, org *organization.Organization, link string, mails, payer bool) (*document, error) {
	pattern := numbering.Pattern(org.Numbers).Or()
	day, err := time.Parse(time.DateOnly, today(c.Now, org.TimeZone))
	if err != nil {
		return nil, err
	}
	var sent *document
	var skip int64
	err = store.Again(ctx, counter.ErrTaken, func() error {
		number, err := counter.Next(ctx, c.Org, store.Join("invoice", pattern.Period(day)))
		if err != nil {
			return err
		}
		number.Value += skip
		invoice := *d.Invoice
		sent = &document{Invoice: &invoice, payer: d.payer, lines: d.lines}
		tx := st.Begin()
		number.Take(tx, c.Org)
		invoice.issue(org, pattern.Write(day, number.Value), day, link, c.Now)
		tx.Create(c.Org, &Number{Invoice: invoice.ID, key: numberKey(c.Org, invoice.Number)}).Else(errNumberTaken)
		invoice.keep(tx, c.Org, c.Now)
		tx.Replace(c.Org, &invoice)
		if payer {
			to := *d.payer
			sent.payer = &to
			tx.Replace(c.Org, &to)
		}
		tx.Create(st.BindPlatform(c.Org.Actor()), &Link{Org: invoice.Org, Invoice: invoice.ID, hash: link})
		tx.Arm(c.Org, invoice.RenderDue())
		if invoice.Open() {
			tx.Arm(c.Org, invoice.overdueDue())
		}
		if mails {
			outbox.Queue(tx, c.Org, MailSent, sentMail(invoice.ID), map[string]string{"invoice": string(invoice.ID)})
			sent.mail = &outbox.Mail{State: outbox.Queued}
		}
		err = c.Commit(ctx, tx, string(invoice.ID))
		if errors.Is(err, errNumberTaken) {
			skip++
			return counter.ErrTaken
		}
		return err
	})
	if err != nil && ctx.Err() != nil {
		return nil, store.ErrConflict // the time was over amid a try; the number was not given
	}
	return sent, err
}

// issue makes a draft the document that it will stay.
func (i *Invoice) issue(org *organization.Organization, number string, day time.Time, link string, now time.Time) {
	i.Number, i.Status, i.Zone, i.Link, i.SentAt, i.Updated = number, Sent, org.TimeZone, link, now.UnixMilli(), now.UnixMilli()
	i.IssuedOn, i.DueOn = day.Format(time.DateOnly), day.AddDate(0, 0, i.TermsDays).Format(time.DateOnly)
	i.Issuer = &Issuer{Name: org.Name, LegalName: org.LegalName}
	a := clients.Address{Line1: org.Line1, Line2: org.Line2, PostalCode: org.PostalCode, City: org.City, Region: org.State, Country: org.Country}
	if a != (clients.Address{}) {
		i.Issuer.Address = &a
	}
	if i.Total == 0 {
		i.Status, i.SettledAt = Paid, now.UnixMilli() // nothing is asked for
	}
}

// VoidIn is the input of void-invoice.
type VoidIn struct {
	ChangeIn
	Body VoidBody
}

// VoidBody says why an invoice is not to count.
type VoidBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" example:"Sent to the wrong client"`
}

// VoidInvoice makes an invoice that was sent not count.
func VoidInvoice(st *store.Store) api.Operation {
	e := exampleSent()
	e.Status, e.VoidReason, e.VoidedAt = Void, "Sent to the wrong client", e.SentAt
	return api.Replayable(api.Route{
		ID: "void-invoice", Area: "invoicing", Method: http.MethodPost, Path: "/v1/invoices/{id}/void", ReadsAhead: true, Audit: true,
		Permission: access.InvoicesVoid, Purpose: purpose.Invoicing, Summary: "Void an invoice",
		Description: "It stays, with its number, which is never given again; nothing is due on it, and its public page says so. The time on it is free again in a moment. Voiding it twice is voiding it once.",
		Refusals: []api.Refusal{missing(), {Kind: problem.Conflict, Code: "invoice_not_sent", When: "It is a draft; delete it."},
			{Kind: problem.Conflict, Code: "invoice_has_payments", When: "Something was paid; take the payments back first."}},
		ExampleIn: VoidBody{Reason: e.VoidReason}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *VoidIn) (*Out, error) {
		d, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		switch {
		case d.Status == Void:
			return show(c.Now, d), nil
		case !d.Issued():
			return nil, problem.Of(problem.Conflict, "invoice_not_sent", "It is a draft; delete it.")
		case d.Invoice.Paid > 0:
			return nil, problem.Of(problem.Conflict, "invoice_has_payments", "Something was paid; take the payments back first.")
		}
		d.Status, d.Late, d.Reason, d.VoidedAt, d.Updated = Void, false, in.Body.Reason, c.Now.UnixMilli(), c.Now.UnixMilli()
		tx := st.Begin()
		if d.Assembly != nil {
			d.Assembly.Due = c.Now.Unix()
			tx.Arm(c.Org, d.Assembly.due(d.Invoice))
		}
		tx.Replace(c.Org, d.Invoice)
		if err := c.Commit(ctx, tx, string(d.ID)); err != nil {
			return nil, err
		}
		return show(c.Now, d), nil
	}, again)
}
