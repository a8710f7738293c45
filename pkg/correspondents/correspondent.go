// Package correspondents knows the people who have only written to PixelTrack: they have no account, or wrote in a way that
// does not prove that they are the one who has it. A correspondent is found by the keyed hash of their address, and what is
// theirs lies behind the case handle of that hash.
package correspondents

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of correspondents and of how much mail came from an address.
const (
	Family      store.Family = "CORRESPONDENT"
	FamilyCount store.Family = "MAILCOUNT"
)

// Correspondent is somebody who wrote to PixelTrack. The row goes when nothing is left that their address is needed for.
type Correspondent struct {
	store.Meta
	Hash    string `dynamo:"hash"`
	Address string `dynamo:"address"`
	Name    string `dynamo:"name,omitempty"` // as their mails say
	Since   int64  `dynamo:"since"`          // epoch seconds
	Last    int64  `dynamo:"last"`           // epoch seconds of the last thing that came from them
}

// Type is the row's type.
func (c *Correspondent) Type() string { return "CORRESPONDENT" }

// Keys puts a correspondent into the scope of their address.
func (c *Correspondent) Keys() store.Keys { return store.Keys{Primary: Key(c.Hash)} }

// Key is where a correspondent lies.
func Key(hash string) store.Key { return store.CaseScope(hash).Key(Family) }

// HashOf is the keyed hash that the correspondent of an address is found by.
func HashOf(p keys.Pseudonyms, address string) string { return named.HashOf(p, address) }

// maxName is how many characters of a name are kept.
const maxName = 100

// Heard adds to a transaction that something came from an address: it is known from now on, or goes on being known. Of two
// at once one fails with store.ErrStale.
func Heard(ctx context.Context, tx *store.Tx, h *store.Case, address, name string) error {
	hash, _ := h.Scope().Case()
	now := h.Now().Unix()
	c, err := store.Get[Correspondent](ctx, h, Key(hash))
	if errors.Is(err, store.ErrMissing) {
		c = &Correspondent{Hash: hash, Address: account.Normal(address), Since: now, Last: now}
		c.called(name)
		tx.Create(h, c).Else(store.ErrStale)
		return nil
	}
	if err != nil {
		return err
	}
	c.Last = now
	c.called(name)
	tx.Replace(h, c)
	return nil
}

func (c *Correspondent) called(name string) {
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	if name != "" {
		c.Name = name
	}
}

// Person reads where a correspondent is reached. It gives compose.ErrGone for one who is not there any more.
func Person(ctx context.Context, h *store.Case) (compose.Person, error) {
	hash, _ := h.Scope().Case()
	c, err := store.Get[Correspondent](ctx, h, Key(hash))
	if err != nil {
		return compose.Person{}, compose.Gone(err)
	}
	return compose.Person{Name: c.Name, Address: c.Address}, nil
}

// Purge is the clock that looks whether a correspondent is still needed.
func Purge(hash string, at time.Time) *store.Due {
	return store.NewDue(retention.CorrespondentPurge, at, Key(hash))
}

// Within one day an address may send this many mails, and gets this many that nobody wrote.
const (
	DailyMails   = 50
	DailyAnswers = 5
)

// Count is how much mail came from an address within a day, and how much of it was answered by a machine. It keeps two
// machines from writing to each other, and a stranger from filling somebody's mailbox in their name.
type Count struct {
	store.Meta
	Hash    string `dynamo:"hash"`
	Mails   int    `dynamo:"mails"`
	Answers int    `dynamo:"answers,omitempty"`
}

// Type is the row's type.
func (n *Count) Type() string { return "MAIL_COUNT" }

// Keys puts the count into the scope of the address.
func (n *Count) Keys() store.Keys {
	return store.Keys{Primary: store.CaseScope(n.Hash).Key(FamilyCount)}
}

// CountIn reads how much mail came from an address, and counts one more. Full says that it was too much before.
func CountIn(ctx context.Context, h *store.Case) (n *Count, full bool, err error) {
	hash, _ := h.Scope().Case()
	n = &Count{Hash: hash}
	there, err := store.Get[Count](ctx, h, n.Keys().Primary)
	switch {
	case errors.Is(err, store.ErrMissing):
		n.Expire(h.Now().Add(24 * time.Hour))
	case err != nil:
		return nil, false, err
	case there.Mails >= DailyMails:
		return there, true, nil
	default:
		n = there
	}
	n.Mails++
	return n, false, nil
}

// Answer counts an answer, false when there were enough for today.
func (n *Count) Answer() bool {
	if n.Answers >= DailyAnswers {
		return false
	}
	n.Answers++
	return true
}

// Save adds the count to a transaction. Of two at once one fails with store.ErrStale.
func (n *Count) Save(tx *store.Tx, h *store.Case) {
	if n.Version == 0 {
		tx.Create(h, n).Else(store.ErrStale)
		return
	}
	tx.Replace(h, n)
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Correspondent{}, Type: "CORRESPONDENT", Area: "support", Subject: registry.SubjectCorrespondent, Purpose: purpose.Support, Basis: registry.Contract,
			Class: registry.ClassSupport, Export: "correspondence", Family: string(Family), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Secret("hash", "a keyed hash of the address", registry.EraseWithRow),
				registry.Personal("address", "email", "the address that somebody wrote from", registry.EraseWithRow),
				registry.Personal("name", "name", "what they call themselves in their mails", registry.EraseWithRow),
				registry.Plain("since", "a time"), registry.Plain("last", "a time"),
			}},
		{Sample: Count{}, Type: "MAIL_COUNT", Area: "support", Subject: registry.SubjectCorrespondent, Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassSecurity, Family: string(FamilyCount), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Secret("hash", "a keyed hash of the address, for a day", registry.EraseWithRow),
				registry.Internal("mails", "a count"), registry.Internal("answers", "a count"),
			}},
	}
}
