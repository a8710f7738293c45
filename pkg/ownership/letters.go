package ownership

import (
	"context"
	"errors"
	"fmt"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// The templates of the mails about ownership.
const (
	MailOffered  = "ownership_offered"
	MailAccepted = "ownership_accepted"
)

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailOffered, Compose: offered}, {Kind: MailAccepted, Compose: accepted}}
}

// offered writes to the member whom the ownership is offered to. It is dropped when the offer no longer stands.
func offered(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, h, err := about(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	o, settings := new(Offer), new(organization.Organization)
	fetches := []*store.Fetch{{Through: h, Key: key(h.ID), Row: o}, {Through: h, Key: organization.Key(h.ID), Row: settings}}
	if err := c.Store.FetchAll(ctx, fetches...); err != nil {
		return mail.Message{}, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	if string(o.ID) != m.Ids["offer"] {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "You are offered the ownership of an organization",
		Paragraphs: []string{"The owner of " + mail.OneLine(settings.Name) + " on PixelTrack offers the ownership to you.",
			"Nothing changes unless you accept, within 7 days. The owner decides over the organization's members, its data and its end."},
		Link: mail.Link{Label: "Look at the offer", URL: c.Page("/organization/ownership")},
	}), nil
}

// accepted writes to who was the owner.
func accepted(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, h, err := about(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	settings := new(organization.Organization)
	f := &store.Fetch{Through: h, Key: organization.Key(h.ID), Row: settings}
	if err := c.Store.FetchAll(ctx, f); err != nil {
		return mail.Message{}, err
	}
	if f.Err != nil {
		return mail.Message{}, compose.Gone(f.Err)
	}
	return c.Write(to, compose.Letter{
		Subject: "Your organization has another owner",
		Paragraphs: []string{"The ownership of " + mail.OneLine(settings.Name) + " on PixelTrack was accepted by the member whom you offered it to. You are an admin there now.",
			"If it was not you who offered it, change your password and write to us."},
	}), nil
}

// about gives whom a mail goes to and the organization that it is about.
func about(ctx context.Context, c *compose.Composer, m *outbox.Mail) (compose.Person, *store.Organization, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return compose.Person{}, nil, err
	}
	org, err := id.Parse[id.Organization](m.Ids["org"])
	if err != nil {
		return compose.Person{}, nil, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	return to, c.Store.BindOrganization(org, c.Actor), nil
}
