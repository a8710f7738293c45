// Package demands is the register of what courts and authorities demand (policy 3.4 and 4.4): who asked for what on which
// instrument, what one of our own people found and another approved, what left the house, and when the person was told.
package demands

import (
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the register.
const Family store.Family = "DEMAND"

// Warning is how long before an answer is owed the alarm is raised.
const Warning = 48 * time.Hour

// State is where a demand stands.
type State string

// The states.
const (
	Received State = "received"
	Reviewed State = "reviewed" // by one person; another approves
	Approved State = "approved" // data may leave, within what was granted
	Refused  State = "refused"
	Closed   State = "closed"
)

// Alarms of a demand.
const (
	answerDue = "legal_request_answer_due"
	noticeDue = "legal_request_notice_due"
)

// Disclosure is that something left the house.
type Disclosure struct {
	At         int64    `dynamo:"at"` // epoch seconds
	Categories []string `dynamo:"categories"`
	SHA256     string   `dynamo:"sha256"` // of what left, in hexadecimal
	By         id.Staff `dynamo:"by"`
}

// Demand is one entry of the register.
type Demand struct {
	store.Meta
	ID          id.Demand    `dynamo:"id"`
	State       State        `dynamo:"state"`
	Authority   string       `dynamo:"authority"`
	Country     string       `dynamo:"country"`
	Instrument  string       `dynamo:"instrument"`
	Reference   string       `dynamo:"reference"`
	Account     id.User      `dynamo:"account,omitempty"` // whom it is about
	Asked       []string     `dynamo:"asked"`             // categories of data
	Received    int64        `dynamo:"received"`          // epoch seconds, as all times here
	AnswerBy    int64        `dynamo:"answer_by,omitempty"`
	GagUntil    int64        `dynamo:"gag_until,omitempty"` // before that the person may not be told
	Entered     id.Staff     `dynamo:"entered"`
	Reviewer    id.Staff     `dynamo:"reviewer,omitempty"`
	ReviewedAt  int64        `dynamo:"reviewed,omitempty"`
	Comply      bool         `dynamo:"comply,omitempty"`
	Granted     []string     `dynamo:"granted,omitempty"`
	Opinion     string       `dynamo:"opinion,omitempty"`
	Approver    id.Staff     `dynamo:"approver,omitempty"`
	ApprovedAt  int64        `dynamo:"approved,omitempty"`
	Disclosures []Disclosure `dynamo:"disclosures,omitempty"`
	Told        int64        `dynamo:"told,omitempty"`
	ClosedAt    int64        `dynamo:"closed,omitempty"`
}

// Type is the row's type.
func (d *Demand) Type() string { return "DEMAND" }

// Keys puts entries under their id, and lists those of a state by when they came.
func (d *Demand) Keys() store.Keys {
	return store.Keys{Primary: key(d.ID), Index1: store.Key{PK: store.PlatformScope().Partition(Family, string(d.State)),
		SK: store.Join(store.Instant(clock.At(d.Received)), string(d.ID))}}
}

func key(d id.Demand) store.Key { return store.PlatformScope().Key(Family, string(d)) }

// answered says whether nothing is owed to the authority any more.
func (d *Demand) answered() bool {
	return d.State == Refused || d.State == Closed || len(d.Disclosures) > 0
}

// untold says whether something of the person left the house and the person has not been told.
func (d *Demand) untold() bool { return d.Account != "" && len(d.Disclosures) > 0 && d.Told == 0 }

// gagged says whether the person may not be told at a time.
func (d *Demand) gagged(now time.Time) bool { return d.GagUntil > now.Unix() }

// within says whether categories are all among those that were granted.
func (d *Demand) within(categories []string) bool {
	return !slices.ContainsFunc(categories, func(c string) bool { return !slices.Contains(d.Granted, c) })
}

// alarms sets the deadlines that follow from the entry as it is, and clears the others.
func (d *Demand) alarms(tx *store.Tx, p *store.Platform, now time.Time) {
	ring := func(what string, owed bool, alarm time.Time) {
		switch {
		case owed:
			deadline.Set(tx, p, string(d.ID), what, alarm)
		case d.Version > 1: // an entry that is made now has none
			deadline.Clear(tx, p, string(d.ID), what)
		}
	}
	ring(answerDue, d.AnswerBy != 0 && !d.answered(), clock.At(d.AnswerBy).Add(-Warning))
	ring(noticeDue, d.untold(), later(clock.At(d.GagUntil), now))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// close ends the entry, which is kept for five years more.
func (d *Demand) close(now time.Time) {
	d.State, d.ClosedAt = Closed, now.Unix()
	d.Expire(clocks.AddYears(now, retention.RegisterYears))
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Demand{}, Type: "DEMAND", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
		Class: registry.ClassRegister, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("id", "a random id"), registry.Internal("state", "a fixed word"), registry.Internal("authority", "the name of an institution"),
			registry.Internal("country", "a country"), registry.Internal("instrument", "a fixed word"), registry.Internal("reference", "a file number"),
			registry.Secret("account", "whom the demand is about: what was handed over must be accounted for", registry.KeepForDuty),
			registry.Internal("asked", "fixed words"), registry.Internal("received", "a time"), registry.Internal("answer_by", "a time"), registry.Internal("gag_until", "a time"),
			registry.Internal("entered", "the id of one of PixelTrack's own people"), registry.Internal("reviewer", "the id of one of PixelTrack's own people"),
			registry.Internal("reviewed", "a time"), registry.Internal("comply", "a finding"), registry.Internal("granted", "fixed words"),
			registry.Internal("opinion", "what the finding rests on; it names nobody"),
			registry.Internal("approver", "the id of one of PixelTrack's own people"), registry.Internal("approved", "a time"),
			registry.Internal("disclosures", "times, fixed words, hashes and ids of PixelTrack's own people"), registry.Internal("told", "a time"), registry.Internal("closed", "a time"),
		}}}
}
