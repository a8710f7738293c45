// Package visits is how PixelTrack's own people see anything of an organization (policy 3.1): by a visit, which has a
// reason, the kinds of data it is for and an end; which the organization is mailed, lists, can end at any time, and finds
// each use of on its audit record. Without one, and from its end on, every call is refused.
package visits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of visits, which lie with their organization, and of the passes that open it to one of our own people.
const (
	Family     store.Family = "VISIT"
	FamilyPass store.Family = "VISITPASS"
)

// Kind is a kind of data that a visit may be for.
type Kind string

// The kinds of data. What people wrote, files, payers and members' names are in none of them.
const (
	Settings Kind = "organization"
	Members  Kind = "members"
	Projects Kind = "projects"
	Invoices Kind = "invoices"
)

// Reason is why one of our own people looks into an organization.
type Reason string

// The reasons.
const (
	ForTicket   Reason = "ticket"
	ForIncident Reason = "security_incident"
	ForAbuse    Reason = "abuse_report"
	ForLaw      Reason = "legal_obligation"
)

// Visit is the organization's record of an access: who, why, to what, from when until when. It never changes but by its
// end, and is kept as long as audit records are.
type Visit struct {
	store.Meta
	Org         id.Organization `dynamo:"org"`
	ID          id.Visit        `dynamo:"id"`
	Staff       id.Staff        `dynamo:"staff"`
	Reason      Reason          `dynamo:"reason"`
	Ticket      id.Ticket       `dynamo:"ticket,omitempty"`
	Explanation string          `dynamo:"explanation"`
	Kinds       []Kind          `dynamo:"kinds"`
	From        int64           `dynamo:"from"` // epoch seconds, as all times here
	Until       int64           `dynamo:"until"`
	Ended       int64           `dynamo:"ended,omitempty"`    // before its time
	EndedBy     string          `dynamo:"ended_by,omitempty"` // a member, or one of our own people
}

// Type is the row's type.
func (v *Visit) Type() string { return "VISIT" }

// Keys puts visits into their organization in order of time.
func (v *Visit) Keys() store.Keys { return store.Keys{Primary: key(v.Org, v.ID)} }

func key(org id.Organization, v id.Visit) store.Key {
	return store.OrganizationScope(org).Key(Family, string(v))
}

// open says whether the visit still opens the organization at a time.
func (v *Visit) open(now time.Time) bool { return v.Ended == 0 && v.Until > now.Unix() }

// end ends the visit, which was open, and takes its pass away.
func (v *Visit) end(tx *store.Tx, org *store.Organization, by string, now time.Time) {
	v.Ended, v.EndedBy = now.Unix(), by
	tx.Replace(org, v)
	tx.DeleteKey(org.Store().BindPlatform(org.Actor()), passKey(v.Org, v.Staff), "attribute_not_exists('PK') OR 'visit' = ?", v.ID)
}

// Pass opens an organization to one of our own people. There is one for both at a time, it is asked for with every call,
// and it goes with the end of its visit.
type Pass struct {
	store.Meta
	Org   id.Organization `dynamo:"org"`
	Staff id.Staff        `dynamo:"staff"`
	Visit id.Visit        `dynamo:"visit"`
	Kinds []Kind          `dynamo:"kinds"`
}

// Type is the row's type.
func (p *Pass) Type() string { return "VISITPASS" }

// Keys puts passes under whom they open and whom they open it to.
func (p *Pass) Keys() store.Keys { return store.Keys{Primary: passKey(p.Org, p.Staff)} }

func passKey(org id.Organization, s id.Staff) store.Key {
	return store.PlatformScope().Key(FamilyPass, string(org), string(s))
}

// begin makes a visit with its pass.
func (v *Visit) begin(tx *store.Tx, org *store.Organization, p *store.Platform) *store.Op {
	v.Expire(clocks.AddYears(time.Unix(v.From, 0), retention.AuditYears))
	pass := &Pass{Org: v.Org, Staff: v.Staff, Visit: v.ID, Kinds: v.Kinds}
	pass.Expire(time.Unix(v.Until, 0))
	tx.Create(org, v)
	outbox.Queue(tx, org, MailVisit, string(v.ID), map[string]string{"visit": string(v.ID)})
	return tx.Create(p, pass)
}

// Rows registers the rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Visit{}, Type: "VISIT", Area: "organization", Purpose: purpose.Support, Basis: registry.Contract, Class: registry.ClassAudit,
			Export: "support_access", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
				registry.Plain("staff", "the id of one of PixelTrack's own people"), registry.Plain("reason", "a fixed word"), registry.Plain("ticket", "a random id"),
				registry.Plain("explanation", "why an organization was looked into; it names nobody"), registry.Plain("kinds", "fixed words"),
				registry.Plain("from", "a time"), registry.Plain("until", "a time"), registry.Plain("ended", "a time"),
				registry.Personal("ended_by", "ended_by", "who ended it, by random id", registry.EraseUnlink),
			}},
		{Sample: Pass{}, Type: "VISITPASS", Area: "admin", Purpose: purpose.Support, Basis: registry.Contract, Class: registry.ClassSecurity,
			Family: string(FamilyPass), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("org", "the id of an organization"), registry.Internal("staff", "the id of one of PixelTrack's own people"),
				registry.Internal("visit", "a random id"), registry.Internal("kinds", "fixed words"),
			}},
	}
}

// MailVisit is the template of the mail to an organization's owner about a visit.
const MailVisit = "support_access"

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailVisit, Compose: announced}}
}

// announced writes to the owner that somebody may look into the organization. It is dropped when the visit is over.
func announced(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	org, err := c.Organization(m)
	if err != nil {
		return mail.Message{}, err
	}
	to, err := c.Owner(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	visit, err := id.Parse[id.Visit](m.Ids["visit"])
	if err != nil {
		return mail.Message{}, fmt.Errorf("compose %s: %w", m.Template, err)
	}
	v := new(Visit)
	f := &store.Fetch{Through: org, Key: key(org.ID, visit), Row: v}
	if err := errors.Join(c.Store.FetchAll(ctx, f), f.Err); err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	if v.Ended != 0 {
		return mail.Message{}, compose.ErrGone
	}
	return c.Write(to, compose.Letter{
		Subject: "PixelTrack's support may look into your organization",
		Paragraphs: []string{"One of our own people (" + string(v.Staff) + ") may see " + inWords(v.Kinds) + " of your organization until " +
			time.Unix(v.Until, 0).UTC().Format("2 January 2006, 15:04 UTC") + ".",
			"The reason they gave: " + mail.OneLine(v.Explanation),
			"Each use is on your organization's audit record. You and your admins can end the access at any time; it counts at once."},
		Link: mail.Link{Label: "See it, or end it", URL: c.Page("/organization/support-access")},
	}), nil
}

// inWords lists kinds of data for a reader.
func inWords(kinds []Kind) string {
	text := ""
	for n, k := range kinds {
		switch {
		case n > 0 && n == len(kinds)-1:
			text += " and "
		case n > 0:
			text += ", "
		}
		text += map[Kind]string{Settings: "the settings", Members: "the members' roles", Projects: "the projects", Invoices: "the invoices without their recipients"}[k]
	}
	return text
}
