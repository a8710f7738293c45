// Package passkeys is the passkeys (WebAuthn) that people log in by, or show as their second factor beside the password.
// What authenticators sign is made and checked in package ceremony.
package passkeys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the passkeys of a user.
const Family store.Family = "PASSKEY"

// Most is how many passkeys one person may have.
const Most = 20

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

// Passkey is one passkey of a user: its public half, and what was last seen of it.
type Passkey struct {
	store.Meta
	ID         id.Passkey `dynamo:"id"`
	User       id.User    `dynamo:"user"`
	Name       string     `dynamo:"name"`
	Credential []byte     `dynamo:"credential"` // the authenticator's id of it
	Hash       string     `dynamo:"hash"`       // of that, under which its lookup row lies
	PublicKey  []byte     `dynamo:"public_key"` // COSE
	SignCount  uint32     `dynamo:"sign_count,omitempty"`
	Transports []string   `dynamo:"transports,omitempty"` // how the browser reaches it: usb, internal
	Eligible   bool       `dynamo:"backup_eligible,omitempty"`
	BackedUp   bool       `dynamo:"backed_up,omitempty"`
	Created    int64      `dynamo:"created"`        // epoch seconds
	Used       int64      `dynamo:"used,omitempty"` // likewise
}

// Type is the row's type.
func (p *Passkey) Type() string { return "PASSKEY" }

// Keys puts passkeys under their user.
func (p *Passkey) Keys() store.Keys { return store.Keys{Primary: KeyOf(p.User, p.ID)} }

// KeyOf is where a passkey lies.
func KeyOf(u id.User, p id.Passkey) store.Key { return store.UserScope(u).Key(Family, string(p)) }

// Link leads from the hash of an authenticator's id of a passkey to its user. No two users have the same.
type Link struct {
	store.Meta
	User    id.User    `dynamo:"user"`
	Passkey id.Passkey `dynamo:"passkey"`
	Hash    string     `dynamo:"-"`
}

// Type is the row's type.
func (l *Link) Type() string { return "PASSKEY_LINK" }

// Keys puts the link under its hash.
func (l *Link) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.Hash)} }

// HashOf is what a passkey is found by at a login, of the id that its authenticator knows it by.
func HashOf(credential []byte) string {
	sum := sha256.Sum256(append([]byte("passkey\n"), credential...))
	return hex.EncodeToString(sum[:])
}

// Of lists the passkeys of a user, oldest first.
func Of(ctx context.Context, h *store.User) ([]*Passkey, error) {
	all, _, err := store.List[Passkey](ctx, h, store.Query{Partition: h.Scope().Partition(Family), Limit: Most})
	return all, err
}
