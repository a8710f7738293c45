package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyIdempotency holds what was done under an Idempotency-Key.
const FamilyIdempotency store.Family = "IDEMPOTENCY"

// IdempotencyLife is how long a key is remembered.
const IdempotencyLife = 24 * time.Hour

// Idempotency remembers the success of one call: its status and the id of what it made, never what it answered.
type Idempotency struct {
	store.Meta
	Body   string `dynamo:"body"` // hash of the request
	Status int    `dynamo:"status"`
	Object string `dynamo:"object,omitempty"`
	key    store.Key
}

// Type is the row's type.
func (i *Idempotency) Type() string { return "IDEMPOTENCY" }

// Keys puts the row into the scope of its caller.
func (i *Idempotency) Keys() store.Keys { return store.Keys{Primary: i.key} }

// pending is a key that the request carries and that nothing was done under yet.
type pending struct {
	key   store.Key
	body  string
	fetch *store.Fetch
}

// TakesKeys says whether a repeat of a call is known by its Idempotency-Key: of every POST of somebody who is logged in, but
// for those under /v1/auth that keep nothing under one: they work once by conditions of their own, and answer tokens, which
// are shown once.
func (op Operation) TakesKeys() bool {
	return op.Method == http.MethodPost && op.Audience != Public && (op.replay || !strings.HasPrefix(op.Path, "/v1/auth/"))
}

// keyed prepares the caller's Idempotency-Key, when the request has one.
func (c *Caller) keyed(header string, request []byte) error {
	if header == "" || c.Self == nil {
		return nil
	}
	if len(header) > 255 {
		return problem.InvalidField("header.Idempotency-Key", "at most 255 characters")
	}
	scope := c.Self.Scope()
	if c.inside() {
		scope = c.Org.Scope()
	}
	c.idempotency = &pending{
		key:  scope.Key(FamilyIdempotency, digest([]byte(string(c.User)+"\n"+c.route.ID+"\n"+header))),
		body: digest(request),
	}
	return nil
}

func (c *Caller) idempotencyFetch() *store.Fetch {
	if c.idempotency == nil {
		return nil
	}
	c.idempotency.fetch = &store.Fetch{Through: c.Home(), Key: c.idempotency.key, Row: new(Idempotency)}
	return c.idempotency.fetch
}

// settleKey says what the row of the key means for this request.
func (c *Caller) settleKey(row *Idempotency, err error) error {
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if row.Body != c.idempotency.body {
		return problem.Of(problem.Invalid, "idempotency_key_reused", "This Idempotency-Key was used for another request.")
	}
	c.done = row
	return nil
}

// Home is the handle that the records of a call go through: the organisation's on its members' routes, and the user's
// on routes about the user's own affairs, which are no business of the organisation that the token happens to name.
func (c *Caller) Home() store.Bound {
	if c.inside() {
		return c.Org
	}
	return c.Self
}

func (c *Caller) inside() bool { return c.Org != nil && c.route.Audience == Members }

// Commit carries a transaction out, with the row of the Idempotency-Key in it, and the audit row where the route has
// one. Object is the id of what the call made or changed. When a twin with the same key was first, the error makes the
// answer a replay.
func (c *Caller) Commit(ctx context.Context, tx *store.Tx, object string) error {
	if err := c.Checked(); err != nil {
		return err
	}
	if c.route.Audit && !c.itemized {
		c.audit(tx, object, "done")
	}
	if c.idempotency == nil {
		err := tx.Commit(ctx)
		c.recorded = err == nil
		return err
	}
	row := &Idempotency{Body: c.idempotency.body, Status: c.route.Status, Object: object, key: c.idempotency.key}
	row.Expire(c.Now.Add(IdempotencyLife))
	tx.Create(c.Home(), row).Else(errTwin)
	err := tx.Commit(ctx)
	if err == nil {
		c.recorded = true
		return nil
	}
	if twin := c.findTwin(ctx); twin != nil {
		return twin
	}
	if errors.Is(err, errTwin) {
		return problem.Of(problem.Conflict, "idempotency_key_in_use", "A call with this Idempotency-Key is under way; try again.")
	}
	return err
}

var errTwin = errors.New("api: a twin with the same key was first")

// findTwin looks whether a twin was first, after a transaction was refused. If so, the answer becomes a replay.
func (c *Caller) findTwin(ctx context.Context) error {
	row, err := store.Get[Idempotency](ctx, c.Home(), c.idempotency.key)
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.settleKey(row, nil); err != nil {
		return err
	}
	return errTwin
}

// NewID makes an id by the caller's store.
func NewID[T id.Kind](c *Caller) T { return id.New[T](c.store.IDs()) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}
