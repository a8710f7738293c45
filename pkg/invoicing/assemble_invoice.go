package invoicing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/timetracking"
)

// AssembleInvoice puts unbilled time onto invoices that are assembling, and frees the time of those that were deleted or
// voided, or gave up.
//
// A run marks the invoice as its own; each claim is a transaction of the entry as it was read, the claim, and that mark, so
// a run that another has taken over claims nothing more. The lines are made of the claims in the transaction that ends the
// assembly. Whatever is killed, the next run goes on from the claims that are there; and once the invoice is no longer
// assembling nothing can be claimed for it, so what is freed stays free.
func AssembleInvoice() job.Job {
	return job.Job{
		ID: "assemble-invoice", Area: "invoicing", Summary: "Put unbilled time onto invoices, and free it", Purpose: purpose.Invoicing,
		Triggers: []string{"schedule", bus.InvoiceAssembling{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			if r.Event.Type == (bus.InvoiceAssembling{}).Type() {
				var e bus.InvoiceAssembling
				if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
					return fmt.Errorf("assemble invoice: read the event: %w", err)
				}
				return assemble(ctx, r, e.Key(), nil)
			}
			return r.EachDue(ctx, DueAssembly, r.Event.At, func(ctx context.Context, d *store.Due) error { return assemble(ctx, r, d.Target, d) })
		},
	}
}

// assembler is a run at one invoice.
type assembler struct {
	*job.Run
	org *store.Organization
	id  id.Invoice
	due *store.Due // the clock that is to stop at the end; nil for none
}

// errLost says that another run has taken the invoice over, or that it is assembling no more.
var errLost = errors.New("invoicing: the assembly is somebody else's")

func assemble(ctx context.Context, r *job.Run, key store.Key, d *store.Due) error {
	scope, family := store.ScopeOf(key.PK)
	org, ok := scope.Organization()
	inv, err := id.Parse[id.Invoice](key.SK)
	if !ok || family != Family || err != nil {
		return store.Forget(ctx, r.Platform(), d)
	}
	a := &assembler{Run: r, org: r.Store.BindOrganization(org, r.Actor), id: inv, due: d}
	i, err := store.Get[Invoice](ctx, a.org, key)
	if errors.Is(err, store.ErrMissing) {
		return a.release(ctx)
	}
	if err != nil {
		return err
	}
	if d == nil && i.Assembly != nil && i.Assembly.Due != 0 {
		a.due = i.Assembly.due(i)
	}
	switch {
	case i.Status == Assembling:
		err = a.take(ctx, i)
	case i.Status == Void || i.Assembly != nil && i.Assembly.Failed != "":
		return a.release(ctx)
	default:
		return store.Forget(ctx, a.Platform(), a.due) // it was finished
	}
	if errors.Is(err, errLost) || errors.Is(err, store.ErrStale) {
		return nil // who was first goes on, or the clock does
	}
	return err
}

// take claims what there is and makes the lines of it.
func (a *assembler) take(ctx context.Context, i *Invoice) error {
	gate, err := store.Get[access.OrganizationGate](ctx, a.org, access.OrganizationGateKey(a.org.ID))
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return err
	}
	if gate == nil || gate.Status == access.Closed || a.Clock().Unix() >= i.Assembly.Until {
		return a.giveUp(ctx, i, tooLate)
	}
	i.Run = a.Actor.Request
	i.Assembly.Claimed, i.Assembly.Unrated, i.Assembly.Foreign = 0, 0, 0
	tx := a.Store.Begin()
	tx.Replace(a.org, i)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	err = timetracking.Days(ctx, a.org, i.Assembly.From, i.Assembly.To, func(e *timetracking.Entry) error {
		if gate != nil && slices.Contains(gate.RestrictedMembers, e.Member) {
			return nil
		}
		return a.consider(ctx, i, e)
	})
	if err != nil {
		return err
	}
	return a.finish(ctx, i)
}

// consider claims an entry when it is to be on the invoice. One that has changed meanwhile is looked at again as it is now.
func (a *assembler) consider(ctx context.Context, i *Invoice, e *timetracking.Entry) error {
	for range meetings {
		rate, ok := i.Assembly.wants(i, e)
		if !ok {
			return nil
		}
		err := a.claim(ctx, e, rate)
		if !errors.Is(err, timetracking.ErrClaimed) {
			return err
		}
		e, err = timetracking.ReadEntry(ctx, a.org, e.ID)
		if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrRestricted) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return store.ErrConflict
}

