package notices

import (
	"context"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailNotice is the template of the mail about a notice. It is service mail, which cannot be turned off.
const MailNotice = "notice"

// letter writes the mail of a notice in the words that the person was told.
func letter(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	h, err := c.User(m)
	if err != nil {
		return mail.Message{}, err
	}
	n, err := store.Get[Notice](ctx, h, noticeKey(h.Scope(), id.Announcement(m.Dedupe)))
	if err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	return c.Write(to, compose.Letter{
		Subject: n.Title,
		Paragraphs: []string{n.Text, "It takes effect on " + clock.At(n.Effective).Format("2 January 2006") + ".",
			"You need not do anything. Going on using PixelTrack is not taken for consent: what needs your consent, we ask you for. You can export your data and delete your account at any time."},
		Link: mail.Link{Label: "Read more", URL: c.Page("/privacy/notices/" + string(n.Announcement))},
	}), nil
}
