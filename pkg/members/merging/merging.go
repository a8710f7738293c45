// Package merging moves the history of placeholders to the members that they were merged into.
package merging

import (
	"context"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
)

// Jobs lists the job of this package.
func Jobs() []job.Job { return []job.Job{MergeMembers(Histories()...)} }

// History moves what one kind of rows says of a member to another member, and tells how much it moved. It can be repeated
// and interrupted, and may do it twice at once.
type History struct {
	Type string // of the rows
	Move func(ctx context.Context, m *Move) (int, error)
}

// Move is one move of a history.
type Move struct {
	Org      *store.Organization
	From, To id.Member
	Now      time.Time
}

// Histories lists the kinds of rows that are listed by their member. Timers are not among them: a placeholder has none that
// runs, and one that a legal hold keeps is left as it is.
func Histories() []History {
	return []History{
		{Type: new(timetracking.Entry).Type(), Move: func(ctx context.Context, m *Move) (int, error) {
			return each(ctx, m, store.Index2, timetracking.FamilyEntry, func(e *timetracking.Entry) *id.Member { return &e.Member },
				func(ctx context.Context, tx *store.Tx, e *timetracking.Entry) error {
					e.Updated = m.Now.UnixMilli()
					return invoicing.MoveClaim(ctx, tx, m.Org, e.Invoice, e.ID, m.To)
				})
		}},
		{Type: new(files.File).Type(), Move: func(ctx context.Context, m *Move) (int, error) {
			return each(ctx, m, store.Index1, files.Family, func(f *files.File) *id.Member { return &f.Member },
				func(_ context.Context, _ *store.Tx, f *files.File) error {
					f.Updated = m.Now.UnixMilli()
					return nil
				})
		}},
		{Type: new(support.Ticket).Type(), Move: func(ctx context.Context, m *Move) (int, error) {
			return each(ctx, m, store.Index1, support.Family, func(t *support.Ticket) *id.Member { return &t.Member },
				func(_ context.Context, _ *store.Tx, t *support.Ticket) error {
					t.Updated = m.Now.UnixMilli()
					return nil
				})
		}},
		{Type: new(projects.Member).Type(), Move: leaveProjects},
		{Type: new(support.Message).Type(), Move: func(ctx context.Context, m *Move) (int, error) {
			return each(ctx, m, store.Index1, support.FamilyMessages, func(t *support.Message) *id.Member { return &t.Member },
				func(context.Context, *store.Tx, *support.Message) error { return nil })
		}},
	}
}

// leaveProjects takes a placeholder off the projects that it works on: who it is merged into is not let into them by it.
func leaveProjects(ctx context.Context, m *Move) (int, error) {
	gone := 0
	q := store.Query{Index: store.Index1, Partition: m.Org.Scope().Partition(projects.FamilyMember, string(m.From)), Limit: 100}
	for row, err := range store.All[projects.Member](ctx, m.Org, q) {
		if err != nil {
			return gone, err
		}
		tx := m.Org.Store().Begin()
		tx.Delete(m.Org, row)
		switch err := tx.Commit(ctx); {
		case errors.Is(err, store.ErrStale): // it is gone or held
		case err != nil:
			return gone, err
		default:
			gone++
		}
	}
	return gone, nil
}

// each moves the rows of a family that an index lists under a member. What is under a hold or a restriction stays.
func each[T any, P interface {
	*T
	store.Row
}](ctx context.Context, m *Move, index store.Index, family store.Family, of func(P) *id.Member, with func(context.Context, *store.Tx, P) error) (int, error) {
	moved := 0
	q := store.Query{Index: index, Partition: m.Org.Scope().Partition(family, string(m.From)), Limit: 100}
	for listed, err := range store.All[T, P](ctx, m.Org, q) {
		if err != nil {
			return moved, err
		}
		key := listed.Keys().Primary
		err = store.Again(ctx, store.ErrStale, func() error {
			row, err := store.Get[T, P](ctx, m.Org, key) // the index lags
			if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrRestricted) || err == nil && (*of(row) != m.From || row.Head().Held) {
				return nil
			}
			if err != nil {
				return err
			}
			*of(row) = m.To
			tx := m.Org.Store().Begin()
			if err := with(ctx, tx, row); err != nil {
				return err
			}
			tx.Replace(m.Org, row)
			if err := tx.Commit(ctx); err != nil {
				return err
			}
			moved++
			return nil
		})
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// MergeMembers moves histories until a run finds nothing more to move, a minute or more after the last that did.
func MergeMembers(histories ...History) job.Job {
	return job.Job{
		ID: "merge-members", Area: "organization", Summary: "Move the history of placeholders that are merged", Purpose: purpose.Collaboration, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, members.DueMerge, r.Settled(), func(ctx context.Context, d *store.Due) error { return merge(ctx, r, d, histories) })
		},
	}
}

// patience is how long what a hold or a restriction freezes is left alone before it is looked at again.
const patience = 24 * time.Hour

// merge takes one merge on.
func merge(ctx context.Context, r *job.Run, d *store.Due, histories []History) error {
	scope, _ := store.ScopeOf(d.Target.PK)
	orgID, ok := scope.Organization()
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	org := r.Store.BindOrganization(orgID, r.Actor)
	a, gate := new(access.Access), new(access.OrganizationGate)
	fetches := []*store.Fetch{{Through: org, Key: d.Target, Row: a}, {Through: org, Key: access.OrganizationGateKey(orgID), Row: gate}}
	if err := r.Store.FetchAll(ctx, fetches...); err != nil {
		return err
	}
	err := errors.Join(fetches[0].Err, fetches[1].Err)
	if errors.Is(err, store.ErrMissing) || err == nil && (a.MergeAt != d.At || a.Merged != 0) {
		return store.Forget(ctx, r.Platform(), d) // the organization has gone, or another clock is armed
	}
	if err != nil {
		return err
	}
	if members.Frozen(gate, a.Member, a.MergeInto) {
		return again(ctx, r, org, a, d, patience)
	}
	m := &Move{Org: org, From: a.Member, To: a.MergeInto, Now: r.Clock()}
	moved := 0
	for _, h := range histories {
		n, err := h.Move(ctx, m)
		if err != nil {
			return err
		}
		moved += n
	}
	if moved > 0 {
		r.Log.Info("history_moved", telemetry.Kind(string(members.DueMerge)), telemetry.Count(moved))
		return again(ctx, r, org, a, d, members.Settle)
	}
	a.Merged = r.Clock().Unix()
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	tx.Replace(org, a)
	tx.Change(org, access.AccessKey(orgID, a.MergeInto), func(u *dynamo.Update) { u.Add("receiving", -1) })
	return overtaken(tx.Commit(ctx))
}

// again has a merge looked at once more: the index may not have shown everything yet.
func again(ctx context.Context, r *job.Run, org *store.Organization, a *access.Access, d *store.Due, in time.Duration) error {
	tx := r.Store.Begin()
	tx.Disarm(org, d, false)
	a.MergeAt = r.Clock().Add(in).Unix()
	tx.Replace(org, a)
	tx.Arm(org, members.MergeDue(a))
	return overtaken(tx.Commit(ctx))
}

// overtaken passes over that another run, or a change of the placeholder, was first: the clock rings again.
func overtaken(err error) error {
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}
