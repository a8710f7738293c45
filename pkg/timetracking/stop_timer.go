package timetracking

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

func noTimerRefusal() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "no_timer", When: "No timer of yours runs in the organization."}
}

// GetTimer answers the caller's running timer.
func GetTimer() api.Operation {
	return api.New(api.Route{
		ID: "get-timer", Area: "time", Method: http.MethodGet, Path: "/v1/timer", PureRead: true,
		Permission: access.TimeReadOwn, Purpose: purpose.ServiceDelivery, Summary: "Your running timer",
		Description: "The one that runs in the organization of the token.", Refusals: []api.Refusal{noTimerRefusal()}, ExampleOut: exampleTimer(),
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*TimerOut, error) {
		t, err := store.Get[Timer](ctx, c.Org, timerKey(c.Org.ID, c.Member))
		if errors.Is(err, store.ErrMissing) {
			return nil, noTimer()
		}
		if err != nil {
			return nil, err
		}
		return showTimer(c, t), nil
	})
}

// StopTimer makes an entry of the caller's running timer.
func StopTimer(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "stop-timer", Area: "time", Method: http.MethodPost, Path: "/v1/timer/stop", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Stop your timer",
		Description: "The timer becomes an entry, also on a project that was archived meanwhile: what was worked is kept.",
		Refusals:    []api.Refusal{noTimerRefusal(), keptRefusal()}, ExampleOut: exampleEntry(),
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*EntryOut, error) {
		var e *Entry
		err := end(ctx, st, c, func(tx *store.Tx, t *Timer) (err error) {
			if t.Held { // its row cannot go
				return kept(c, t.Held, t.Member)
			}
			if e, err = t.entry(c.Now); err == nil {
				tx.Create(c.Org, e).Else(ErrMoved)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return showEntry(c, e), nil
	}, replayEntry)
}

// DiscardTimer ends the caller's running timer and keeps nothing of it.
func DiscardTimer(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "discard-timer", Area: "time", Method: http.MethodDelete, Path: "/v1/timer", Status: http.StatusNoContent, ReadsAhead: true,
		Permission: access.TimeOwn, Purpose: purpose.ServiceDelivery, Summary: "Discard your timer",
		Description: "No entry is made.", Refusals: []api.Refusal{noTimerRefusal(), keptRefusal()},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		return nil, end(ctx, st, c, func(tx *store.Tx, t *Timer) error {
			if err := kept(c, t.Held, t.Member); err != nil {
				return err
			}
			projects.Free(tx, c.Org, t.Project, projects.Number(t.ID))
			return nil
		})
	})
}

// end takes the caller's timer away, with its mark and its clock, in one transaction with what else is to happen. The
// project's gate is not asked: the timer's booking was made when the gate was open, and stays with the entry.
func end(ctx context.Context, st *store.Store, c *api.Caller, with func(*store.Tx, *Timer) error) error {
	return again(ctx, func() error {
		now, err := look(ctx, c, "")
		if err != nil {
			return err
		}
		t := now.timer
		if t == nil {
			return noTimer()
		}
		if err := c.Checked(); err != nil {
			return err
		}
		tx := st.Begin()
		tx.Delete(c.Org, t).Else(ErrMoved)
		if now.running != nil && now.running.Timer == t.ID {
			tx.Delete(c.Self, now.running).Else(ErrMoved)
		}
		tx.Disarm(c.Org, t.Due(), false)
		if err := with(tx, t); err != nil {
			return err
		}
		return c.Commit(ctx, tx, entryOf(t))
	})
}

// entryOf is the id of the entry that a timer becomes.
func entryOf(t *Timer) string { return string(numbered(projects.Number(t.ID))) }

// numbered is the entry with a number.
func numbered(number string) id.Entry { return id.Entry(id.Prefix[id.Entry]() + "_" + number) }

func replayEntry(ctx context.Context, c *api.Caller, made string) (*EntryOut, error) {
	e, err := readEntry(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return showEntry(c, e), nil
}
