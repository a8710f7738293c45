package secondfactor

import (
	"context"
	"fmt"

	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailChanged is the template of the mails about second factors.
const MailChanged = "second_factor_changed"

// Change is what happened to a person's second factors.
type Change string

// The changes that a person is told of.
const (
	totpOn         Change = "totp_on"
	totpOff        Change = "totp_off"
	recoveryNew    Change = "recovery_new"
	recoveryUsed   Change = "recovery_used"
	PasskeyAdded   Change = "passkey_added"
	PasskeyRemoved Change = "passkey_removed"
)

// Tell adds to a transaction the mail about a change. Ids are what its text needs: numbers.
func Tell(tx *store.Tx, h *store.User, what Change, ids map[string]string) {
	all := map[string]string{"change": string(what)}
	for name, value := range ids {
		all[name] = value
	}
	outbox.Queue(tx, h, MailChanged, store.Join(string(what), h.Actor().Request), all)
}

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailChanged, Compose: changed}}
}

// changed writes the mail about a change. It names no code, no device and no place.
func changed(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	l, ok := letter(Change(m.Ids["change"]), m.Ids)
	if !ok {
		return mail.Message{}, fmt.Errorf("secondfactor: no letter is about %q", m.Ids["change"])
	}
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	l.Link = mail.Link{Label: "Look at your account's security", URL: c.Page("/account/security")}
	return c.Write(to, l), nil
}

func letter(what Change, ids map[string]string) (compose.Letter, bool) {
	const notYou = "If it was not you, change your password now and end all other sessions: somebody else is in your account."
	switch what {
	case totpOn:
		return compose.Letter{Subject: "An authenticator app was added to your account", Paragraphs: []string{
			"From now on, logging in to PixelTrack takes your password and a code of your authenticator app.",
			"Keep the recovery codes that you were shown in a safe place: each gets you in once when the app is not at hand.", notYou}}, true
	case totpOff:
		return compose.Letter{Subject: "The authenticator app was removed from your account", Paragraphs: []string{
			"Logging in to PixelTrack no longer asks for a code of your authenticator app.", notYou}}, true
	case recoveryNew:
		return compose.Letter{Subject: "Your recovery codes were renewed", Paragraphs: []string{
			"Ten new recovery codes were made for your PixelTrack account. The ones before no longer work.", notYou}}, true
	case recoveryUsed:
		return compose.Letter{Subject: "A recovery code was used for your account", Paragraphs: []string{
			"A recovery code was used in place of your second factor. It does not work again. Codes that are left: " + ids["left"] + ".", notYou}}, true
	case PasskeyAdded:
		return compose.Letter{Subject: "A passkey was added to your account", Paragraphs: []string{
			"A passkey was added to your PixelTrack account. It logs you in, and counts as a second factor beside your password.", notYou}}, true
	case PasskeyRemoved:
		return compose.Letter{Subject: "A passkey was removed from your account", Paragraphs: []string{
			"A passkey was removed from your PixelTrack account and no longer logs anybody in.", notYou}}, true
	}
	return compose.Letter{}, false
}
