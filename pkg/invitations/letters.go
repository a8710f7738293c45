package invitations

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailInvited is the template of an invitation.
const MailInvited = "invitation"

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailInvited, Compose: invited}}
}

// invited writes an invitation, the same to an address with an account and to one without. It is dropped when the
// invitation was accepted, revoked or sent again meanwhile, and for an address that asked not to be invited: the organization
// does not learn of that.
func invited(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	org, err := c.Organization(m)
	if err != nil {
		return mail.Message{}, err
	}
	invitation, err := id.Parse[id.Invitation](m.Ids["invitation"])
	if err != nil {
		return mail.Message{}, compose.ErrGone
	}
	i, o := new(Invitation), new(organization.Organization)
	fetches := []*store.Fetch{{Through: org, Key: Key(org.ID, invitation), Row: i}, {Through: org, Key: organization.Key(org.ID), Row: o}}
	if err := c.Store.FetchAll(ctx, fetches...); err != nil {
		return mail.Message{}, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	if m.Dedupe != store.Join(MailInvited, i.tokenID()) {
		return mail.Message{}, compose.ErrGone
	}
	if not, err := leftAlone(ctx, c.Store.BindCase(i.Named, c.Actor)); err != nil {
		return mail.Message{}, err
	} else if not {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(compose.Person{Address: i.Email}, compose.Letter{
		Subject: "You are invited to work together on PixelTrack",
		Paragraphs: []string{mail.OneLine(o.Name) + " invites you to join them on PixelTrack.",
			"The link works once, for this address, until " + time.Unix(i.SentAt, 0).UTC().Add(Life).Format("2 January 2006, 15:04 UTC") + ".",
			"If you do not know them, do nothing: without your answer nothing is made, and your address is deleted when the link is over. To have it deleted at once, decline behind the link."},
		Link: mail.Link{Label: "Look at the invitation", URL: c.Link("/invitation", LinkPurpose, i.tokenID())},
	}), nil
}
