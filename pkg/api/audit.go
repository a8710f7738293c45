package api

import (
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyAudit holds audit records, of an organisation or of a user.
const FamilyAudit store.Family = "AUDIT"

// AuditLife is how long an audit record is kept.
const AuditLife = 7 * 365 * 24 * time.Hour

// Audit is one record of who did what: ids, never names.
type Audit struct {
	store.Meta
	ID      id.Record `dynamo:"id"`
	At      int64     `dynamo:"at"`     // epoch seconds
	Actor   string    `dynamo:"actor"`  // member id in an organisation, staff id or a commitment in the platform's own, user id elsewhere
	Action  string    `dynamo:"action"` // operation id, or a fixed word
	Object  string    `dynamo:"object,omitempty"`
	Outcome string    `dynamo:"outcome"` // done, or the code of the refusal
	Request string    `dynamo:"request"`
	Purpose string    `dynamo:"purpose"`
	key     store.Key
}

// Type is the row's type.
func (a *Audit) Type() string { return "AUDIT" }

// NewRecord makes a record of what a job found, in a scope and at a time.
func NewRecord(scope store.Scope, ids id.Source, at time.Time, a Audit) *Audit {
	a.ID, a.At = id.New[id.Record](ids), at.Unix()
	a.key = scope.Key(FamilyAudit, store.Instant(at), string(a.ID))
	a.Expire(at.Add(AuditLife))
	return &a
}

// Keys puts records of one scope in order of time.
func (a *Audit) Keys() store.Keys { return store.Keys{Primary: a.key} }

// audit adds the record of this call to its transaction.
func (c *Caller) audit(tx *store.Tx, object, outcome string) {
	switch {
	case c.Staff != nil:
		c.record(tx, c.Platform(), store.PlatformScope(), string(c.Staff.ID), object, outcome)
	case c.inside():
		c.record(tx, c.Org, c.Org.Scope(), string(c.Member), object, outcome)
	case c.Self != nil:
		c.record(tx, c.Self, c.Self.Scope(), string(c.User), object, outcome)
	}
}

// AuditFor adds the record of a public call to its transaction, once the call has shown who makes it: a login, or the
// restoring of an account.
func (c *Caller) AuditFor(tx *store.Tx, self *store.User, object, outcome string) {
	c.record(tx, self, self.Scope(), string(self.ID), object, outcome)
}

// AuditIn adds the record of a call that makes somebody a member of an organisation, which is none of the token's.
func (c *Caller) AuditIn(tx *store.Tx, org *store.Organization, member id.Member, object, outcome string) {
	c.record(tx, org, org.Scope(), string(member), object, outcome)
}

// AuditItem adds the record of one of several things that a call does. Commit then adds none of its own.
func (c *Caller) AuditItem(tx *store.Tx, object string) {
	c.audit(tx, object, "done")
	c.itemized = true
}

// Itemized says that each thing that a call does has a record of its own, also when it does none.
func (c *Caller) Itemized() { c.itemized = true }

func (c *Caller) record(tx *store.Tx, h store.Bound, scope store.Scope, actor, object, outcome string) {
	tx.Create(h, NewRecord(scope, c.store.IDs(), c.Now, Audit{Actor: actor, Action: c.route.ID, Object: object, Outcome: outcome, Request: c.Request, Purpose: c.route.Purpose}))
}
