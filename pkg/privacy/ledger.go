package privacy

import (
	"strconv"
	"time"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyPurge holds the ledger of retention.
const FamilyPurge store.Family = "PURGE"

// Purge is one act of retention: which rule, how much went, and how late. It names nobody.
type Purge struct {
	store.Meta
	ID    id.Purge `dynamo:"id"`
	Rule  string   `dynamo:"rule"` // the kind of due work
	At    int64    `dynamo:"at"`   // epoch seconds
	Count int      `dynamo:"count"`
	Kept  int      `dynamo:"kept,omitempty"` // rows that a hold or a duty keeps
	Lag   int64    `dynamo:"lag"`            // seconds after it was due
}

// Type is the row's type.
func (p *Purge) Type() string { return "PURGE" }

// Keys puts acts under their month in order of time.
func (p *Purge) Keys() store.Keys {
	t := clock.At(p.At)
	return store.Keys{Primary: store.PlatformScope().KeyIn(FamilyPurge, t.Format("2006-01"), store.Instant(t), string(p.ID))}
}

// logPurge adds the ledger row of an act of retention to the transaction that ends it.
func logPurge(tx *store.Tx, p *store.Platform, rule string, now, due time.Time, count, kept int) {
	row := &Purge{ID: id.New[id.Purge](p.Store().IDs()), Rule: rule, At: now.Unix(), Count: count, Kept: kept,
		Lag: int64(max(0, now.Sub(due)).Seconds())}
	row.Expire(clocks.AddYears(now, retention.AuditYears))
	tx.Create(p, row)
}

func itoa(n int) string { return strconv.Itoa(n) }
