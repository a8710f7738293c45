// Package feed keeps what is done in organizations to the things that people work with: one act for each change of a row
// that tells of one, read off the table's stream. Acts hold ids and fixed words, never a name or a value.
package feed

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds acts, divided by the months in which they were done.
const Family store.Family = "ACTIVITY"

// Life is how long an act is shown. It is a choice of ours: a year covers what a team looks back on, and what must be proved
// for longer is in the audit records. Like those, acts stay when what they tell of goes: its id then leads nowhere.
const Life = 365 * 24 * time.Hour

// Verb is what was done.
type Verb string

// The verbs. What became of a thing beyond them is in the status.
const (
	Created Verb = "created"
	Changed Verb = "changed"
	Deleted Verb = "deleted"
)

// Act is one thing that was done.
type Act struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	ID      id.Act          `dynamo:"id"`
	Kind    string          `dynamo:"kind"` // of the object: client
	Object  string          `dynamo:"object"`
	Parent  string          `dynamo:"parent,omitempty"` // what the object belongs to, a project or a client
	Verb    Verb            `dynamo:"act"`
	Status  string          `dynamo:"status,omitempty"`  // that the object came into
	Actor   string          `dynamo:"actor,omitempty"`   // a member's id, or job:<id>; empty where it is not known
	Request string          `dynamo:"request,omitempty"` // the id of the request
	At      int64           `dynamo:"at"`                // epoch milliseconds
}

// Type is the row's type.
func (a *Act) Type() string { return "ACTIVITY" }

// Keys puts acts into the month in which they were done, in the order of their time.
func (a *Act) Keys() store.Keys {
	at := a.Time()
	return store.Keys{Primary: store.OrganizationScope(a.Org).KeyIn(Family, Month(at), store.Instant(at), string(a.ID))}
}

// Time is when it was done.
func (a *Act) Time() time.Time { return time.UnixMilli(a.At).UTC() }

// Month is the division of the family that the acts of a time lie in: 2026-11.
func Month(at time.Time) string { return at.UTC().Format("2006-01") }

// Keep writes acts, a hundred at a time. One that is there already stays as it is, with the marks that were set on it.
func Keep(ctx context.Context, st *store.Store, actor store.Actor, acts []*Act) error {
	for len(acts) > 0 {
		n := min(len(acts), store.MaxWrites)
		err := create(ctx, st, actor, acts[:n]...)
		if errors.Is(err, store.ErrExists) { // the record came before: whichever of them are missing yet
			for _, a := range acts[:n] {
				if err = store.Except(create(ctx, st, actor, a), store.ErrExists); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
		acts = acts[n:]
	}
	return nil
}

func create(ctx context.Context, st *store.Store, actor store.Actor, acts ...*Act) error {
	tx := st.Begin()
	for _, a := range acts {
		tx.Create(st.BindOrganization(a.Org, actor), a)
	}
	return tx.Commit(ctx)
}
