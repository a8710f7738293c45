package auth

import (
	"context"
	"time"

	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// The templates of this area's mails.
const (
	MailConfirm         = "confirm_sign_up"
	MailReset           = "reset_password"
	MailPasswordChanged = "password_changed"
	MailNewDevice       = "new_device"
	MailTokenMade       = "api_token_made"
	MailOldEmail        = "email_change_old"
	MailNewEmail        = "email_change_new"
	MailEmailChanged    = "email_changed"
)

// What the tokens of mailed links are for.
const (
	ConfirmPurpose = "confirm_sign_up"
	ResetPurpose   = "reset_password"
)

// Templates lists the mails of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailConfirm, Compose: confirmation}, {Kind: MailReset, Compose: reset},
		{Kind: MailPasswordChanged, Compose: passwordChanged}, {Kind: MailNewDevice, Compose: newDevice}, {Kind: MailTokenMade, Compose: tokenMade},
		{Kind: MailOldEmail, Compose: oldEmail}, {Kind: MailNewEmail, Compose: newEmail}, {Kind: MailEmailChanged, Compose: emailChanged}}
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

// reset writes the mail with the link that sets a new password. That of an address without an account goes to nobody.
func reset(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	h, err := c.Case(m)
	if err != nil {
		return mail.Message{}, err
	}
	r, err := store.Get[PasswordReset](ctx, h, h.Scope().Key(FamilyReset))
	if err == nil && r.Of != known {
		err = compose.ErrGone
	}
	if err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	holder := c.Store.BindUser(r.User, c.Actor)
	holder.SeeRestricted()
	to, err := c.People(ctx, holder)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "Set a new PixelTrack password",
		Paragraphs: []string{"Somebody, we think you, has forgotten the password of the PixelTrack account with this address.",
			"Set a new one with this link. It works once, within 30 minutes, and ends all sessions; a second factor is still asked for.",
			"If it was not you, do nothing: your password is as it was."},
		Link: mail.Link{Label: "Set a new password", URL: c.Link("/reset-password", ResetPurpose, string(r.ID))},
	}), nil
}

// passwordChanged writes the mail that tells a person of their new password.
func passwordChanged(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "Your password was changed",
		Paragraphs: []string{"The password of your PixelTrack account was changed, and other sessions were ended.",
			"If it was not you, set a new password now; the link for it is mailed to this address."},
		Link: mail.Link{Label: "Set a new password", URL: c.Page("/forgot-password")},
	}), nil
}

// newDevice writes the mail that tells a person of a login from a device that was not known.
func newDevice(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "A login from a new device",
		Paragraphs: []string{"Somebody, we think you, has logged in to your PixelTrack account from a device that was not known before, on " +
			time.Unix(m.Queued, 0).UTC().Format("2 January 2006, 15:04 UTC") + ".",
			"If it was not you, set a new password now, which ends all sessions; the link for it is mailed to this address."},
		Link: mail.Link{Label: "Set a new password", URL: c.Page("/forgot-password")},
	}), nil
}

// tokenMade writes the mail about an API token that was made. It names neither the token nor what it may do.
func tokenMade(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "An API token was made for your account",
		Paragraphs: []string{"An API token was made for your PixelTrack account. It lets a program act for you until it ends, also after your password has changed.",
			"If it was not you, end the token, change your password and end all other sessions: somebody else is in your account."},
		Link: mail.Link{Label: "See your API tokens", URL: c.Page("/account/api-tokens")},
	}), nil
}

// changeOf reads the change of address that a mail is about, if it is still the one under way.
func changeOf(ctx context.Context, c *compose.Composer, m *outbox.Mail) (*EmailChange, error) {
	h, err := c.User(m)
	if err != nil {
		return nil, err
	}
	e, err := store.Get[EmailChange](ctx, h, EmailChangeKey(h.ID))
	if err == nil && string(e.ID) != m.Ids["change"] {
		err = compose.ErrGone
	}
	return e, compose.Gone(err)
}

// oldEmail asks the present address whether another is to take its place. It does not say which: whoever has got into this
// mailbox need not learn where the person goes.
func oldEmail(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	e, err := changeOf(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(compose.Person{Address: e.Was}, compose.Letter{
		Subject: "Confirm that your PixelTrack address changes",
		Paragraphs: []string{"Somebody, we think you, wants to use another e-mail address for your PixelTrack account.",
			"Confirm it here, and at the new address, within 24 hours. Until both are confirmed everything stays as it is.",
			"If it was not you, do not follow the link, change your password and end all other sessions: somebody else is in your account."},
		Link: mail.Link{Label: "Confirm", URL: c.Link("/confirm-email", OldEmailPurpose, string(e.ID))},
	}), nil
}

// newEmail asks the new address, or tells it that it has an account.
func newEmail(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	e, err := changeOf(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	l := compose.Letter{
		Subject: "Confirm your new PixelTrack address",
		Paragraphs: []string{"Somebody, we think you, wants to use this address for their PixelTrack account.",
			"Confirm it here, and at the address before, within 24 hours.",
			"If it was not you, do nothing: without both confirmations nothing changes."},
		Link: mail.Link{Label: "Confirm", URL: c.Link("/confirm-email", NewEmailPurpose, string(e.ID))},
	}
	if e.Of == known {
		l = compose.Letter{
			Subject: "You already have a PixelTrack account",
			Paragraphs: []string{"Somebody, we think you, wants to use this address for a PixelTrack account, and it has one already.",
				"One address is of one account. If it was not you, do nothing: your account is as it was."},
			Link: mail.Link{Label: "Log in", URL: c.Page("/login")},
		}
	}
	return c.Write(compose.Person{Address: e.Email}, l), nil
}

// emailChanged tells the address before that it no longer is.
func emailChanged(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	e, err := changeOf(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(compose.Person{Address: e.Was}, compose.Letter{
		Subject: "Your PixelTrack address has changed",
		Paragraphs: []string{"Your PixelTrack account is reached by another e-mail address from now on. All other sessions have ended.",
			"If it was not you, write to privacy@pixeltrack.io at once: somebody had your password and this mailbox."},
	}), nil
}
