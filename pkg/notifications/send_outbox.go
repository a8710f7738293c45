package notifications

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

const (
	// lease is how long a claim keeps others from a mail. It is longer than perMail.
	lease = 2 * time.Minute
	// perMail is how long one mail may take, from its claim to its record.
	perMail = 45 * time.Second
	// keyLife is how long the provider knows an idempotency key (24 hours), less what a run may take. A mail of which it
	// is not known whether it was sent is not tried after that: it could arrive twice.
	keyLife = 23*time.Hour + 45*time.Minute
	// twin is how long two calls with one key can meet at the provider. A key that still belongs to another text after
	// that belongs to a mail that was taken.
	twin = 10 * time.Minute
)

// pauses are the waits after each attempt that failed: about a day in all. A mail that failed once more is given up.
var pauses = [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour}

// Sender hands a mail to the provider and gives its id there.
type Sender interface {
	Send(ctx context.Context, m mail.Message) (string, error)
}

// Post is what mails are written and sent with.
type Post struct {
	Sender     Sender
	Templates  []compose.Template
	Links      keys.Links
	Pseudonyms keys.Pseudonyms // of addresses
	PublicURL  string          // the base of the links in mails, without a slash at its end
	From       string
	Boxes      mail.Boxes // where answers come in
	People     func(ctx context.Context, h *store.User) (compose.Person, error)
}

// SendOutbox sends the mails that wait. A mail is claimed before it is sent, under its own id as the provider's
// idempotency key, so that it arrives once however often, late or at the same time this runs, and wherever it dies.
func SendOutbox(post Post) job.Job {
	return job.Job{
		ID: "send-outbox", Area: "notifications", Summary: "Send the mails that wait", Purpose: purpose.ServiceNotices,
		Triggers: []string{"schedule", bus.OutboxQueued{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			s := &office{Post: post, st: r.Store, actor: r.Actor, clock: r.Clock, log: r.Log, p: r.Platform(), templates: map[string]compose.Template{}}
			for _, t := range post.Templates {
				s.templates[t.Kind] = t
			}
			if r.Event.Type != (bus.OutboxQueued{}).Type() {
				return r.EachDue(ctx, outbox.Due, r.Event.At, func(ctx context.Context, d *store.Due) error { return s.one(ctx, d.Target, r.Event.At, d) })
			}
			var e bus.OutboxQueued
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("send outbox: read the event: %w", err)
			}
			err := s.one(ctx, e.Key(), r.Event.At, nil)
			if errors.Is(err, job.ErrEnough) {
				return nil // the mail waits for the schedule
			}
			return err
		},
	}
}

// office is one run of the job.
type office struct {
	Post
	st        *store.Store
	actor     store.Actor
	clock     func() time.Time
	log       *telemetry.Log
	p         *store.Platform
	templates map[string]compose.Template
}

// one sends the mail of a key. D is the due row that led to it, nil when an event did.
func (s *office) one(ctx context.Context, key store.Key, now time.Time, d *store.Due) error {
	ctx, cancel := context.WithTimeout(ctx, perMail)
	defer cancel()
	h, ok := outbox.Bind(s.st, s.actor, key)
	if !ok {
		return store.Forget(ctx, s.p, d)
	}
	m, err := store.Get[outbox.Mail](ctx, h, key)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, s.p, d)
	}
	if err != nil {
		return err
	}
	switch {
	case m.State != outbox.Queued && m.State != outbox.Sending:
		return store.Forget(ctx, s.p, d)
	case d != nil && d.At != outbox.DueFor(m).At:
		return store.Forget(ctx, s.p, d) // an older clock of the mail
	case m.State == outbox.Sending && m.ClaimedUntil > s.clock().Unix():
		return nil // a twin has it
	case m.Next > now.Unix():
		return nil
	}
	mine, unsure, err := s.claim(ctx, h, m)
	if err != nil || !mine {
		return err
	}
	return s.send(ctx, h, m, unsure)
}

// claim takes a mail for this run, and tells since when it was unsure before whether it had been sent.
func (s *office) claim(ctx context.Context, h outbox.Holder, m *outbox.Mail) (mine bool, unsure int64, err error) {
	now, unsure := s.clock(), m.Unsure
	m.State, m.ClaimedUntil, m.Attempts = outbox.Sending, now.Add(lease).Unix(), m.Attempts+1
	if m.Unsure == 0 {
		m.Unsure = now.Unix()
	}
	tx := s.st.Begin()
	tx.Replace(h, m)
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrStale) {
		return false, 0, nil // a twin was first, or its person is gone
	}
	return err == nil, unsure, err
}

