// Package notices tells people of what takes effect later: a new version of the policy, a company that is to process their
// organization's data, the sale of the business (policy 4.2, 4.5 and 12). What is announced is told to each of them once, in
// the app and by mail, and to those whose account is made before it takes effect too.
package notices

import (
	"context"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of this package.
const (
	FamilyAnnouncement store.Family = "ANNOUNCEMENT" // what is told
	FamilyRound        store.Family = "ROUND"        // how far the telling has come
	FamilyNotice       store.Family = "NOTICE"       // that a person was told
	FamilyAck          store.Family = "ACK"          // that a person has seen it, and that they went on
)

// Advance is how long before it takes effect something is announced at least.
const Advance = 30 * 24 * time.Hour

const (
	// late is how long before the effect somebody is alarmed when not everybody has been told.
	late = 7 * 24 * time.Hour
	// after is how long after the effect accounts are still looked for that were made before it.
	after = 24 * time.Hour
)

// Kind is what an announcement is about.
type Kind string

// The kinds.
const (
	PolicyChange     Kind = "policy_change"
	ProviderChange   Kind = "subprocessor_change"
	BusinessTransfer Kind = "business_transfer"
)

// Audience is whom an announcement concerns.
type Audience string

// The audiences.
const (
	Everybody Audience = "everybody" // who has an account
	Owners    Audience = "owners"    // of organizations
)

// Announcement is something that people are told of before it takes effect.
type Announcement struct {
	store.Meta
	ID        id.Announcement `dynamo:"id"`
	Kind      Kind            `dynamo:"kind"`
	Object    string          `dynamo:"object"` // what it is about: a version, a provider, a transfer
	Audience  Audience        `dynamo:"audience"`
	Title     string          `dynamo:"title"`
	Text      string          `dynamo:"text"`
	SHA256    string          `dynamo:"sha256,omitempty"` // of the text that takes effect, when it is one
	Effective int64           `dynamo:"effective"`        // epoch seconds, as all times here
	Made      int64           `dynamo:"made"`
	By        id.Staff        `dynamo:"by"`
	Told      int64           `dynamo:"told,omitempty"`      // when the last who was there had been told
	Withdrawn int64           `dynamo:"withdrawn,omitempty"` // nobody is told any more

	Waits store.Key `dynamo:"waits,omitempty"` // a row that is marked told when everybody is, while it names the announcement
}

// Type is the row's type.
func (a *Announcement) Type() string { return "ANNOUNCEMENT" }

// Keys puts announcements under their id, in the order in which they were made.
func (a *Announcement) Keys() store.Keys { return store.Keys{Primary: Key(a.ID)} }

// Key is where an announcement lies.
func Key(a id.Announcement) store.Key {
	return store.PlatformScope().Key(FamilyAnnouncement, string(a))
}

// unsent is the alarm about an announcement that has not reached everybody in time.
const unsent = "notices_not_sent"

// Announce adds an announcement to a transaction, with the rounds that tell people of it.
func Announce(tx *store.Tx, p *store.Platform, a *Announcement) {
	a.Made = p.Now().Unix()
	tx.Create(p, a)
	for shard := range store.Shards {
		r := &Round{Announcement: a.ID, Shard: shard, Next: a.Made}
		tx.Create(p, r)
		tx.Arm(p, r.due())
	}
	deadline.Set(tx, p, string(a.ID), unsent, clock.At(a.Effective).Add(-late))
}

// Withdraw adds to a transaction that nobody is told of an announcement any more. Those who were keep their notice.
func Withdraw(tx *store.Tx, p *store.Platform, a *Announcement) {
	a.Withdrawn = p.Now().Unix()
	tx.Replace(p, a)
	deadline.Clear(tx, p, string(a.ID), unsent)
}

// Find reads an announcement, or store.ErrMissing.
func Find(ctx context.Context, p *store.Platform, a id.Announcement) (*Announcement, error) {
	return store.Get[Announcement](ctx, p, Key(a))
}

// Round is how far the telling of one announcement has come in one shard of the list of accounts.
type Round struct {
	store.Meta
	Announcement id.Announcement `dynamo:"announcement"`
	Shard        int             `dynamo:"shard"`
	Past         int64           `dynamo:"past,omitempty"`   // everybody whose account was made before has been told; milliseconds, because an id could be of somebody who is erased meanwhile
	Count        int             `dynamo:"count,omitempty"`  // how many were told
	Passed       int64           `dynamo:"passed,omitempty"` // when the end of the list was reached first
	Next         int64           `dynamo:"next"`             // when the round goes on; 0 when it is over
}

// Type is the row's type.
func (r *Round) Type() string { return "ROUND" }

// Keys puts rounds under their announcement.
func (r *Round) Keys() store.Keys { return store.Keys{Primary: roundKey(r.Announcement, r.Shard)} }

func roundKey(a id.Announcement, shard int) store.Key {
	return store.PlatformScope().Key(FamilyRound, string(a), fmt.Sprint(shard))
}

func (r *Round) due() *store.Due {
	return store.NewDue(Due, clock.At(r.Next), roundKey(r.Announcement, r.Shard))
}

// Progress is how many people have been told of an announcement.
func Progress(ctx context.Context, p *store.Platform, a id.Announcement) (int, error) {
	rounds, err := rounds(ctx, p, a)
	n := 0
	for _, r := range rounds {
		n += r.Count
	}
	return n, err
}

func rounds(ctx context.Context, p *store.Platform, a id.Announcement) ([]*Round, error) {
	all, _, err := store.List[Round](ctx, p, store.Query{Partition: p.Scope().Partition(FamilyRound), Prefix: store.Join(string(a), ""), Limit: store.Shards})
	return all, err
}

// Notice is that a person was told of an announcement, and in which words.
type Notice struct {
	store.Meta
	Announcement id.Announcement `dynamo:"announcement"`
	Kind         Kind            `dynamo:"kind"`
	Object       string          `dynamo:"object"`
	Title        string          `dynamo:"title"`
	Text         string          `dynamo:"text"`
	SHA256       string          `dynamo:"sha256,omitempty"`
	Effective    int64           `dynamo:"effective"`
	Told         int64           `dynamo:"told"`
	scope        store.Scope
}

// Type is the row's type.
func (n *Notice) Type() string { return "NOTICE" }

// Keys puts notices under their person and announcement, so that there is one.
func (n *Notice) Keys() store.Keys { return store.Keys{Primary: noticeKey(n.scope, n.Announcement)} }

func noticeKey(s store.Scope, a id.Announcement) store.Key { return s.Key(FamilyNotice, string(a)) }

// What a person did after they were told.
const (
	Acknowledged = "acknowledged" // said that they have seen it
	Used         = "used"         // used the service for the first time after it took effect
)

// Ack is that a person has seen a notice, or went on after it took effect. Neither is consent to anything (EDPB 05/2020):
// what rests on consent asks for an act of its own.
type Ack struct {
	store.Meta
	Announcement id.Announcement `dynamo:"announcement"`
	Act          string          `dynamo:"act"`
	At           int64           `dynamo:"at"`
	scope        store.Scope
}

// Type is the row's type.
func (a *Ack) Type() string { return "ACK" }

// Keys puts acts under their person, notice and kind.
func (a *Ack) Keys() store.Keys {
	return store.Keys{Primary: a.scope.Key(FamilyAck, string(a.Announcement), a.Act)}
}

// FirstUse adds to a transaction that a person uses the service after changes that they were told of have taken effect, and
// takes those off the gate, which the transaction must then write. It is false when there are none.
func FirstUse(tx *store.Tx, h *store.User, gate *access.UserGate, now time.Time) bool {
	met := false
	for a, effective := range gate.Changes {
		if effective > now.Unix() {
			continue
		}
		tx.Put(h, &Ack{Announcement: a, Act: Used, At: now.Unix(), scope: h.Scope()})
		delete(gate.Changes, a)
		met = true
	}
	return met
}

// Routes lists the routes about a person's notices.
func Routes() []api.Operation { return []api.Operation{ListNotices(), AcknowledgeNotice(nil)} }

// Jobs lists the job of this package.
func Jobs() []job.Job { return []job.Job{SendNotices()} }

// Templates lists the mail of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailNotice, Compose: letter}}
}

