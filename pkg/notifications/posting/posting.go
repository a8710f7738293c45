// Package posting builds what mails are sent with from a function's environment.
package posting

import (
	"strings"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/egress"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/notifications/letters"
	"pixeltrack.io/platform/pkg/subprocessors"
)

// Post needs PUBLIC_URL, MAIL_FROM, INBOX_DOMAIN, PARAM_LINK_SECRET, PARAM_PSEUDONYM_SECRET and PARAM_RESEND_KEY; RESEND_BASE_URL leads
// to another server than the provider's.
func Post(a *app.App) notifications.Post {
	base := a.Optional("RESEND_BASE_URL")
	via := egress.Client(subprocessors.NewReach(a.Table(), a.Now, a.Log()), mail.Host, base, mail.Patience)
	sender, err := mail.NewSender(secrets.Read(a, "PARAM_RESEND_KEY"), base, via)
	if err != nil {
		panic(err) // a base URL that is none: the function does not start
	}
	return notifications.Post{
		Sender: sender, Templates: letters.Templates(),
		Links:      keys.Links{Secret: secrets.Read(a, "PARAM_LINK_SECRET")},
		Pseudonyms: keys.Pseudonyms{Secret: secrets.Read(a, "PARAM_PSEUDONYM_SECRET")},
		PublicURL:  strings.TrimSuffix(a.Setting("PUBLIC_URL"), "/"), From: a.Setting("MAIL_FROM"),
		Boxes:  mail.Boxes{Domain: a.Setting("INBOX_DOMAIN")},
		People: account.People,
	}
}
