// Package keystest has data keys for tests, in memory.
package keystest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/keys"
)

// Vault makes data keys and opens those that it made. It is safe for concurrent use.
type Vault struct {
	mu   sync.Mutex
	made map[string][]byte // by wrapped key
}

// Envelope seals under data keys of a vault of its own.
func Envelope(now func() time.Time) *keys.Envelope { return keys.NewEnvelope(new(Vault), now) }

// Generate makes a key.
func (v *Vault) Generate(context.Context) (keys.DataKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := keys.DataKey{Plain: make([]byte, 32), Wrapped: make([]byte, 40)}
	rand.Read(k.Plain)
	rand.Read(k.Wrapped)
	if v.made == nil {
		v.made = map[string][]byte{}
	}
	v.made[string(k.Wrapped)] = k.Plain
	return k, nil
}

// Unwrap opens a key, and fails for one of another vault.
func (v *Vault) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	plain, ok := v.made[string(wrapped)]
	if !ok {
		return nil, errors.New("keystest: not a key of this vault")
	}
	return plain, nil
}
