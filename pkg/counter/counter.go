// Package counter gives out an organisation's numbers, one after the other. A number is taken in the transaction that
// uses it, so that none is given twice and none is lost.
package counter

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/store"
)

// Family holds counters.
const Family store.Family = "COUNTER"

// Counter is how far the numbers of one name have come.
type Counter struct {
	store.Meta
	Value int64 `dynamo:"value"`
	key   store.Key
}

// Type is the row's type.
func (c *Counter) Type() string { return "COUNTER" }

// Keys puts a counter under its name.
func (c *Counter) Keys() store.Keys { return store.Keys{Primary: c.key} }

// ErrTaken says that somebody else was given the number meanwhile.
var ErrTaken = errors.New("counter: the number is taken")

// Next reads a counter and moves it on by one. The value counts only when Take's transaction is carried out.
func Next(ctx context.Context, h *store.Organization, name string) (*Counter, error) {
	key := h.Scope().Key(Family, name)
	c, err := store.Get[Counter](ctx, h, key)
	if errors.Is(err, store.ErrMissing) {
		c, err = new(Counter), nil
	}
	if err != nil {
		return nil, err
	}
	c.key = key
	c.Value++
	return c, nil
}

// Take puts the counter's move into the transaction that uses its value. It fails with ErrTaken.
func (c *Counter) Take(tx *store.Tx, h *store.Organization) {
	if c.Version == 0 {
		tx.Create(h, c).Else(ErrTaken)
		return
	}
	tx.Replace(h, c).Else(ErrTaken)
}
