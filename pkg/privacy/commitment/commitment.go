// Package commitment puts on record that an account began and was deleted, in the one chain of the platform, without saying
// whose. In the place of the person stands a commitment: a keyed hash under a key of their own, which lies in the vault alone,
// outside the table and its backups. Who holds the key can show that a record is about a person; with an erasure the key is
// destroyed, and the record, which no hash of the chain lets anybody change, is nobody's.
package commitment

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds what is on record of an account.
const Family store.Family = "COMMITMENT"

// What is put on record.
const (
	Created = "account_created"
	Deleted = "account_deleted"
)

// Mark is what is on record of an account, beside it and gone with it.
type Mark struct {
	store.Meta
	User       id.User `dynamo:"user"`
	Commitment string  `dynamo:"commitment"`        // 64 characters; the actor of the platform's records about the account
	Deleted    int64   `dynamo:"deleted,omitempty"` // epoch seconds of the last deletion that is on record
}

// Type is the row's type.
func (m *Mark) Type() string { return "COMMITMENT" }

// Keys puts the mark into the user's scope.
func (m *Mark) Keys() store.Keys { return store.Keys{Primary: markKey(m.User)} }

func markKey(u id.User) store.Key { return store.UserScope(u).Key(Family) }

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Mark{}, Type: "COMMITMENT", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.Security, Basis: registry.Interest, Class: registry.ClassAccount,
			Family: string(Family), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Internal("user", "the user's id"),
				registry.Secret("commitment", "a hash under a key that only the vault has", registry.EraseWithRow),
				registry.Internal("deleted", "a time"),
			}},
	}
}

// Vault keeps the keys.
type Vault interface {
	Create(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Keeper makes commitments. Seals wraps their keys.
type Keeper struct {
	Vault   Vault
	Seals   *keys.Envelope
	Subject func(of, id string) string // the keyed hash by which the vault knows somebody
}

// wrapped is the object of a key.
type wrapped struct {
	Sealed []byte `json:"sealed"`
}

// keySize is that of HMAC-SHA256.
const keySize = 32

// Of is the commitment of a user, whose key is made when there is none.
func (k Keeper) Of(ctx context.Context, user id.User) (string, error) {
	key, err := k.key(ctx, erasure.CommitmentKey(k.Subject(erasure.ScopeAccount, string(user))))
	if err != nil {
		return "", fmt.Errorf("commitment: %w", err)
	}
	return commit(key, user), nil
}

// Proves says whether a commitment is a user's. Once the key is destroyed it is nobody's.
func (k Keeper) Proves(ctx context.Context, commitment string, user id.User) (bool, error) {
	key, err := k.open(ctx, erasure.CommitmentKey(k.Subject(erasure.ScopeAccount, string(user))))
	if errors.Is(err, blob.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("commitment: %w", err)
	}
	return hmac.Equal([]byte(commitment), []byte(commit(key, user))), nil
}

func commit(key []byte, user id.User) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(erasure.ScopeAccount + "\x00" + string(user))) // never fails
	return hex.EncodeToString(m.Sum(nil))
}

// key makes the key of an object, or gives the one that a run before has made.
func (k Keeper) key(ctx context.Context, object string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	sealed, err := k.Seals.Seal(ctx, erasure.Sealed(object), key)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(wrapped{sealed})
	if err != nil {
		return nil, err
	}
	err = k.Vault.Create(ctx, object, "application/json", bytes.NewReader(text))
	if errors.Is(err, blob.ErrExists) {
		return k.open(ctx, object)
	}
	return key, err
}

func (k Keeper) open(ctx context.Context, object string) ([]byte, error) {
	r, err := k.Vault.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var w wrapped
	if err := json.NewDecoder(r).Decode(&w); err != nil {
		return nil, err
	}
	return k.Seals.Open(ctx, erasure.Sealed(object), w.Sealed)
}

// Jobs lists the jobs of this package.
func Jobs() []job.Job { return []job.Job{RecordAccounts(Keeper{})} }

// RecordAccounts puts on record that an account began or was deleted. It looks at what the account is, not at what the event
// says, so that twice is once. An account that is being erased is put on no record more, and is given no key.
func RecordAccounts(k Keeper) job.Job {
	return job.Job{
		ID: "record-accounts", Area: "privacy", Summary: "Put on record, without naming anybody, that an account began or was deleted", Purpose: purpose.Security,
		Triggers: []string{bus.AccountChanged{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			var e bus.AccountChanged
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("record accounts: read the event: %w", err)
			}
			scope, _ := store.ScopeOf(e.PK)
			user, ok := scope.User()
			if !ok {
				return nil
			}
			return store.Again(ctx, store.ErrStale, func() error { return k.record(ctx, r, user) })
		},
	}
}

func (k Keeper) record(ctx context.Context, r *job.Run, user id.User) error {
	h, p := r.Store.BindUser(user, r.Actor), r.Platform()
	h.SeeRestricted()
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(user))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	mark, err := store.Get[Mark](ctx, h, markKey(user))
	first := errors.Is(err, store.ErrMissing)
	if err != nil && !first {
		return err
	}
	var acts []string
	if first {
		mark, acts = &Mark{User: user}, append(acts, Created)
		if mark.Commitment, err = k.Of(ctx, user); err != nil {
			return err
		}
	}
	if gate.Deleted != 0 && gate.Deleted != mark.Deleted {
		mark.Deleted, acts = gate.Deleted, append(acts, Deleted)
	}
	if len(acts) == 0 {
		return nil
	}
	tx := r.Store.Begin()
	for _, act := range acts {
		tx.Create(p, api.NewRecord(p.Scope(), r.Store.IDs(), r.Clock(), api.Audit{Actor: mark.Commitment, Action: act, Outcome: "done", Request: r.Request, Purpose: purpose.Security}))
	}
	if first {
		tx.Create(h, mark).Else(store.ErrStale)
	} else {
		tx.Replace(h, mark)
	}
	return tx.Commit(ctx)
}
