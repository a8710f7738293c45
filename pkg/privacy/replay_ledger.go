package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Settings tells of a table what its rows cannot.
type Settings interface {
	ID(ctx context.Context) (string, error)        // DynamoDB's own, which no other table ever has
	Missing(ctx context.Context) ([]string, error) // which of TTL, stream and recovery are off
}

// Ledger reads the vault.
type Ledger interface {
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	Opener
}

// Replay is what brings a restored table up to the vault.
type Replay struct {
	Engine *erasure.Engine
	Ledger Ledger
	Seals  *keys.Envelope // opens what the ledger has sealed
	Table  Settings

	// Contact brings a client to where its erasure had it, and tells whether that is done. What is left one of Then does.
	Contact func(ctx context.Context, org *store.Organization, c id.Client, begun time.Time) (done bool, err error)

	// Then are the jobs that finish what is due: the erasures of contacts, and retention.
	Then []job.Job
}

// ErrIncomplete says that a restored table is not what it must be yet.
var ErrIncomplete = errors.New("privacy: the restored table may not be served yet")

// ReplayLedger makes a table that was restored from a backup one that may be served, and does nothing in any other. It
// places and lifts the legal holds of the book again, then does every erasure of the ledger again, then what retention had
// done. When all of it is done and TTL, stream and recovery are on, the ring of keys is given the table's name and the
// time, and every function begins to serve it. A run that is killed, or that meets something it cannot do, leaves the rest
// to the next one.
func ReplayLedger(x Replay) job.Job {
	return job.Job{
		ID: "replay-ledger", Area: "privacy", Summary: "Erase again in a restored table what was erased since, and let it be served", Purpose: purpose.PrivacyRights,
		Triggers: []string{"schedule"}, Restores: true,
		Run: func(ctx context.Context, r *job.Run) error {
			ring, err := store.Get[keyring.Ring](ctx, r.Platform(), keyring.RingKey())
			if errors.Is(err, store.ErrMissing) {
				return nil // a new stage
			}
			if err != nil {
				return err
			}
			table, err := x.Table.ID(ctx)
			if err != nil {
				return err
			}
			own := ring.Table == r.Store.Name()
			if own && ring.TableID == table {
				return nil
			}
			if own && ring.TableID != "" { // restored under the name of the one that it was made of
				ring.Table = ""
				if err := saveRing(ctx, r, ring); err != nil {
					return err
				}
				own = false
			}
			if !own {
				if err := (&replayer{Replay: x, Run: r}).all(ctx); err != nil {
					return err
				}
				ring.Restored = r.Clock().Unix() // by which it is known of what was signed of the table before
			}
			ring.Table, ring.TableID = r.Store.Name(), table
			return saveRing(ctx, r, ring)
		},
	}
}

// saveRing writes the ring, unless another run was first; the next one looks again.
func saveRing(ctx context.Context, r *job.Run, ring *keyring.Ring) error {
	tx := r.Store.Begin()
	tx.Replace(r.Platform(), ring)
	return store.Except(tx.Commit(ctx), store.ErrStale)
}

type replayer struct {
	Replay
	*job.Run
}

// all does everything that a restored table needs, and gives ErrIncomplete when something of it is still to be done.
func (x *replayer) all(ctx context.Context) error {
	if err := x.holds(ctx); err != nil {
		return err
	}
	left, err := x.erasures(ctx)
	if err != nil {
		return err
	}
	for _, j := range x.Then {
		if err := j.Run(ctx, x.Run); err != nil {
			return fmt.Errorf("replay: %s: %w", j.ID, err)
		}
	}
	if left > 0 { // what the jobs had to finish is looked at again
		if left, err = x.erasures(ctx); err != nil {
			return err
		}
	}
	off, err := x.Table.Missing(ctx)
	if err != nil {
		return err
	}
	for _, name := range off {
		x.Log.Error("table_setting_off", telemetry.Kind(name))
	}
	if left > 0 || len(off) > 0 {
		return fmt.Errorf("%w: %d erasures are not done, off are %v", ErrIncomplete, left, off)
	}
	x.Log.Info("table_admitted")
	return nil
}

