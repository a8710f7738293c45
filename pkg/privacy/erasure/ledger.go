package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyErasure holds the ledger of erasures.
const FamilyErasure store.Family = "ERASURE"

// What was erased.
const (
	ScopeAccount      = "account"
	ScopeOrganization = "organization"
	ScopeContact      = "contact" // a client of an organisation that stays

	ScopeCorrespondent = "correspondent" // who has only written to PixelTrack
)

// Entry is one erasure in the ledger of the table: whom by keyed hash, and how far it is. It is written first and
// kept longer than any backup.
type Entry struct {
	store.Meta
	Subject      string           `dynamo:"subject"` // keyed hash
	Of           string           `dynamo:"of"`      // account, organization, contact or correspondent
	Case         id.Case          `dynamo:"case,omitempty"`
	Begun        int64            `dynamo:"begun"` // epoch seconds
	Closed       int64            `dynamo:"closed,omitempty"`
	Done         int64            `dynamo:"done,omitempty"`
	Table        string           `dynamo:"table,omitempty"` // in which it was done
	ClaimedUntil int64            `dynamo:"claimed_until,omitempty"`
	Steps        map[string]int64 `dynamo:"steps,omitempty"` // when each was done
	Count        int              `dynamo:"count,omitempty"`
	Kept         int              `dynamo:"kept,omitempty"`
}

// Type is the row's type.
func (e *Entry) Type() string { return "ERASURE" }

// Keys puts entries under the keyed hash of whom they are about.
func (e *Entry) Keys() store.Keys { return store.Keys{Primary: EntryKey(e.Subject)} }

// EntryKey is where the entry of a subject lies.
func EntryKey(subject string) store.Key { return store.PlatformScope().Key(FamilyErasure, subject) }

// Written is what the vault keeps of an erasure, outside the table and its backups, until the last backup from before it
// has gone. A restored table is brought up to it before it serves anything. Whose it is stands there sealed: who erases can
// write it and not read it.
type Written struct {
	Subject string    `json:"subject"`
	Of      string    `json:"of"`
	Case    string    `json:"case,omitempty"`
	Begun   time.Time `json:"begun"`
	Sealed  []byte    `json:"sealed"` // the id, of a contact that of the organisation and its own
}

// LedgerPrefix is where the vault keeps the ledger, and HoldsPrefix the part of it that is about legal holds.
const (
	LedgerPrefix = "ledger/"
	HoldsPrefix  = LedgerPrefix + "holds/"
)

// VaultKey is where the vault keeps the ledger object of a subject.
func VaultKey(subject string) string { return LedgerPrefix + subject + ".json" }

// CommitmentKey is where the vault keeps the key of a subject's commitments. It is destroyed with the subject, for good: the
// vault has no versions and is in no backup.
func CommitmentKey(subject string) string { return "keys/" + subject + ".json" }

// Sealed is the place that an object of the vault is sealed for.
func Sealed(object string) keys.Place {
	return keys.Place{Tenant: store.PlatformScope().String(), Row: object, Field: "id"}
}

// open gives the entry of a subject, and makes it when there is none.
func (e *Engine) open(ctx context.Context, p *store.Platform, entry *Entry) (*Entry, error) {
	there, err := store.Get[Entry](ctx, p, EntryKey(entry.Subject))
	if !errors.Is(err, store.ErrMissing) {
		return there, err
	}
	entry.Expire(clock.At(entry.Begun).Add(retention.Ledger))
	tx := e.Store.Begin()
	tx.Create(p, entry)
	if err := tx.Commit(ctx); errors.Is(err, store.ErrExists) {
		return nil, ErrBusy
	} else if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return entry, nil
}

// vault writes the erasure where no restored table can undo it.
func (e *Engine) vault(ctx context.Context, entry *Entry, name string) error {
	sealed, err := e.Seals.Seal(ctx, Sealed(VaultKey(entry.Subject)), []byte(name))
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	text, err := json.Marshal(Written{Subject: entry.Subject, Of: entry.Of, Case: string(entry.Case), Begun: clock.At(entry.Begun), Sealed: sealed})
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	err = e.Vault.Create(ctx, VaultKey(entry.Subject), "application/json", bytes.NewReader(text))
	if err != nil && !errors.Is(err, blob.ErrExists) {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}
