// Package mail sends mails through Resend, lays them out, and checks what Resend reports about them.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/resend/resend-go/v2"
)

// Message is one mail to one person.
type Message struct {
	From    string // PixelTrack <no-reply@mail.example.org>
	To      string
	ReplyTo string // empty for none
	Subject string
	Text    string
	HTML    string            // may be empty
	Headers map[string]string // List-Unsubscribe, for example
	Tags    map[string]string // come back with each event of the mail: ASCII letters, digits, _ and - only
	Files   []File

	// Key makes sending twice the same as sending once, for 24 hours: the outbox's dedupe key.
	Key string
}

// File is an attachment.
type File struct {
	Name      string
	MediaType string
	Content   []byte
}

// What sending may fail with, beside a failure to reach Resend at all. Only ErrRefused is final.
var (
	ErrRefused  = errors.New("mail: refused")                             // Resend will never take this mail
	ErrConflict = errors.New("mail: the key belongs to another mail")     // or its twin is being sent right now
	ErrBusy     = errors.New("mail: too many mails")                      // try again later
	ErrFailed   = errors.New("mail: the provider failed or is not there") // try again with the same key: it may have been sent
)

// Sender sends mails. It is safe for concurrent use.
type Sender struct {
	client *resend.Client
}

// Host is Resend's, in the register of sub-processors.
const Host = "api.resend.com"

// Patience is how long one call of Resend may take.
const Patience = 10 * time.Second

// NewSender makes a sender that reaches Resend by a client, which goes where the register of sub-processors allows. An empty
// base URL is Resend's own; otherwise it is that of another server.
func NewSender(key, baseURL string, via *http.Client) (*Sender, error) {
	noted := *via
	if noted.Transport == nil {
		noted.Transport = http.DefaultTransport
	}
	noted.Transport = noting{noted.Transport}
	client := resend.NewCustomClient(&noted, key)
	if baseURL == "" {
		baseURL = "https://" + Host
	}
	base, err := url.Parse(strings.TrimSuffix(baseURL, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("mail: base URL: %w", err)
	}
	client.BaseURL = base
	return &Sender{client: client}, nil
}

// Send hands a mail over and gives the provider's id of it.
func (s *Sender) Send(ctx context.Context, m Message) (string, error) {
	var status int
	ctx = context.WithValue(ctx, statusKey{}, &status)
	out, err := s.client.Emails.SendWithOptions(ctx, m.request(), &resend.SendEmailOptions{IdempotencyKey: m.Key})
	if err != nil {
		return "", fmt.Errorf("%w: %w", kindOf(status), err)
	}
	return out.Id, nil
}

// Received is a mail that came in.
type Received struct {
	ID        string            `json:"id"`
	From      string            `json:"from"`
	To        []string          `json:"to"`
	CC        []string          `json:"cc"`
	BCC       []string          `json:"bcc"`
	Subject   string            `json:"subject"`
	Text      string            `json:"text"`
	HTML      string            `json:"html"`
	MessageID string            `json:"message_id"`
	Headers   map[string]Values `json:"headers"`
	Files     []ReceivedFile    `json:"attachments"`
}

// ReceivedFile is an attachment of a mail that came in, without its bytes.
type ReceivedFile struct {
	ID        string `json:"id"`
	Name      string `json:"filename"`
	MediaType string `json:"content_type"`
	Size      int64  `json:"size"`
}

// Values are those of one header, the topmost first. The provider gives one as a text.
type Values []string

// UnmarshalJSON reads a text or a list of texts.
func (v *Values) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*v = Values{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(v))
}

// Header is the topmost value of a header, whatever the case of its name; empty when there is none.
func (m *Received) Header(name string) string {
	for n, v := range m.Headers {
		if strings.EqualFold(n, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// Fetch reads a mail that came in; its event holds everything but the text.
func (s *Sender) Fetch(ctx context.Context, id string) (*Received, error) {
	var status int
	ctx = context.WithValue(ctx, statusKey{}, &status)
	r, err := s.client.NewRequest(ctx, http.MethodGet, "emails/receiving/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, fmt.Errorf("mail: fetch: %w", err)
	}
	var m Received
	if _, err := s.client.Perform(r, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", kindOf(status), err)
	}
	return &m, nil
}

func (m Message) request() *resend.SendEmailRequest {
	q := &resend.SendEmailRequest{From: m.From, To: []string{m.To}, ReplyTo: m.ReplyTo, Subject: m.Subject, Text: m.Text, Html: m.HTML, Headers: m.Headers}
	for _, name := range slices.Sorted(maps.Keys(m.Tags)) { // in order: a retry must say the very same
		q.Tags = append(q.Tags, resend.Tag{Name: name, Value: m.Tags[name]})
	}
	for _, f := range m.Files {
		q.Attachments = append(q.Attachments, &resend.Attachment{Filename: f.Name, ContentType: f.MediaType, Content: f.Content})
	}
	return q
}

// kindOf tells by the status what a failure means; 0 is no answer.
func kindOf(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return ErrBusy
	case status == http.StatusConflict:
		return ErrConflict
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status < 400, status >= 500: // a wrong key is ours to mend
		return ErrFailed
	}
	return ErrRefused
}

// statusKey finds in a context where the status of the answer goes, which resend-go does not tell.
type statusKey struct{}

type noting struct{ next http.RoundTripper }

// RoundTrip notes the status of an answer.
func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(r)
	if status, ok := r.Context().Value(statusKey{}).(*int); ok && err == nil {
		*status = answer.StatusCode
	}
	return answer, err
}
