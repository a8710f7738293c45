// Package outbox holds the mails that leave the house. A mail is a row written in the same transaction as its cause;
// it names a template and ids, never an address or a text: those are read when it is sent. A job claims it, sends it
// once, and keeps what became of it.
package outbox

import (
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the mails of a scope.
const Family store.Family = "OUTBOX"

// Life is how long a mail's row is kept after it was queued.
const Life = 30 * 24 * time.Hour

// Due is the clock of mails that the stream did not deliver.
const Due store.DueKind = "outbox"

// Patience is how long the schedule leaves a mail to the stream.
const Patience = 2 * time.Minute

// State is what became of a mail.
type State string

// The states of a mail.
const (
	Queued     State = "queued"
	Sending    State = "sending" // claimed until ClaimedUntil
	Sent       State = "sent"
	Delivered  State = "delivered"
	Bounced    State = "bounced"
	Complained State = "complained"
	Failed     State = "failed"  // given up
	Dropped    State = "dropped" // no longer wanted, or nobody to send it to
)

// Mail is one mail to one person: the user, pending sign-up or case in whose scope it lies.
type Mail struct {
	store.Meta
	ID           id.Message        `dynamo:"id"`            // also Resend's idempotency key: one for each dedupe key of a scope
	Scope        string            `dynamo:"scope"`         // whose partition it lies in
	Template     string            `dynamo:"template"`      // confirm_sign_up
	Dedupe       string            `dynamo:"dedupe"`        // document, recipient and step: the sort key
	Ids          map[string]string `dynamo:"ids,omitempty"` // what the template needs: ids, dates and numbers only
	State        State             `dynamo:"state"`
	Queued       int64             `dynamo:"queued"` // epoch seconds
	ClaimedUntil int64             `dynamo:"claimed_until,omitempty"`
	Attempts     int               `dynamo:"attempts,omitempty"`
	Unsure       int64             `dynamo:"unsure,omitempty"`    // when the first attempt began of which it is not known whether it was sent
	Next         int64             `dynamo:"next,omitempty"`      // when it is tried again, after the first attempt
	Recipient    string            `dynamo:"recipient,omitempty"` // a keyed hash of the address it went to
	Provider     string            `dynamo:"provider,omitempty"`  // Resend's id of the mail
	SentAt       int64             `dynamo:"sent_at,omitempty"`
	SettledAt    int64             `dynamo:"settled_at,omitempty"` // delivered, bounced or complained
	key          store.Key
}

// Type is the row's type.
func (m *Mail) Type() string { return "MAIL_OUT" }

// Keys puts mails under their scope by dedupe key.
func (m *Mail) Keys() store.Keys {
	if m.key.IsZero() {
		return store.Keys{Primary: store.Key{PK: m.PK, SK: m.SK}}
	}
	return store.Keys{Primary: m.key}
}

// Key is where the mail of a dedupe key lies in a scope.
func Key(scope store.Scope, dedupe string) store.Key { return scope.Key(Family, dedupe) }

// Holder is any of the store's handles.
type Holder interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
}

// Queue adds a mail to a transaction, with the due row that makes sure it is sent. A mail with the same dedupe key
// makes the transaction fail with store.ErrExists. Dedupe holds ids and fixed words only.
func Queue(tx *store.Tx, h Holder, template, dedupe string, ids map[string]string) *store.Op {
	now := h.Now()
	m := &Mail{ID: id.New[id.Message](h.Store().IDs()), Scope: h.Scope().String(), Template: template, Dedupe: dedupe,
		Ids: ids, State: Queued, Queued: now.Unix(), key: Key(h.Scope(), dedupe)}
	m.Expire(now.Add(Life))
	op := tx.Create(h, m)
	tx.Arm(h, DueFor(m))
	return op
}

// DueFor is the due row of a mail that has not been sent.
func DueFor(m *Mail) *store.Due {
	at := time.Unix(m.Queued, 0).Add(Patience)
	if m.Next != 0 {
		at = time.Unix(m.Next, 0)
	}
	return store.NewDue(Due, at, m.Keys().Primary)
}

// Bind gives the handle of the scope that a mail's key lies in, for the functions that a mail's row or its provider's
// lookup row has led to it. It sees restricted rows, because mails about rights and about the service are still sent. It
// is false for a key of no scope.
func Bind(st *store.Store, actor store.Actor, key store.Key) (Holder, bool) {
	s, family := store.ScopeOf(key.PK)
	if family != Family {
		return nil, false
	}
	if user, ok := s.User(); ok {
		h := st.BindUser(user, actor)
		h.SeeRestricted()
		return h, true
	}
	if org, ok := s.Organization(); ok {
		h := st.BindOrganization(org, actor)
		h.SeeRestricted()
		return h, true
	}
	if hash, ok := s.Case(); ok {
		h := st.BindCase(hash, actor)
		h.SeeRestricted()
		return h, true
	}
	return nil, false
}
