// Package opening builds what mails are taken in with from a function's environment.
package opening

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/egress"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mailroom/sorting"
	"pixeltrack.io/platform/pkg/subprocessors"
)

// Room needs INBOX_DOMAIN, INBOX_SERVER, MAIL_FROM, PARAM_LINK_SECRET, PARAM_PSEUDONYM_SECRET and PARAM_RESEND_KEY;
// RESEND_BASE_URL leads to another server than the provider's.
func Room(a *app.App) sorting.Room {
	base := a.Optional("RESEND_BASE_URL")
	via := egress.Client(subprocessors.NewReach(a.Table(), a.Now, a.Log()), mail.Host, base, mail.Patience)
	client, err := mail.NewSender(secrets.Read(a, "PARAM_RESEND_KEY"), base, via)
	if err != nil {
		panic(err) // a base URL that is none: the function does not start
	}
	return sorting.Room{Fetcher: client, Boxes: mail.Boxes{Domain: a.Setting("INBOX_DOMAIN")}, Own: a.Setting("MAIL_FROM"), Server: a.Setting("INBOX_SERVER"),
		Links: secrets.Links(a), Pseudonyms: secrets.Pseudonyms(a)}
}
