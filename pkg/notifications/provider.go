package notifications

import (
	"context"
	"errors"
	"regexp"
	"time"

	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
)

// The provider's objects are known under these words: the mails of the platform's own account at Resend.
const (
	provider = "resend"
	account  = "platform"
)

// Binding leads from the provider's id of a mail to the mail. It is written when the provider has taken the mail, and is
// the one way in which a report of the provider finds it.
type Binding struct {
	store.Meta
	Mail store.Key `dynamo:"mail"`
	id   string
}

// Type is the row's type.
func (b *Binding) Type() string { return "MAIL_SENT" }

// Keys puts a binding under the provider's id.
func (b *Binding) Keys() store.Keys { return store.Keys{Primary: bindingKey(b.id)} }

func bindingKey(id string) store.Key { return store.ExternalLookup(provider, account, id) }

// FamilyUnbound holds reports about mails that are not bound, or not yet.
const FamilyUnbound store.Family = "UNBOUND"

// unboundLife is how long such a report waits: longer than the repeats of a sender that died between sending a mail and
// recording it.
const unboundLife = 48 * time.Hour

// Unbound is a report that came before its mail was recorded, or about a mail that is not the product's. The sender reads
// it after it has recorded a mail.
type Unbound struct {
	store.Meta
	ID     string `dynamo:"id"`     // the provider's id of the mail
	Report string `dynamo:"report"` // email.delivered and the like
	Hard   bool   `dynamo:"hard,omitempty"`
	At     int64  `dynamo:"at"` // epoch seconds
}

// Type is the row's type.
func (u *Unbound) Type() string { return "UNBOUND" }

// Keys gives each mail a partition of its own, with a row for each report.
func (u *Unbound) Keys() store.Keys {
	return store.Keys{Primary: store.PlatformScope().KeyIn(FamilyUnbound, u.ID, u.Report)}
}

// Report is what the provider says became of a mail.
type Report struct {
	ID   string // the provider's id of the mail
	Kind string // mail.EventDelivered, mail.EventBounced or mail.EventComplained
	Hard bool   // of a bounce: the address does not work and will not
	At   time.Time
}

var providerID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// Known says whether the report is of a kind that is recorded.
func (r Report) Known() bool {
	return providerID.MatchString(r.ID) && stateOf(r.Kind) != ""
}

// stateOf is the state of a mail that a report leads to.
func stateOf(kind string) outbox.State {
	switch kind {
	case mail.EventDelivered:
		return outbox.Delivered
	case mail.EventBounced:
		return outbox.Bounced
	case mail.EventComplained:
		return outbox.Complained
	}
	return ""
}

// rank orders the states in which the provider has a mail. A mail only goes up, so the reports may come in any order.
func rank(s outbox.State) int {
	switch s {
	case outbox.Sent:
		return 1
	case outbox.Delivered:
		return 2
	case outbox.Bounced: // after a server on the way had taken it
		return 3
	case outbox.Complained:
		return 4
	}
	return 0
}

// Settle records what became of a mail, however often and in whatever order the reports come. A report about a mail that
// is not bound waits for its sender and then ages.
func Settle(ctx context.Context, st *store.Store, actor store.Actor, r Report) error {
	p := st.BindPlatform(actor)
	b, err := store.Get[Binding](ctx, p, bindingKey(r.ID))
	if errors.Is(err, store.ErrMissing) {
		if err := setAside(ctx, st, p, r); err != nil {
			return err
		}
		// The sender may have recorded the mail since: it reads what was set aside after that, we look once more. One
		// of the two finds the other.
		b, err = store.Get[Binding](ctx, p, bindingKey(r.ID))
		if errors.Is(err, store.ErrMissing) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	h, ok := outbox.Bind(st, actor, b.Mail)
	if !ok {
		return nil
	}
	return settle(ctx, st, p, h, b.Mail, r)
}

// setAside keeps a report; the first of a kind counts.
func setAside(ctx context.Context, st *store.Store, p *store.Platform, r Report) error {
	u := &Unbound{ID: r.ID, Report: r.Kind, Hard: r.Hard, At: r.At.Unix()}
	u.Expire(p.Now().Add(unboundLife))
	tx := st.Begin()
	tx.Create(p, u)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

// settleTries bounds how often a report meets another writer of its mail.
const settleTries = 5

func settle(ctx context.Context, st *store.Store, p *store.Platform, h outbox.Holder, key store.Key, r Report) error {
	for try := 1; ; try++ {
		m, err := store.Get[outbox.Mail](ctx, h, key)
		if errors.Is(err, store.ErrMissing) {
			return nil // gone with its person
		}
		if err != nil {
			return err
		}
		state := stateOf(r.Kind)
		if m.Provider != r.ID || rank(state) <= rank(m.State) {
			return nil
		}
		m.State, m.SettledAt = state, r.At.Unix()
		tx := st.Begin()
		tx.Replace(h, m)
		if m.Recipient != "" && (state == outbox.Complained || state == outbox.Bounced && r.Hard) {
			if err := Suppress(ctx, tx, p, m.Recipient, string(state), state == outbox.Complained); err != nil {
				return err
			}
		}
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) || try == settleTries {
			return err
		}
	}
}

// catchUp records what was reported about a mail before it was bound.
func catchUp(ctx context.Context, st *store.Store, p *store.Platform, h outbox.Holder, m *outbox.Mail) error {
	waiting, _, err := store.List[Unbound](ctx, p, store.Query{Partition: p.Scope().Partition(FamilyUnbound, m.Provider), Limit: 10})
	if err != nil {
		return err
	}
	for _, u := range waiting {
		if err := settle(ctx, st, p, h, m.Keys().Primary, Report{ID: u.ID, Kind: u.Report, Hard: u.Hard, At: time.Unix(u.At, 0)}); err != nil {
			return err
		}
	}
	return nil
}
