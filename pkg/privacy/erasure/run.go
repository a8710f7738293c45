package erasure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// run is one erasure under way.
type run struct {
	*Engine
	actor    store.Actor
	platform *store.Platform
	home     record.Handle
	scope    registry.Scope
	subject  string
	of       string
	name     string // the id that is to vanish
	c        id.Case
	due      time.Time
	entry    *Entry
}

type step struct {
	name string
	do   func(context.Context) (int, error)
}

// claim takes the erasure for this run, by its entry in the table.
func (r *run) claim(ctx context.Context) error {
	now := r.Clock()
	entry, err := r.open(ctx, r.platform, &Entry{Subject: r.subject, Of: r.of, Case: r.c, Begun: now.Unix()})
	if err != nil {
		return err
	}
	if entry.ClaimedUntil > now.Unix() {
		return ErrBusy
	}
	r.entry = entry
	r.entry.ClaimedUntil, r.entry.Done = now.Add(lease).Unix(), 0
	if r.entry.Case == "" {
		r.entry.Case = r.c
	}
	return r.keep(ctx)
}

// keep writes the entry; a run that lost its claim stops here.
func (r *run) keep(ctx context.Context) error {
	tx := r.Store.Begin()
	tx.Rewrite(r.platform, r.entry).Else(ErrBusy)
	return tx.Commit(ctx)
}

// all does every step in order. Steps that an earlier run did are done again: they find little, and a restored table or
// a late writer may have brought something back.
func (r *run) all(ctx context.Context, steps []step) error {
	for _, s := range steps {
		n, err := s.do(ctx)
		if err != nil {
			r.release(ctx)
			return fmt.Errorf("erasure %s: %w", s.name, err)
		}
		if r.entry.Steps == nil {
			r.entry.Steps = map[string]int64{}
		}
		r.entry.Steps[s.name] = r.Clock().Unix()
		r.entry.Count += n
		if err := r.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// release gives the claim back after a failure, so that the next run need not wait for its end.
func (r *run) release(ctx context.Context) {
	r.entry.ClaimedUntil = 0
	_ = r.keep(context.WithoutCancel(ctx)) // if this fails too, the claim ends by itself
}

// disarm remembers the clock that the gate had, to remove it at the end.
func (r *run) disarm(dueAt int64) {
	if dueAt != 0 {
		r.setStep("armed", dueAt)
	}
}

func (r *run) setStep(name string, v int64) {
	if r.entry.Steps == nil {
		r.entry.Steps = map[string]int64{}
	}
	r.entry.Steps[name] = v
}

func (r *run) settled(now time.Time) error {
	if !r.again && now.Sub(clock.At(r.entry.Closed)) < settle {
		return ErrSoon
	}
	return nil
}

// packed waits for jobs that store objects.
func (r *run) packed(ctx context.Context) error {
	if r.Packing == nil || r.again {
		return nil
	}
	busy, err := r.Packing(ctx, r.home)
	if err == nil && busy {
		return ErrSoon
	}
	return err
}

// written writes the ledger where no restored table can undo it, and tells that the erasure has begun.
func (r *run) written(ctx context.Context, begin func(context.Context) error) error {
	if err := r.vault(ctx, r.entry, r.name); err != nil || begin == nil {
		return err
	}
	return begin(ctx)
}

// finish removes the gate and the clocks and closes the ledger, all in one transaction.
func (r *run) finish(ctx context.Context, gate store.Key, kind store.DueKind, final func(*store.Tx, *store.Platform, Result) error) (Result, error) {
	res := Result{Subject: r.subject, Count: r.entry.Count, Kept: r.entry.Kept}
	row, err := store.Get[record.Row](ctx, r.home, gate)
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return Result{}, err
	}
	tx := r.Store.Begin()
	clocks := map[int64]bool{}
	if row != nil {
		tx.DeleteKey(r.home, gate, "'_v' = ? AND attribute_not_exists('restricted')", row.Version).Else(ErrBusy)
		clocks[row.DueAt] = true
		res.Count++
	}
	clocks[r.entry.Steps["armed"]] = true
	if !r.due.IsZero() {
		clocks[r.due.Unix()] = true
	}
	for at := range clocks {
		if at != 0 {
			tx.Disarm(r.platform, store.NewDue(kind, time.Unix(at, 0), gate), true)
		}
	}
	if final != nil {
		if err := final(tx, r.platform, res); err != nil {
			r.release(ctx)
			return Result{}, err
		}
	}
	done := *r.entry
	done.Done, done.Table, done.ClaimedUntil, done.Count = r.Clock().Unix(), r.Store.Name(), 0, res.Count
	done.Steps = maps.Clone(r.entry.Steps)
	delete(done.Steps, "armed")
	tx.Rewrite(r.platform, &done).Else(ErrBusy)
	if err := tx.Commit(ctx); err != nil {
		r.release(ctx)
		return Result{}, err
	}
	return res, nil
}
