package api

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Find reads the row that an id in a request is of, or says that no such thing is there. A text that is no id names what
// is not there.
func Find[R any, K id.Kind, P interface {
	*R
	store.Row
}](ctx context.Context, h store.Bound, thing, text string, key func(K) store.Key) (P, error) {
	name, err := id.Parse[K](text)
	if err != nil {
		return nil, problem.Missing(thing)
	}
	row, err := store.Get[R, P](ctx, h, key(name))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing(thing)
	}
	return row, err
}

// FindOurs is Find in the platform's rows, for a call of staff that is about what it names.
func FindOurs[R any, K id.Kind, P interface {
	*R
	store.Row
}](ctx context.Context, c *Caller, thing, text string, key func(K) store.Key) (P, error) {
	if name, err := id.Parse[K](text); err == nil {
		c.About(string(name))
	}
	return Find[R, K, P](ctx, c.Platform(), thing, text, key)
}
