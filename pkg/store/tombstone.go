package store

import "time"

// TombstoneType is the row type that stands for a deleted thing in lists by updated_since.
const TombstoneType = "TOMBSTONE"

// TombstoneLife is how long a deletion stays visible to updated_since.
const TombstoneLife = 30 * 24 * time.Hour

// Tombstone takes the place of a deleted row: what was deleted and when, and nothing of it, nor of who did it.
type Tombstone struct {
	Meta
	Of      string `dynamo:"of"`
	ID      string `dynamo:"id"`
	Deleted int64  `dynamo:"deleted"` // epoch seconds
	keys    Keys
}

// Type is the row's type.
func (t *Tombstone) Type() string { return TombstoneType }

// Keys are the deleted row's primary key and its place in the second index.
func (t *Tombstone) Keys() Keys { return t.keys }

// Bury deletes a row that was read and leaves a tombstone, if the row is still that version and neither held nor
// restricted, else ErrStale. The row must be in the second index.
func (tx *Tx) Bury(h Bound, row Row, rowID string) *Op {
	now := tx.store.now()
	k := row.Keys()
	t := &Tombstone{Of: row.Type(), ID: rowID, Deleted: now.Unix(),
		keys: Keys{Primary: k.Primary, Index2: Key{PK: k.Index2.PK, SK: join(Instant(now), rowID)}}}
	t.ExpiresAt = now.Add(TombstoneLife).Unix()
	t.Version = row.Head().Version + 1
	op := tx.put(anonymous(h), t)
	op.put.If("'_v' = ? AND attribute_not_exists('held') AND attribute_not_exists('restricted')", row.Head().Version)
	return op.Else(ErrStale)
}

// anonymous is the handle without its actor.
func anonymous(h Bound) Bound {
	p := *h.handle()
	p.actor = Actor{}
	return &p
}
