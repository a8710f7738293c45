// Package sorting fetches the mails that came in and brings each where it belongs: into a ticket, or to who answers
// questions about personal data.
package sorting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/mail/reading"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/telemetry"
)

// giveUp is how long it is tried to take a mail in. Then people must look for it.
const giveUp = 3 * 24 * time.Hour

// Fetcher reads a mail that came in. It says mail.ErrRefused of one that is not there.
type Fetcher interface {
	Fetch(ctx context.Context, id string) (*mail.Received, error)
}

// Room is what mails are taken in with.
type Room struct {
	Fetcher    Fetcher
	Boxes      mail.Boxes
	Own        string // the address that our mails are from
	Server     string // the name by which the server that takes mails in signs what it found of their origin (RFC 8601)
	Links      keys.Links
	Pseudonyms keys.Pseudonyms
}

// TakeInMail takes mails in, each once: what becomes of one is written in the transaction that marks it as taken.
func TakeInMail(room Room) job.Job {
	return job.Job{
		ID: "take-in-mail", Area: "support", Summary: "Bring mails that came in where they belong", Purpose: purpose.Support,
		Triggers: []string{"schedule", bus.MailArrived{}.Type()},
		Run: func(ctx context.Context, r *job.Run) error {
			s := &sorter{Room: room, st: r.Store, actor: r.Actor, clock: r.Clock, log: r.Log, p: r.Platform()}
			if r.Event.Type == "" {
				return r.EachDue(ctx, mailroom.DueArrival, r.Event.At, func(ctx context.Context, d *store.Due) error { return s.one(ctx, d.Target, d) })
			}
			var e bus.MailArrived
			if err := json.Unmarshal(r.Event.Detail, &e); err != nil {
				return fmt.Errorf("take in mail: read the event: %w", err)
			}
			return s.one(ctx, e.Key(), nil)
		},
	}
}

// sorter is one run of the job.
type sorter struct {
	Room
	st    *store.Store
	actor store.Actor
	clock func() time.Time
	log   *telemetry.Log
	p     *store.Platform
}

// meetings bounds how often a mail meets other writers of what it changes.
const meetings = 20

// one takes in the mail that an arrival tells of. D is the due row that led to it, nil when an event did.
func (s *sorter) one(ctx context.Context, key store.Key, d *store.Due) error {
	a, err := store.Get[mailroom.Arrival](ctx, s.p, key)
	if errors.Is(err, store.ErrMissing) {
		return store.Forget(ctx, s.p, d)
	}
	if err != nil {
		return err
	}
	if a.State != mailroom.Received || d != nil && d.At != a.Clock {
		return store.Forget(ctx, s.p, d)
	}
	for try := 1; ; try++ {
		err = s.take(ctx, a)
		if !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrExists) {
			break
		}
		if a, err = store.Get[mailroom.Arrival](ctx, s.p, key); err != nil || a.State != mailroom.Received {
			return ignoreMissing(err) // a twin was first
		}
		if try == meetings {
			return store.ErrConflict
		}
	}
	if err == nil || s.clock().Sub(time.Unix(a.Received, 0)) < giveUp {
		if err != nil && d != nil {
			return errors.Join(err, s.later(ctx, a))
		}
		return err
	}
	s.log.Error("mail_lost", telemetry.Operation("take-in-mail"), telemetry.Cause(err))
	return s.end(ctx, a, mailroom.Lost, "failed", nil)
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	return err
}

// later has the schedule look at a mail again that could not be taken now.
func (s *sorter) later(ctx context.Context, a *mailroom.Arrival) error {
	tx := s.st.Begin()
	tx.Disarm(s.p, a.Due(), false)
	a.Clock = s.clock().Add(mailroom.Patience).Unix()
	tx.Replace(s.p, a)
	tx.Arm(s.p, a.Due())
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		return err
	}
	return nil
}

