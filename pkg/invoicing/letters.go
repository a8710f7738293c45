package invoicing

import (
	"context"
	"errors"
	"fmt"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailSent is the template of the mail that brings an invoice to its client.
const MailSent = "invoice_sent"

// Templates lists the mail of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailSent, Compose: sentLetter}}
}

// sentLetter writes to who is to pay. It is dropped when the invoice is void by then, or its payer or organisation gone.
func sentLetter(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	org, err := c.Organization(m)
	if err != nil {
		return mail.Message{}, err
	}
	inv, err := id.Parse[id.Invoice](m.Ids["invoice"])
	if err != nil {
		return mail.Message{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	i, payer, gate := new(Invoice), new(Payer), new(access.OrganizationGate)
	fetches := []*store.Fetch{{Through: org, Key: Key(org.ID, inv), Row: i}, {Through: org, Key: PayerKey(org.ID, inv), Row: payer},
		{Through: org, Key: access.OrganizationGateKey(org.ID), Row: gate}}
	if err := c.Store.FetchAll(ctx, fetches...); err != nil {
		return mail.Message{}, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err, fetches[2].Err); err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	if i.Status == Void || payer.Email == "" || payer.Restricted || gate.Status == access.Closed {
		return mail.Message{}, compose.ErrGone
	}
	from := mail.OneLine(i.Issuer.Name)
	return c.Write(compose.Person{Name: payer.Name, Address: payer.Email}, compose.Letter{
		Subject: "Invoice " + i.Number + " from " + from,
		Paragraphs: []string{"Hello " + mail.OneLine(payer.Name) + ",", from + " has sent you invoice " + i.Number + " of " + i.IssuedOn + ".",
			"The total is " + i.money(i.Total).String() + ", due on " + i.DueOn + "."},
		Link: mail.Link{Label: "See the invoice", URL: c.Link(LinkPage, LinkPurpose, string(i.ID))},
	}), nil
}
