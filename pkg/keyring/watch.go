package keyring

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/store"
)

// again is how often, at most, a table that is not to be served is looked at again.
const again = time.Second

// Watch reads the ring for a function, and tells by the same read whether the function may serve its table. The ring names
// the table that it was admitted in. A restored table brings the ring of the one that it was made of along, and is not to
// be served until the ledger of erasures was replayed in it. It is safe for concurrent use.
type Watch struct {
	store *store.Store

	mu   sync.Mutex
	open bool
	read time.Time
}

// NewWatch makes a watch over a table that has not been looked at yet.
func NewWatch(st *store.Store) *Watch { return &Watch{store: st} }

// Load reads the ring now.
func (w *Watch) Load(ctx context.Context) error {
	_, err := w.PublicKeys(ctx)
	return err
}

// PublicKeys reads the public keys that count now, by kid; none of a ring that belongs to another table.
func (w *Watch) PublicKeys(ctx context.Context) (map[string]ed25519.PublicKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ring, err := w.look(ctx)
	if err != nil || !w.open {
		return nil, err
	}
	return ring.Counting(w.store.Now()), nil
}

// Open waits for a read that is under way and is nil when the table may be served, store.ErrRestored when it may not. Once
// the ring was found to be the table's own, it costs nothing. A table without a ring is a new one, and nobody's data is in
// it.
func (w *Watch) Open(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.open && (w.read.IsZero() || w.store.Now().Sub(w.read).Abs() >= again) {
		if _, err := w.look(ctx); err != nil {
			return err
		}
	}
	if !w.open {
		return store.ErrRestored
	}
	return nil
}

// look reads the ring. The caller holds the lock.
func (w *Watch) look(ctx context.Context) (*Ring, error) {
	ring, err := store.Get[Ring](ctx, w.store.BindPlatform(store.Actor{}), RingKey())
	if errors.Is(err, store.ErrMissing) {
		ring, err = &Ring{Table: w.store.Name()}, nil
	}
	if err != nil {
		return nil, err
	}
	w.open, w.read = ring.Table == w.store.Name(), w.store.Now()
	return ring, nil
}
