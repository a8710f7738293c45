// Package letters is the one list of the mails that are sent: every area's templates, and how they are written.
package letters

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pixeltrack.io/platform/pkg/abuse"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/expiry"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/ownership"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/referrals"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/timetracking/reminder"
	"pixeltrack.io/platform/pkg/visits"
)

// Templates lists the templates of all areas.
func Templates() []compose.Template {
	return slices.Concat(auth.Templates(), account.Templates(), secondfactor.Templates(), expiry.Templates(), reminder.Templates(), organization.Templates(), ownership.Templates(), referrals.Templates(),
		invitations.Templates(), projects.Templates(), visits.Templates(), abuse.Templates(), invoicing.Templates(), notices.Templates(), support.Templates(), aboutRequests())
}

// aboutRequests are the mails of privacy requests and packages.
func aboutRequests() []compose.Template {
	var all []compose.Template
	for _, kind := range privacy.Templates() {
		all = append(all, compose.Template{Kind: kind, Compose: aboutRequest})
	}
	for _, kind := range privacy.AgentTemplates() {
		all = append(all, compose.Template{Kind: kind, Compose: toAgent})
	}
	return append(all, compose.Template{Kind: privacy.MailAgentTaken, Compose: taken}, compose.Template{Kind: privacy.MailCode, Compose: code})
}

// toAgent is a mail to who made a request for somebody. It is dropped when its person agrees no more, or is gone.
func toAgent(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, may, err := agent(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	if !may {
		return mail.Message{}, compose.ErrGone
	}
	l := privacy.WriteToAgent(m.Template, m.Ids)
	return c.Write(to, compose.Letter{Subject: l.Subject, Paragraphs: l.Paragraphs}), nil
}

// taken is the mail to who had written for somebody else as if for themself, which says nothing of that person.
func taken(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, _, err := agent(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	l := privacy.WriteToAgent(m.Template, m.Ids)
	message := c.Write(to, compose.Letter{Subject: l.Subject, Paragraphs: l.Paragraphs})
	if l.Answerable {
		message.ReplyTo = c.Boxes.Address(mail.PrivacyBox)
	}
	return message, nil
}

// agent is who made the request of a mail for its person.
func agent(ctx context.Context, c *compose.Composer, m *outbox.Mail) (compose.Person, bool, error) {
	h, ok := outbox.Bind(c.Store, c.Actor, m.Keys().Primary)
	if !ok {
		return compose.Person{}, false, compose.ErrGone
	}
	return privacy.AgentOf(ctx, h, h.Scope(), id.Case(m.Ids["case"]))
}

// code is the mail that tells a correspondent the code for their request.
func code(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := recipient(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	l := privacy.WriteCode(privacy.CodeOf(c.Links, m.Ids["seed"]))
	return c.Write(to, compose.Letter{Subject: l.Subject, Paragraphs: l.Paragraphs}), nil
}

func aboutRequest(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	ids := m.Ids
	scope, _ := store.ScopeOf(m.PK)
	hash, correspondent := scope.Case()
	correspondent = correspondent && !privacy.OfReport(m.Template, m.Ids)
	if correspondent {
		ids = privacy.ByCode(ids)
	}
	if ids["agent"] != "" {
		by, _, err := agent(ctx, c, m)
		if err != nil {
			return mail.Message{}, err
		}
		ids = maps.Clone(ids)
		ids["agent"] = mail.OneLine(by.Name)
	}
	l, ok := privacy.Write(m.Template, ids)
	if !ok {
		return mail.Message{}, fmt.Errorf("letters: no letter is called %s", m.Template)
	}
	to, err := recipient(ctx, c, m)
	if err != nil {
		return mail.Message{}, err
	}
	letter := compose.Letter{Subject: l.Subject, Paragraphs: l.Paragraphs}
	if l.Label != "" {
		letter.Link = mail.Link{Label: l.Label, URL: c.Page(l.Path)}
		if l.TokenOf != "" {
			letter.Link.URL = c.Link(l.Path, l.TokenFor, l.TokenOf)
		}
		if correspondent {
			letter.Link.URL = c.Page("/privacy/requests/by-mail#pass=" + privacy.Pass(c.Links, hash, id.Case(ids["case"])))
		}
	}
	message := c.Write(to, letter)
	if l.Answerable {
		message.ReplyTo = c.Boxes.Reply(mail.PrivacyBox, privacy.ReplyTag(c.Links, scope, id.Case(ids["case"])))
	}
	if m.Template == privacy.MailReceived {
		message.Headers = map[string]string{"Auto-Submitted": "auto-replied"} // RFC 3834: no machine need answer
	}
	return message, nil
}

// recipient is the person in whose scope a mail lies, a correspondent for one; of an organisation's mail it is the owner, of a
// report's who made it.
func recipient(ctx context.Context, c *compose.Composer, m *outbox.Mail) (compose.Person, error) {
	scope, _ := store.ScopeOf(m.PK)
	if _, ok := scope.Case(); ok {
		if privacy.OfReport(m.Template, m.Ids) {
			return reporter(ctx, c, m)
		}
		h, err := c.Case(m)
		if err != nil {
			return compose.Person{}, err
		}
		return correspondents.Person(ctx, h)
	}
	if _, ok := scope.Organization(); !ok {
		return c.Recipient(ctx, m)
	}
	return c.Owner(ctx, m)
}

// reporter is who has reported a child's account, for the mails of their case.
func reporter(ctx context.Context, c *compose.Composer, m *outbox.Mail) (compose.Person, error) {
	h, err := c.Case(m)
	if err != nil {
		return compose.Person{}, err
	}
	address, err := privacy.Reporter(ctx, h)
	return compose.Person{Address: address}, compose.Gone(err)
}
