package notifications

import (
	"context"
	"errors"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// FamilySuppression holds the addresses that no mail goes to any more, as keyed hashes.
const FamilySuppression store.Family = "SUPPRESSION"

// How long an address is left alone.
const (
	bounceRest    = 90 * 24 * time.Hour  // a mailbox that was not there may be made
	complaintRest = 365 * 24 * time.Hour // a person who did not want our mail
)

// Suppression keeps mails from an address. It survives the erasure of whose address it was, so that they are not
// written to again; it holds nothing that leads to them.
type Suppression struct {
	store.Meta
	Hash  string `dynamo:"hash"`  // of the address
	Why   string `dynamo:"why"`   // bounced, complained
	Since int64  `dynamo:"since"` // epoch seconds
}

// Type is the row's type.
func (s *Suppression) Type() string { return "SUPPRESSION" }

// Keys spreads the hashes over 256 partitions.
func (s *Suppression) Keys() store.Keys { return store.Keys{Primary: suppressionKey(s.Hash)} }

func suppressionKey(hash string) store.Key {
	return store.PlatformScope().KeyIn(FamilySuppression, hash[:2], hash)
}

// hashOf is the keyed hash by which an address is known again.
func hashOf(p keys.Pseudonyms, address string) string {
	return p.Of("recipient", strings.ToLower(strings.TrimSpace(address)))
}

// suppressed says whether an address is to be left alone.
func suppressed(ctx context.Context, p *store.Platform, hash string) (bool, error) {
	_, err := store.Get[Suppression](ctx, p, suppressionKey(hash))
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// Suppress adds to a transaction that an address is left alone from now on. A longer rest is not made shorter.
func Suppress(ctx context.Context, tx *store.Tx, p *store.Platform, hash, why string, complained bool) error {
	rest := bounceRest
	if complained {
		rest = complaintRest
	}
	until := p.Now().Add(rest)
	was, err := store.Get[Suppression](ctx, p, suppressionKey(hash))
	switch {
	case err == nil && was.ExpiresAt >= until.Unix():
		return nil
	case err != nil && !errors.Is(err, store.ErrMissing):
		return err
	}
	s := &Suppression{Hash: hash, Why: why, Since: p.Now().Unix()}
	s.Expire(until)
	tx.Put(p, s)
	return nil
}