// holds brings the legal holds of the table up to the book.
func (x *replayer) holds(ctx context.Context) error {
	placed, lifted := map[id.Hold]*written{}, map[id.Hold]*written{}
	var order []id.Hold
	for object, err := range x.Ledger.List(ctx, erasure.HoldsPrefix) {
		if err != nil {
			return err
		}
		w := new(written)
		if err := x.read(ctx, object, w); err != nil {
			return err
		}
		if object == liftedObject(w.Hold) {
			lifted[w.Hold] = w
		} else {
			placed[w.Hold] = w
		}
		if !slices.Contains(order, w.Hold) {
			order = append(order, w.Hold)
		}
	}
	for _, h := range order {
		if err := x.hold(ctx, h, placed[h], lifted[h]); err != nil { // another run that was first leaves it to the next
			return fmt.Errorf("replay: a hold: %w", err)
		}
	}
	return nil
}

// hold brings one hold up to the book.
func (x *replayer) hold(ctx context.Context, name id.Hold, placed, lifted *written) error {
	p, tx := x.Platform(), x.Store.Begin()
	h, err := store.Get[Hold](ctx, p, holdKey(name))
	switch {
	case err == nil && (lifted == nil || h.State == holdLifted):
		return nil
	case err == nil:
		was := h.Next
		if err := h.lift(ctx, x.Store, x.Actor, tx, p, lifted.At, lifted.By); err != nil {
			return err
		}
		h.save(tx, p, was)
		return tx.Commit(ctx)
	case !errors.Is(err, store.ErrMissing):
		return err
	case placed == nil || lifted != nil && clocks.AddYears(lifted.At, retention.AuditYears).Before(x.Clock()):
		return nil
	}
	what, err := x.open(ctx, placedObject(name), placed.Sealed)
	if err != nil {
		return err
	}
	var held HeldBody
	if err := json.Unmarshal(what, &held); err != nil {
		return err
	}
	h = &Hold{ID: name, Matter: placed.Matter, Kind: held.Kind, Object: held.ID, Organization: held.Organization, State: holdActive,
		Placed: placed.At.Unix(), PlacedBy: placed.By, Review: placed.At.Add(HoldReview).Unix(), Next: placed.At.Add(HoldReview).Unix()}
	if lifted != nil {
		h.end(lifted.At, lifted.By)
	} else {
		t, err := thingOf(x.Store, x.Actor, held.Kind, held.ID, held.Organization, true)
		if err != nil {
			return err
		}
		if err := t.seize(ctx, tx, p, name); err != nil && !errors.Is(err, store.ErrMissing) { // made after the backup
			return err
		}
		tx.Arm(p, h.due())
	}
	tx.Create(p, h).Else(store.ErrStale)
	return tx.Commit(ctx)
}

// erasures does every erasure of the ledger again that was not done in this table, and tells how many are still not done.
// One that fails stops no other.
func (x *replayer) erasures(ctx context.Context) (left int, err error) {
	var failed error
	for object, err := range x.Ledger.List(ctx, erasure.LedgerPrefix) {
		if err != nil {
			return 0, err
		}
		if strings.HasPrefix(object, erasure.HoldsPrefix) {
			continue
		}
		done, err := x.erasure(ctx, object)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			x.Log.Error("replay_failed", telemetry.Cause(err))
			failed = errors.Join(failed, err)
		} else if !done {
			left++
		}
	}
	return left, failed
}

// erasure does one erasure again. It is done when an earlier run did it in this table.
func (x *replayer) erasure(ctx context.Context, object string) (done bool, err error) {
	w := new(erasure.Written)
	if err := x.read(ctx, object, w); err != nil {
		return false, err
	}
	e, err := store.Get[erasure.Entry](ctx, x.Platform(), erasure.EntryKey(w.Subject))
	if err == nil && e.Done != 0 && e.Table == x.Store.Name() {
		return true, nil
	}
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return false, err
	}
	name, err := x.open(ctx, object, w.Sealed)
	if err != nil {
		return false, err
	}
	switch w.Of {
	case erasure.ScopeAccount:
		user, err := id.Parse[id.User](string(name))
		if err != nil {
			return false, fmt.Errorf("replay: %w", err)
		}
		return x.account(ctx, user, w)
	case erasure.ScopeOrganization:
		org, err := id.Parse[id.Organization](string(name))
		if err != nil {
			return false, fmt.Errorf("replay: %w", err)
		}
		return x.organization(ctx, org)
	case erasure.ScopeCorrespondent:
		if e != nil && e.Done != 0 {
			return true, nil // the table is from after the erasure: what is there was written since
		}
		_, err := x.Engine.Again().Correspondent(ctx, x.Actor, string(name), erasure.Cause{Case: id.Case(w.Case)})
		return judged(err)
	case erasure.ScopeContact:
		parts := store.Parts(string(name))
		org, err := id.Parse[id.Organization](parts[0])
		if err != nil || len(parts) != 2 {
			return false, errors.New("replay: not the name of a contact")
		}
		c, err := id.Parse[id.Client](parts[1])
		if err != nil {
			return false, fmt.Errorf("replay: %w", err)
		}
		h := x.Store.BindOrganization(org, x.Actor)
		h.SeeRestricted()
		return x.Contact(ctx, h, c, w.Begun)
	}
	return false, fmt.Errorf("replay: an erasure of %q", w.Of)
}

