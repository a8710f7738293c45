// Package resend is the local stack's mail provider. It takes mails through Resend's API, honours idempotency keys,
// keeps every mail to be read, and tells the product by signed webhooks what became of them.
package resend

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/simclock"
)

const (
	// keyLife is how long an idempotency key counts.
	keyLife = 24 * time.Hour

	maxRecipients = 50
	maxBatch      = 100
	maxBody       = 40 << 20
)

// Options are what a Server is made of.
type Options struct {
	Key           string // the API key that counts
	WebhookURL    string // where events go, empty for nowhere
	WebhookSecret string // whsec_ and the secret in base64
	InboundURL    string // where the news of mails that came in go, empty for nowhere
	InboundSecret string // likewise
	Clock         *simclock.Clock
	Client        *http.Client    // for webhooks
	Retries       []time.Duration // waits between the attempts of a webhook; nil is 100 ms, 500 ms and 2 s
	Fault         func(r *http.Request) Fault
}

// Fault is what goes wrong with one request.
type Fault struct {
	Status int  // answered instead, 0 for none
	Drop   bool // the connection breaks
	After  bool // either happens after the request has been carried out
}

// Attachment is a file of a mail.
type Attachment struct {
	Filename    string `json:"filename"`
	ContentType string `json:"content_type,omitempty"`
	Content     []byte `json:"content,omitempty"`
}

