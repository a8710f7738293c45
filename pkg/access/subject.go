package access

import (
	"context"
	"fmt"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// FamilySubject holds the list of all accounts.
const FamilySubject store.Family = "SUBJECT"

// Subject is an account in the list of all accounts, which whoever must tell everybody something goes through. It is made
// with the account and goes with it, and holds its id alone: whether the account lives, its gate says.
type Subject struct {
	store.Meta
	User id.User `dynamo:"user"`
}

// Type is the row's type.
func (s *Subject) Type() string { return "SUBJECT" }

// Keys spreads the list over store.Shards partitions, in each in the order in which the accounts were made.
func (s *Subject) Keys() store.Keys { return store.Keys{Primary: subjectKey(s.User)} }

func subjectKey(u id.User) store.Key {
	return store.PlatformScope().KeyIn(FamilySubject, fmt.Sprint(store.ShardOf(string(u))), string(u))
}

// Enlist adds to a transaction that a new account is in the list.
func Enlist(tx *store.Tx, p *store.Platform, u id.User) { tx.Put(p, &Subject{User: u}) }

// Delist adds to a transaction that an account which is gone is in the list no more.
func Delist(tx *store.Tx, p *store.Platform, u id.User) { tx.DeleteKey(p, subjectKey(u), "") }

// Subjects reads accounts of one shard of the list that were made after an id, which need not be one of theirs, and at most
// so many. Fewer than that are the last.
func Subjects(ctx context.Context, p *store.Platform, shard int, after id.User, limit int) ([]*Subject, error) {
	q := store.Query{Partition: p.Scope().Partition(FamilySubject, fmt.Sprint(shard)), From: store.Join(string(after), ""), Limit: limit}
	all, _, err := store.List[Subject](ctx, p, q)
	return all, err
}
