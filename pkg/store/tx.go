package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"
)

// MaxWrites is how many rows one transaction may touch.
const MaxWrites = 100

// Tx collects writes that happen together or not at all. A Tx is used once.
type Tx struct {
	store *Store
	ops   []*Op
	err   error
}

// Op is one write of a transaction.
type Op struct {
	put    *dynamo.Put
	update *dynamo.Update
	remove *dynamo.Delete
	check  *dynamo.ConditionCheck
	key    Key
	by     string // who wrote the row, to recognise our own write after a lost answer
	puts   Row
	once   bool // whether it goes by a transaction even alone, which knows its own repeat: a row that is gone tells nobody who took it
	refuse error
}

// Else sets the error that Commit returns when the condition of this write does not hold.
func (o *Op) Else(err error) *Op {
	o.refuse = err
	return o
}

// Begin starts a transaction.
func (s *Store) Begin() *Tx { return &Tx{store: s} }

// Len is the number of rows the transaction touches so far.
func (tx *Tx) Len() int { return len(tx.ops) }

// Create writes a row that must be absent or expired, else ErrExists.
func (tx *Tx) Create(h Bound, row Row) *Op {
	m := row.Head()
	m.Version = 1
	op := tx.put(h, row)
	op.put.If("attribute_not_exists('PK') OR 'expires_at' <= ?", tx.store.now().Unix())
	return op.Else(ErrExists)
}

// Put writes a row whatever was there. It is for rows whose key says all, such as due rows.
func (tx *Tx) Put(h Bound, row Row) *Op {
	row.Head().Version++
	return tx.put(h, row)
}

// Replace writes a row that was read, if it is still the version that was read and has not expired, else ErrStale. A
// restricted row is not written.
func (tx *Tx) Replace(h Bound, row Row) *Op {
	m := row.Head()
	was := m.Version
	m.Version++
	if m.Held {
		m.ExpiresAt, m.DueAt = 0, 0
	}
	op := tx.put(h, row)
	now := tx.store.now().Unix()
	op.put.If("'_v' = ? AND (attribute_not_exists('expires_at') OR 'expires_at' > ?) AND (attribute_not_exists('due_at') OR 'due_at' > ?)", was, now, now)
	if !h.handle().seesRestricted {
		op.put.If("attribute_not_exists('restricted')")
	}
	return op.Else(ErrStale)
}

// Rewrite is Replace for the workers of retention, who also change what is past its due time.
func (tx *Tx) Rewrite(h Bound, row Row) *Op {
	m := row.Head()
	was := m.Version
	m.Version++
	op := tx.put(h, row)
	op.put.If("'_v' = ?", was)
	return op.Else(ErrStale)
}

// Delete removes a row that was read, if it is still that version and neither held nor restricted, else ErrStale.
func (tx *Tx) Delete(h Bound, row Row) *Op {
	k := row.Keys().Primary
	op := tx.add(h, k)
	op.remove = tx.store.table.Delete(attrPK, k.PK).Range(attrSK, k.SK).
		If("'_v' = ? AND attribute_not_exists('held') AND attribute_not_exists('restricted')", row.Head().Version)
	op.once = true
	return op.Else(ErrStale)
}

// DeleteKey removes a row if it is there and the condition holds, else ErrCondition; without a condition it removes
// whatever is there. Held rows stay.
func (tx *Tx) DeleteKey(h Bound, key Key, condition string, args ...any) *Op {
	op := tx.add(h, key)
	op.remove = tx.store.table.Delete(attrPK, key.PK).Range(attrSK, key.SK).If("attribute_not_exists('held')")
	if condition != "" {
		op.remove.If(condition, args...)
		op.once = true
	}
	return op.Else(ErrCondition)
}

// Change updates attributes of a row that must be there and alive, else ErrMissing. The function may add conditions.
func (tx *Tx) Change(h Bound, key Key, change func(*dynamo.Update)) *Op {
	op := tx.add(h, key)
	now := tx.store.now().Unix()
	op.update = tx.store.table.Update(attrPK, key.PK).Range(attrSK, key.SK).
		Set("_by", h.handle().actor.by()).Add("_v", 1).
		If("attribute_exists('PK') AND (attribute_not_exists('expires_at') OR 'expires_at' > ?) AND (attribute_not_exists('due_at') OR 'due_at' > ?)", now, now)
	op.by = h.handle().actor.by()
	change(op.update)
	return op.Else(ErrMissing)
}

// Check makes the transaction depend on another row: the condition must hold, else ErrCondition.
func (tx *Tx) Check(h Bound, key Key, condition string, args ...any) *Op {
	op := tx.add(h, key)
	op.check = tx.store.table.Check(attrPK, key.PK).Range(attrSK, key.SK).If(condition, args...)
	return op.Else(ErrCondition)
}

