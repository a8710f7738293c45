package support

import (
	"context"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of tickets and of what is written in them.
const (
	Family         store.Family = "TICKET"
	FamilyMessages store.Family = "TICKETMESSAGE"
)

// MaxMessages is how many messages a ticket holds, so that the whole thread fits into one answer.
const MaxMessages = 100

// ReopenWithin is how long after its close a ticket can be reopened.
const ReopenWithin = 14 * 24 * time.Hour

// Priority says how much it hurts, in the eyes of who asks.
type Priority string

// Ticket is one question to PixelTrack's support. Its text lies in its messages. It lies in the organisation whose member
// asked, or with the correspondent who did.
type Ticket struct {
	store.Meta
	Org           id.Organization `dynamo:"org,omitempty"`
	Correspondent string          `dynamo:"correspondent,omitempty"` // who asked, when no member did: the keyed hash of their address

	ID       id.Ticket `dynamo:"id"`
	Member   id.Member `dynamo:"member,omitempty"` // who asked
	Subject  string    `dynamo:"subject"`
	Priority Priority  `dynamo:"priority"`
	Status   Status    `dynamo:"status"`
	Messages int64     `dynamo:"messages"`            // how many it has
	ClosedAt int64     `dynamo:"closed_at,omitempty"` // epoch seconds of the last close; 0 while it is not closed
	Created  int64     `dynamo:"created"`             // epoch milliseconds
	Updated  int64     `dynamo:"updated"`             // epoch milliseconds

	Files   int64  `dynamo:"files,omitempty"` // how many hang on it
	Score   int    `dynamo:"score,omitempty"` // how content who asked is, 1 to 5; 0 when they did not say
	Comment string `dynamo:"comment,omitempty"`
	RatedAt int64  `dynamo:"rated_at,omitempty"` // epoch seconds
}

// Type is the row's type.
func (t *Ticket) Type() string { return "TICKET" }

// Keys lists the tickets of an organisation by id, by who asked and state, and by state and time of change; those of a
// correspondent by id.
func (t *Ticket) Keys() store.Keys {
	s := t.scope()
	if t.Correspondent != "" {
		return store.Keys{Primary: KeyIn(s, t.ID)}
	}
	return store.Keys{
		Primary: KeyIn(s, t.ID),
		Index1:  store.Key{PK: s.Partition(Family, string(t.Member)), SK: store.Join(string(t.Status), string(t.ID))},
		Index2:  s.Updated(Family, time.UnixMilli(t.Updated), string(t.ID), string(t.Status)),
	}
}

// Key is where a ticket of an organisation lies.
func Key(org id.Organization, t id.Ticket) store.Key { return KeyIn(store.OrganizationScope(org), t) }

// KeyIn is where a ticket of a scope lies.
func KeyIn(s store.Scope, t id.Ticket) store.Key { return s.Key(Family, string(t)) }

// scope is whom the ticket lies with.
func (t *Ticket) scope() store.Scope { return scopeOf(t.Org, t.Correspondent) }

func scopeOf(org id.Organization, correspondent string) store.Scope {
	if correspondent != "" {
		return store.CaseScope(correspondent)
	}
	return store.OrganizationScope(org)
}

// Holder is the handle of whom a ticket lies with: an organisation or a correspondent.
type Holder interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
	Actor() store.Actor
}

// Message is one thing that was said in a ticket. It goes with the ticket.
type Message struct {
	store.Meta
	Org           id.Organization `dynamo:"org,omitempty"`
	Correspondent string          `dynamo:"correspondent,omitempty"` // of a correspondent's ticket

	Ticket  id.Ticket `dynamo:"ticket"`
	ID      id.Post   `dynamo:"id"`
	Member  id.Member `dynamo:"member,omitempty"` // who wrote it
	Text    string    `dynamo:"text"`
	Created int64     `dynamo:"created"` // epoch milliseconds
}

// Type is the row's type.
func (m *Message) Type() string { return "TICKETMESSAGE" }

// Keys puts messages under their ticket, the oldest first, and lists those of members by who wrote them.
func (m *Message) Keys() store.Keys {
	s := scopeOf(m.Org, m.Correspondent)
	k := store.Keys{Primary: s.KeyIn(FamilyMessages, string(m.Ticket), string(m.ID))}
	if m.Member != "" {
		k.Index1 = store.Key{PK: s.Partition(FamilyMessages, string(m.Member)), SK: string(m.ID)}
	}
	return k
}

// purgeDue is the clock of a closed ticket.
func (t *Ticket) purgeDue() *store.Due {
	return store.NewDue(retention.TicketPurge, time.Unix(t.DueAt, 0), KeyIn(t.scope(), t.ID))
}

// move carries an act out and moves the clock of retention with it: closing starts it, reopening stops it.
func (t *Ticket) move(tx *store.Tx, h Holder, a Act, now time.Time) error {
	to, ok := t.Status.After(a)
	if !ok {
		return problem.Of(problem.Conflict, "ticket_state", "A ticket that is %s does not take this.", t.Status)
	}
	if t.Status == Closed && now.Sub(time.Unix(t.ClosedAt, 0)) > ReopenWithin {
		return problem.Of(problem.Conflict, "reopen_too_late", "A ticket can be reopened for 14 days; make a new one.")
	}
	t.Status, t.Updated = to, now.UnixMilli()
	if t.DueAt != 0 {
		tx.Disarm(h, t.purgeDue(), true)
	}
	t.ClosedAt, t.DueAt = 0, 0
	if to == Closed {
		rule, _ := retention.Of(registry.ClassSupport)
		until, _ := rule.Due(now)
		t.ClosedAt, t.DueAt = now.Unix(), until.Unix()
		tx.ArmWake(h, t.purgeDue())
	}
	t.tell(tx, h, a)
	return nil
}

