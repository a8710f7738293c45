// Package abuse is how suspected abuse is acted on (policy 3.4): a flag on an account or an organization has a ground and
// an end, is told to whom it is about when it stops them from anything, never takes a right away, and lapses by itself
// unless another person finds, before its end, that it must go on.
package abuse

import (
	"context"
	"strconv"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of flags, each with whom it is about, and of the list that staff have of them.
const (
	Family     store.Family = "ABUSEFLAG"
	FamilyList store.Family = "FLAGLIST"
)

// Longest is how long a flag lasts at most before somebody must look at it again.
const Longest = 90

// What can be flagged.
const (
	account      = "account"
	organization = "organization"
)

// Measure is what a flag does.
type Measure string

// The measures.
const (
	Watch Measure = "watch" // nothing but that staff see it
	Pause Measure = "pause" // no changes are taken; reading, export, deletion and every right go on
)

// Flag is a suspicion of abuse. It lies with whom it is about, in whose export it is, and goes by its TTL.
type Flag struct {
	store.Meta
	ID           id.Flag         `dynamo:"id"`
	User         id.User         `dynamo:"user,omitempty"`
	Organization id.Organization `dynamo:"org,omitempty"`
	Ground       string          `dynamo:"ground"`
	Measure      Measure         `dynamo:"measure"`
	Explanation  string          `dynamo:"explanation"`
	Raised       int64           `dynamo:"raised"` // epoch seconds, as all times here
	RaisedBy     id.Staff        `dynamo:"raised_by"`
	Reviewed     int64           `dynamo:"reviewed,omitempty"`
	ReviewedBy   id.Staff        `dynamo:"reviewed_by,omitempty"`
	Until        int64           `dynamo:"until"`
}

// Type is the row's type.
func (f *Flag) Type() string { return "ABUSEFLAG" }

// Keys puts the flag where an account or organization can have only one.
func (f *Flag) Keys() store.Keys { return store.Keys{Primary: f.scope().Key(Family)} }

func (f *Flag) scope() store.Scope {
	if f.User != "" {
		return store.UserScope(f.User)
	}
	return store.OrganizationScope(f.Organization)
}

// kind is what is flagged.
func (f *Flag) kind() string {
	if f.User != "" {
		return account
	}
	return organization
}

// gate is the row that the measure acts by.
func (f *Flag) gate() store.Key {
	if f.User != "" {
		return access.UserGateKey(f.User)
	}
	return access.OrganizationGateKey(f.Organization)
}

// last sets the end of the flag.
func (f *Flag) last(until time.Time) {
	f.Until = until.Unix()
	f.Expire(until)
}

// act adds what the measure does, until the flag's end, to a transaction. The gate must be there, and its account not
// deleted or its organization not closed.
func (f *Flag) act(tx *store.Tx, h holder) *store.Op {
	there, args := "attribute_not_exists('deleted')", []any(nil)
	if f.User == "" {
		there, args = "'status' <> ?", []any{access.Closed}
	}
	if f.Measure != Pause {
		return tx.Check(h, f.gate(), "attribute_exists('PK') AND "+there, args...)
	}
	return tx.Change(h, f.gate(), func(u *dynamo.Update) { u.Set("paused_until", f.Until).If(there, args...) })
}

// lift ends what the measure does.
func (f *Flag) lift(tx *store.Tx, h holder) {
	if f.Measure == Pause {
		tx.Change(h, f.gate(), func(u *dynamo.Update) { u.Remove("paused_until") })
	}
}

// tell queues the mail to whom a measure stops, once for each version of the flag that is written: what, why, until when,
// and what goes on.
func (f *Flag) tell(tx *store.Tx, h holder) {
	if f.Measure == Pause {
		outbox.Queue(tx, h, MailPaused, store.Join(string(f.ID), strconv.FormatInt(f.Version, 10)),
			map[string]string{"kind": f.kind(), "ground": f.Ground, "until": time.Unix(f.Until, 0).UTC().Format(time.DateOnly)})
	}
}

// holder is the handle of whom a flag is about.
type holder interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
}

// reach gives the handle of whom a key lies with, for one of our own people who was led to it by a line of the list or who
// names whom to flag. It sees what is restricted.
func reach(st *store.Store, actor store.Actor, s store.Scope) (holder, bool) {
	if user, ok := s.User(); ok {
		h := st.BindUser(user, actor)
		h.SeeRestricted()
		return h, true
	}
	if org, ok := s.Organization(); ok {
		return st.BindOrganization(org, actor), true
	}
	return nil, false
}

