// Package breaches is the register of breaches of personal data (GDPR Art. 33(5)): every one, those that nobody had to be
// told of too, with who must be told by when, and who was.
package breaches

import (
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the register.
const Family store.Family = "BREACH"

// Warning is how long before a notice is owed the alarm is raised.
const Warning = 24 * time.Hour

// The states of an entry.
const (
	open   = "open"
	closed = "closed"
)

// Risk is how much people have to fear.
type Risk string

// The risks.
const (
	Unlikely Risk = "unlikely" // nobody need be told
	Likely   Risk = "likely"   // the authority (Art. 33)
	High     Risk = "high"     // and the people themselves (Art. 34)
)

// Whom is somebody who is told of a breach.
type Whom string

// Who may have to be told.
const (
	Authority       Whom = "authority"
	Subjects        Whom = "subjects"
	Organizations   Whom = "organizations" // as their processor
	Residents       Whom = "california_residents"
	AttorneyGeneral Whom = "california_attorney_general"
)

// Everybody lists who may have to be told, in order.
func Everybody() []Whom {
	return []Whom{Authority, Subjects, Organizations, Residents, AttorneyGeneral}
}

// Notice is that somebody was told.
type Notice struct {
	Whom   Whom     `dynamo:"whom" json:"whom"`
	At     int64    `dynamo:"at" json:"-"` // epoch seconds
	Reason string   `dynamo:"reason,omitempty" json:"reason,omitempty"`
	By     id.Staff `dynamo:"by" json:"by"`
}

// Breach is one entry. What is written in it names nobody.
type Breach struct {
	store.Meta
	ID           id.Breach `dynamo:"id"`
	State        string    `dynamo:"state"`
	Processor    bool      `dynamo:"processor,omitempty"` // the data was an organisation's
	Nature       string    `dynamo:"nature"`
	Categories   []string  `dynamo:"categories,omitempty"`
	Subjects     int       `dynamo:"subjects,omitempty"`
	Records      int       `dynamo:"records,omitempty"`
	Californians int       `dynamo:"californians,omitempty"`
	Consequences string    `dynamo:"consequences,omitempty"`
	Measures     string    `dynamo:"measures,omitempty"`
	Risk         Risk      `dynamo:"risk"`
	Occurred     int64     `dynamo:"occurred,omitempty"` // epoch seconds, as all times here
	Discovered   int64     `dynamo:"discovered"`
	Aware        int64     `dynamo:"aware"`
	Notices      []Notice  `dynamo:"notices,omitempty"` // in the order in which they were reported
	Closed       int64     `dynamo:"closed,omitempty"`
	Why          string    `dynamo:"why,omitempty"` // why the authority was not told
	Reported     id.Staff  `dynamo:"reported"`
}

// Type is the row's type.
func (b *Breach) Type() string { return "BREACH" }

// Keys puts entries under their id, and lists those of a state by when we became aware.
func (b *Breach) Keys() store.Keys {
	return store.Keys{Primary: key(b.ID), Index1: store.Key{PK: store.PlatformScope().Partition(Family, b.State), SK: store.Join(store.Instant(clock.At(b.Aware)), string(b.ID))}}
}

func key(b id.Breach) store.Key { return store.PlatformScope().Key(Family, string(b)) }

// told is the first notice to somebody, nil before it.
func (b *Breach) told(w Whom) *Notice {
	var first *Notice
	for i, n := range b.Notices {
		if n.Whom == w && (first == nil || n.At < first.At) {
			first = &b.Notices[i]
		}
	}
	return first
}

// Countdown is one notice that is owed, or was.
type Countdown struct {
	Whom Whom
	Rule string
	Due  time.Time // zero: without undue delay
	Told *Notice
}

// Late says whether it is later than its date at a time, or was made so.
func (c Countdown) Late(now time.Time) bool {
	if c.Told != nil {
		now = clock.At(c.Told.At)
	}
	return !c.Due.IsZero() && now.After(c.Due)
}

// Countdowns lists who must be told by when.
func (b *Breach) Countdowns() []Countdown {
	dates := clocks.Breach(clock.At(b.Aware), clock.At(b.Discovered))
	var all []Countdown
	owe := func(w Whom, rule string, due time.Time) {
		all = append(all, Countdown{w, rule, due, b.told(w)})
	}
	if b.Processor {
		owe(Organizations, "GDPR Art. 33(2)", time.Time{})
	} else if b.Risk != Unlikely {
		owe(Authority, dates[0].Rule, dates[0].Due)
	}
	if !b.Processor && b.Risk == High {
		owe(Subjects, "GDPR Art. 34(1)", time.Time{})
	}
	if b.Californians > 0 {
		owe(Residents, dates[1].Rule, dates[1].Due)
	}
	if b.Californians > 500 {
		due := dates[2].Due
		if n := b.told(Residents); n != nil {
			due = clock.At(n.At).AddDate(0, 0, 15)
		}
		owe(AttorneyGeneral, dates[2].Rule, due)
	}
	return all
}

// owed lists those who must still be told.
func (b *Breach) owed() []Countdown {
	return slices.DeleteFunc(b.Countdowns(), func(c Countdown) bool { return c.Told != nil })
}

// alarms sets the deadlines of what is owed, and clears all others. What is owed without undue delay rings from the first
// day on.
func (b *Breach) alarms(tx *store.Tx, p *store.Platform) {
	owed := b.owed()
	for _, w := range Everybody() {
		what := "breach_notice_due_" + string(w)
		i := slices.IndexFunc(owed, func(c Countdown) bool { return c.Whom == w })
		if i < 0 || b.State == closed {
			if b.Version > 1 { // an entry that is made now has none
				deadline.Clear(tx, p, string(b.ID), what)
			}
			continue
		}
		ring := clock.At(b.Aware).Add(Warning)
		if due := owed[i].Due; !due.IsZero() {
			ring = due.Add(-Warning)
		}
		deadline.Set(tx, p, string(b.ID), what, ring)
	}
}
