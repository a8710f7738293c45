// Package keyring is the row that holds the public keys of access tokens.
package keyring

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/store"
)

// Family is the keyring's family.
const Family store.Family = "KEYRING"

// Ring is the one row of public keys. The rotation job writes it, every function reads it.
type Ring struct {
	store.Meta
	PublicKeys []Key  `dynamo:"public_keys"`
	Table      string `dynamo:"table,omitempty"`    // the table that may be served: a restored one finds the name of another here
	TableID    string `dynamo:"table_id,omitempty"` // DynamoDB's own id of that table
	Restored   int64  `dynamo:"restored,omitempty"` // epoch seconds at which that table was admitted after a restore; 0 of one that is no restored one
}

// Key is one public key. KeyID names the key in KMS that holds its private half; only the newest signs.
type Key struct {
	ID      string `dynamo:"id"`                // the kid of a token
	KeyID   string `dynamo:"key_id"`            // the key in KMS
	Public  []byte `dynamo:"public"`            // 32 bytes, Ed25519
	Since   int64  `dynamo:"since"`             // epoch seconds from which it may sign
	Retired int64  `dynamo:"retired,omitempty"` // epoch seconds from which its tokens no longer count; 0 while it signs
}

// Type is the row's type.
func (r *Ring) Type() string { return "KEYRING" }

// Keys puts the ring into the platform's scope.
func (r *Ring) Keys() store.Keys { return store.Keys{Primary: RingKey()} }

// RingKey is where the ring lies.
func RingKey() store.Key { return store.PlatformScope().Key(Family) }

// Reader gives a function that reads the public keys that count now, by kid.
func Reader(st *store.Store) func(context.Context) (map[string]ed25519.PublicKey, error) {
	return func(ctx context.Context) (map[string]ed25519.PublicKey, error) {
		ring, err := store.Get[Ring](ctx, st.BindPlatform(store.Actor{}), RingKey())
		if errors.Is(err, store.ErrMissing) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return ring.Counting(st.Now()), nil
	}
}

// Counting gives the keys whose tokens count at a time.
func (r *Ring) Counting(at time.Time) map[string]ed25519.PublicKey {
	set := map[string]ed25519.PublicKey{}
	for _, k := range r.PublicKeys {
		if k.Retired == 0 || k.Retired > at.Unix() {
			set[k.ID] = ed25519.PublicKey(k.Public)
		}
	}
	return set
}
