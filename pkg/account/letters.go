package account

import (
	"context"
	"errors"
	"strconv"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailDeleted is the template of the mail about the deletion of an account.
const MailDeleted = "account_deleted"

// Templates lists the mails of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailDeleted, Compose: deleted}}
}

// deleted writes the mail about a deletion, with the link that undoes it. It is dropped when the deletion was undone.
func deleted(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	h, err := c.User(m)
	if err != nil {
		return mail.Message{}, err
	}
	at, err := strconv.ParseInt(m.Ids["at"], 10, 64)
	if err != nil {
		return mail.Message{}, err
	}
	d, err := store.Get[Deletion](ctx, h, DeletionKey(h.ID))
	if err == nil && d.At != at {
		err = store.ErrMissing
	}
	if errors.Is(err, store.ErrMissing) {
		return mail.Message{}, compose.ErrGone
	}
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "Your account deletion, and how to undo it",
		Paragraphs: []string{"Your PixelTrack account was deleted, as you asked. Nobody can log in to it any more.",
			"Until " + clock.At(d.Due).Format("2 January 2006, 15:04 UTC") + " this link and your password restore it, with the organizations that close with it. Then everything is erased.",
			"If it was not you, restore the account now and choose a new password."},
		Link: mail.Link{Label: "Restore my account", URL: c.Link("/restore", RestorePurpose, restoreID(h.ID, d.At))},
	}), nil
}
