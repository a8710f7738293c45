package rendering

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Archive is a bucket of documents that also loses some.
type Archive interface {
	Documents
	Remove(ctx context.Context, key string) (int, error)
}

// errUnseen says that the index has not yet shown every invoice of a client.
var errUnseen = errors.New("rendering: the client has invoices that the index does not show")

// EraseRecipients carries the erasures of clients out. An event starts one at once; the clock of the client ends it when
// whoever had read the person before can write no more, and does all of it when the event never came. It also makes anew
// what an organisation that was purged leaves behind.
func EraseRecipients(engine *erasure.Engine, documents Archive, seals keys.DataKeys) job.Job {
	return job.Job{
		ID: "erase-recipients", Area: "invoicing", Summary: "Take erased clients off their invoices", Purpose: purpose.PrivacyRights,
		Triggers: []string{"schedule", bus.ClientErased{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			e := &eraser{Run: r, engine: engine, documents: documents, seals: seals}
			if r.Event.Type == (bus.ClientErased{}).Type() {
				var at bus.ClientErased
				if err := json.Unmarshal(r.Event.Detail, &at); err != nil {
					return fmt.Errorf("erase recipients: read the event: %w", err)
				}
				return e.contact(ctx, at.Key(), nil)
			}
			return r.EachDue(ctx, clients.DueErasure, r.Event.At, e.due)
		},
	}
}

type eraser struct {
	*job.Run
	engine    *erasure.Engine
	documents Archive
	seals     keys.DataKeys
}

func (e *eraser) due(ctx context.Context, d *store.Due) error {
	if _, family := store.ScopeOf(d.Target.PK); family == clients.Family {
		return e.contact(ctx, d.Target, d)
	}
	return e.orphan(ctx, d)
}

// contact erases a client. D is the client's clock, with which the erasure ends; nil when an event led here, before it
// rings.
func (e *eraser) contact(ctx context.Context, key store.Key, d *store.Due) error {
	scope, family := store.ScopeOf(key.PK)
	of, ok := scope.Organization()
	cli, err := id.Parse[id.Client](key.SK)
	if !ok || family != clients.Family || err != nil {
		return store.Forget(ctx, e.Platform(), d)
	}
	if d != nil && e.Clock().Before(d.Time()) {
		return nil // an event ahead of the clock: writers may still be under way
	}
	org := e.Store.BindOrganization(of, e.Actor)
	org.SeeRestricted()
	c, err := clients.Erasing(ctx, org, cli)
	if err != nil {
		return err
	}
	if c == nil {
		return store.Forget(ctx, e.Platform(), d)
	}
	var last *store.Tx
	if d != nil {
		last = e.Store.Begin()
		clients.Forgotten(last, org, cli, e.Clock())
		last.Disarm(e.Platform(), d, false)
	}
	res, err := e.engine.Contact(ctx, e.Actor, of, cli, func(ctx context.Context) (int, error) { return e.erase(ctx, org, c, d != nil) }, last)
	switch {
	case errors.Is(err, erasure.ErrBusy):
		return nil // the clock leads here again
	case errors.Is(err, retention.ErrHeld):
		return e.putOff(ctx, d)
	case err == nil && d != nil:
		e.Log.Info("erased", telemetry.Kind(erasure.ScopeContact), telemetry.Count(res.Count), telemetry.Lag(e.Event.At.Sub(d.Time())))
	}
	return err
}

// erase takes a client off its own row and off each of its invoices. Whole says that nothing may be missed.
func (e *eraser) erase(ctx context.Context, org *store.Organization, c *clients.Client, whole bool) (int, error) {
	if c.Held || c.Restricted {
		return 0, retention.ErrHeld
	}
	tx := e.Store.Begin()
	clients.Forget(tx, org, c.ID)
	if err := tx.Commit(ctx); err != nil {
		return 0, err
	}
	count, held, err := store.Purge(ctx, org, clients.Contacts(org.Scope(), c.ID).Partition)
	if err != nil {
		return count, err
	}
	seen, kept := map[id.Invoice]bool{}, held > 0
	err = invoicing.OfClient(ctx, org, c.ID, func(i *invoicing.Invoice) error {
		seen[i.ID] = true
		n, err := e.invoice(ctx, org, i)
		count += n
		if errors.Is(err, retention.ErrHeld) {
			kept = true
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return count, err
	case kept:
		return count, retention.ErrHeld
	case whole && int64(len(seen)) < c.Invoices:
		return count, errUnseen
	}
	return count, nil
}

// invoice takes the recipient off one invoice, and tells how many rows and documents it was.
func (e *eraser) invoice(ctx context.Context, org *store.Organization, i *invoicing.Invoice) (int, error) {
	count := 0
	erased, err := invoicing.EraseRecipient(ctx, org, i.ID, nil)
	if err != nil {
		return 0, err
	}
	if erased {
		count++
	}
	n, err := e.replace(ctx, org, i)
	return count + n, err
}

// replace makes the document without the recipient, and removes every version of the one with. It is removed again and
// again, for a renderer that was late may have brought it back.
func (e *eraser) replace(ctx context.Context, org *store.Organization, i *invoicing.Invoice) (int, error) {
	if !i.Issued() {
		return 0, nil
	}
	if err := document(ctx, org, e.documents, e.seals, i); err != nil {
		return 0, err
	}
	return e.documents.Remove(ctx, invoicing.DocumentKey(i.Org, i.ID))
}

// orphan makes the document anew of an invoice that has outlived its organisation.
func (e *eraser) orphan(ctx context.Context, d *store.Due) error {
	scope, family := store.ScopeOf(d.Target.PK)
	of, ok := scope.Organization()
	if !ok || family != invoicing.Family {
		return store.Forget(ctx, e.Platform(), d)
	}
	org := e.Store.BindOrganization(of, e.Actor)
	org.SeeRestricted()
	i, err := store.Get[invoicing.Invoice](ctx, org, d.Target)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, e.Platform(), d)
	}
	if err != nil {
		return err
	}
	if _, err := e.replace(ctx, org, i); err != nil {
		return err
	}
	return store.Forget(ctx, e.Platform(), d)
}

// putOff moves the clock of what a hold keeps by a day.
func (e *eraser) putOff(ctx context.Context, d *store.Due) error {
	if d == nil {
		return nil
	}
	tx := e.Store.Begin()
	tx.Disarm(e.Platform(), d, false)
	tx.Arm(e.Platform(), store.NewDue(d.Kind, e.Event.At.Add(retention.PutOff), d.Target))
	return tx.Commit(ctx)
}