func (tx *Tx) put(h Bound, row Row) *Op {
	m := row.Head()
	m.place(row)
	m.By = h.handle().actor.by()
	op := tx.add(h, Key{m.PK, m.SK})
	for _, listed := range []string{m.GSI1PK, m.GSI2PK} {
		if listed != "" && !strings.HasPrefix(listed, named+separator) && tx.err == nil {
			tx.err = h.handle().allows(listed)
		}
	}
	op.put = tx.store.table.Put(row)
	op.by, op.puts = m.By, row
	return op
}

func (tx *Tx) add(h Bound, key Key) *Op {
	if err := h.handle().allows(key.PK); err != nil && tx.err == nil {
		tx.err = err
	}
	for _, o := range tx.ops {
		if o.key == key && tx.err == nil {
			_, family := ScopeOf(key.PK)
			tx.err = fmt.Errorf("store: two writes of one %s row in a transaction", family)
		}
	}
	op := &Op{key: key}
	tx.ops = append(tx.ops, op)
	return op
}

// Commit carries the writes out. When a condition fails it returns the error of the first write it failed for; other
// writers at the same rows are waited for with jitter until the context ends, then it is ErrConflict. After a lost
// answer it finds out whether the writes happened, so nil and an error can be trusted.
func (tx *Tx) Commit(ctx context.Context) error {
	switch {
	case tx.err != nil:
		return tx.err
	case len(tx.ops) == 0:
		return nil
	case len(tx.ops) > MaxWrites:
		return fmt.Errorf("store: %d writes in a transaction of at most %d", len(tx.ops), MaxWrites)
	case len(tx.ops) == 1 && tx.ops[0].check == nil && !tx.ops[0].once:
		return tx.retry(ctx, tx.single)
	}
	token := newToken()
	return tx.retry(ctx, func(ctx context.Context) error { return tx.all(ctx, token) })
}

const (
	firstPause = 8 * time.Millisecond
	maxPause   = 400 * time.Millisecond
	maxTries   = 40
)

func (tx *Tx) retry(ctx context.Context, write func(context.Context) error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := write(ctx)
		if !errors.Is(err, ErrConflict) || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ErrConflict
		case <-time.After(pause/2 + mathrand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
}

func (tx *Tx) all(ctx context.Context, token string) error {
	spent, done := metered(ctx)
	defer done()
	w := tx.store.db.WriteTx().IdempotentWithToken(token).ConsumedCapacity(spent)
	for _, o := range tx.ops {
		switch {
		case o.put != nil:
			w.Put(o.put)
		case o.update != nil:
			w.Update(o.update)
		case o.remove != nil:
			w.Delete(o.remove)
		case o.check != nil:
			w.Check(o.check)
		}
	}
	err := w.Run(ctx)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return wrapWrite(err)
	}
	conflict := false
	for i, reason := range cancelled.CancellationReasons {
		if reason.Code == nil || i >= len(tx.ops) {
			continue
		}
		switch *reason.Code {
		case "ConditionalCheckFailed":
			return tx.ops[i].refuse
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			conflict = true
		}
	}
	if conflict {
		return ErrConflict
	}
	return wrapWrite(err)
}

func (tx *Tx) single(ctx context.Context) error {
	spent, done := metered(ctx)
	defer done()
	o := tx.ops[0]
	var err error
	switch {
	case o.put != nil:
		err = o.put.ConsumedCapacity(spent).Run(ctx)
	case o.update != nil:
		err = o.update.ConsumedCapacity(spent).Run(ctx)
	case o.remove != nil:
		err = o.remove.ConsumedCapacity(spent).Run(ctx)
	}
	var conflict *types.TransactionConflictException
	if errors.As(err, &conflict) {
		return ErrConflict
	}
	if !dynamo.IsCondCheckFailed(err) {
		return wrapWrite(err)
	}
	if tx.ours(ctx, o) {
		return nil
	}
	return o.refuse
}

// ours says whether a condition failed only because our own write, whose answer was lost, had already happened.
func (tx *Tx) ours(ctx context.Context, o *Op) bool {
	if o.puts == nil {
		return false
	}
	var there Meta
	spent, done := metered(ctx)
	defer done()
	err := tx.store.table.Get(attrPK, o.key.PK).Range(attrSK, dynamo.Equal, o.key.SK).Consistent(true).
		ConsumedCapacity(spent).One(ctx, &there)
	return err == nil && there.By == o.by && there.Version == o.puts.Head().Version && there.RowType == o.puts.Type()
}

func wrapWrite(err error) error {
	if err == nil {
		return nil
	}
	var conflict *types.TransactionInProgressException
	if errors.As(err, &conflict) {
		return ErrConflict
	}
	return fmt.Errorf("write: %w", err)
}

func newToken() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
