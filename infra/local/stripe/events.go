package stripe

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// eventLife is how long events can be read.
const eventLife = 30 * 24 * time.Hour

// record is an event and what became of its webhooks.
type record struct {
	event   object
	body    []byte // as it is sent
	created time.Time
	waiting int // webhooks not taken yet
	tried   int
	status  int // of the last attempt, 0 when there was no answer
}

// outgoing is an event on its way to an endpoint.
type outgoing struct {
	event   string
	connect bool
	body    []byte
	how     Delivery
}

// emit makes an event of what happened to an object and sends it on its way. Before is how the object was, nil for a new
// one; c is the call that did it, nil for nobody's. Of an account that has left nothing is told. The caller holds the lock.
func (s *Server) emit(b *book, c *call, kind string, o object, before json.RawMessage) {
	if b.gone || s.quiet {
		return
	}
	data := map[string]any{"object": o.snapshot()}
	if before != nil {
		data["previous_attributes"] = o.previous(before)
	}
	s.make(b.account, c, kind, data, Delivery{})
}

// make makes an event. It gives its id.
func (s *Server) make(account string, c *call, kind string, data map[string]any, how Delivery) string {
	b := s.books[account]
	if b == nil {
		b = newBook(account) // of an account that nobody made: its events are known alone
		b.gone = true
		s.books[account] = b
	}
	now := s.now()
	request := map[string]any{"id": nil, "idempotency_key": nil}
	if c != nil && c.id != "" {
		request["id"] = c.id
		if c.key != "" {
			request["idempotency_key"] = c.key
		}
	}
	e := object{"id": newID("evt_1", 23), "object": "event", "api_version": Version, "created": now.Unix(), "data": data, "livemode": false,
		"pending_webhooks": 1, "request": request, "type": kind}
	if account != "" {
		e["account"] = account
	}
	r := &record{event: e, body: encode(e), created: now}
	b.events = append(b.events, r)
	s.post(r, how)
	return e.id()
}

// post sends an event on its way, or keeps it back while events are held.
func (s *Server) post(r *record, how Delivery) {
	if how.Times < 1 {
		how.Times = s.repeat
	}
	out := outgoing{event: r.event.id(), connect: r.event.text("account") != "", body: r.body, how: how}
	if s.endpoint(out.connect).URL == "" {
		r.waiting = 0
		return
	}
	r.waiting += how.Times
	if s.holding {
		s.held = append(s.held, out)
		return
	}
	s.hooks.add(out)
}

func (s *Server) endpoint(connect bool) Endpoint {
	if connect {
		return s.options.Connect
	}
	return s.options.Platform
}

// attempted hears how a webhook fared: taken, given up, or to be tried again.
func (s *Server) attempted(event string, status int, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.recordOf(event); r != nil {
		r.tried, r.status = r.tried+1, status
		if over && status/100 == 2 {
			r.waiting--
		}
	}
}

func (s *Server) recordOf(id string) *record {
	for _, b := range s.books {
		for _, r := range slices.Backward(b.events) {
			if r.event.id() == id {
				return r
			}
		}
	}
	return nil
}

// view is an event as the API shows it.
func (r *record) view() object {
	o := object{}
	for k, v := range r.event {
		o[k] = v
	}
	o["pending_webhooks"] = max(0, r.waiting)
	return o
}

func (s *Server) listEvents(c *call) (any, *refusal) {
	kinds := texts(c.params["types"])
	if kind := c.text("type"); kind != "" {
		kinds = append(kinds, kind)
	}
	var all []object
	for _, r := range slices.Backward(c.book.events) {
		switch success, ok := c.params["delivery_success"].(bool); {
		case s.now().Sub(r.created) >= eventLife:
		case len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k string) bool { return isOf(r.event.text("type"), k) }):
		case ok && success != (r.waiting <= 0):
		case c.wanted(r.event, nil):
			all = append(all, r.view())
		}
	}
	return c.page("event", all)
}

// isOf says whether an event is of a kind, which may end in an asterisk: charge.*.
func isOf(kind, want string) bool {
	if n := len(want) - 1; n >= 0 && want[n] == '*' {
		return len(kind) >= n && kind[:n] == want[:n]
	}
	return kind == want
}