// end commits what becomes of a mail together with the mark that it was taken, and stops its clock.
func (s *sorter) end(ctx context.Context, a *mailroom.Arrival, state mailroom.State, why string, tx *store.Tx) error {
	if tx == nil {
		tx = s.st.Begin()
	}
	now := *a
	tx.Disarm(s.p, now.Due(), false)
	now.State, now.Why = state, why
	tx.Replace(s.p, &now)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	s.log.Info("mail_"+string(state), telemetry.Operation("take-in-mail"), telemetry.Kind(why))
	return nil
}

// take fetches a mail and brings it where it belongs.
func (s *sorter) take(ctx context.Context, a *mailroom.Arrival) error {
	m, err := s.Fetcher.Fetch(ctx, a.ID)
	if errors.Is(err, mail.ErrRefused) {
		s.log.Error("mail_lost", telemetry.Operation("take-in-mail"))
		return s.end(ctx, a, mailroom.Lost, "not_there", nil)
	}
	if err != nil {
		return err
	}
	l, why := s.open(m)
	if why != "" {
		return s.end(ctx, a, mailroom.Ignored, why, nil)
	}
	count, full, err := correspondents.CountIn(ctx, l.address)
	if err != nil {
		return err
	}
	if full {
		return s.end(ctx, a, mailroom.Ignored, "too_many", nil)
	}
	l.count = count
	tx := s.st.Begin()
	if err := s.bring(ctx, tx, l); err != nil {
		return err
	}
	count.Save(tx, l.address)
	return s.end(ctx, a, mailroom.Taken, string(l.box), tx)
}

// letter is a mail that a person wrote to us.
type letter struct {
	box       mail.Box
	tag       string // of the address that it came to
	from      string // the sender's address
	name      string // as the sender calls themself
	subject   string
	text      string
	authentic bool // it comes from whom it says
	wary      bool // it asks not to be answered by machines
	address   *store.Case
	count     *correspondents.Count
}

// noText stands for the text of a mail that has none.
const noText = "(no text)"

// open reads a mail, or says in a word why nothing is kept of it.
func (s *sorter) open(m *mail.Received) (*letter, string) {
	box, tag, ok := s.Boxes.Of(append(append(m.To, m.CC...), m.BCC...))
	if !ok {
		return nil, "no_box"
	}
	if why := reading.Automatic(m); why != "" {
		return nil, why
	}
	sender, err := netmail.ParseAddress(m.From)
	if err != nil || account.Normal(sender.Address) == "" {
		return nil, "no_sender"
	}
	if _, _, own := s.Boxes.Of([]string{sender.Address}); own || strings.EqualFold(sender.Address, mail.Bare(s.Own)) {
		return nil, "own"
	}
	l := &letter{box: box, tag: tag, from: account.Normal(sender.Address), name: reading.Subject(sender.Name, 100), subject: reading.Subject(m.Subject, support.MaxSubject),
		text: reading.Text(m), authentic: reading.Authentic(m, s.Server), wary: reading.Wary(m)}
	if l.text == "" {
		if l.subject == "" && len(m.Files) == 0 {
			return nil, "empty"
		}
		l.text = noText
	}
	if n := len(m.Files); n > 0 {
		l.text += fmt.Sprintf("\n\n[Files that came with the mail and are not kept: %d]", n)
	}
	l.address = s.st.BindCase(correspondents.HashOf(s.Pseudonyms, l.from), s.actor)
	l.address.SeeRestricted() // what somebody writes is stored, as Art. 18 allows
	return l, ""
}

// bring adds to a transaction what becomes of a mail.
func (s *sorter) bring(ctx context.Context, tx *store.Tx, l *letter) error {
	if l.box == mail.PrivacyBox || l.box == mail.OfficerBox {
		return s.privacy(ctx, tx, l)
	}
	return s.support(ctx, tx, l)
}

// acknowledges says whether the sender is told that their mail came.
func (l *letter) acknowledges() bool { return !l.wary && l.count.Answer() }
