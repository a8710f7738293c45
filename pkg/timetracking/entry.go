package timetracking

import (
	"context"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyEntry holds time entries, divided by the months in which they were made.
const FamilyEntry store.Family = "TIMEENTRY"

// Longest is how long one entry may last.
const Longest = 7 * 24 * time.Hour

// Ahead is how far in the future an entry may lie.
const Ahead = 24 * time.Hour

// Entry is time that a member spent on a project: from a start to an end, or so long on a day.
type Entry struct {
	store.Meta
	Org      id.Organization `dynamo:"org"`
	ID       id.Entry        `dynamo:"id"`
	Member   id.Member       `dynamo:"member"`
	Project  id.Project      `dynamo:"project"`
	Note     string          `dynamo:"note,omitempty"`
	Billable bool            `dynamo:"billable"`
	Zone     string          `dynamo:"time_zone"`
	Date     string          `dynamo:"date"`            // 2026-03-02: the day of the start, in the zone
	Start    int64           `dynamo:"start,omitempty"` // epoch seconds; none for so long on a day
	End      int64           `dynamo:"end,omitempty"`   // epoch seconds
	Seconds  int64           `dynamo:"seconds"`
	Rate     *money.Money    `dynamo:"rate,omitempty"`    // of an hour, as it was when the work began; changes of rates leave it
	Invoice  id.Invoice      `dynamo:"invoice,omitempty"` // that the entry is on, which locks it
	Created  int64           `dynamo:"created"`           // epoch milliseconds
	Updated  int64           `dynamo:"updated"`           // epoch milliseconds

	led bool // the caller leads its project, as readEntry saw it
}

// Type is the row's type.
func (e *Entry) Type() string { return "TIMEENTRY" }

// Keys lists entries by id; by month, member and day; and by member and time of change.
func (e *Entry) Keys() store.Keys {
	s := store.OrganizationScope(e.Org)
	return store.Keys{
		Primary: entryKey(e.Org, e.ID),
		Index1:  store.Key{PK: s.Partition(FamilyEntry, e.Date[:len("2026-03")]), SK: store.Join(string(e.Member), e.Date, string(e.ID))},
		Index2:  s.Updated(FamilyEntry, time.UnixMilli(e.Updated), string(e.ID), string(e.Member)),
	}
}

func entryKey(org id.Organization, e id.Entry) store.Key {
	return store.OrganizationScope(org).KeyIn(FamilyEntry, month(id.Made(e)), string(e))
}

func month(t time.Time) string { return t.Format("2006-01") }

// between sets when the work was done, by a start and an end.
func (e *Entry) between(start, end time.Time, loc *time.Location) {
	e.Start, e.End, e.Seconds = start.Unix(), end.Unix(), end.Unix()-start.Unix()
	e.Date = start.In(loc).Format(time.DateOnly)
}

// on sets when the work was done, by a day and how long.
func (e *Entry) on(date string, seconds int64) {
	e.Start, e.End, e.Seconds, e.Date = 0, 0, seconds, date
}

// check refuses times that no work can have been done at.
func (e *Entry) check(now time.Time) error {
	loc, err := zone(e.Zone, "body.time_zone")
	if err != nil {
		return err
	}
	if e.Start == 0 {
		return e.checkDay(loc, now)
	}
	switch {
	case e.Start < 0:
		return problem.InvalidField("body.start", "before 1970")
	case e.End <= e.Start:
		return problem.InvalidField("body.end", "not after start")
	case e.End-e.Start > int64(Longest.Seconds()):
		return problem.InvalidField("body.end", "more than 7 days after start")
	case e.End > now.Add(Ahead).Unix():
		return problem.InvalidField("body.end", "more than a day ahead")
	}
	e.between(time.Unix(e.Start, 0), time.Unix(e.End, 0), loc)
	return nil
}

func (e *Entry) checkDay(loc *time.Location, now time.Time) error {
	day, err := time.Parse(time.DateOnly, e.Date)
	switch {
	case err != nil || day.Year() < 1970:
		return problem.InvalidField("body.date", "not a date since 1970")
	case e.Date > now.Add(Ahead).In(loc).Format(time.DateOnly):
		return problem.InvalidField("body.date", "more than a day ahead")
	case e.Seconds < 1:
		return problem.InvalidField("body.duration_seconds", "not more than 0")
	case e.Seconds > int64(dayLength(day, loc).Seconds()):
		return problem.InvalidField("body.duration_seconds", "longer than that day in its zone")
	}
	return nil
}

// bill freezes a project's rate on the entry, when the work is paid by the hour.
func (e *Entry) bill(p *projects.Project) { e.Rate = rate(p, e.Billable) }

func rate(p *projects.Project, billable bool) *money.Money {
	if !billable {
		return nil
	}
	return p.HourlyRate
}

// billable is what the caller chose, or what the project's billing says.
func billable(chosen *bool, p *projects.Project) bool {
	if chosen != nil {
		return *chosen
	}
	return p.Billing != projects.NonBillable
}

// readEntry reads an entry that the caller may see: one of their own, of a project that they lead, or any with the right.
func readEntry(ctx context.Context, c *api.Caller, text string) (*Entry, error) {
	row, err := api.Find[Entry](ctx, c.Org, "time entry", text, func(ent id.Entry) store.Key { return entryKey(c.Org.ID, ent) })
	if err != nil {
		return nil, err
	}
	if row.Member == c.Member {
		return row, nil
	}
	readAll, readLed := c.May(access.TimeReadAll), c.May(access.TimeReadLed)
	if !readAll && readLed || !c.May(access.TimeAll) && c.May(access.TimeLed) {
		if row.led, err = projects.Leads(ctx, c, row.Project); err != nil {
			return nil, err
		}
	}
	if !readAll && !(readLed && row.led) {
		return nil, problem.Missing("time entry")
	}
	return row, nil
}

// mine refuses a change of somebody else's entry without the right to it, and of one whose person's data is restricted.
func (e *Entry) mine(c *api.Caller) error {
	if e.Member == c.Member {
		return nil
	}
	if slices.Contains(c.Gate.RestrictedMembers, e.Member) {
		return problem.Of(problem.Forbidden, "processing_restricted", "Processing of this data is restricted.")
	}
	if e.led && c.May(access.TimeLed) {
		return nil
	}
	return c.Needs(access.TimeAll)
}

// kept refuses the deletion of what a legal hold keeps.
func kept(c *api.Caller, held bool, of id.Member) error {
	if held || slices.Contains(c.Gate.HeldMembers, of) || of == c.Member && c.Account.Hold {
		return problem.Of(problem.Conflict, "kept_by_law", "It must be kept for now.")
	}
	return nil
}

func keptRefusal() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "kept_by_law", When: "It must be kept for now."}
}

