package privacy

import (
	"context"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyDocket holds the list of all requests that PixelTrack's own people work through.
const FamilyDocket store.Family = "DOCKET"

// docketOpen is the division that lists every open request, whatever its state.
const docketOpen = "open"

// Docket is the line of a request on that list: its kind, its state and its dates, and where it lies. It is written with
// every change of the request, names nobody but by the key of that row, and leads to the keyed hash once its person has
// been erased.
type Docket struct {
	store.Meta
	ID       id.Case       `dynamo:"id"`
	Kind     request.Kind  `dynamo:"kind"`
	State    request.State `dynamo:"state"`
	Received int64         `dynamo:"received"` // epoch seconds, as all times here
	Due      int64         `dynamo:"due"`
	Extended bool          `dynamo:"extended,omitempty"`
	Closed   int64         `dynamo:"closed,omitempty"`
	Assignee id.Staff      `dynamo:"assignee,omitempty"`
	Target   store.Key     `dynamo:"target"`
}

// Type is the row's type.
func (d *Docket) Type() string { return "DOCKET" }

// Keys puts a line under the id of its request, and lists it by the date on which the answer is owed: among those of its
// state, and while it is open among all open ones.
func (d *Docket) Keys() store.Keys {
	s, sort := store.PlatformScope(), store.Join(store.Instant(clock.At(d.Due)), string(d.ID))
	k := store.Keys{Primary: docketKey(d.ID), Index1: store.Key{PK: s.Partition(FamilyDocket, string(d.State)), SK: sort}}
	if d.State.Open() {
		k.Index2 = store.Key{PK: s.Partition(FamilyDocket, docketOpen), SK: sort}
	}
	return k
}

func docketKey(c id.Case) store.Key { return store.PlatformScope().Key(FamilyDocket, string(c)) }

// line adds the request's line on the docket to the transaction that writes the request, whose version keeps the two
// together.
func (r *Request) line(tx *store.Tx, h holder) {
	d := &Docket{ID: r.ID, Kind: r.Kind, State: r.State, Received: r.Received, Due: r.Due, Extended: r.Extended, Closed: r.Closed,
		Assignee: r.Assignee, Target: r.Keys().Primary}
	d.ExpiresAt = r.ExpiresAt
	tx.Put(h.Store().BindPlatform(h.Actor()), d)
}

// ofPerson reads the request of a line whose person is there, with the handle that it lies behind: one with an account, or
// a correspondent whose request is open. That handle is bound by the line, a row of our own, and by nothing that a caller
// said. After an erasure it is store.ErrMissing.
func (d *Docket) ofPerson(ctx context.Context, st *store.Store, actor store.Actor) (holder, *Request, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	var h holder
	if user, ok := scope.User(); ok {
		person := st.BindUser(user, actor)
		person.SeeRestricted()
		h = person
	} else if hash, ok := scope.Case(); ok && d.State.Open() {
		person := st.BindCase(hash, actor)
		person.SeeRestricted()
		h = person
	} else {
		return nil, nil, store.ErrMissing
	}
	r, err := store.Get[Request](ctx, h, d.Target)
	return h, r, err
}

// ofNobody reads the request of a line whose person has been erased, or who is a correspondent or the reporter of a child's
// account. Else it is store.ErrMissing.
func (d *Docket) ofNobody(ctx context.Context, st *store.Store, actor store.Actor) (*Request, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	hash, ok := scope.Case()
	if !ok {
		return nil, store.ErrMissing
	}
	return store.Get[Request](ctx, st.BindCase(hash, actor), d.Target)
}
