package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// NewEngine makes the engine that the jobs of this area erase with. Objects are the buckets that an erasure empties.
func NewEngine(st *store.Store, objects []erasure.Objects, vault erasure.Vault, seals erasure.Sealer, pseudonyms keys.Pseudonyms, clock func() time.Time) *erasure.Engine {
	return &erasure.Engine{Store: st, Objects: objects, Vault: vault, Seals: seals, Pseudonyms: pseudonyms,
		Map: datamap.Current(), Clock: clock, Clocks: Clocks, Close: organization.Close, Uninvite: invitations.RevokeAll,
		Packing: func(ctx context.Context, h record.Handle) (bool, error) { return packing(ctx, h, clock()) },
		Correspondence: func(ctx context.Context, h record.Handle, m datamap.Map) (string, error) {
			return correspondence(ctx, h, m, pseudonyms)
		}}
}

// packing says whether a builder of packages of a scope is under way, whose claim lasts as long as it may run.
func packing(ctx context.Context, h record.Handle, now time.Time) (busy bool, err error) {
	err = each(ctx, h, FamilyPackage, func(p *Package) {
		busy = busy || p.State == PackageBuilding && p.ClaimedUntil > now.Unix()
	})
	return busy, err
}

// Clocks lists the due rows of mails, packages and API tokens of a scope.
func Clocks(ctx context.Context, h record.Handle) ([]*store.Due, error) {
	var all []*store.Due
	err := errors.Join(
		each(ctx, h, outbox.Family, func(m *outbox.Mail) { all = append(all, outbox.DueFor(m)) }),
		each(ctx, h, FamilyPackage, func(p *Package) {
			if p.State != PackageReady {
				all = append(all, p.due())
			}
		}),
		each(ctx, h, access.FamilyAPIToken, func(t *access.APIToken) {
			if d := t.Due(); d != nil {
				all = append(all, d)
			}
		}),
	)
	return all, err
}

// SweepRetention carries out, every hour, all retention that is due by the time of its event. It costs what is due, not
// what is stored, and an outage of any length loses nothing. What areas keep by clocks of their own they clear themselves.
func SweepRetention(engine *erasure.Engine, clearances ...retention.Clearance) job.Job {
	return job.Job{
		ID: "sweep-retention", Area: "privacy", Summary: "Delete what is due", Purpose: purpose.PrivacyRights, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			s := &sweeper{worker: worker{st: r.Store, engine: engine, actor: r.Actor, clock: r.Clock, log: r.Log}, clearances: clearances}
			kinds := []store.DueKind{retention.AccountPurge, retention.OrganizationPurge}
			for _, c := range clearances {
				kinds = append(kinds, c.Kind)
			}
			var failed error
			for _, kind := range kinds {
				failed = errors.Join(failed, r.EachDue(ctx, kind, r.Event.At, func(ctx context.Context, d *store.Due) error { return s.purge(ctx, d, r.Event.At) }))
			}
			if failed != nil {
				return failed
			}
			return heartbeat.Beat(ctx, r, "sweep-retention")
		},
	}
}

// CascadeExpired carries out the retention whose wake row TTL has just deleted. It does the work of the sweep, earlier.
func CascadeExpired(engine *erasure.Engine, clearances ...retention.Clearance) job.Job {
	return job.Job{
		ID: "cascade-expired", Area: "privacy", Summary: "Delete what hangs on rows that have expired", Purpose: purpose.PrivacyRights,
		Triggers: []string{"stream"},
		Run: func(ctx context.Context, r *job.Run) error {
			s := &sweeper{worker: worker{st: r.Store, engine: engine, actor: r.Actor, clock: r.Clock, log: r.Log}, clearances: clearances}
			var failed error
			for _, rec := range r.Event.Records {
				if !rec.Expired() {
					continue
				}
				d, err := store.DueOf(ctx, r.Platform(), rec.Change.Keys.Text("PK"), rec.Change.Keys.Text("SK"))
				if errors.Is(err, store.ErrMissing) {
					continue // not a wake row, or the sweep was first
				}
				if err == nil {
					err = s.purge(ctx, d, r.Event.At)
				}
				failed = errors.Join(failed, err)
			}
			return failed
		},
	}
}

type sweeper struct {
	worker
	clearances []retention.Clearance
}

// purge carries out one due purge.
func (s *sweeper) purge(ctx context.Context, d *store.Due, now time.Time) error {
	if d.Time().After(now) {
		return nil
	}
	scope, _ := store.ScopeOf(d.Target.PK)
	res, err := erasure.Result{}, error(nil)
	switch d.Kind {
	case retention.AccountPurge:
		user, ok := scope.User()
		if !ok {
			return s.forgetWake(ctx, d)
		}
		res, err = s.engine.Account(ctx, s.actor, user, erasure.Cause{Clock: d.Time(), Final: func(tx *store.Tx, p *store.Platform, res erasure.Result) error {
			logPurge(tx, p, string(d.Kind), now, d.Time(), res.Count, res.Kept)
			return s.closeOpen(ctx, tx, p, scope, res.Subject, "", now)
		}})
	case retention.OrganizationPurge:
		org, ok := scope.Organization()
		if !ok {
			return s.forgetWake(ctx, d)
		}
		res, err = s.engine.Organization(ctx, s.actor, org, d.Time(), func(tx *store.Tx, p *store.Platform, res erasure.Result) error {
			logPurge(tx, p, string(d.Kind), now, d.Time(), res.Count, res.Kept)
			return nil
		})
	default:
		return s.clear(ctx, d, now)
	}
	switch {
	case errors.Is(err, erasure.ErrBusy), errors.Is(err, erasure.ErrSoon):
		return nil
	case errors.Is(err, erasure.ErrRestored):
		return s.forgetWake(ctx, d)
	case errors.Is(err, erasure.ErrHeld):
		return s.putOff(ctx, d, now)
	case err != nil:
		return err
	}
	s.log.Info("purged", telemetry.Kind(string(d.Kind)), telemetry.Count(res.Count), telemetry.Lag(now.Sub(d.Time())))
	return nil
}

