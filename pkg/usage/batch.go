package usage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyEvents holds what people did, by day and by the first character of their pseudonym.
const FamilyEvents store.Family = "USAGEEVENT"

// Batch is what one person did within one call, counted by cell. It says on which day, and nothing closer: neither its
// times nor who wrote it lead to a line of a log, and so to a person.
type Batch struct {
	store.Meta
	Day    string       `dynamo:"day"`    // 2026-03-02, UTC
	Person string       `dynamo:"person"` // their pseudonym of that day
	Cells  map[Cell]int `dynamo:"cells"`
	name   string       // random
}

// Type is the row's type.
func (b *Batch) Type() string { return "USAGE" }

// Keys puts the batches of a person and day beside each other.
func (b *Batch) Keys() store.Keys {
	if b.name == "" {
		return store.Keys{Primary: store.Key{PK: b.PK, SK: b.SK}}
	}
	return store.Keys{Primary: store.Key{PK: events(b.Day, b.Person[:1]), SK: store.Join(b.Person, b.name)}}
}

// shards are the divisions of a day: the first characters of pseudonyms.
const shards = "0123456789abcdef"

func events(day, shard string) string {
	return store.PlatformScope().Partition(FamilyEvents, day, shard)
}

// newBatch makes the batch of a person on the day of a time. It goes at the beginning of its ninetieth day.
func newBatch(person string, cells map[Cell]int, now time.Time, random io.Reader) (*Batch, error) {
	name := make([]byte, 12)
	if _, err := io.ReadFull(random, name); err != nil {
		return nil, fmt.Errorf("usage: no randomness: %w", err)
	}
	b := &Batch{Day: dayOf(now), Person: person, Cells: cells, name: hex.EncodeToString(name)}
	b.Expire(midnight(now).Add(retention.Usage))
	return b, nil
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// pseudonym is who somebody is on one day. Without the day's salt nobody can tell, and no two days have the same.
func pseudonym(salt []byte, user id.User) string {
	m := hmac.New(sha256.New, salt)
	m.Write([]byte(user)) // never fails
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// people goes through the batches of a day, those of one person one after the other.
func people(ctx context.Context, p *store.Platform, day string, yield func(*Batch)) error {
	for _, shard := range shards {
		for b, err := range store.All[Batch](ctx, p, store.Query{Partition: events(day, string(shard)), Limit: 500}) {
			if err != nil {
				return err
			}
			yield(b)
		}
	}
	return nil
}
