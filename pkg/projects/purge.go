package projects

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Part deletes what one area has under a project whose time is over, and tells how much went and how much a hold or a
// restriction keeps. It can be repeated and interrupted. Financial records are no area's part: they outlive the project.
type Part func(ctx context.Context, under *Outlived) (gone, kept int, err error)

// Outlived is a project whose data goes.
type Outlived struct {
	Org  *store.Organization // sees what is restricted
	ID   id.Project
	gate *access.OrganizationGate
}

// Keeps says whether a hold or a restriction keeps a row of a member.
func (o *Outlived) Keeps(row *store.Meta, of id.Member) bool {
	return row.Held || row.Restricted || slices.Contains(o.gate.HeldMembers, of) || slices.Contains(o.gate.RestrictedMembers, of)
}

// Bound makes a transaction fail with retention.ErrHeld when the project has come under a hold meanwhile.
func (o *Outlived) Bound(tx *store.Tx) {
	tx.Check(o.Org, Key(o.Org.ID, o.ID), "attribute_exists('PK') AND attribute_not_exists('held') AND attribute_not_exists('restricted')").Else(retention.ErrHeld)
}

// Booked gives the numbers of the bookings under the project, up to so many at a time.
func (o *Outlived) Booked(ctx context.Context, atOnce int) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		q := store.Query{Partition: o.Org.Scope().Partition(FamilyBooking, string(o.ID)), Limit: atOnce}
		for {
			rows, cursor, err := store.List[Booking](ctx, o.Org, q)
			numbers := make([]string, len(rows))
			for n, b := range rows {
				numbers[n] = b.SK
			}
			if len(numbers) > 0 && !yield(numbers, err) || err != nil && !yield(nil, err) {
				return
			}
			if q.Cursor = cursor; err != nil || cursor == "" {
				return
			}
		}
	}
}

// used is when hours or files last came under a project, the zero time when nothing lies there.
func used(ctx context.Context, org *store.Organization, p id.Project) (time.Time, error) {
	q := store.Query{Partition: org.Scope().Partition(FamilyBooking, string(p)), Descending: true, Limit: 1}
	rows, _, err := store.List[Booking](ctx, org, q)
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return id.Made(id.Entry(id.Prefix[id.Entry]() + "_" + rows[0].SK)), nil
}

// keeper is one look at a project.
type keeper struct {
	st    *store.Store
	actor store.Actor
	org   *store.Organization
	gate  *access.OrganizationGate
}

