package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"time"

	"github.com/guregu/dynamo/v2"
)

// Shards is over how many partitions the due rows of one kind are spread.
const Shards = 4

// DueKind names a clock: what falls due and which worker takes it.
type DueKind string

// Due is a thing that falls due. It holds ids only and has no expiry: the worker removes it in the transaction that
// ends the work, so an outage of any length loses nothing.
type Due struct {
	Meta
	Kind   DueKind `dynamo:"kind"`
	At     int64   `dynamo:"at"` // epoch seconds
	Target Key     `dynamo:"target"`
}

// Type is the row's type.
func (d *Due) Type() string { return "DUE" }

// Keys puts a due row into the shard of its target, in order of time.
func (d *Due) Keys() Keys { return Keys{Primary: d.key("DUE")} }

func (d *Due) key(lookup string) Key {
	return Key{
		PK: join(lookup, string(d.Kind), fmt.Sprint(shardOf(d.Target))),
		SK: join(second(time.Unix(d.At, 0)), d.Target.PK, d.Target.SK),
	}
}

// Time is when the thing falls due.
func (d *Due) Time() time.Time { return time.Unix(d.At, 0).UTC() }

// Wake is the twin of a due row that TTL deletes at its time, which wakes the worker through the stream.
type Wake struct {
	Due
}

// Type is the row's type.
func (w *Wake) Type() string { return "WAKE" }

// Keys puts a wake row beside its due row.
func (w *Wake) Keys() Keys { return Keys{Primary: w.key("WAKE")} }

// NewDue says that the row named falls due at a time, to the second.
func NewDue(kind DueKind, at time.Time, target Key) *Due {
	return &Due{Kind: kind, At: at.Unix(), Target: target}
}

// Arm writes a due row; armed twice it is one.
func (tx *Tx) Arm(h Bound, d *Due) {
	tx.Put(tx.lookups(h), d)
}

// ArmWake writes a due row with its wake row, for the clocks of retention.
func (tx *Tx) ArmWake(h Bound, d *Due) {
	tx.Arm(h, d)
	w := &Wake{Due{Kind: d.Kind, At: d.At, Target: d.Target}}
	w.ExpiresAt = d.At
	tx.Put(tx.lookups(h), w)
}

// Disarm removes a due row, and its wake row when it has one.
func (tx *Tx) Disarm(h Bound, d *Due, wake bool) {
	tx.DeleteKey(tx.lookups(h), d.key("DUE"), "")
	if wake {
		tx.DeleteKey(tx.lookups(h), d.key("WAKE"), "")
	}
}

// lookups lends a handle the right to write due rows, which hold ids only.
func (tx *Tx) lookups(h Bound) Bound {
	p := *h.handle()
	p.lookups = true
	return &p
}

// DueBy reads what of a kind is due at a time or before, oldest first, from one shard. Limit is at least 1.
func DueBy(ctx context.Context, p *Platform, kind DueKind, shard int, by time.Time, limit int) ([]*Due, error) {
	due, _, err := List[Due](ctx, p, dueBy(kind, shard, by, limit))
	return due, err
}

func dueBy(kind DueKind, shard int, by time.Time, limit int) Query {
	return Query{Partition: join("DUE", string(kind), fmt.Sprint(shard)), To: join(second(by), "~"), Limit: limit}
}

// duePage is how many due rows one query of AllDue takes.
const duePage = 25

// AllDue goes through what of a kind is due at a time or before, each once, shard by shard and oldest first in each. Rows
// may be removed and written meanwhile. A shard that cannot be read gives an error, and the next one follows.
func AllDue(ctx context.Context, p *Platform, kind DueKind, by time.Time) iter.Seq2[*Due, error] {
	return func(yield func(*Due, error) bool) {
		for shard := range Shards {
			for d, err := range All[Due](ctx, p, dueBy(kind, shard, by, duePage)) {
				if !yield(d, err) {
					return
				}
			}
		}
	}
}

// Forget takes a due row off whose work is done or gone, and has no wake row; nil is none.
func Forget(ctx context.Context, p *Platform, d *Due) error {
	if d == nil {
		return nil
	}
	tx := p.store.Begin()
	tx.Disarm(p, d, false)
	return tx.Commit(ctx)
}

// DueOf turns the old image of a wake row that TTL has deleted back into its due row.
func DueOf(ctx context.Context, p *Platform, pk, sk string) (*Due, error) {
	parts := Parts(pk)
	if len(parts) != 3 || parts[0] != "WAKE" {
		return nil, ErrMissing
	}
	return Get[Due](ctx, p, Key{PK: join("DUE", parts[1], parts[2]), SK: sk})
}

// Remaining says whether a due row is still there, that is, whether its work is still to be done.
func Remaining(ctx context.Context, p *Platform, d *Due) (bool, error) {
	_, err := Get[Due](ctx, p, d.key("DUE"))
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func shardOf(k Key) int { return ShardOf(k.PK + "\n" + k.SK) }

// ShardOf is which of Shards partitions something lies in that is known by a text.
func ShardOf(text string) int {
	h := fnv.New32a()
	h.Write([]byte(text)) // never fails
	return int(h.Sum32() % Shards)
}

// Purge deletes every row of a partition that is neither held nor restricted, and tells how many went and how many
// had to stay. It can be repeated and interrupted.
func Purge(ctx context.Context, h Bound, partition string) (gone, kept int, err error) {
	hd := h.handle()
	if err := hd.allows(partition); err != nil {
		return 0, 0, err
	}
	spent, done := metered(ctx)
	defer done()
	var start dynamo.PagingKey
	for {
		var items []Meta
		q := hd.store.table.Get(attrPK, partition).SearchLimit(200).Consistent(true).
			ConsumedCapacity(spent)
		if start != nil {
			q = q.StartFrom(start)
		}
		next, err := q.AllWithLastEvaluatedKey(ctx, &items)
		if err != nil {
			return gone, kept, fmt.Errorf("purge: %w", err)
		}
		for _, m := range items {
			err := hd.store.table.Delete(attrPK, m.PK).Range(attrSK, m.SK).
				If("attribute_not_exists('held') AND attribute_not_exists('restricted')").
				ConsumedCapacity(spent).Run(ctx)
			switch {
			case dynamo.IsCondCheckFailed(err):
				kept++
			case err != nil:
				return gone, kept, fmt.Errorf("purge: %w", err)
			default:
				gone++
			}
		}
		if next == nil {
			return gone, kept, nil
		}
		start = next
	}
}
