package auth

import (
	"context"

	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailConfirm is the template of the mail about a sign-up.
const MailConfirm = "confirm_sign_up"

// ConfirmPurpose is what the token of a confirmation link is for.
const ConfirmPurpose = "confirm_sign_up"

// Templates lists the mails of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailConfirm, Compose: confirmation}}
}

// confirmation writes the mail about a sign-up: its link, or that the address has an account. It repeats nothing that
// was typed when signing up, so that nobody can have us write their words to a stranger.
func confirmation(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	h, err := c.Case(m)
	if err != nil {
		return mail.Message{}, err
	}
	s, err := store.Get[SignUpRequest](ctx, h, h.Scope().Key(FamilySignUp))
	if err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	l := compose.Letter{
		Subject: "Confirm your PixelTrack account",
		Paragraphs: []string{"Somebody, we think you, is signing up for PixelTrack with this address.",
			"Confirm it with this link and the password you chose. The link works once, within 30 minutes.",
			"If it was not you, do nothing: without a confirmation nothing is made, and what was typed in is deleted."},
		Link: mail.Link{Label: "Confirm", URL: c.Link("/confirm", ConfirmPurpose, string(s.ID))},
	}
	if s.Of == known {
		l = compose.Letter{
			Subject: "You already have a PixelTrack account",
			Paragraphs: []string{"Somebody, we think you, is signing up for PixelTrack with this address, which has an account already.",
				"Log in with it instead. If it was not you, do nothing: your account is as it was."},
			Link: mail.Link{Label: "Log in", URL: c.Page("/login")},
		}
	}
	return c.Write(compose.Person{Address: s.Email}, l), nil
}