// newKeeper binds the organization that a due row leads to; nil when it has gone.
func newKeeper(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*keeper, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	org, ok := scope.Organization()
	if !ok {
		return nil, nil
	}
	k := &keeper{st: st, actor: actor, org: st.BindOrganization(org, actor)}
	k.org.SeeRestricted()
	k.org.SeeDue()
	gate, err := store.Get[access.OrganizationGate](ctx, k.org, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	k.gate = gate
	return k, err
}

// Purge looks at a project whose clock has rung: the owner is told, the project is shut, or all that lies under it goes, the
// project last. What a hold or a restriction keeps stays, and the project with it.
func Purge(parts ...Part) retention.Clearer {
	return func(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
		k, err := newKeeper(ctx, st, actor, d)
		if err != nil || k == nil {
			return nil, 0, err
		}
		p, err := store.Get[Project](ctx, k.org, d.Target)
		switch {
		case errors.Is(err, store.ErrMissing), err == nil && (p.Clock == 0 || p.Clock > d.At):
			return nil, 0, nil // gone, or another clock is armed
		case err != nil:
			return nil, 0, err
		case k.gate.Held || p.Held || p.Restricted:
			return nil, 0, retention.ErrHeld
		case p.DueAt == 0:
			begun, err := k.decide(ctx, p, d)
			if err != nil || !begun {
				return nil, 0, err
			}
		}
		return k.purge(ctx, p, parts)
	}
}

// decide takes the next step about a project, and says whether that is its end.
func (k *keeper) decide(ctx context.Context, p *Project, d *store.Due) (bool, error) {
	last, err := used(ctx, k.org, p.ID)
	if err != nil {
		return false, err
	}
	now := k.st.Now()
	v := p.judge(retention.ProjectRuleOf(k.gate), last, now)
	if p.Status == Closing && p.Shut == 0 && v.step != rest {
		v.step, v.look = wait, now.Add(time.Hour) // its deletion is being looked at
	}
	if v.step == purge { // nothing brings it back from here on
		tx := k.st.Begin()
		p.DueAt = now.Unix()
		tx.Replace(k.org, p)
		return true, tx.Commit(ctx)
	}
	tx := k.st.Begin()
	if d.At != p.Clock && d.At != clock.Epoch(v.look) { // it was put off
		tx.Disarm(k.org, d, true)
	}
	p.follow(tx, k.org, v)
	if v.step == tell {
		if err := k.tell(ctx, tx, v.goes); err != nil {
			return false, err
		}
	}
	tx.Replace(k.org, p)
	if err := tx.Commit(ctx); err != nil && !errors.Is(err, store.ErrExists) { // the mail was queued meanwhile, and the next look finds it
		return false, err
	}
	return false, retention.ErrLater
}

// tell adds to a transaction the mail to the owner about what goes on a day, one for all projects of that day. Without an
// owner nobody is told.
func (k *keeper) tell(ctx context.Context, tx *store.Tx, goes time.Time) error {
	owner, err := access.OwnerOf(ctx, k.org)
	if err != nil || owner == nil {
		return err
	}
	day := goes.Format(time.DateOnly)
	h, dedupe := k.st.BindUser(owner.User, k.actor), store.Join(MailRetention, string(k.org.ID), day)
	h.SeeRestricted()
	_, err = store.Get[outbox.Mail](ctx, h, outbox.Key(h.Scope(), dedupe))
	if errors.Is(err, store.ErrMissing) {
		outbox.Queue(tx, h, MailRetention, dedupe, map[string]string{"org": string(k.org.ID), "day": day})
		return nil
	}
	return err
}

// purge deletes what lies under a project, and gives the transaction in which the project itself goes.
func (k *keeper) purge(ctx context.Context, p *Project, parts []Part) (*store.Tx, int, error) {
	under := &Outlived{Org: k.org, ID: p.ID, gate: k.gate}
	all := 0
	for _, part := range parts {
		gone, kept, err := part(ctx, under)
		if err != nil {
			return nil, 0, err
		}
		if kept > 0 {
			return nil, 0, retention.ErrHeld
		}
		all += gone
	}
	_, kept, err := store.Purge(ctx, k.org, k.org.Scope().Partition(FamilyBooking, string(p.ID)))
	if err != nil {
		return nil, 0, err
	}
	stay, err := dismiss(ctx, k.org, p.ID)
	if err != nil {
		return nil, 0, err
	}
	if kept+stay > 0 {
		return nil, 0, retention.ErrHeld
	}
	tx := k.st.Begin()
	tx.Delete(k.org, p)
	if err := k.unmark(ctx, tx, p); err != nil {
		return nil, 0, err
	}
	tx.Change(k.org, access.OrganizationGateKey(k.org.ID), func(u *dynamo.Update) { u.Set("purged_at", k.st.Now().Unix()) })
	return tx, all + 1, nil
}

// unmark frees the key of a project, and its place among its client's when the client is still there.
func (k *keeper) unmark(ctx context.Context, tx *store.Tx, p *Project) error {
	tx.DeleteKey(k.org, markerKey(k.org, p.Short), "attribute_not_exists('PK') OR 'project' = ?", p.ID)
	if p.Client == "" {
		return nil
	}
	_, err := store.Get[clients.Client](ctx, k.org, clients.Key(k.org.ID, p.Client))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	clients.Release(tx, k.org, p.Client)
	return err
}

// Follow lets the clocks of an organization's projects follow its setting, after that has changed. Whatever is killed on
// the way is gone through again: a clock that is right is left alone.
func Follow(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
	k, err := newKeeper(ctx, st, actor, d)
	if err != nil || k == nil {
		return nil, 0, err
	}
	q := store.Query{Partition: k.org.Scope().Partition(Family), Limit: 100}
	for p, err := range store.All[Project](ctx, k.org, q) {
		if err != nil {
			return nil, 0, err
		}
		if err := k.follow(ctx, p); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, nil
}

// follow sets the clock of one project anew.
func (k *keeper) follow(ctx context.Context, p *Project) error {
	again := false
	return store.Again(ctx, store.ErrStale, func() error {
		if again {
			row, err := store.Get[Project](ctx, k.org, Key(p.Org, p.ID))
			if errors.Is(err, store.ErrMissing) {
				return nil
			}
			if err != nil {
				return err
			}
			p = row
		}
		again = true
		if p.DueAt != 0 || p.Status == Closing && p.Shut == 0 {
			return nil // it goes, whatever the setting
		}
		before, tx, now := *p, k.st.Begin(), k.st.Now()
		switch v := p.judge(retention.ProjectRuleOf(k.gate), time.Time{}, now); v.step {
		case rest, wait:
			p.follow(tx, k.org, v)
		default: // the look knows more
			if p.Clock == 0 || p.Clock > now.Unix() {
				p.lookAt(tx, k.org, now.Unix())
			}
		}
		if p.Clock == before.Clock && p.Goes == before.Goes && p.Shut == before.Shut {
			return nil
		}
		tx.Replace(k.org, p)
		return tx.Commit(ctx)
	})
}