// EntryBody is a time entry on the wire.
type EntryBody struct {
	ID        string       `json:"id" example:"ent_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	MemberID  string       `json:"member_id" doc:"Whose time it is." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	ProjectID string       `json:"project_id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Start     *time.Time   `json:"start,omitempty" doc:"Absent when only the day and the duration are known."`
	End       *time.Time   `json:"end,omitempty" doc:"Absent when only the day and the duration are known."`
	Date      string       `json:"date" format:"date" doc:"The day of the start in time_zone." example:"2026-03-02"`
	Seconds   int64        `json:"duration_seconds" doc:"Raw seconds, never rounded." example:"5400"`
	TimeZone  string       `json:"time_zone" doc:"An IANA name." example:"Europe/Berlin"`
	Note      string       `json:"note,omitempty" example:"Sketches"`
	Billable  bool         `json:"billable"`
	Rate      *money.Money `json:"rate,omitempty" doc:"Of an hour, frozen when the work began; shown with the right rates:read."`
	Locked    string       `json:"locked,omitempty" enum:"invoiced" doc:"Why the entry cannot be changed: it is on an invoice."`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

func entryBody(c *api.Caller, e *Entry) EntryBody {
	b := EntryBody{ID: string(e.ID), MemberID: string(e.Member), ProjectID: string(e.Project), Start: clock.Moment(e.Start), End: clock.Moment(e.End),
		Date: e.Date, Seconds: e.Seconds, TimeZone: e.Zone, Note: e.Note, Billable: e.Billable, Locked: e.locked(),
		CreatedAt: time.UnixMilli(e.Created).UTC(), UpdatedAt: time.UnixMilli(e.Updated).UTC()}
	if c.May(access.RatesRead) {
		b.Rate = e.Rate
	}
	return b
}

func exampleEntry() EntryBody {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	end := start.Add(90 * time.Minute)
	return EntryBody{ID: "ent_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", MemberID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ProjectID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Start: &start, End: &end, Date: "2026-03-02", Seconds: 5400, TimeZone: "Europe/Berlin", Note: "Sketches", Billable: true,
		Rate: &money.Money{Amount: 9000, Currency: "EUR"}, CreatedAt: end, UpdatedAt: end}
}

// EntryOut is the answer of a route about one entry.
type EntryOut struct {
	api.Tagged
	Body EntryBody
}

func showEntry(c *api.Caller, e *Entry) *EntryOut {
	return &EntryOut{Tagged: api.Tag(e.Version), Body: entryBody(c, e)}
}