// wants says whether an entry is to be claimed, and at which rate; it counts what it leaves out.
func (a *Assembly) wants(i *Invoice, e *timetracking.Entry) (rate int64, ok bool) {
	if !e.Billable || e.Date < a.From || e.Date > a.To || !slices.Contains(a.Projects, e.Project) || e.Invoice == i.ID {
		return 0, false
	}
	hour := e.Rate
	if hour == nil {
		hour = a.Rate
	}
	switch {
	case e.Invoice != "":
		a.Claimed++
	case hour == nil:
		a.Unrated++
	case hour.Currency != i.Currency:
		a.Foreign++
	default:
		return hour.Amount, true
	}
	return 0, false
}

func (a *assembler) claim(ctx context.Context, e *timetracking.Entry, rate int64) error {
	tx := a.Store.Begin()
	timetracking.Claim(tx, a.org, e, a.id, a.Clock())
	tx.Put(a.org, &Claim{Org: a.org.ID, Invoice: a.id, Entry: e.ID, Project: e.Project, Member: e.Member, Date: e.Date, Seconds: e.Seconds, Rate: rate, Note: e.Note})
	tx.Check(a.org, Key(a.org.ID, a.id), "'status' = ? AND 'run' = ?", Assembling, a.Actor.Request).Else(errLost)
	return tx.Commit(ctx)
}

// claims gives all that the invoice has claimed.
func (a *assembler) claims(ctx context.Context) ([]*Claim, error) {
	q := store.Query{Partition: a.org.Scope().Partition(FamilyClaims, string(a.id)), Limit: 200}
	var all []*Claim
	for c, err := range store.All[Claim](ctx, a.org, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// finish makes the lines, and the invoice a draft.
func (a *assembler) finish(ctx context.Context, i *Invoice) error {
	claims, err := a.claims(ctx)
	if err != nil {
		return err
	}
	names, err := a.names(ctx, i)
	if err != nil {
		return err
	}
	d := &document{Invoice: i, lines: i.linesOf(claims, names)}
	if len(d.lines) > calc.MaxLines {
		return a.giveUp(ctx, i, tooManyLines)
	}
	if err := i.count(d.lines); err != nil {
		return a.giveUp(ctx, i, notCountable)
	}
	clock := i.Assembly.due(i)
	i.Status, i.Run, i.Updated = Draft, "", a.Clock().UnixMilli()
	i.Assembly.Entries, i.Assembly.Due = len(claims), 0
	i.Revision++
	tx := a.Store.Begin()
	tx.Replace(a.org, i)
	d.rewrite(tx, a.org, 0)
	tx.Disarm(a.Platform(), clock, false)
	return tx.Commit(ctx)
}

// names are what the projects are called.
func (a *assembler) names(ctx context.Context, i *Invoice) (map[id.Project]string, error) {
	var fetches []*store.Fetch
	for _, p := range i.Assembly.Projects {
		fetches = append(fetches, &store.Fetch{Through: a.org, Key: projects.Key(a.org.ID, p), Row: new(projects.Project)})
	}
	if err := a.Store.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	names := map[id.Project]string{}
	for n, f := range fetches {
		if f.Err == nil {
			names[i.Assembly.Projects[n]] = f.Row.(*projects.Project).Name
		}
	}
	return names, nil
}

// giveUp makes the invoice an empty draft, after which nothing can be claimed for it any more, and frees what was.
func (a *assembler) giveUp(ctx context.Context, i *Invoice, why string) error {
	old := i.Assembly.due(i)
	i.Status, i.Run, i.Updated = Draft, "", a.Clock().UnixMilli()
	i.Assembly.Failed, i.Assembly.Entries, i.Assembly.Due = why, 0, a.Clock().Unix()
	if err := i.count(nil); err != nil {
		i.Discount = nil // more than nothing
		if err := i.count(nil); err != nil {
			return err
		}
	}
	tx := a.Store.Begin()
	tx.Replace(a.org, i)
	if a.due = i.Assembly.due(i); a.due.At != old.At {
		tx.Disarm(a.Platform(), old, false)
		tx.Arm(a.Platform(), a.due)
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return a.release(ctx)
}

// release frees what is still the invoice's, and ends the clock.
func (a *assembler) release(ctx context.Context) error {
	a.org.SeeRestricted()
	claims, err := a.claims(ctx)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if err := a.free(ctx, c); err != nil {
			return err
		}
	}
	return store.Forget(ctx, a.Platform(), a.due)
}

func (a *assembler) free(ctx context.Context, c *Claim) error {
	for range meetings {
		e, err := timetracking.ReadEntry(ctx, a.org, c.Entry)
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return err
		}
		tx := a.Store.Begin()
		if err == nil && e.Invoice == a.id {
			timetracking.Release(tx, a.org, e, a.Clock())
		}
		tx.DeleteKey(a.org, c.Keys().Primary, "")
		err = tx.Commit(ctx)
		if !errors.Is(err, timetracking.ErrClaimed) {
			return err
		}
	}
	return store.ErrConflict
}
