package timetracking

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// CreateIn is the input of create-time-entry.
type CreateIn struct {
	Body CreateBody
}

// CreateBody is time that the caller spent.
type CreateBody struct {
	ProjectID string     `json:"project_id" maxLength:"64" doc:"An active project." example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Start     *time.Time `json:"start,omitempty" doc:"With end; both to the second."`
	End       *time.Time `json:"end,omitempty" doc:"After start, at most 7 days; at most a day ahead."`
	Date      *string    `json:"date,omitempty" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"With duration_seconds, in place of start and end." example:"2026-03-02"`
	Seconds   *int64     `json:"duration_seconds,omitempty" minimum:"1" maximum:"108000" doc:"At most as long as that day lasts in its zone." example:"5400"`
	TimeZone  string     `json:"time_zone,omitempty" default:"UTC" maxLength:"64" doc:"An IANA name: in which zone the day is counted." example:"Europe/Berlin"`
	Note      string     `json:"note,omitempty" maxLength:"2000" example:"Meeting"`
	Billable  *bool      `json:"billable,omitempty" doc:"Without it the project's billing decides."`
}

func (b CreateBody) entry(c *api.Caller) (*Entry, error) {
	e := &Entry{Org: c.Org.ID, ID: api.NewID[id.Entry](c), Member: c.Member, Project: id.Project(b.ProjectID), Note: b.Note, Zone: b.TimeZone,
		Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
	if err := when(e, b.Start, b.End, b.Date, b.Seconds); err != nil {
		return nil, err
	}
	if e.Start == 0 && e.Date == "" {
		return nil, problem.InvalidField("body.start", "give start and end, or date and duration_seconds")
	}
	return e, e.check(c.Now)
}

// when sets the times of an entry: start and end, or day and duration. What is absent stays when the entry is of that
// kind already.
func when(e *Entry, start, end *time.Time, date *string, seconds *int64) error {
	between, on := start != nil || end != nil, date != nil || seconds != nil
	switch {
	case between && on:
		return problem.InvalidField("body.date", "not together with start and end")
	case between && (start == nil || end == nil) && e.Start == 0:
		return problem.InvalidField("body.start", "give both start and end")
	case on && (date == nil || seconds == nil) && (e.Start != 0 || e.Date == ""):
		return problem.InvalidField("body.date", "give both date and duration_seconds")
	case between:
		e.Start, e.End = second(start, e.Start), second(end, e.End)
		if e.Start <= 0 {
			return problem.InvalidField("body.start", "before 1970")
		}
	case on:
		if date == nil {
			date = &e.Date
		}
		if seconds == nil {
			seconds = &e.Seconds
		}
		e.on(*date, *seconds)
	}
	return nil
}

func second(t *time.Time, before int64) int64 {
	if t == nil {
		return before
	}
	return t.Unix()
}

// CreateTimeEntry writes down time that the caller spent.
func CreateTimeEntry(st *store.Store) api.Operation {
	in, ex := CreateBody{}, exampleEntry()
	in.ProjectID, in.Start, in.End, in.TimeZone, in.Note = ex.ProjectID, ex.Start, ex.End, ex.TimeZone, ex.Note
	return api.Replayable(api.Route{
		ID: "create-time-entry", Area: "time", Method: http.MethodPost, Path: "/v1/time-entries", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Write down time",
		Description: "By start and end, or by a day and how long. The entry counts on the day of its start in its zone; it may cross midnight and the days on which clocks change.",
		Refusals:    gateRefusals(), ExampleIn: in, ExampleOut: ex,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*EntryOut, error) {
		e, err := in.Body.entry(c)
		if err != nil {
			return nil, err
		}
		p, err := projects.See(ctx, c, in.Body.ProjectID)
		if err != nil {
			return nil, err
		}
		if err := p.Open(); err != nil {
			return nil, err
		}
		e.Billable = billable(in.Body.Billable, p)
		e.bill(p)
		tx := st.Begin()
		tx.Create(c.Org, e)
		projects.Book(tx, c.Org, e.Project, projects.Number(e.ID))
		if err := c.Commit(ctx, tx, string(e.ID)); err != nil {
			return nil, err
		}
		return showEntry(c, e), nil
	}, replayEntry)
}

// ByID names a time entry.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The time entry." example:"ent_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a time entry and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

// read gives the entry that is meant, in the version that is meant, when the caller may change it.
func (in ChangeIn) read(ctx context.Context, c *api.Caller) (*Entry, error) {
	e, err := readEntry(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Checked(); err != nil {
		return nil, err
	}
	if err := e.mine(c); err != nil {
		return nil, err
	}
	if err := in.Matches(e.Version); err != nil {
		return nil, err
	}
	return e, e.open()
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "time_entry_not_found", When: "There is no such entry, or it is somebody else's and you may not see it."}
}

// GetTimeEntry answers one entry.
func GetTimeEntry() api.Operation {
	return api.New(api.Route{
		ID: "get-time-entry", Area: "time", Method: http.MethodGet, Path: "/v1/time-entries/{id}", PureRead: true,
		Permission: access.TimeReadOwn, Purpose: purpose.ServiceDelivery, Summary: "One time entry",
		Description: "Your own, anybody's on a project that you lead, or anybody's at all with the right time:read:all.", Refusals: []api.Refusal{missing()}, ExampleOut: exampleEntry(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*EntryOut, error) {
		return replayEntry(ctx, c, in.ID)
	})
}

// UpdateIn is the input of update-time-entry.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of an entry; what is absent stays.
type UpdateBody struct {
	ProjectID *string    `json:"project_id,omitempty" maxLength:"64" doc:"An active project; the entry takes its rate."`
	Start     *time.Time `json:"start,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Date      *string    `json:"date,omitempty" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"In place of start and end, together with duration_seconds."`
	Seconds   *int64     `json:"duration_seconds,omitempty" minimum:"1" maximum:"108000"`
	TimeZone  *string    `json:"time_zone,omitempty" maxLength:"64" doc:"The day is counted anew."`
	Note      *string    `json:"note,omitempty" maxLength:"2000" doc:"Empty removes it."`
	Billable  *bool      `json:"billable,omitempty"`
}

