package invoicing

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// Objects is a bucket whose objects go by how their keys begin.
type Objects interface {
	Purge(ctx context.Context, prefix string) (int, error)
}

// Clear removes an invoice whose time is over with all that belongs to it, whether its organisation is still there or not.
// It gives the transaction in which the invoice itself goes, last of all, and how much went; no transaction when the clock
// counts no more. What is held or restricted is retention.ErrHeld.
func Clear(documents Objects) retention.Clearer {
	return func(ctx context.Context, st *store.Store, actor store.Actor, d *store.Due) (*store.Tx, int, error) {
		scope, _ := store.ScopeOf(d.Target.PK)
		id, ok := scope.Organization()
		if !ok {
			return nil, 0, nil
		}
		org := st.BindOrganization(id, actor)
		org.SeeRestricted()
		org.SeeDue()
		i, err := store.Get[Invoice](ctx, org, d.Target)
		if errors.Is(err, store.ErrMissing) || err == nil && i.KeepUntil > d.At {
			return nil, 0, nil // gone, or another clock is armed
		}
		if err != nil {
			return nil, 0, err
		}
		return i.clear(ctx, org, documents)
	}
}

func (i *Invoice) clear(ctx context.Context, org *store.Organization, documents Objects) (*store.Tx, int, error) {
	payer, err := store.Get[Payer](ctx, org, PayerKey(i.Org, i.ID))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return nil, 0, err
	}
	if i.Held || i.Restricted || err == nil && (payer.Held || payer.Restricted) {
		return nil, 0, retention.ErrHeld
	}
	count, err := documents.Purge(ctx, keysOf(i.Org, i.ID))
	if err != nil {
		return nil, 0, err
	}
	gone, kept, err := store.Purge(ctx, org, org.Scope().Partition(FamilyLines, string(i.ID)))
	if err != nil {
		return nil, 0, err
	}
	if kept > 0 {
		return nil, 0, retention.ErrHeld
	}
	count += gone + 1
	if gone, kept, err = store.Purge(ctx, org, org.Scope().Partition(FamilyClaims, string(i.ID))); err != nil {
		return nil, 0, err
	}
	if kept > 0 {
		return nil, 0, retention.ErrHeld
	}
	count += gone
	if gone, err = clearPayments(ctx, org, i); err != nil {
		return nil, 0, err
	}
	count += gone
	tx := org.Store().Begin()
	if payer != nil {
		tx.Delete(org, payer)
		count++
	}
	if i.Issued() {
		tx.DeleteKey(org, numberKey(org, i.Number), "")
		tx.DeleteKey(org.Store().BindPlatform(org.Actor()), store.TokenLookup(i.Link), "")
		tx.DeleteKey(org, FileKey(i.Org, i.ID), "")
		tx.DeleteKey(org, CheckoutKey(i.Org, i.ID), "")
		tx.Disarm(org, i.RenderDue(), false)
		tx.Disarm(org, i.overdueDue(), false)
		count += 2
	}
	cli, err := store.Get[clients.Client](ctx, org, clients.Key(i.Org, i.Client))
	switch {
	case err == nil && cli.Invoices > 0:
		clients.Unbill(tx, org, i.Client)
	case err != nil && !errors.Is(err, store.ErrMissing):
		return nil, 0, err
	}
	tx.Delete(org, i)
	return tx, count, nil
}

// clearPayments removes what was paid of an invoice.
func clearPayments(ctx context.Context, org *store.Organization, i *Invoice) (int, error) {
	count := 0
	q := store.Query{Index: store.Index1, Partition: org.Scope().Partition(FamilyPayment, string(i.ID)), Limit: 100}
	for p, err := range store.All[Payment](ctx, org, q) {
		if err != nil {
			return count, err
		}
		tx := org.Store().Begin()
		for _, object := range p.Objects() {
			if tx.Len() == store.MaxWrites-1 {
				if err := tx.Commit(ctx); err != nil {
					return count, err
				}
				tx = org.Store().Begin()
			}
			tx.DeleteKey(org.Store().BindPlatform(org.Actor()), BindingKey(p.Account, object), "")
		}
		tx.Delete(org, p)
		err = tx.Commit(ctx)
		switch {
		case errors.Is(err, store.ErrStale) && (p.Held || p.Restricted):
			return count, retention.ErrHeld
		case errors.Is(err, store.ErrStale):
			continue // the index lags: it is gone
		case err != nil:
			return count, err
		}
		count++
	}
	return count, nil
}
