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
	ID           id.Message        `dynamo:"id"`
	Scope        string            `dynamo:"scope"`         // whose partition it lies in
	Template     string            `dynamo:"template"`      // confirm_sign_up
	Dedupe       string            `dynamo:"dedupe"`        // document, recipient and step: the sort key, also Resend's idempotency key
	Ids          map[string]string `dynamo:"ids,omitempty"` // what the template needs: ids, dates and numbers only
	State        State             `dynamo:"state"`
	Queued       int64             `dynamo:"queued"` // epoch seconds
	ClaimedUntil int64             `dynamo:"claimed_until,omitempty"`
	Attempts     int               `dynamo:"attempts,omitempty"`
	Provider     string            `dynamo:"provider,omitempty"` // Resend's id of the mail
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

// Queue adds a mail to a transaction, with the due row that makes sure it is sent. A mail with the same dedupe key
// makes the transaction fail with store.ErrExists. Dedupe holds ids and fixed words only.
func Queue(tx *store.Tx, h interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
}, template, dedupe string, ids map[string]string) *store.Op {
	now := h.Now()
	m := &Mail{ID: id.New[id.Message](h.Store().IDs()), Scope: h.Scope().String(), Template: template, Dedupe: dedupe,
		Ids: ids, State: Queued, Queued: now.Unix(), key: Key(h.Scope(), dedupe)}
	m.Expire(now.Add(Life))
	op := tx.Create(h, m)
	tx.Arm(h, DueFor(m))
	return op
}

// DueFor is the due row of a queued mail.
func DueFor(m *Mail) *store.Due {
	return store.NewDue(Due, time.Unix(m.Queued, 0).Add(Patience), m.Keys().Primary)
}
