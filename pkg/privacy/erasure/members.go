package erasure

import (
	"context"
	"errors"
	"slices"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// closeAccount ends every session for good and makes the account unrestorable, and waits for writers to be through.
func (r *run) closeAccount(ctx context.Context, user id.User) error {
	gate, err := store.Get[access.UserGate](ctx, r.home, access.UserGateKey(user))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if gate.Held || gate.Hold {
		return ErrHeld // since the run began
	}
	now := r.Store.Now()
	if r.entry.Closed == 0 || len(gate.Sessions) > 0 || gate.Deleted == 0 || gate.DueAt == 0 || gate.DueAt > now.Unix() {
		before := gate.Deleted
		r.entry.Closed = now.Unix()
		if before != 0 && now.Sub(clock.At(before)) > settle && len(gate.Sessions) == 0 {
			r.entry.Closed = before
		}
		if gate.Deleted == 0 {
			gate.Deleted = now.Unix()
		}
		if gate.DueAt == 0 || gate.DueAt > now.Unix() {
			r.disarm(gate.DueAt)
			gate.DueAt = now.Unix()
		}
		gate.Sessions = nil
		tx := r.Store.Begin()
		tx.Rewrite(r.home, gate).Else(ErrBusy)
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return r.settled(now)
}

func (r *run) closeOrganization(ctx context.Context, org id.Organization) error {
	gate, err := store.Get[access.OrganizationGate](ctx, r.home, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if gate.Held {
		return ErrHeld // since the run began
	}
	now := r.Store.Now()
	if gate.Status == access.Closed && gate.DueAt != 0 && gate.DueAt <= now.Unix() {
		if r.entry.Closed == 0 {
			r.entry.Closed = gate.DueAt - int64(settle.Seconds()) // it has been closed for its whole retention
		}
		return r.settled(now)
	}
	gate.Status, r.entry.Closed = access.Closed, now.Unix()
	if gate.DueAt == 0 || gate.DueAt > now.Unix() {
		r.disarm(gate.DueAt)
		gate.DueAt = now.Unix()
	}
	tx := r.Store.Begin()
	tx.Rewrite(r.home, gate).Else(ErrBusy)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return r.settled(now)
}

// unlink deletes what leads from the member ids of a user to the user. The work stays with the organisations. One that the
// user owns, and that nobody was made the owner of in time, closes: nobody could close it later.
func (r *run) unlink(ctx context.Context, user id.User) (int, error) {
	n := 0
	for _, t := range r.Map.In(registry.InUser) {
		if !slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Name == "member" }) {
			continue
		}
		err := r.walk(ctx, t.Family, func(row *record.Row) error {
			org, errOrg := id.Parse[id.Organization](row.Text("org"))
			member, errMember := id.Parse[id.Member](row.Text("member"))
			if errOrg != nil || errMember != nil {
				return nil
			}
			gone, err := r.forget(ctx, org, member)
			n += gone + 1
			if err != nil {
				return err
			}
			return r.unlinkOne(ctx, user, org, member)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// forget erases what a member wrote to PixelTrack, as long as it can be told that they did.
func (r *run) forget(ctx context.Context, org id.Organization, member id.Member) (int, error) {
	if r.Forget == nil {
		return 0, nil
	}
	h := r.Store.BindOrganization(org, r.actor)
	h.SeeRestricted()
	h.SeeDue()
	n, err := r.Forget(ctx, h, member)
	if errors.Is(err, retention.ErrHeld) {
		return n, ErrHeld
	}
	return n, err
}

func (r *run) unlinkOne(ctx context.Context, user id.User, org id.Organization, member id.Member) error {
	h, now := r.Store.BindOrganization(org, r.actor), r.Store.Now()
	left, err := r.ownerless(ctx, h, member)
	if err != nil {
		return err
	}
	tx := r.Store.Begin()
	tx.Change(h, access.AccessKey(org, member), func(u *dynamo.Update) {
		u.Remove("user").Set("removed", now.Unix()).Add("grant_version", 1).If("'user' = ?", user)
	}).Else(store.ErrMissing)
	if left != nil {
		r.Close(tx, h, left, now).Else(ErrBusy)
	}
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrMissing) {
		return nil // unlinked before, or the organisation has gone
	}
	return err
}

// ownerless gives the gate of an organisation that is open and has nobody left to close it when a member goes, nil for any
// other.
func (r *run) ownerless(ctx context.Context, h *store.Organization, member id.Member) (*access.OrganizationGate, error) {
	if r.Close == nil {
		return nil, nil
	}
	row, err := store.Get[access.Access](ctx, h, access.AccessKey(h.ID, member))
	if errors.Is(err, store.ErrMissing) || err == nil && row.Role != access.Owner {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(h.ID))
	if errors.Is(err, store.ErrMissing) || err == nil && gate.Status != access.Active && gate.Status != access.Suspended {
		return nil, nil
	}
	return gate, err
}

// disband deletes the memberships of an organisation's people.
func (r *run) disband(ctx context.Context, org id.Organization) (int, error) {
	n := 0
	err := r.walk(ctx, string(access.FamilyAccess), func(row *record.Row) error {
		user, err := id.Parse[id.User](row.Text("user"))
		if err != nil {
			return nil
		}
		h := r.Store.BindUser(user, r.actor)
		h.SeeRestricted()
		h.SeeDue()
		for _, t := range r.Map.In(registry.InUser) {
			if !slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Name == "member" }) {
				continue
			}
			err := record.Walk(ctx, h, store.Query{Partition: h.Scope().Partition(store.Family(t.Family))}, func(m *record.Row) error {
				if m.Text("org") != string(org) {
					return nil
				}
				n++
				tx := r.Store.Begin()
				tx.DeleteKey(h, m.Key(), "")
				return tx.Commit(ctx)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
