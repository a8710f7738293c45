package organization

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// MailClosing is the template of the mail to the members of an organization that is closing.
const MailClosing = "organization_closing"

// Templates lists the mails of this area.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailClosing, Compose: closing}}
}

// closing writes to a member that their organization is closing. It is dropped when the organization is open again.
func closing(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	org, err := id.Parse[id.Organization](m.Ids["org"])
	if err != nil {
		return mail.Message{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	at, err := strconv.ParseInt(m.Ids["at"], 10, 64)
	if err != nil {
		return mail.Message{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	o, gate := new(Organization), new(access.OrganizationGate)
	h := c.Store.BindOrganization(org, c.Actor)
	fetches := []*store.Fetch{{Through: h, Key: Key(org), Row: o}, {Through: h, Key: access.OrganizationGateKey(org), Row: gate}}
	if err := c.Store.FetchAll(ctx, fetches...); err != nil {
		return mail.Message{}, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	if gate.ClosingAt != at {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "An organization of yours is closing",
		Paragraphs: []string{"The owner of " + mail.OneLine(o.Name) + " on PixelTrack is closing it. It takes no changes any more.",
			"On " + purgeAt(at).Format("2 January 2006") + " everything in it is deleted. Until then its owner can bring it back.",
			"Your own account stays as it is."},
	}), nil
}

// tell queues the mails to the members of an organization that is closing, once for each however often it runs. The
// owner, who closes it, has a mail of their own.
func tell(ctx context.Context, r *job.Run, h *store.Organization, gate *access.OrganizationGate) error {
	at := strconv.FormatInt(gate.ClosingAt, 10)
	for m, err := range store.All[access.Access](ctx, h, store.Query{Partition: h.Scope().Partition(access.FamilyAccess), Limit: 100}) {
		if err != nil {
			return err
		}
		if m.User == "" || m.Removed != 0 || m.Role == access.Owner {
			continue
		}
		tx := r.Store.Begin()
		outbox.Queue(tx, r.Store.BindUser(m.User, r.Actor), MailClosing, store.Join(MailClosing, string(h.ID), at), map[string]string{"org": string(h.ID), "at": at})
		if err := tx.Commit(ctx); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	return nil
}
