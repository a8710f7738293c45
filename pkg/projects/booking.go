package projects

import (
	"context"
	"strings"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyBooking holds bookings, divided by their projects.
const FamilyBooking store.Family = "PROJECTTIME"

// Booking says in the table itself that a timer, an entry or a file lies under a project. A timer and the entry that it
// becomes have one booking, so that at no time neither is seen.
type Booking struct {
	store.Meta
	key store.Key
}

// Type is the row's type.
func (b *Booking) Type() string { return "PROJECTTIME" }

// Keys puts a booking under its project.
func (b *Booking) Keys() store.Keys {
	if b.key.IsZero() {
		return store.Keys{Primary: store.Key{PK: b.PK, SK: b.SK}}
	}
	return store.Keys{Primary: b.key}
}

// Number is an id without its prefix: what a timer and its entry have in common.
func Number[T id.Kind](of T) string { return strings.TrimPrefix(string(of), id.Prefix[T]()+"_") }

// Book says that something of this number lies under a project.
func Book(tx *store.Tx, org *store.Organization, p id.Project, number string) {
	tx.Put(org, &Booking{key: bookingKey(org, p, number)})
}

// Free takes a booking back.
func Free(tx *store.Tx, org *store.Organization, p id.Project, number string) {
	tx.DeleteKey(org, bookingKey(org, p, number), "")
}

func bookingKey(org *store.Organization, p id.Project, number string) store.Key {
	return org.Scope().KeyIn(FamilyBooking, string(p), number)
}

// Numbers lists what lies under a project by its numbers, the newest first, from a cursor on.
func Numbers(ctx context.Context, org *store.Organization, p id.Project, limit int, cursor string) (numbers []string, next string, err error) {
	q := store.Query{Partition: org.Scope().Partition(FamilyBooking, string(p)), Descending: true, Limit: limit, Cursor: cursor}
	rows, next, err := store.List[Booking](ctx, org, q)
	for _, b := range rows {
		numbers = append(numbers, b.SK)
	}
	return numbers, next, err
}

// Booked says whether anything lies under a project.
func Booked(ctx context.Context, org *store.Organization, p id.Project) (bool, error) {
	rows, _, err := store.List[Booking](ctx, org, store.Query{Partition: org.Scope().Partition(FamilyBooking, string(p)), Limit: 1})
	return len(rows) > 0, err
}