// Rows registers the rows.
func Rows() []registry.Row {
	platform := []registry.Scope{registry.InPlatform}
	person := []registry.Scope{registry.InUser, registry.InCase}
	return []registry.Row{
		{Sample: Announcement{}, Type: "ANNOUNCEMENT", Area: "privacy", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassPlatform, Family: string(FamilyAnnouncement), Scopes: platform, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("kind", "a fixed word"), registry.Internal("object", "a version, a provider, a random id"),
				registry.Internal("audience", "a fixed word"), registry.Internal("title", "a text for everybody"), registry.Internal("text", "a text for everybody"),
				registry.Internal("sha256", "the hash of a public text"), registry.Internal("effective", "a time"), registry.Internal("made", "a time"),
				registry.Internal("by", "the id of one of PixelTrack's own people"), registry.Internal("told", "a time"), registry.Internal("withdrawn", "a time"),
				registry.Internal("waits", "the key of a row of a register"),
			}},
		{Sample: Round{}, Type: "ROUND", Area: "privacy", Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassWork, Family: string(FamilyRound), Scopes: platform, Fields: []registry.Field{
				registry.Internal("announcement", "a random id"), registry.Internal("shard", "a number"),
				registry.Internal("past", "a time"),
				registry.Internal("count", "a count"), registry.Internal("passed", "a time"), registry.Internal("next", "a time"),
			}},
		{Sample: Notice{}, Type: "NOTICE", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassConsent, Export: "notices", Family: string(FamilyNotice), Scopes: person, Fields: []registry.Field{
				registry.Plain("announcement", "a random id"), registry.Plain("kind", "a fixed word"), registry.Plain("object", "a version, a provider, a random id"),
				registry.Plain("title", "what everybody was told"), registry.Plain("text", "what everybody was told"),
				registry.Plain("sha256", "the hash of a public text"), registry.Plain("effective", "a time"), registry.Plain("told", "a time"),
			}},
		{Sample: Ack{}, Type: "ACK", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassConsent, Export: "notice_acts", Family: string(FamilyAck), Scopes: person, Fields: []registry.Field{
				registry.Plain("announcement", "a random id"), registry.Plain("act", "a fixed word"), registry.Plain("at", "a time"),
			}},
	}
}
