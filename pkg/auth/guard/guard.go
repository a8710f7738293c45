// Package guard limits how often something can be guessed from one place.
package guard

import (
	"context"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds counts of attempts.
const Family store.Family = "ATTEMPTS"

// Attempts that are let through, and the time they are counted over.
const (
	Most = 10
	Span = 15 * time.Minute
)

// Attempts counts attempts of one kind at one thing from one address. It holds nothing that leads to either.
type Attempts struct {
	store.Meta
	Count int `dynamo:"count"`
	key   store.Key
}

// Type is the row's type.
func (a *Attempts) Type() string { return "ATTEMPTS" }

// Keys puts a count under the keyed hash of what is counted.
func (a *Attempts) Keys() store.Keys { return store.Keys{Primary: a.key} }

// Counter is the count of one thing.
type Counter struct {
	st   *store.Store
	h    *store.Case
	key  store.Key
	now  time.Time
	most int
	span time.Duration
}

// New names a count: what is tried, whose it is, and the address of whoever tries.
func New(st *store.Store, p keys.Pseudonyms, actor store.Actor, what, whose, source string) *Counter {
	h := st.BindCase(p.Of("attempts", what+"\n"+whose+"\n"+source), actor)
	return &Counter{st: st, h: h, key: h.Scope().Key(Family), now: st.Now(), most: Most, span: Span}
}

// Within makes the count let other many attempts through over another time than Most and Span.
func (c *Counter) Within(most int, span time.Duration) *Counter {
	c.most, c.span = most, span
	return c
}

// tries bounds how often an attempt meets another.
const tries = 20

// Attempt counts one attempt before it is made, so that many at once cannot be more than are let through. It refuses the
// attempts beyond, with the time after which one is let through again.
func (c *Counter) Attempt(ctx context.Context) error {
	for range tries {
		first := &Attempts{Count: 1, key: c.key}
		first.Expire(c.now.Add(c.span))
		tx := c.st.Begin()
		tx.Create(c.h, first)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrExists) {
			return err
		}
		tx = c.st.Begin()
		tx.Change(c.h, c.key, func(u *dynamo.Update) { u.Add("count", 1).If("'count' < ?", c.most) })
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrMissing) {
			return err
		}
		there, err := store.Get[Attempts](ctx, c.h, c.key)
		switch {
		case err == nil && there.Count >= c.most:
			return tooMany(time.Unix(there.ExpiresAt, 0).Sub(c.now))
		case err != nil && !errors.Is(err, store.ErrMissing):
			return err
		}
	}
	return tooMany(c.span)
}

// Forget adds to a transaction that the count begins anew, after a success.
func (c *Counter) Forget(tx *store.Tx) { tx.DeleteKey(c.h, c.key, "") }

var errCounted = errors.New("guard: other attempts are counted, too")

// Return takes one attempt back that was none, where it is still counted. When it was the only one nothing is left of it.
func (c *Counter) Return(ctx context.Context) error {
	tx := c.st.Begin()
	tx.DeleteKey(c.h, c.key, "'count' <= ?", 1).Else(errCounted)
	if err := tx.Commit(ctx); !errors.Is(err, errCounted) {
		return err
	}
	tx = c.st.Begin()
	tx.Change(c.h, c.key, func(u *dynamo.Update) { u.Add("count", -1).If("'count' > ?", 0) })
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrMissing) {
		return err
	}
	return nil
}

func tooMany(after time.Duration) error {
	e := problem.Of(problem.TooMany, "too_many_attempts", "Too many attempts; wait a while.")
	e.After = max(after, time.Second)
	return e
}

// Refusal documents the refusal of a route that is guarded.
func Refusal() (problem.Kind, string, string) {
	return problem.TooMany, "too_many_attempts", "More than ten attempts within 15 minutes from one place."
}