// Attach counts one file more that hangs on a ticket. It fails with ErrOver when the ticket is closed or gone.
func Attach(tx *store.Tx, org *store.Organization, t id.Ticket) {
	tx.Change(org, Key(org.ID, t), func(u *dynamo.Update) { u.Add("files", 1).If("'status' <> ?", Closed) }).Else(ErrOver)
}

// Detach counts one file less.
func Detach(tx *store.Tx, org *store.Organization, t id.Ticket) {
	tx.Change(org, Key(org.ID, t), func(u *dynamo.Update) { u.Add("files", -1) })
}

// Read gives a ticket that the caller may see, by an id as it came in. Others' tickets are missing to who sees their own.
func Read(ctx context.Context, c *api.Caller, text string) (*Ticket, error) {
	return read(ctx, c, text)
}

// read is Read.
func read(ctx context.Context, c *api.Caller, text string) (*Ticket, error) {
	ticket, err := id.Parse[id.Ticket](text)
	if err != nil {
		return nil, problem.Missing("ticket")
	}
	t, err := store.Get[Ticket](ctx, c.Org, Key(c.Org.ID, ticket))
	if errors.Is(err, store.ErrMissing) || err == nil && t.Member != c.Member && !c.May(access.SupportReadAll) {
		return nil, problem.Missing("ticket")
	}
	return t, err
}

// TicketBody is a ticket on the wire.
type TicketBody struct {
	ID        string     `json:"id" example:"tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	MemberID  string     `json:"member_id" doc:"Who asked." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Subject   string     `json:"subject" doc:"Empty when who asked was erased." example:"An invoice shows the wrong tax"`
	Priority  Priority   `json:"priority" enum:"low,normal,high,urgent"`
	Status    Status     `json:"status" enum:"open,pending,solved,closed" doc:"open: PixelTrack is to answer; pending: the organization is; solved: PixelTrack thinks that it is done; closed: it is over."`
	Messages  int64      `json:"message_count" doc:"At most 100." example:"1"`
	Files     int64      `json:"file_count" doc:"They are listed by GET /v1/files?parent_type=ticket." example:"0"`
	ClosedAt  *time.Time `json:"closed_at,omitempty" doc:"Of the last close; absent while it is not closed."`
	GoneAt    *time.Time `json:"gone_at,omitempty" doc:"When the ticket and its messages are deleted: two years after the last close. Absent while it is not closed."`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Rating    *Rating    `json:"rating,omitempty" doc:"How content who asked is; absent until they say so."`
}

// Rating is a rating on the wire.
type Rating struct {
	RatingBody
	At time.Time `json:"rated_at"`
}

func body(t *Ticket) TicketBody {
	b := TicketBody{ID: string(t.ID), MemberID: string(t.Member), Subject: t.Subject, Priority: t.Priority, Status: t.Status, Messages: t.Messages, Files: t.Files,
		CreatedAt: time.UnixMilli(t.Created).UTC(), UpdatedAt: time.UnixMilli(t.Updated).UTC()}
	if t.ClosedAt != 0 {
		closed := time.Unix(t.ClosedAt, 0).UTC()
		b.ClosedAt = &closed
	}
	if t.DueAt != 0 {
		gone := time.Unix(t.DueAt, 0).UTC()
		b.GoneAt = &gone
	}
	if t.RatedAt != 0 {
		b.Rating = &Rating{RatingBody{Score: t.Score, Comment: t.Comment}, time.Unix(t.RatedAt, 0).UTC()}
	}
	return b
}

// MessageBody is a message on the wire.
type MessageBody struct {
	ID        string    `json:"id" example:"pst_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	MemberID  string    `json:"member_id" doc:"Who wrote it." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Text      string    `json:"text" doc:"Empty when who wrote it was erased." example:"It says 19 % and should say 7 %."`
	CreatedAt time.Time `json:"created_at"`
}

// ThreadBody is a ticket with what was said in it.
type ThreadBody struct {
	TicketBody
	Thread []MessageBody `json:"messages" doc:"The whole thread, the oldest first."`
}

func example() TicketBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return TicketBody{ID: "tkt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", MemberID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Subject: "An invoice shows the wrong tax",
		Priority: "normal", Status: Open, Messages: 1, CreatedAt: at, UpdatedAt: at}
}

func exampleThread() ThreadBody {
	e := example()
	return ThreadBody{TicketBody: e, Thread: []MessageBody{{ID: "pst_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", MemberID: e.MemberID,
		Text: "It says 19 % and should say 7 %.", CreatedAt: e.CreatedAt}}}
}

// Out is the answer of a route about one ticket.
type Out struct {
	api.Tagged
	Body TicketBody
}

func show(t *Ticket) *Out { return &Out{Tagged: api.Tag(t.Version), Body: body(t)} }

// again answers a repeat with the ticket as it is now.
func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	t, err := read(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return show(t), nil
}