// check refuses a change that no entry can take, whichever it is made to.
func (b UpdateBody) check() error {
	if b.TimeZone != nil {
		if _, err := zone(*b.TimeZone, "body.time_zone"); err != nil {
			return err
		}
	}
	if (b.Start != nil || b.End != nil) && (b.Date != nil || b.Seconds != nil) {
		return problem.InvalidField("body.date", "not together with start and end")
	}
	return nil
}

func (b UpdateBody) apply(e *Entry, now time.Time) error {
	if b.TimeZone != nil {
		e.Zone = *b.TimeZone
	}
	if b.Note != nil {
		e.Note = *b.Note
	}
	if err := when(e, b.Start, b.End, b.Date, b.Seconds); err != nil {
		return err
	}
	if b.Start == nil && b.End == nil && b.Date == nil && b.Seconds == nil && b.TimeZone == nil {
		return nil
	}
	return e.check(now)
}

// UpdateTimeEntry changes an entry.
func UpdateTimeEntry(st *store.Store) api.Operation {
	note := "Sketches, second round"
	return api.New(api.Route{
		ID: "update-time-entry", Area: "time", Method: http.MethodPatch, Path: "/v1/time-entries/{id}", ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Change a time entry",
		Description: "Your own, anybody's on a project that you lead, or anybody's at all with the right time:write:all; to another project, others' time goes by the same right. Fields that are absent stay as they are; the rate stays as it was frozen unless the project or billable change.",
		Refusals:    append(gateRefusals(), missing(), lockedRefusal()), ExampleIn: UpdateBody{Note: &note}, ExampleOut: exampleEntry(),
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*EntryOut, error) {
		if err := in.Body.check(); err != nil {
			return nil, err
		}
		e, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		before := e.Project
		if err := in.Body.apply(e, c.Now); err != nil {
			return nil, err
		}
		if in.Body.ProjectID != nil {
			if e.Project, err = id.Parse[id.Project](*in.Body.ProjectID); err != nil {
				return nil, problem.Missing("project")
			}
		}
		p, err := gates(ctx, c, e.Member, before, e.Project)
		if err != nil {
			return nil, err
		}
		work := e.Billable
		if in.Body.Billable != nil {
			work = *in.Body.Billable
		}
		if e.Project != before || work != e.Billable {
			e.Billable = work
			e.bill(p)
		}
		e.Updated = c.Now.UnixMilli()
		tx := st.Begin()
		tx.Replace(c.Org, e)
		if e.Project != before {
			projects.Free(tx, c.Org, before, projects.Number(e.ID))
			projects.Book(tx, c.Org, e.Project, projects.Number(e.ID))
		}
		if err := c.Commit(ctx, tx, string(e.ID)); err != nil {
			return nil, err
		}
		return showEntry(c, e), nil
	})
}

// gates asks the gates of the project that an entry of a member was under and of the one that it goes to, and gives the
// latter. Somebody else's time goes to a project that the caller leads, or to any with the right.
func gates(ctx context.Context, c *api.Caller, of id.Member, before, after id.Project) (*projects.Project, error) {
	to := projects.ViewOf(c, after, "")
	from, fetches := to, to.Fetches()
	if before != after {
		if of != c.Member {
			to = projects.ViewOf(c, after, access.TimeAll)
		}
		from = projects.ViewOf(c, before, "")
		fetches = append(to.Fetches(), from.Fetches()...)
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, v := range []*projects.View{to, from} {
		p, err := v.Project()
		if err != nil {
			return nil, err
		}
		if err := v.Needs(); err != nil {
			return nil, err
		}
		if err := p.Open(); err != nil {
			return nil, err
		}
	}
	return to.Project()
}

// DeleteTimeEntry removes an entry.
func DeleteTimeEntry(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-time-entry", Area: "time", Method: http.MethodDelete, Path: "/v1/time-entries/{id}", Status: http.StatusNoContent, ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Delete a time entry",
		Description: "Your own, anybody's on a project that you lead, or anybody's at all with the right time:write:all.",
		Refusals:    append(gateRefusals(), missing(), lockedRefusal(), keptRefusal()),
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		e, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := kept(c, e.Held, e.Member); err != nil {
			return nil, err
		}
		if _, err := gates(ctx, c, e.Member, e.Project, e.Project); err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Bury(c.Org, e, string(e.ID))
		projects.Free(tx, c.Org, e.Project, projects.Number(e.ID))
		return nil, c.Commit(ctx, tx, string(e.ID))
	})
}