func (s *Server) getEvent(c *call) (any, *refusal) {
	id := c.values["id"]
	for _, r := range c.book.events {
		if r.event.id() == id && s.now().Sub(r.created) < eventLife {
			return r.view(), nil
		}
	}
	return nil, missing("event", id, "id")
}

// ErrDelivery says that an event cannot go out as it is asked.
var ErrDelivery = errors.New("stripe: no such way to send an event")

// Send makes an event of any type about any object, for the platform or for an account, known or not, and sends it. Of an
// object that the server remembers the event tells all, and the account may be left out. It gives the event's id.
//
// A well-signed event about such an object is true: what it says happened, if it had not yet, and no event but this one
// tells of it (see come). One that is signed badly or too late, and one about an object that the server does not remember,
// changes nothing and goes out as it is given.
func (s *Server) Send(kind, account string, o map[string]any, how Delivery) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
	if account == "" {
		account = s.ownerOf(o)
	}
	if err := s.canSend(account != "", how); err != nil {
		return "", err
	}
	if o == nil {
		o = map[string]any{}
	}
	if b := s.books[account]; b != nil {
		if !how.BadSignature && !how.OldSignature {
			s.quiet = true
			s.come(b, kind, o)
			s.quiet = false
		}
		o = b.whole(o)
	}
	return s.make(account, nil, kind, map[string]any{"object": object(o).snapshot()}, how), nil
}

// Resend sends an event again.
func (s *Server) Resend(event string, how Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recordOf(event)
	if r == nil {
		return ErrMissing
	}
	if err := s.canSend(r.event.text("account") != "", how); err != nil {
		return err
	}
	how.Times = max(1, how.Times)
	s.post(r, how)
	return nil
}

func (s *Server) canSend(connect bool, how Delivery) error {
	if how.Secret != "" && how.Secret != "current" && how.Secret != "previous" || how.Secret == "previous" && !s.hooks.hasPrevious(connect) || how.Delay < 0 {
		return ErrDelivery
	}
	return nil
}

// Hold keeps events back from now on.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// Orders in which events that were held may go. Drop loses them: who wants to know of them must read the list of events.
const (
	Forward = "forward"
	Reverse = "reverse"
	Shuffle = "shuffle"
	Drop    = "drop"
)

// Release lets the events go that were held, in an order; empty is Forward.
func (s *Server) Release(order string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch order {
	case "", Forward:
	case Reverse:
		slices.Reverse(s.held)
	case Shuffle:
		rand.Shuffle(len(s.held), func(i, j int) { s.held[i], s.held[j] = s.held[j], s.held[i] })
	case Drop:
		s.held = nil
	default:
		return ErrDelivery
	}
	for _, out := range s.held {
		s.hooks.add(out)
	}
	s.holding, s.held = false, nil
	return nil
}

// Repeat makes every event that follows go out as often as told, at least once.
func (s *Server) Repeat(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repeat = max(1, times)
}

// Roll gives an endpoint a new secret. For a while after, by the stack's clock, webhooks are signed with both.
func (s *Server) Roll(connect bool, secret string, overlap time.Duration) {
	s.hooks.roll(connect, secret, s.now().Add(overlap))
}

// Sent is an event and how its webhooks fared.
type Sent struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Account string          `json:"account,omitempty"`
	Created time.Time       `json:"created"`
	Object  json.RawMessage `json:"object"`
	Waiting int             `json:"waiting"`        // webhooks not taken yet
	Tried   int             `json:"tried"`          // attempts so far
	Status  int             `json:"status"`         // of the last attempt
	Held    bool            `json:"held,omitempty"` // kept back
}

// Events gives every event, newest first.
func (s *Server) Events() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
	all := []Sent{}
	for _, b := range s.books {
		for _, r := range b.events {
			data, _ := r.event["data"].(map[string]any)
			raw, _ := data["object"].(json.RawMessage)
			id := r.event.id()
			all = append(all, Sent{ID: id, Type: r.event.text("type"), Account: b.account, Created: r.created, Object: raw, Waiting: max(0, r.waiting),
				Tried: r.tried, Status: r.status, Held: slices.ContainsFunc(s.held, func(o outgoing) bool { return o.event == id })})
		}
	}
	slices.SortStableFunc(all, func(a, b Sent) int { return b.Created.Compare(a.Created) })
	return all
}