// Line is a flag's line on the list that staff have of all flags. It goes with the flag, and with whom it is about.
type Line struct {
	store.Meta
	ID     id.Flag   `dynamo:"id"`
	Until  int64     `dynamo:"until"`
	Target store.Key `dynamo:"target"`
}

// Type is the row's type.
func (l *Line) Type() string { return "FLAGLINE" }

// Keys puts a line under its flag's id, and lists all by their end.
func (l *Line) Keys() store.Keys {
	s := store.PlatformScope()
	return store.Keys{Primary: lineKey(l.ID), Index1: store.Key{PK: s.Partition(FamilyList, "active"), SK: store.Join(store.Instant(time.Unix(l.Until, 0)), string(l.ID))}}
}

func lineKey(f id.Flag) store.Key { return store.PlatformScope().Key(FamilyList, string(f)) }

// list adds the flag's line to a transaction that writes the flag, whose version keeps the two together.
func (f *Flag) list(tx *store.Tx, p *store.Platform) {
	l := &Line{ID: f.ID, Until: f.Until, Target: f.Keys().Primary}
	l.ExpiresAt = f.Until
	tx.Put(p, l)
}

// Rows registers the rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Flag{}, Type: "ABUSEFLAG", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.FraudPrevention, Basis: registry.Interest,
			Class: registry.ClassSecurity, Export: "abuse_flags", Family: string(Family), Scopes: []registry.Scope{registry.InUser, registry.InOrganization},
			Fields: []registry.Field{
				registry.Leading(registry.Plain("id", "a random id"), registry.LineOf(string(FamilyList))),
				registry.Personal("user", "user_id", "whom the suspicion is about", registry.EraseWithRow), registry.Plain("org", "the id of an organization"),
				registry.Personal("ground", "ground", "what is suspected", registry.EraseWithRow), registry.Personal("measure", "measure", "what the suspicion leads to", registry.EraseWithRow),
				registry.Personal("explanation", "explanation", "what the suspicion rests on", registry.EraseWithRow),
				registry.Plain("raised", "a time"), registry.Internal("raised_by", "the id of one of PixelTrack's own people"),
				registry.Plain("reviewed", "a time"), registry.Internal("reviewed_by", "the id of one of PixelTrack's own people"), registry.Plain("until", "a time"),
			}},
		{Sample: Line{}, Type: "FLAGLINE", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.FraudPrevention, Basis: registry.Interest,
			Class: registry.ClassSecurity, Family: string(FamilyList), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("until", "a time"),
				registry.Secret("target", "the key of the flag: ids only", registry.EraseWithRow),
			}},
	}
}

// MailPaused is the template of the mail about a pause.
const MailPaused = "abuse_pause"

// Templates lists the mails of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailPaused, Compose: paused}}
}

// paused writes to the account's person, or the organization's owner, whom a flag stops.
func paused(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	recipient := c.Recipient
	if m.Ids["kind"] == organization {
		recipient = c.Owner
	}
	person, err := recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	what := map[string]string{account: "Your account", organization: "Your organization"}[m.Ids["kind"]]
	return c.Write(person, compose.Letter{
		Subject: what + " takes no changes for a while",
		Paragraphs: []string{what + " on PixelTrack takes no changes until " + m.Ids["until"] + ". We suspect " + inWords(m.Ids["ground"]) + ".",
			"Everything can be read until then. Your rights go on as ever: you can export and delete your data and make any request about it. What we have recorded is in your export.",
			"If we are wrong, write to support@pixeltrack.io; a person who did not decide this looks at it. Without a new decision the pause ends by itself."},
		Link: mail.Link{Label: "Your rights", URL: c.Page("/privacy/requests")},
	}), nil
}

func inWords(ground string) string {
	switch ground {
	case "spam":
		return "that mail which nobody asked for is sent through it"
	case "fraud":
		return "that it is used to deceive people for money"
	case "malware":
		return "that it spreads harmful software"
	case "phishing":
		return "that it is used to get at other people's secrets"
	case "impersonation":
		return "that it pretends to be somebody else"
	case "attack":
		return "that the service itself is being attacked with it"
	}
	return "that it breaks our terms of service"
}
