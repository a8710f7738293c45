package projects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// MailRetention is the template of the mail to an owner about project data that goes in 14 days.
const MailRetention = "retention_notice"

// Templates lists the mails of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailRetention, Compose: notice}}
}

// notice writes to an owner that project data goes, and offers the export. It is dropped when the organization keeps its
// project data after all. Which projects go is not in the mail: it is shown to those who may see it, as it is then.
func notice(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	org, errOrg := id.Parse[id.Organization](m.Ids["org"])
	day, errDay := time.Parse(time.DateOnly, m.Ids["day"])
	if err := errors.Join(errOrg, errDay); err != nil {
		return mail.Message{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	h := c.Store.BindOrganization(org, c.Actor)
	gate := new(access.OrganizationGate)
	read := &store.Fetch{Through: h, Key: access.OrganizationGateKey(org), Row: gate}
	if err := c.Store.FetchAll(ctx, read); err != nil {
		return mail.Message{}, err
	}
	if read.Err != nil {
		return mail.Message{}, compose.Gone(read.Err)
	}
	if retention.ProjectRuleOf(gate).Days == 0 {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "Project data of your organization will be deleted",
		Paragraphs: []string{"Your organization keeps the data of its projects for a time that it has set itself. For some of them it is over.",
			"On " + day.Format("2 January 2006") + " these projects are deleted with their hours and files, unless somebody works on them before. Invoices stay.",
			"See which projects they are, and have everything that your organization has in PixelTrack packed for you. If you want to keep them longer, change the setting before that day."},
		Link: mail.Link{Label: "See what goes", URL: c.Page("/organization/retention")},
	}), nil
}
