package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/id"
)

// Store is the table. It gives no access by itself: rows are reached through a handle bound to a scope.
type Store struct {
	db    *dynamo.DB
	table dynamo.Table
	now   func() time.Time
	ids   id.Source
}

// New opens a table.
func New(cfg aws.Config, table string, now func() time.Time) *Store {
	db := dynamo.New(cfg)
	return &Store{db: db, table: db.Table(table), now: now, ids: id.NewSource(now)}
}

// Name is the table's name.
func (s *Store) Name() string { return s.table.Name() }

// Now is the store's clock.
func (s *Store) Now() time.Time { return s.now() }

// IDs makes ids by the store's clock.
func (s *Store) IDs() id.Source { return s.ids }

// Actor is who acts and in which request. Inside an organisation Who is a member id, never a user.
type Actor struct {
	Who     string
	Request string
}

func (a Actor) by() string {
	if a.Request == "" {
		return a.Who
	}
	return a.Who + "/" + a.Request
}

// Handle reaches the rows of one scope and refuses every key outside it with ErrBound.
type Handle struct {
	store          *Store
	scope          Scope
	lookups        bool // may reach MAIL, TOKEN, EXT, DUE and WAKE rows, and read what is listed under NAMED
	actor          Actor
	seesRestricted bool
	seesDue        bool
}

// The four handles. Each is its own type, so that a function says by its parameters what it can reach.
type (
	Organization struct {
		Handle
		ID id.Organization
	}
	User struct {
		Handle
		ID id.User
	}
	Case     struct{ Handle }
	Platform struct{ Handle }
)

// BindOrganization gives the handle of an organisation, taken from a verified token or by a job from a due row.
func (s *Store) BindOrganization(org id.Organization, actor Actor) *Organization {
	return &Organization{Handle{store: s, scope: OrganizationScope(org), actor: actor}, org}
}

// BindUser gives the handle of a user, taken from a verified token or by a job from a due row.
func (s *Store) BindUser(user id.User, actor Actor) *User {
	return &User{Handle{store: s, scope: UserScope(user), actor: actor}, user}
}

// BindCase gives the handle of a request or link, by the hash of the secret its holder showed.
func (s *Store) BindCase(hash string, actor Actor) *Case {
	return &Case{Handle{store: s, scope: CaseScope(hash), actor: actor}}
}

// BindPlatform gives the handle of registers, keys, lookups and due rows.
func (s *Store) BindPlatform(actor Actor) *Platform {
	return &Platform{Handle{store: s, scope: PlatformScope(), actor: actor, lookups: true}}
}

// Bound is any of the handles.
type Bound interface{ handle() *Handle }

func (h *Handle) handle() *Handle { return h }

// Store is the table behind the handle.
func (h *Handle) Store() *Store { return h.store }

// Scope is what the handle is bound to.
func (h *Handle) Scope() Scope { return h.scope }

// Actor is who acts through the handle.
func (h *Handle) Actor() Actor { return h.actor }

// Now is the store's clock.
func (h *Handle) Now() time.Time { return h.store.now() }

// SeeRestricted lets the handle read and change restricted rows: for their own subject, for export, for the jobs that
// set and lift the mark.
func (h *Handle) SeeRestricted() { h.seesRestricted = true }

// SeeDue lets the handle read rows that are past their time: for the jobs that remove them.
func (h *Handle) SeeDue() { h.seesDue = true }

func (h *Handle) allows(pk string) error {
	if h.scope.owns(pk) {
		return nil
	}
	if h.lookups {
		for _, p := range []string{"MAIL", "TOKEN", "EXT", "DUE", "WAKE", named} {
			if strings.HasPrefix(pk, p+separator) {
				return nil
			}
		}
	}
	return ErrBound
}

// Get reads one row, strongly consistent. An expired row is ErrMissing, a restricted one ErrRestricted.
func Get[T any, P interface {
	*T
	Row
}](ctx context.Context, h Bound, key Key) (P, error) {
	row := P(new(T))
	if err := h.handle().get(ctx, key, row); err != nil {
		return nil, err
	}
	return row, nil
}

func (h *Handle) get(ctx context.Context, key Key, row Row) error {
	if err := h.allows(key.PK); err != nil {
		return err
	}
	spent, done := metered(ctx)
	defer done()
	err := h.store.table.Get(attrPK, key.PK).Range(attrSK, dynamo.Equal, key.SK).Consistent(true).
		ConsumedCapacity(spent).One(ctx, row)
	if errors.Is(err, dynamo.ErrNotFound) {
		return ErrMissing
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", row.Type(), err)
	}
	return h.visible(row)
}

// visible judges a row that was read.
func (h *Handle) visible(row Row) error {
	m := row.Head()
	if m.RowType != row.Type() || !h.seesDue && !m.Alive(h.store.now()) {
		return ErrMissing
	}
	if m.Restricted && !h.seesRestricted {
		return ErrRestricted
	}
	return nil
}

// Fetch is one row of a Fetch call: what to read through which handle, and after the call whether it was there.
type Fetch struct {
	Through Bound
	Key     Key
	Row     Row
	Err     error // nil, ErrMissing or ErrRestricted
}

// FetchAll reads several rows in one strongly consistent trip. Each fetch tells its own outcome; the error is of the
// call. No key may come twice.
func (s *Store) FetchAll(ctx context.Context, fetches ...*Fetch) error {
	keys := make([]dynamo.Keyed, len(fetches))
	for i, f := range fetches {
		if err := f.Through.handle().allows(f.Key.PK); err != nil {
			return err
		}
		f.Err = ErrMissing
		keys[i] = dynamo.Keys{f.Key.PK, f.Key.SK}
	}
	var items []dynamo.Item
	spent, done := metered(ctx)
	defer done()
	err := s.table.Batch(attrPK, attrSK).Get(keys...).Consistent(true).ConsumedCapacity(spent).All(ctx, &items)
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return fmt.Errorf("fetch %d rows: %w", len(fetches), err)
	}
	for _, item := range items {
		var m Meta
		if err := dynamo.UnmarshalItem(item, &m); err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		for _, f := range fetches {
			if f.Key != (Key{m.PK, m.SK}) {
				continue
			}
			if err := dynamo.UnmarshalItem(item, f.Row); err != nil {
				return fmt.Errorf("fetch %s: %w", f.Row.Type(), err)
			}
			f.Err = f.Through.handle().visible(f.Row)
		}
	}
	return nil
}
