package timetracking

import (
	"context"
	"errors"
	"math/rand/v2"
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

// StartIn is the input of start-timer.
type StartIn struct {
	Body StartBody
}

// StartBody is what a timer is started for.
type StartBody struct {
	ProjectID string `json:"project_id" maxLength:"64" doc:"An active project." example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Note      string `json:"note,omitempty" maxLength:"2000" example:"Sketches"`
	Billable  *bool  `json:"billable,omitempty" doc:"Without it the project's billing decides."`
	TimeZone  string `json:"time_zone,omitempty" default:"UTC" maxLength:"64" doc:"An IANA name: in which zone the entry's day is counted." example:"Europe/Berlin"`
	OnRunning string `json:"on_running,omitempty" enum:"refuse,stop" default:"refuse" doc:"What to do when a timer runs: stop makes it an entry and starts the new one at once."`
}

func gateRefusals() []api.Refusal {
	return []api.Refusal{{Kind: problem.NotFound, Code: "project_not_found", When: "There is no such project in the organization, or you see those that you work on alone, and it is none of them."},
		{Kind: problem.Conflict, Code: "project_archived", When: "The project is archived."},
		{Kind: problem.Conflict, Code: "project_closing", When: "The project is being deleted."}}
}

// StartTimer starts the caller's timer.
func StartTimer(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "start-timer", Area: "time", Method: http.MethodPost, Path: "/v1/timer", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Start your timer",
		Description: "A person has at most one running timer, whichever organization it is in. After 7 days a timer counts as ended.",
		Refusals: append(gateRefusals(), api.Refusal{Kind: problem.Conflict, Code: "timer_running",
			When: "A timer runs; details name it, and its organization when that is another."}),
		ExampleIn: StartBody{ProjectID: exampleTimer().ProjectID, Note: "Sketches", TimeZone: "Europe/Berlin", OnRunning: "refuse"}, ExampleOut: exampleTimer(),
	}, func(ctx context.Context, c *api.Caller, in *StartIn) (*TimerOut, error) {
		if _, err := zone(in.Body.TimeZone, "body.time_zone"); err != nil {
			return nil, err
		}
		project, err := id.Parse[id.Project](in.Body.ProjectID)
		if err != nil {
			return nil, problem.Missing("project")
		}
		var t *Timer
		err = again(ctx, func() error {
			now, err := look(ctx, c, project)
			if err != nil {
				return err
			}
			t, err = now.start(ctx, st, c, in.Body)
			return err
		})
		if err != nil {
			return nil, err
		}
		return showTimer(c, t), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*TimerOut, error) {
		t, err := store.Get[Timer](ctx, c.Org, timerKey(c.Org.ID, c.Member))
		if errors.Is(err, store.ErrMissing) || err == nil && string(t.ID) != made {
			return nil, noTimer()
		}
		if err != nil {
			return nil, err
		}
		return showTimer(c, t), nil
	})
}

// ErrMoved says that the caller's timer was started or stopped by somebody between reading and writing.
var ErrMoved = errors.New("timetracking: the timer has moved meanwhile")

const (
	firstPause = 4 * time.Millisecond
	maxPause   = 250 * time.Millisecond
)

// again runs what depends on the caller's timer until it has not moved meanwhile, or the context ends.
func again(ctx context.Context, run func() error) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := run()
		if !errors.Is(err, ErrMoved) {
			return err
		}
		select {
		case <-ctx.Done():
			return store.ErrConflict
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// present is what a caller's timer depends on, as it was read in one trip.
type present struct {
	project *projects.Project // nil when none was asked for
	timer   *Timer            // nil when none runs in this organisation
	running *Running          // nil when none runs anywhere
}

// look reads the caller's timer and mark, and with them a project's gate.
func look(ctx context.Context, c *api.Caller, project id.Project) (*present, error) {
	t := &store.Fetch{Through: c.Org, Key: timerKey(c.Org.ID, c.Member), Row: new(Timer)}
	r := &store.Fetch{Through: c.Self, Key: runningKey(c.User), Row: new(Running)}
	fetches := []*store.Fetch{t, r}
	var v *projects.View
	if project != "" {
		v = projects.ViewOf(c, project, "")
		fetches = append(fetches, v.Fetches()...)
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	now := new(present)
	for _, f := range []*store.Fetch{t, r} {
		switch {
		case errors.Is(f.Err, store.ErrMissing):
		case f.Err != nil:
			return nil, f.Err
		case f == t:
			now.timer = t.Row.(*Timer)
		default:
			now.running = r.Row.(*Running)
		}
	}
	if v == nil {
		return now, nil
	}
	var err error
	now.project, err = v.Project()
	return now, err
}

// start starts a timer, and stops the one that runs when the caller wants that.
func (now *present) start(ctx context.Context, st *store.Store, c *api.Caller, b StartBody) (*Timer, error) {
	if err := now.project.Open(); err != nil {
		return nil, err
	}
	if now.timer != nil && b.OnRunning != "stop" {
		return nil, timerRuns(now.timer.ID, "")
	}
	if err := now.elsewhere(ctx, c); err != nil {
		return nil, err
	}
	if err := c.Checked(); err != nil {
		return nil, err
	}
	work := billable(b.Billable, now.project)
	t := &Timer{Org: c.Org.ID, ID: api.NewID[id.Timer](c), Member: c.Member, Project: now.project.ID, Note: b.Note, Billable: work,
		Zone: b.TimeZone, Rate: rate(now.project, work), Started: c.Now.Unix()}
	mark := running(c, t)
	tx := st.Begin()
	if now.timer == nil {
		tx.Create(c.Org, t).Else(ErrMoved)
		tx.Arm(c.Org, t.Due())
	} else if err := now.turnOver(tx, c, t); err != nil {
		return nil, err
	}
	if now.running == nil {
		tx.Create(c.Self, mark).Else(ErrMoved)
	} else {
		mark.Version = now.running.Version
		tx.Replace(c.Self, mark).Else(ErrMoved)
	}
	projects.Book(tx, c.Org, t.Project, projects.Number(t.ID))
	return t, c.Commit(ctx, tx, string(t.ID))
}

// turnOver makes an entry of the timer that runs and puts another in its place.
func (now *present) turnOver(tx *store.Tx, c *api.Caller, next *Timer) error {
	e, err := now.timer.entry(c.Now)
	if err != nil {
		return err
	}
	tx.Create(c.Org, e).Else(ErrMoved)
	next.Version, next.Held = now.timer.Version, now.timer.Held
	tx.Replace(c.Org, next).Else(ErrMoved)
	if next.Started != now.timer.Started { // both clocks are one row otherwise
		tx.Disarm(c.Org, now.timer.Due(), false)
		tx.Arm(c.Org, next.Due())
	}
	return nil
}

// elsewhere refuses when the caller's timer runs where this call cannot stop it: under another membership that lives. A
// mark of a membership that has ended, or of a timer that has gone with its organisation's data, hinders nobody.
func (now *present) elsewhere(ctx context.Context, c *api.Caller) error {
	r := now.running
	if r == nil || r.Org == c.Org.ID && r.Member == c.Member {
		return nil
	}
	org := c.Org.Store().BindOrganization(r.Org, c.Org.Actor())
	member := &store.Fetch{Through: org, Key: access.AccessKey(r.Org, r.Member), Row: new(access.Access)}
	gate := &store.Fetch{Through: org, Key: access.OrganizationGateKey(r.Org), Row: new(access.OrganizationGate)}
	if err := c.Org.Store().FetchAll(ctx, member, gate); err != nil {
		return err
	}
	there := member.Row.(*access.Access)
	if member.Err != nil || there.Removed != 0 || there.User != c.User || gate.Err != nil || gate.Row.(*access.OrganizationGate).Status == access.Closed {
		return nil
	}
	return timerRuns(r.Timer, r.Org)
}

func timerRuns(t id.Timer, elsewhere id.Organization) error {
	p := problem.Of(problem.Conflict, "timer_running", "A timer runs already; stop it first.")
	p.Details = map[string]any{"timer_id": t}
	if elsewhere != "" {
		p.Message = "A timer runs already in another organization; stop it there first."
		p.Details["organization_id"] = elsewhere
	}
	return p
}