// Mail is one mail that was accepted.
type Mail struct {
	ID          string            `json:"id"`
	From        string            `json:"from"`
	To          []string          `json:"to"`
	CC          []string          `json:"cc,omitempty"`
	BCC         []string          `json:"bcc,omitempty"`
	ReplyTo     []string          `json:"reply_to,omitempty"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html"`
	Links       []string          `json:"links"`
	Headers     map[string]string `json:"headers"`
	Tags        map[string]string `json:"tags"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	SentAt      time.Time         `json:"sent_at"`
	LastEvent   string            `json:"last_event"`
	Key         string            `json:"idempotency_key,omitempty"`

	recipients []string // as they were written, and without the names
}

// replay is what an idempotency key stands for.
type replay struct {
	payload string // hash of the request's body
	answer  []byte
	until   time.Time
}

// Server is the mail provider of the stack.
type Server struct {
	options Options
	now     func() time.Time
	hooks   *webhooks
	inbound *webhooks

	mu       sync.Mutex
	mails    []*Mail // oldest first
	received map[string]*Inbound
	replays  map[string]replay
	holding  bool
	held     []event
}

// New makes a server and starts to deliver its webhooks; Close ends that.
func New(o Options) (*Server, error) {
	if o.Retries == nil {
		o.Retries = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}
	}
	hooks, err := newWebhooks(o, o.WebhookURL, o.WebhookSecret)
	if err != nil {
		return nil, err
	}
	inbound, err := newWebhooks(o, o.InboundURL, o.InboundSecret)
	if err != nil {
		hooks.close()
		return nil, err
	}
	return &Server{options: o, now: o.Clock.Now, hooks: hooks, inbound: inbound, received: map[string]*Inbound{}, replays: map[string]replay{}}, nil
}

// Close ends the delivery of webhooks.
func (s *Server) Close() {
	s.hooks.close()
	s.inbound.close()
}

// refusal is an error as Resend answers it.
type refusal struct {
	StatusCode int    `json:"statusCode"`
	Name       string `json:"name"`
	Message    string `json:"message"`
}

// Error gives name and message.
func (r *refusal) Error() string { return r.Name + ": " + r.Message }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	if s.options.Fault != nil {
		fault = s.options.Fault(r)
	}
	if !fault.After && fault.happens(w) {
		return
	}
	answer, err := s.answer(r)
	if fault.happens(w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(err.StatusCode)
		answer = encode(err)
	}
	w.Write(answer) // a caller who has gone is no news
}

func (f Fault) happens(w http.ResponseWriter) bool {
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	name := "application_error"
	if f.Status == http.StatusTooManyRequests {
		name = "rate_limit_exceeded"
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(f.Status)
	w.Write(encode(&refusal{f.Status, name, "An unexpected error occurred."})) // as above
	return true
}

func (s *Server) answer(r *http.Request) ([]byte, *refusal) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || key == "" {
		return nil, &refusal{http.StatusUnauthorized, "missing_api_key", "Missing API Key"}
	}
	if key != s.options.Key {
		return nil, &refusal{http.StatusForbidden, "invalid_api_key", "API key is invalid"}
	}
	path := strings.Trim(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodPost && path == "emails":
		return s.idempotent(r, s.send)
	case r.Method == http.MethodPost && path == "emails/batch":
		return s.idempotent(r, s.sendBatch)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "emails/receiving/"):
		return s.getReceived(strings.TrimPrefix(path, "emails/receiving/"))
	case r.Method == http.MethodGet && strings.HasPrefix(path, "emails/"):
		return s.get(strings.TrimPrefix(path, "emails/"))
	}
	return nil, &refusal{http.StatusNotFound, "not_found", "The requested endpoint does not exist"}
}

// idempotent carries a request out unless its key has been seen within a day.
func (s *Server) idempotent(r *http.Request, do func(body []byte, key string) ([]byte, *refusal)) ([]byte, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "validation_error", "The request body could not be read"}
	}
	values := r.Header.Values("Idempotency-Key")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(values) == 0 {
		return do(body, "")
	}
	key := values[0]
	if len(key) < 1 || len(key) > 256 {
		return nil, &refusal{http.StatusBadRequest, "invalid_idempotency_key", "The key must be between 1-256 chars"}
	}
	print := fingerprint(r.URL.Path, body)
	if old, ok := s.replays[key]; ok && s.now().Before(old.until) {
		if old.payload != print {
			return nil, &refusal{http.StatusConflict, "invalid_idempotent_request", "Same idempotency key used with a different request payload"}
		}
		return old.answer, nil
	}
	answer, refused := do(body, key)
	if refused != nil {
		return nil, refused
	}
	s.replays[key] = replay{payload: print, answer: answer, until: s.now().Add(keyLife)}
	return answer, nil
}

// fingerprint is equal for bodies that say the same.
func fingerprint(path string, body []byte) string {
	var v any
	if json.Unmarshal(body, &v) == nil {
		body = encode(v)
	}
	sum := sha256.Sum256(append([]byte(path+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

// texts is a list that may come as one text.
type texts []string

// UnmarshalJSON reads a text or a list of texts.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// content is bytes as base64 or, as resend-go sends them, as a list of numbers.
type content []byte

// UnmarshalJSON reads either form.
func (c *content) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		var numbers []int
		if err := json.Unmarshal(b, &numbers); err != nil {
			return err
		}
		for _, n := range numbers {
			*c = append(*c, byte(n))
		}
		return nil
	}
	return json.Unmarshal(b, (*[]byte)(c))
}

type sendRequest struct {
	From        string            `json:"from"`
	To          texts             `json:"to"`
	CC          texts             `json:"cc"`
	BCC         texts             `json:"bcc"`
	ReplyTo     texts             `json:"reply_to"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html"`
	Headers     map[string]string `json:"headers"`
	ScheduledAt string            `json:"scheduled_at"`
	Tags        []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"tags"`
	Attachments []struct {
		Filename    string  `json:"filename"`
		ContentType string  `json:"content_type"`
		Content     content `json:"content"`
		Path        string  `json:"path"`
	} `json:"attachments"`
}

type sendAnswer struct {
	ID string `json:"id"`
}

// send accepts one mail. The caller holds the lock, as for sendBatch.
func (s *Server) send(body []byte, key string) ([]byte, *refusal) {
	var q sendRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, &refusal{http.StatusBadRequest, "validation_error", "The request body is not valid JSON"}
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	return encode(sendAnswer{s.accept(q, key)}), nil
}

func (s *Server) sendBatch(body []byte, key string) ([]byte, *refusal) {
	var list []sendRequest
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, &refusal{http.StatusBadRequest, "validation_error", "The request body is not valid JSON"}
	}
	if len(list) == 0 || len(list) > maxBatch {
		return nil, invalid("A batch holds between 1 and 100 mails")
	}
	for _, q := range list {
		if err := q.check(); err != nil {
			return nil, err
		}
		if len(q.Attachments) > 0 || q.ScheduledAt != "" {
			return nil, invalid("The attachments and scheduled_at fields are not supported in a batch")
		}
	}
	var out struct {
		Data []sendAnswer `json:"data"`
	}
	for _, q := range list {
		out.Data = append(out.Data, sendAnswer{s.accept(q, key)})
	}
	return encode(out), nil
}

func invalid(format string, args ...any) *refusal {
	return &refusal{http.StatusUnprocessableEntity, "validation_error", fmt.Sprintf(format, args...)}
}

func missing(field string) *refusal {
	return &refusal{http.StatusUnprocessableEntity, "missing_required_field", "Missing `" + field + "` field."}
}

func (q sendRequest) check() *refusal {
	switch {
	case q.From == "":
		return missing("from")
	case len(q.To) == 0:
		return missing("to")
	case q.Subject == "":
		return missing("subject")
	case q.Text == "" && q.HTML == "":
		return missing("html` or `text")
	case len(q.To) > maxRecipients:
		return invalid("The `to` field must hold at most 50 addresses")
	case q.ScheduledAt != "":
		return invalid("The `scheduled_at` field is not supported by this stack")
	}
	for _, address := range slices.Concat([]string{q.From}, q.To, q.CC, q.BCC, q.ReplyTo) {
		if _, err := mail.ParseAddress(address); err != nil {
			return invalid("Invalid address. The address needs to follow the `email@example.com` or `Name <email@example.com>` format.")
		}
	}
	word := regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	for _, t := range q.Tags {
		if !word.MatchString(t.Name) || t.Value != "" && !word.MatchString(t.Value) {
			return invalid("Tags should only contain ASCII letters, numbers, underscores, or dashes.")
		}
	}
	for _, a := range q.Attachments {
		if a.Path != "" {
			return invalid("The `path` of an attachment is not supported by this stack")
		}
	}
	return nil
}

// accept keeps a mail and sends its events on their way.
func (s *Server) accept(q sendRequest, key string) string {
	m := &Mail{ID: uuid(), From: q.From, To: q.To, CC: q.CC, BCC: q.BCC, ReplyTo: q.ReplyTo, Subject: q.Subject, Text: q.Text, HTML: q.HTML,
		Links: Links(q.HTML, q.Text), Headers: q.Headers, Tags: map[string]string{}, SentAt: s.now(), LastEvent: "sent", Key: key}
	if m.Headers == nil {
		m.Headers = map[string]string{}
	}
	for _, t := range q.Tags {
		m.Tags[t.Name] = t.Value
	}
	for _, a := range q.Attachments {
		m.Attachments = append(m.Attachments, Attachment{a.Filename, a.ContentType, a.Content})
	}
	for _, address := range slices.Concat(m.To, m.CC, m.BCC) {
		m.recipients = append(m.recipients, address)
		if parsed, err := mail.ParseAddress(address); err == nil {
			m.recipients = append(m.recipients, parsed.Address)
		}
	}
	s.mails = append(s.mails, m)
	s.emit(event{kind: "email.sent", mail: m})
	for _, kind := range fates(m.To) {
		s.emit(event{kind: kind, mail: m})
	}
	return m.ID
}

// fates are what becomes of a mail, by Resend's test addresses.
func fates(to []string) []string {
	for _, address := range to {
		parsed, err := mail.ParseAddress(address)
		if err != nil || !strings.HasSuffix(parsed.Address, "@resend.dev") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(parsed.Address, "@resend.dev"), "+")
		switch name {
		case "bounced":
			return []string{"email.bounced"}
		case "complained":
			return []string{"email.delivered", "email.complained"}
		}
	}
	return []string{"email.delivered"}
}

func (s *Server) get(id string) ([]byte, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(id, "")
	if m == nil {
		return nil, &refusal{http.StatusNotFound, "not_found", "Email not found"}
	}
	return encode(map[string]any{"object": "email", "id": m.ID, "to": m.To, "from": m.From, "created_at": m.SentAt.Format(time.RFC3339Nano),
		"subject": m.Subject, "html": m.HTML, "text": m.Text, "bcc": m.BCC, "cc": m.CC, "reply_to": m.ReplyTo, "last_event": m.LastEvent}), nil
}

// find gives the mail of an id or the newest one to an address.
func (s *Server) find(id, to string) *Mail {
	for _, m := range slices.Backward(s.mails) {
		if id != "" && m.ID == id || id == "" && m.isTo(to) {
			return m
		}
	}
	return nil
}

// Mails lists what was sent to an address, or to anybody when it is empty, newest first.
func (s *Server) Mails(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Mail{}
	for _, m := range slices.Backward(s.mails) {
		if to == "" || m.isTo(to) {
			list = append(list, *m)
		}
	}
	return list
}

func (m *Mail) isTo(to string) bool {
	return slices.ContainsFunc(m.recipients, func(address string) bool { return strings.EqualFold(address, to) })
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // nothing but strings, lists and maps of them is encoded
	}
	return b.Bytes()
}

func uuid() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
