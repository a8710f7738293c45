package resend

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"time"
)

// event is something that happened to a mail, or a mail that came in.
type event struct {
	kind    string
	mail    *Mail
	inbound *Inbound
	how     Delivery
}

// Delivery says how an event's webhook goes out. The zero value is once, now and well signed.
type Delivery struct {
	Times        int           `json:"times,omitempty"` // how often; 0 is once
	Delay        time.Duration `json:"-"`               // of the stack's time
	BadSignature bool          `json:"bad_signature,omitempty"`
}

// Inbound is a mail that came in.
type Inbound struct {
	ID         string            `json:"id"`
	From       string            `json:"from"`
	To         []string          `json:"to"`
	Subject    string            `json:"subject"`
	Text       string            `json:"text"`
	HTML       string            `json:"html,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	MessageID  string            `json:"message_id"`
	ReceivedAt time.Time         `json:"received_at"`
}

// What Event refuses.
var (
	ErrNoMail = errors.New("resend: no such mail")
	ErrKind   = errors.New("resend: no such kind of event")
)

// emit sends an event on its way, or keeps it while events are held. The caller holds the lock.
func (s *Server) emit(e event) {
	if s.holding {
		s.held = append(s.held, e)
		return
	}
	s.post(e)
}

func (s *Server) post(e event) {
	if e.mail != nil {
		e.mail.LastEvent = strings.TrimPrefix(e.kind, "email.")
	}
	to := s.hooks
	if e.inbound != nil {
		to = s.inbound
	}
	to.add(e.payload(s.now()), e.how, s.now())
}

// Hold keeps the events of mails back until it is called with false.
func (s *Server) Hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = on
	if on {
		return
	}
	for _, e := range s.held {
		s.post(e)
	}
	s.held = nil
}

// Event makes something happen to a sent mail: the one of an id, or the newest to an address. Kind is
// email.delivered, email.bounced, email.complained and the like; email. may be left out.
func (s *Server) Event(id, to, kind string, how Delivery) error {
	kind = "email." + strings.TrimPrefix(kind, "email.")
	switch kind {
	case "email.sent", "email.delivered", "email.delivery_delayed", "email.bounced", "email.complained", "email.opened", "email.clicked", "email.failed":
	default:
		return fmt.Errorf("%w: %s", ErrKind, kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(id, to)
	if m == nil || id == "" && to == "" {
		return ErrNoMail
	}
	s.post(event{kind: kind, mail: m, how: how})
	return nil
}

// Receiver is the name by which the server that takes mails in signs what it found of their origin.
const Receiver = "amazonses.com"

// resultsHeader is where it says so (RFC 8601).
const resultsHeader = "authentication-results"

// Receive takes a mail from outside and tells the product by email.received. It gives the mail's id. Unless the mail says
// so itself, it is found to come from whom it says, as the mails of people mostly are.
func (s *Server) Receive(m Inbound, how Delivery) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID, m.ReceivedAt = uuid(), s.now()
	m.Headers = maps.Clone(m.Headers)
	if m.Headers == nil {
		m.Headers = map[string]string{}
	}
	from, err := mail.ParseAddress(m.From)
	if _, said := m.Headers[resultsHeader]; !said && err == nil {
		domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
		m.Headers[resultsHeader] = Receiver + "; spf=pass client-ip=192.0.2.1; dkim=pass header.i=@" + domain + "; dmarc=pass header.from=" + domain + ";"
	}
	if m.MessageID == "" {
		m.MessageID = "<" + m.ID + "@mail.example.org>"
	}
	s.received[m.ID] = &m
	s.post(event{kind: "email.received", inbound: &m, how: how})
	return m.ID
}

func (s *Server) getReceived(id string) ([]byte, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.received[id]
	if m == nil {
		return nil, &refusal{http.StatusNotFound, "not_found", "Email not found"}
	}
	return encode(map[string]any{"object": "email", "id": m.ID, "to": m.To, "from": m.From, "created_at": m.ReceivedAt.Format(time.RFC3339Nano),
		"subject": m.Subject, "html": m.HTML, "text": m.Text, "headers": m.Headers, "bcc": []string{}, "cc": []string{}, "reply_to": []string{},
		"message_id": m.MessageID, "attachments": []string{}}), nil
}

// payload is the body of the event's webhook.
func (e event) payload(now time.Time) []byte {
	data := map[string]any{}
	if m := e.mail; m != nil {
		data = map[string]any{"email_id": m.ID, "created_at": m.SentAt.Format(time.RFC3339Nano), "from": m.From, "to": m.To, "subject": m.Subject}
		if len(m.Tags) > 0 {
			data["tags"] = m.Tags
		}
	}
	if m := e.inbound; m != nil {
		data = map[string]any{"email_id": m.ID, "created_at": m.ReceivedAt.Format(time.RFC3339Nano), "from": m.From, "to": m.To, "subject": m.Subject,
			"bcc": []string{}, "cc": []string{}, "message_id": m.MessageID, "attachments": []string{}}
	}
	if e.kind == "email.bounced" {
		data["bounce"] = map[string]string{"type": "Permanent", "subType": "General", "message": "The recipient's mail server permanently rejected the mail."}
	}
	return encode(map[string]any{"type": e.kind, "created_at": now.Format(time.RFC3339Nano), "data": data})
}

// Pending counts the webhooks that are due and not yet taken or given up, for who wants to wait until all is quiet.
func (s *Server) Pending() int { return s.hooks.pending() + s.inbound.pending() }

// message is one webhook on its way.
type message struct {
	id       string
	body     []byte
	bad      bool
	attempts int
	due      time.Time // of the stack's clock
	again    time.Time // real time of the next attempt
}

// webhooks posts messages one after another, in the order in which they became due.
type webhooks struct {
	options Options
	url     string
	secret  []byte
	kick    chan struct{}
	ctx     context.Context // ends with the server
	stop    context.CancelFunc
	ended   chan struct{}

	mu      sync.Mutex
	queue   []*message
	current int
}

// tick is how often a message that must wait is looked at again.
const tick = 20 * time.Millisecond

func newWebhooks(o Options, url, key string) (*webhooks, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil || url != "" && len(secret) == 0 {
		return nil, errors.New("resend: the webhook secret is not whsec_ and base64")
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: time.Minute}
	}
	h := &webhooks{options: o, url: url, secret: secret, kick: make(chan struct{}, 1), ended: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.Background())
	go h.run()
	return h, nil
}

func (h *webhooks) close() {
	h.stop()
	<-h.ended
}

// add queues a message as often as told. Every copy bears the same id, as a repeated delivery does.
func (h *webhooks) add(body []byte, how Delivery, now time.Time) {
	if h.url == "" {
		return
	}
	id := "msg_" + strings.ReplaceAll(uuid(), "-", "")
	h.mu.Lock()
	defer h.mu.Unlock()
	for range max(how.Times, 1) {
		h.queue = append(h.queue, &message{id: id, body: body, bad: how.BadSignature, due: now.Add(how.Delay)})
	}
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

func (h *webhooks) pending() int {
	now := h.options.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.current
	for _, m := range h.queue {
		if !m.due.After(now) {
			n++
		}
	}
	return n
}

func (h *webhooks) run() {
	defer close(h.ended)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		for m := h.next(); m != nil; m = h.next() {
			h.attempt(m)
		}
		select {
		case <-h.ctx.Done():
			return
		case <-h.kick:
		case <-ticker.C:
		}
	}
}

// next takes the first message that may go now.
func (h *webhooks) next() *message {
	if h.ctx.Err() != nil {
		return nil
	}
	now := h.options.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, m := range h.queue {
		if !m.due.After(now) && !m.again.After(time.Now()) {
			h.queue = append(h.queue[:i:i], h.queue[i+1:]...)
			h.current = 1
			return m
		}
	}
	return nil
}

// attempt posts a message and queues it again when it was not taken.
func (h *webhooks) attempt(m *message) {
	err := h.post(m)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = 0
	if err == nil || m.attempts >= len(h.options.Retries) || m.bad {
		return
	}
	m.again = time.Now().Add(h.options.Retries[m.attempts])
	m.attempts++
	h.queue = append(h.queue, m)
}

func (h *webhooks) post(m *message) error {
	r, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url, bytes.NewReader(m.body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(h.options.Clock.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Svix-Webhooks/1.0")
	r.Header.Set("Svix-Id", m.id)
	r.Header.Set("Svix-Timestamp", stamp)
	r.Header.Set("Svix-Signature", "v1,"+h.sign(m, stamp))
	answer, err := h.options.Client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body) // only so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("resend: the webhook answered %d", answer.StatusCode)
	}
	return nil
}

func (h *webhooks) sign(m *message, stamp string) string {
	mac := hmac.New(sha256.New, h.secret)
	mac.Write([]byte(m.id + "." + stamp + "." + string(m.body))) // never fails
	if m.bad {
		mac.Write([]byte("bad")) // likewise
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