// send writes and sends a claimed mail and records what became of it. Unsure is when an earlier attempt began that may
// have sent it, 0 for none.
func (s *office) send(ctx context.Context, h outbox.Holder, m *outbox.Mail, unsure int64) error {
	now := s.clock()
	if unsure != 0 && now.Sub(time.Unix(unsure, 0)) > keyLife {
		return s.end(ctx, h, m, outbox.Failed, "mail_unsure")
	}
	message, err := s.write(ctx, m)
	if errors.Is(err, compose.ErrGone) {
		return s.end(ctx, h, m, outbox.Dropped, "")
	}
	if err != nil {
		m.Unsure = unsure
		return s.again(ctx, h, m, err)
	}
	hash := hashOf(s.Pseudonyms, message.To)
	rests, err := suppressed(ctx, s.p, hash)
	if err != nil {
		m.Unsure = unsure
		return s.again(ctx, h, m, err)
	}
	if rests && unsure == 0 {
		return s.end(ctx, h, m, outbox.Dropped, "")
	}
	provided, err := s.Sender.Send(ctx, message)
	switch {
	case err == nil:
		m.Recipient, m.Provider = hash, provided
		return s.sent(ctx, h, m, now)
	case errors.Is(err, mail.ErrRefused):
		return s.end(ctx, h, m, outbox.Failed, "mail_refused")
	case errors.Is(err, mail.ErrConflict) && now.Sub(time.Unix(m.Unsure, 0)) > twin:
		// The provider took a mail under this key that read otherwise, from a release before this one.
		m.Recipient = hash
		return s.sent(ctx, h, m, time.Unix(m.Unsure, 0))
	case errors.Is(err, mail.ErrBusy):
		m.Unsure = unsure
		if err := s.again(ctx, h, m, err); err != nil {
			return err
		}
		return job.ErrEnough
	}
	return s.again(ctx, h, m, err)
}

// write makes the mail's text as it is now.
func (s *office) write(ctx context.Context, m *outbox.Mail) (mail.Message, error) {
	t, ok := s.templates[m.Template]
	if !ok {
		return mail.Message{}, fmt.Errorf("send outbox: no template is called %s", m.Template)
	}
	c := &compose.Composer{Store: s.st, Actor: s.actor, Links: s.Links, PublicURL: s.PublicURL, From: s.From, Boxes: s.Boxes, People: s.People}
	message, err := t.Compose(ctx, c, m)
	message.Key = string(m.ID)
	return message, err
}

// sent records a mail that the provider has taken, with the binding by which its reports come back.
func (s *office) sent(ctx context.Context, h outbox.Holder, m *outbox.Mail, at time.Time) error {
	err := s.record(ctx, h, m, func(tx *store.Tx, m *outbox.Mail) {
		m.State, m.SentAt, m.Next = outbox.Sent, at.Unix(), 0
		if m.Provider == "" {
			return
		}
		b := &Binding{Mail: m.Keys().Primary, id: m.Provider}
		b.Expire(s.clock().Add(outbox.Life))
		tx.Put(s.p, b)
	})
	if err != nil || m.Provider == "" {
		return err
	}
	return catchUp(ctx, s.st, s.p, h, m)
}

// end records a mail that is not sent any more.
func (s *office) end(ctx context.Context, h outbox.Holder, m *outbox.Mail, state outbox.State, event string) error {
	if event != "" {
		s.log.Error(event, telemetry.Kind(m.Template), telemetry.Count(m.Attempts))
	}
	return s.record(ctx, h, m, func(_ *store.Tx, m *outbox.Mail) { m.State, m.Next = state, 0 })
}

// again lets a mail wait for its next attempt, or gives it up after the last.
func (s *office) again(ctx context.Context, h outbox.Holder, m *outbox.Mail, cause error) error {
	s.log.Warn("mail_not_sent", telemetry.Kind(m.Template), telemetry.Count(m.Attempts), telemetry.Cause(cause))
	if m.Attempts > len(pauses) {
		return s.end(ctx, h, m, outbox.Failed, "mail_given_up")
	}
	next := s.clock().Add(pauses[m.Attempts-1]).Unix()
	return s.record(ctx, h, m, func(_ *store.Tx, m *outbox.Mail) { m.State, m.Next = outbox.Queued, next })
}

// record writes what became of a claimed mail and moves its due row, or takes it away at the end. A mark that was set on the row meanwhile, such
// as a hold, does not lose it; a twin that took the mail over, or the end of its person, does.
func (s *office) record(ctx context.Context, h outbox.Holder, m *outbox.Mail, become func(*store.Tx, *outbox.Mail)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), perMail) // what was sent is recorded, even when sending took all the time
	defer cancel()
	claim := *m
	for try := 1; ; try++ {
		due := outbox.DueFor(m)
		tx := s.st.Begin()
		m.ClaimedUntil = 0
		become(tx, m)
		tx.Replace(h, m)
		next := outbox.DueFor(m)
		if m.State == outbox.Queued {
			tx.Arm(s.p, next)
		}
		if m.State != outbox.Queued || next.At != due.At {
			tx.Disarm(s.p, due, false)
		}
		err := tx.Commit(ctx)
		if !errors.Is(err, store.ErrStale) || try == settleTries {
			return err
		}
		now, err := store.Get[outbox.Mail](ctx, h, m.Keys().Primary)
		if errors.Is(err, store.ErrMissing) {
			return nil
		}
		if err != nil {
			return err
		}
		if now.State != outbox.Sending || now.Attempts != claim.Attempts {
			return nil
		}
		now.Recipient, now.Provider, now.Unsure = claim.Recipient, claim.Provider, claim.Unsure
		*m = *now
	}
}
