package timetracking

import (
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// The families of timers and of the marks that keep a user from running two.
const (
	FamilyTimer   store.Family = "TIMER"
	FamilyRunning store.Family = "RUNNING"
)

// DueForgotten is the clock of a timer that runs on after its work.
const DueForgotten store.DueKind = "timer_forgotten"

// Forgotten is after how long a timer counts as forgotten.
const Forgotten = 8 * time.Hour

// Timer is a member's running timer.
type Timer struct {
	store.Meta
	Org      id.Organization `dynamo:"org"`
	ID       id.Timer        `dynamo:"id"`
	Member   id.Member       `dynamo:"member"`
	Project  id.Project      `dynamo:"project"`
	Note     string          `dynamo:"note,omitempty"`
	Billable bool            `dynamo:"billable"`
	Zone     string          `dynamo:"time_zone"`
	Rate     *money.Money    `dynamo:"rate,omitempty"`
	Started  int64           `dynamo:"started"` // epoch seconds
}

// Type is the row's type.
func (t *Timer) Type() string { return "TIMER" }

// Keys puts a member's timer where there can be only one, and lists it by member.
func (t *Timer) Keys() store.Keys {
	return store.Keys{
		Primary: timerKey(t.Org, t.Member),
		Index1:  store.Key{PK: store.OrganizationScope(t.Org).Partition(FamilyTimer, string(t.Member)), SK: string(t.ID)},
	}
}

func timerKey(org id.Organization, m id.Member) store.Key {
	return store.OrganizationScope(org).Key(FamilyTimer, string(m))
}

// Due is the clock of the timer, which rings when it counts as forgotten.
func (t *Timer) Due() *store.Due {
	return store.NewDue(DueForgotten, time.Unix(t.Started, 0).Add(Forgotten), timerKey(t.Org, t.Member))
}

// entry is what a timer becomes when it is stopped. It has the timer's number, and with it the timer's booking.
func (t *Timer) entry(now time.Time) (*Entry, error) {
	loc, err := zone(t.Zone, "time_zone")
	if err != nil {
		return nil, err
	}
	start := time.Unix(t.Started, 0)
	end := min(max(now.Unix(), t.Started+1), start.Add(Longest).Unix())
	e := &Entry{Org: t.Org, ID: id.Entry(entryOf(t)), Member: t.Member, Project: t.Project, Note: t.Note,
		Billable: t.Billable, Zone: t.Zone, Rate: t.Rate, Created: now.UnixMilli(), Updated: now.UnixMilli()}
	e.between(start, time.Unix(end, 0), loc)
	return e, nil
}

// Running says in a user's own scope that a timer of theirs runs, whichever organisation it is in. After the longest time
// that an entry may have, the timer is no hindrance any more.
type Running struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Member  id.Member       `dynamo:"member"`
	Timer   id.Timer        `dynamo:"timer"`
	Started int64           `dynamo:"started"` // epoch seconds
	key     store.Key
}

// Type is the row's type.
func (r *Running) Type() string { return "RUNNING" }

// Keys puts the mark where a user can have only one.
func (r *Running) Keys() store.Keys {
	if r.key.IsZero() {
		return store.Keys{Primary: store.Key{PK: r.PK, SK: r.SK}}
	}
	return store.Keys{Primary: r.key}
}

func runningKey(user id.User) store.Key { return store.UserScope(user).Key(FamilyRunning) }

func running(c *api.Caller, t *Timer) *Running {
	r := &Running{Org: t.Org, Member: t.Member, Timer: t.ID, Started: t.Started, key: runningKey(c.User)}
	if !c.Account.Hold {
		r.Expire(time.Unix(t.Started, 0).Add(Longest))
	}
	return r
}

// TimerBody is a running timer on the wire.
type TimerBody struct {
	ID        string       `json:"id" example:"tmr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	MemberID  string       `json:"member_id" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	ProjectID string       `json:"project_id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Start     time.Time    `json:"start"`
	Seconds   int64        `json:"duration_seconds" doc:"How long it has run." example:"60"`
	TimeZone  string       `json:"time_zone" example:"Europe/Berlin"`
	Note      string       `json:"note,omitempty" example:"Sketches"`
	Billable  bool         `json:"billable"`
	Rate      *money.Money `json:"rate,omitempty" doc:"Of an hour; shown with the right rates:read."`
}

// TimerOut is the answer of a route about the running timer.
type TimerOut struct {
	api.Tagged
	Body TimerBody
}

func showTimer(c *api.Caller, t *Timer) *TimerOut {
	b := TimerBody{ID: string(t.ID), MemberID: string(t.Member), ProjectID: string(t.Project), Start: time.Unix(t.Started, 0).UTC(),
		Seconds: max(0, c.Now.Unix()-t.Started), TimeZone: t.Zone, Note: t.Note, Billable: t.Billable}
	if c.May(access.RatesRead) {
		b.Rate = t.Rate
	}
	return &TimerOut{Tagged: api.Tag(t.Version), Body: b}
}

func exampleTimer() TimerBody {
	return TimerBody{ID: "tmr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", MemberID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ProjectID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Seconds: 0, TimeZone: "Europe/Berlin", Note: "Sketches", Billable: true}
}

func noTimer() error { return problem.Of(problem.NotFound, "no_timer", "No timer runs.") }