func (x *replayer) account(ctx context.Context, user id.User, w *erasure.Written) (bool, error) {
	now := x.Clock()
	k := &worker{st: x.Store, engine: x.Engine, actor: x.Actor, clock: x.Clock, log: x.Log}
	_, err := x.Engine.Again().Account(ctx, x.Actor, user, erasure.Cause{Case: id.Case(w.Case), Final: func(tx *store.Tx, p *store.Platform, res erasure.Result) error {
		return k.closeOpen(ctx, tx, p, store.UserScope(user), res.Subject, "", now)
	}})
	if errors.Is(err, erasure.ErrHeld) {
		return true, x.keepAccount(ctx, user, now)
	}
	return judged(err)
}

func (x *replayer) organization(ctx context.Context, org id.Organization) (bool, error) {
	_, err := x.Engine.Again().Organization(ctx, x.Actor, org, x.Clock(), nil)
	if errors.Is(err, erasure.ErrHeld) {
		return true, x.keepOrganization(ctx, org, x.Clock())
	}
	return judged(err)
}

// judged says whether an erasure is done. One that another run is at is not.
func judged(err error) (bool, error) {
	if errors.Is(err, erasure.ErrBusy) {
		return false, nil
	}
	return err == nil, err
}

// keepAccount closes an account whose erasure a legal hold has stopped, in this table as in the one before: nobody enters
// it, and it goes when the hold is lifted.
func (x *replayer) keepAccount(ctx context.Context, user id.User, now time.Time) error {
	x.Log.Warn("erasure_held", telemetry.Kind(erasure.ScopeAccount))
	h := x.Store.BindUser(user, x.Actor)
	h.SeeDue()
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(user))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	gate.Sessions = nil
	if gate.Deleted == 0 {
		gate.Deleted = now.Unix()
	}
	tx := x.Store.Begin()
	if !gate.Held { // of something in it; the sweep looks again every day
		if gate.DueAt == 0 {
			gate.DueAt = now.Unix()
		}
		tx.ArmWake(h, retention.AccountDue(user, clock.At(gate.DueAt)))
	}
	tx.Rewrite(h, gate)
	return tx.Commit(ctx)
}

func (x *replayer) keepOrganization(ctx context.Context, org id.Organization, now time.Time) error {
	x.Log.Warn("erasure_held", telemetry.Kind(erasure.ScopeOrganization))
	h := x.Store.BindOrganization(org, x.Actor)
	h.SeeDue()
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if gate.Status != access.Closed {
		gate.Was, gate.Status, gate.ClosingAt = gate.Status, access.Closed, now.Unix()
	}
	tx := x.Store.Begin()
	if !gate.Held {
		if gate.DueAt == 0 {
			gate.DueAt = now.Unix()
		}
		tx.ArmWake(h, retention.OrganizationDue(org, clock.At(gate.DueAt)))
	}
	tx.Rewrite(h, gate)
	return tx.Commit(ctx)
}

// read reads an object of the vault.
func (x *replayer) read(ctx context.Context, object string, into any) error {
	r, err := x.Ledger.Open(ctx, object)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		return fmt.Errorf("replay: read the ledger: %w", err)
	}
	return nil
}

// open opens what was sealed for an object of the vault.
func (x *replayer) open(ctx context.Context, object string, sealed []byte) ([]byte, error) {
	plain, err := x.Seals.Open(ctx, erasure.Sealed(object), sealed)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return plain, nil
}