// clear has an area remove what is due. What a writer or a twin changed meanwhile is left to the next run.
func (s *sweeper) clear(ctx context.Context, d *store.Due, now time.Time) error {
	n := slices.IndexFunc(s.clearances, func(c retention.Clearance) bool { return c.Kind == d.Kind })
	if n < 0 {
		return nil
	}
	tx, count, err := s.clearances[n].Clear(ctx, s.st, s.actor, d)
	switch {
	case errors.Is(err, retention.ErrHeld):
		return s.putOff(ctx, d, now)
	case errors.Is(err, retention.ErrLater), errors.Is(err, store.ErrStale):
		return nil
	case err != nil:
		return err
	case tx == nil:
		return s.forgetWake(ctx, d)
	}
	p := s.st.BindPlatform(s.actor)
	tx.Disarm(p, d, true)
	logPurge(tx, p, string(d.Kind), now, d.Time(), count, 0)
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	if err == nil {
		s.log.Info("purged", telemetry.Kind(string(d.Kind)), telemetry.Count(count), telemetry.Lag(now.Sub(d.Time())))
	}
	return err
}

// forgetWake removes a due row and its wake row whose work has gone.
func (s *sweeper) forgetWake(ctx context.Context, d *store.Due) error {
	tx := s.st.Begin()
	tx.Disarm(s.st.BindPlatform(s.actor), d, true)
	return tx.Commit(ctx)
}

// putOff moves the clock of what a hold keeps by a day.
func (s *sweeper) putOff(ctx context.Context, d *store.Due, now time.Time) error {
	p := s.st.BindPlatform(s.actor)
	tx := s.st.Begin()
	tx.Disarm(p, d, true)
	tx.ArmWake(p, store.NewDue(d.Kind, now.Add(retention.PutOff), d.Target))
	return tx.Commit(ctx)
}

// closeOpen closes the requests that were open when their person's account went: an erasure is thereby done, anything
// else has lost its subject.
func (w *worker) closeOpen(ctx context.Context, tx *store.Tx, p *store.Platform, from store.Scope, subject string, except id.Case, now time.Time) error {
	h := w.st.BindCase(subject, w.actor)
	var failed error
	err := each(ctx, h, FamilyRequest, func(r *Request) {
		switch {
		case r.ID == except:
			return
		case !r.State.Open() && r.Next != 0: // what it keeps under a duty has lost its subject
			tx.Disarm(p, store.NewDue(RequestDue, clock.At(r.Next), requestKey(from, r.ID)), false)
			r.Next = 0
			tx.Rewrite(h, r)
			r.line(tx, h)
			return
		case !r.State.Open():
			failed = errors.Join(failed, w.moved(ctx, h, r))
			return
		}
		if r.Next != 0 {
			tx.Disarm(p, store.NewDue(RequestDue, clock.At(r.Next), requestKey(from, r.ID)), false)
		}
		failed = errors.Join(failed, overtaken(r, now))
		tx.Rewrite(h, r)
		r.line(tx, h)
	})
	return errors.Join(err, failed)
}

// moved lets the line of a closed request lead to where its erased person's proofs lie. There may be more of them than a
// transaction holds, and writing one again changes nothing.
func (w *worker) moved(ctx context.Context, h holder, r *Request) error {
	tx := w.st.Begin()
	r.line(tx, h)
	return tx.Commit(ctx)
}

// overtaken ends an open request whose account has gone by another way.
func overtaken(r *Request, now time.Time) error {
	if r.Kind != request.Erasure {
		r.State, r.Denial, r.Closed, r.Next = request.Denied, "account_deleted", now.Unix(), 0
		r.note(now, "account_deleted", "")
		r.ExpiresAt = mustDue(now)
		return nil
	}
	for _, e := range []request.Event{
		{Type: request.IdentityPassed}, {Type: request.Scoped, Items: []request.Item{{Name: itemAccount, Decision: request.Act},
			{Name: itemProofs, Decision: request.Retain, Ground: "legal_obligation"}}},
		{Type: request.Approved}, {Type: request.LedgerWritten}, {Type: request.DestructionBegun},
		{Type: request.StepDone, Item: itemAccount}, {Type: request.Finished}} {
		e.At = now
		if request.May(r.State, e.Type) {
			if err := r.happen(e); err != nil && !errors.Is(err, request.ErrState) {
				return fmt.Errorf("close an overtaken request: %s: %w", e.Type, err)
			}
		}
	}
	return nil
}

// mustDue is the end of a request that is closed now.
func mustDue(now time.Time) int64 {
	rule, _ := retention.Of("privacy_request")
	end, _ := rule.Due(now)
	return end.Unix()
}
