package invitations

import (
	"context"
	"errors"
	"strconv"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyUninvited holds the marks of addresses that no invitation is mailed to.
const FamilyUninvited store.Family = "UNINVITED"

// Why an address is left alone.
const (
	WhyRestriction = "restriction" // until it is lifted
	WhyObjection   = "objection"   // for good
)

// Uninvited says that no invitation is mailed to an address any more, whoever invites. It lies with who has the address, by
// its keyed hash alone, and survives their erasure.
type Uninvited struct {
	store.Meta
	Hash  string `dynamo:"hash"`
	Why   string `dynamo:"why"`
	Since int64  `dynamo:"since"` // epoch seconds
}

// Type is the row's type.
func (u *Uninvited) Type() string { return "UNINVITED" }

// Keys puts the mark into the scope of the address.
func (u *Uninvited) Keys() store.Keys { return store.Keys{Primary: uninvitedKey(u.Hash)} }

func uninvitedKey(hash string) store.Key { return store.CaseScope(hash).Key(FamilyUninvited) }

func leftAlone(ctx context.Context, h *store.Case) (bool, error) {
	hash, _ := h.Scope().Case()
	_, err := store.Get[Uninvited](ctx, h, uninvitedKey(hash))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// LeaveAlone adds to a transaction that no invitation is mailed to the address of a case any more. What stands already goes on
// standing, and its link goes on working for who has it. An objection is not weakened by a restriction that comes later.
func LeaveAlone(ctx context.Context, tx *store.Tx, h *store.Case, why string) error {
	hash, _ := h.Scope().Case()
	was, err := store.Get[Uninvited](ctx, h, uninvitedKey(hash))
	if err == nil && was.Why == WhyObjection {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return err
	}
	tx.Put(h, &Uninvited{Hash: hash, Why: why, Since: h.Now().Unix()})
	return nil
}

// InviteAgain adds to a transaction that a restriction of the address of a case was lifted. An objection stays.
func InviteAgain(ctx context.Context, tx *store.Tx, h *store.Case) error {
	hash, _ := h.Scope().Case()
	was, err := store.Get[Uninvited](ctx, h, uninvitedKey(hash))
	if errors.Is(err, store.ErrMissing) || err == nil && was.Why != WhyRestriction {
		return nil
	}
	if err != nil {
		return err
	}
	tx.Delete(h, was)
	return nil
}

// To lists the invitations that stand for the address of a case, of all organizations.
func To(ctx context.Context, h *store.Case) ([]*Invitation, error) {
	hash, _ := h.Scope().Case()
	p := h.Store().BindPlatform(h.Actor())
	p.SeeRestricted()
	rows, _, err := store.List[Invitation](ctx, p, named.By(hash))
	return rows, err
}

// RevokeAll revokes the invitations that stand for the address of a case, because its person is erased, and tells how many
// there were: each goes with its mark, its link and its mails, and leaves a record in its organization that says why and
// names nobody. It can be repeated, and says retention.ErrHeld when a hold or a restriction keeps one.
func RevokeAll(ctx context.Context, h *store.Case) (int, error) {
	all, err := To(ctx, h)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, i := range all {
		gone := false
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			gone, err = revoke(ctx, h, i)
			return err
		})
		if err != nil {
			return n, err
		}
		if gone {
			n++
		}
	}
	return n, nil
}

// revoke revokes one invitation as the table has it; the list may lag behind.
func revoke(ctx context.Context, h *store.Case, listed *Invitation) (bool, error) {
	st := h.Store()
	org := st.BindOrganization(listed.Org, h.Actor())
	org.SeeRestricted()
	i, err := store.Get[Invitation](ctx, org, Key(listed.Org, listed.ID))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if i.Held || i.Restricted {
		return false, retention.ErrHeld
	}
	tx := st.Begin()
	i.Spend(tx, org)
	for n := 1; n <= i.Sent; n++ {
		tx.DeleteKey(org, outbox.Key(org.Scope(), store.Join(MailInvited, string(i.ID)+"."+strconv.Itoa(n))), "")
	}
	tx.Create(org, api.NewRecord(org.Scope(), st.IDs(), h.Now(), api.Audit{Actor: h.Actor().Who, Action: "erase-invitee", Object: string(i.ID), Outcome: "done", Request: h.Actor().Request, Purpose: purpose.PrivacyRights}))
	return true, tx.Commit(ctx)
}
