package timetracking

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Invoiced is why an entry that is on an invoice is locked.
const Invoiced = "invoiced"

// ErrClaimed says that an entry has changed since it was read: another invoice has it, or somebody edited it.
var ErrClaimed = errors.New("timetracking: the entry has changed or is claimed")

// Claim puts an entry that was read onto an invoice, if nobody changed it meanwhile, else ErrClaimed. From then on nobody
// changes or deletes it.
func Claim(tx *store.Tx, org *store.Organization, e *Entry, invoice id.Invoice, now time.Time) {
	e.Invoice, e.Updated = invoice, now.UnixMilli()
	tx.Replace(org, e).Else(ErrClaimed)
}

// Release takes an entry off an invoice, if it is still that one's. It gives ErrClaimed when somebody changed it meanwhile.
func Release(tx *store.Tx, org *store.Organization, e *Entry, now time.Time) {
	e.Invoice, e.Updated = "", now.UnixMilli()
	tx.Replace(org, e).Else(ErrClaimed)
}

// ReadEntry reads an entry as it is now.
func ReadEntry(ctx context.Context, org *store.Organization, e id.Entry) (*Entry, error) {
	return store.Get[Entry](ctx, org, entryKey(org.ID, e))
}

// Days gives the entries of a range of days, as the index has them, for as long as yield gives no error. The index lags: an
// entry of this moment may not be in it yet, and one that has changed may be as it was.
func Days(ctx context.Context, org *store.Organization, from, to string, yield func(*Entry) error) error {
	in := ListIn{From: from, To: to}
	months, err := in.months()
	if err != nil {
		return err
	}
	for _, m := range months {
		q := store.Query{Index: store.Index1, Partition: org.Scope().Partition(FamilyEntry, m), Limit: 200}
		for e, err := range store.All[Entry](ctx, org, q) {
			if err != nil {
				return err
			}
			if e.Date < from || e.Date > to {
				continue
			}
			if err := yield(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// open refuses a change of an entry that is on an invoice.
func (e *Entry) open() error {
	if e.Invoice == "" {
		return nil
	}
	locked := problem.Of(problem.Conflict, "time_entry_locked", "The entry is on an invoice; it is free again when the invoice is deleted or voided.")
	locked.Details = map[string]any{"reason": Invoiced}
	return locked
}

func lockedRefusal() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "time_entry_locked", When: "The entry is locked; details say why: invoiced."}
}

// locked is why nobody may change the entry; empty when somebody may.
func (e *Entry) locked() string {
	if e.Invoice != "" {
		return Invoiced
	}
	return ""
}
