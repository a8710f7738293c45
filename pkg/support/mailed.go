package support

import (
	"errors"
	"strconv"
	"strings"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/store"
)

// Templates of the mails about tickets. Their ids name the ticket.
const (
	MailReceived = "ticket_received" // a mail has become a ticket
	MailAnswered = "ticket_answered"
	MailSolved   = "ticket_solved" // with how it can be rated
	MailClosed   = "ticket_closed" // likewise
)

// MaxSubject is how many characters the subject of a ticket has at most.
const MaxSubject = 200

// Author is who writes a mail: a member of an organisation, or a correspondent.
type Author struct {
	Org           id.Organization
	Member        id.Member
	Correspondent string // the keyed hash of an address
}

// noSubject is the subject of a mail without one.
const noSubject = "(no subject)"

// Ask makes a ticket of a mail, with its first message, in a transaction. Who wrote is told that it came, when acknowledge is
// set; the mail says nothing of what they wrote, because it may go to somebody who did not write.
func Ask(tx *store.Tx, h Holder, by Author, subject, text string, acknowledge bool) *Ticket {
	now := h.Now()
	if subject == "" {
		subject = noSubject
	}
	t := &Ticket{Org: by.Org, Correspondent: by.Correspondent, Member: by.Member, ID: id.New[id.Ticket](h.Store().IDs()), Subject: subject,
		Priority: "normal", Status: Open, Messages: 1, Created: now.UnixMilli(), Updated: now.UnixMilli()}
	tx.Create(h, t)
	tx.Create(h, t.mailed(h, text))
	if acknowledge {
		outbox.Queue(tx, h, MailReceived, store.Join(string(t.ID), "received"), map[string]string{"ticket": string(t.ID)})
	}
	return t
}

// ErrOver says that a ticket takes no more: it has been closed for too long, or is full.
var ErrOver = errors.New("support: the ticket takes no more")

// Hear adds what a mail says to the ticket that it answers, by who asked. A ticket that was solved, or closed not long ago,
// is open again.
func (t *Ticket) Hear(tx *store.Tx, h Holder, text string) error {
	act := Reply
	if t.Status == Closed {
		act = Reopen
	}
	if t.Messages >= MaxMessages || t.move(tx, h, act, h.Now()) != nil {
		return ErrOver
	}
	t.Messages++
	tx.Replace(h, t)
	tx.Create(h, t.mailed(h, text))
	return nil
}

// mailed is the message of who asked.
func (t *Ticket) mailed(h Holder, text string) *Message {
	return &Message{Org: t.Org, Correspondent: t.Correspondent, Ticket: t.ID, ID: id.New[id.Post](h.Store().IDs()), Member: t.Member, Text: text,
		Created: h.Now().UnixMilli()}
}

// tagPurpose is what the tags of reply addresses are derived for.
const tagPurpose = "ticket-reply"

// Tag is what the reply address of a mail about a ticket says: which ticket, and that the address was ours to give. Nobody
// can make one up, and it counts in one scope alone.
func Tag(links keys.Links, s store.Scope, t id.Ticket) string {
	_, ulid, _ := strings.Cut(string(t), "_")
	return strings.ToLower(ulid) + "." + links.Short(tagPurpose, store.Join(s.String(), string(t)))
}

// Tagged finds the ticket that a tag is of, if it is one of a scope.
func Tagged(links keys.Links, s store.Scope, tag string) (id.Ticket, bool) {
	ulid, proof, _ := strings.Cut(tag, ".")
	t, err := id.Parse[id.Ticket](id.PrefixTicket + "_" + strings.ToUpper(ulid))
	return t, err == nil && links.CheckShort(proof, tagPurpose, store.Join(s.String(), string(t)))
}

// tell queues the mail by which who asked hears what another did to their ticket. An answer is the message after those that
// the ticket has had so far.
func (t *Ticket) tell(tx *store.Tx, h Holder, a Act) {
	kind := map[Act]string{Answer: MailAnswered, Solve: MailSolved, Close: MailClosed}[a]
	if kind == "" || h.Actor().Who == string(t.Member) {
		return
	}
	outbox.Queue(tx, h, kind, store.Join(string(t.ID), string(a), strconv.FormatInt(t.Version, 10)),
		map[string]string{"ticket": string(t.ID), "message": strconv.FormatInt(t.Messages+1, 10)})
}

// End closes the ticket and starts its two years.
func (t *Ticket) End(tx *store.Tx, h Holder) error {
	if err := t.move(tx, h, Close, h.Now()); err != nil {
		return err
	}
	tx.Replace(h, t)
	return nil
}

// Say adds to the ticket what one of PixelTrack's own people answers: it waits for who asked then, or is solved.
func (t *Ticket) Say(tx *store.Tx, h Holder, a Act, text string) error {
	if err := t.move(tx, h, a, h.Now()); err != nil {
		return err
	}
	if t.Messages >= MaxMessages {
		return ErrOver
	}
	t.Messages++
	tx.Replace(h, t)
	m := t.mailed(h, text)
	m.Member = ""
	tx.Create(h, m)
	return nil
}
