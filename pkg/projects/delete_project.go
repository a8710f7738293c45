package projects

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// DueDelete is the clock of a closing project.
const DueDelete store.DueKind = "project_delete"

// Wait is how long after closing a project is judged: by then every writer that saw it open has written or given up.
const Wait = time.Minute

func (p *Project) due() *store.Due {
	return store.NewDue(DueDelete, time.Unix(p.Judged, 0), Key(p.Org, p.ID))
}

// DeleteProject closes a project that nothing lies under; a job deletes it.
func DeleteProject(st *store.Store) api.Operation {
	e := example()
	e.Status = Closing
	return api.New(api.Route{
		ID: "delete-project", Area: "projects", Method: http.MethodDelete, Path: "/v1/projects/{id}", Status: http.StatusAccepted, ReadsAhead: true,
		Permission: access.ProjectsDelete, Purpose: purpose.ServiceDelivery, Summary: "Delete a project without hours and files",
		Description: "The project is closing from now on. A few minutes later it is gone, or, if hours or files came in at the last moment, what it was before. " +
			"A project with hours or files is archived, not deleted.",
		Refusals:   []api.Refusal{missing(), {Kind: problem.Conflict, Code: "project_in_use", When: "Time was tracked on the project, or files hang on it."}},
		ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*Out, error) {
		row, err := in.read(ctx, c, access.ProjectsDelete)
		if err != nil {
			return nil, err
		}
		if row.Status == Closing {
			return show(c, row), nil
		}
		booked, err := Booked(ctx, c.Org, row.ID)
		if err != nil {
			return nil, err
		}
		if booked {
			return nil, problem.Of(problem.Conflict, "project_in_use", "Time was tracked on the project, or files hang on it; archive it instead.")
		}
		row.Former, row.Status, row.Judged = row.Status, Closing, c.Now.Add(Wait).Unix()
		row.touch(c.Now)
		tx := st.Begin()
		tx.Replace(c.Org, row)
		tx.Arm(c.Org, row.due())
		if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
			return nil, err
		}
		return show(c, row), nil
	})
}

// CloseProjects judges closing projects a minute after they closed: one that nothing lies under is deleted, with its
// key and its place among its client's; any other is again what it was.
func CloseProjects() job.Job {
	return job.Job{
		ID: "close-projects", Area: "projects", Summary: "Delete closing projects without hours and files", Purpose: purpose.ServiceDelivery, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, DueDelete, r.Settled(), func(ctx context.Context, d *store.Due) error { return judge(ctx, r, d) })
		},
	}
}

// judge settles one closing project.
func judge(ctx context.Context, r *job.Run, d *store.Due) error {
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	scope, _ := store.ScopeOf(d.Target.PK)
	orgID, ok := scope.Organization()
	if !ok {
		return tx.Commit(ctx)
	}
	org := r.Store.BindOrganization(orgID, r.Actor)
	org.SeeRestricted()
	p, err := store.Get[Project](ctx, org, d.Target)
	if errors.Is(err, store.ErrMissing) || err == nil && (p.Status != Closing || p.Judged != d.At) {
		return tx.Commit(ctx)
	}
	if err != nil {
		return err
	}
	booked, err := Booked(ctx, org, p.ID)
	if err != nil {
		return err
	}
	if booked || p.Held || p.Restricted {
		p.Status, p.Former, p.Judged = p.Former, "", 0
		p.touch(r.Clock())
		tx.Replace(org, p)
	} else {
		if _, err := dismiss(ctx, org, p.ID); err != nil {
			return err
		}
		remove(tx, org, p)
	}
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrStale) {
		return nil // somebody else was first; what is left is done by the next run
	}
	if err == nil {
		r.Log.Info("project_judged", telemetry.Kind(string(DueDelete)), telemetry.Lag(r.Clock().Sub(d.Time())))
	}
	return err
}

func remove(tx *store.Tx, org *store.Organization, p *Project) {
	p.lookAt(tx, org, 0)
	tx.Bury(org, p, string(p.ID))
	tx.DeleteKey(org, markerKey(org, p.Short), "'project' = ?", p.ID)
	if p.Client != "" {
		clients.Release(tx, org, p.Client)
	}
}

// touch sets when the project was changed.
func (p *Project) touch(now time.Time) { p.Updated = now.UnixMilli() }

// moveTo counts the project among another client's.
func (p *Project) moveTo(tx *store.Tx, org *store.Organization, from id.Client) {
	if from == p.Client {
		return
	}
	if from != "" {
		clients.Release(tx, org, from)
	}
	if p.Client != "" {
		clients.Use(tx, org, p.Client)
	}
}
