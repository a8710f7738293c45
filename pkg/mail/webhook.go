package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// WebhookAge is how far a webhook's time may be from the clock, either way.
const WebhookAge = 300 * time.Second

// What a webhook is refused for.
var (
	ErrSignature = errors.New("mail: the webhook is not signed by the provider")
	ErrAge       = errors.New("mail: the webhook is too old, or from the future")
	ErrEvent     = errors.New("mail: the webhook is not an event")
)

// Signature are the headers that a webhook is signed by (Svix). A route's input embeds it.
type Signature struct {
	ID        string `header:"svix-id"`        // the same each time an event is delivered
	Timestamp string `header:"svix-timestamp"` // epoch seconds of this attempt
	Signature string `header:"svix-signature"` // one or more of v1,<base64>
}

// VerifyWebhook checks that a body was signed with the secret, and then that it is not older than WebhookAge by the
// clock given, nor that far ahead of it. The secret is whsec_ and base64; while it is replaced, both, with a comma
// between them.
func VerifyWebhook(s Signature, body []byte, secret string, now time.Time) error {
	if !s.signedBy(body, secret) {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil {
		return ErrSignature
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > WebhookAge {
		return ErrAge
	}
	return nil
}

func (s Signature) signedBy(body []byte, secrets string) bool {
	if s.ID == "" || s.Timestamp == "" {
		return false
	}
	for secret := range strings.SplitSeq(secrets, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
		if err != nil || len(key) == 0 {
			continue
		}
		m := hmac.New(sha256.New, key)
		m.Write([]byte(s.ID + "." + s.Timestamp + ".")) // never fails
		m.Write(body)                                   // likewise
		want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
		for given := range strings.FieldsSeq(s.Signature) {
			if hmac.Equal([]byte(given), []byte(want)) {
				return true
			}
		}
	}
	return false
}

// The kinds of events that the product listens to.
const (
	EventDelivered  = "email.delivered"
	EventBounced    = "email.bounced"
	EventComplained = "email.complained"
	EventReceived   = "email.received"
)

// Event is what a webhook tells: what became of a mail that was sent, or that one came in.
type Event struct {
	Type   string
	At     time.Time
	MailID string            // the provider's
	Tags   map[string]string // those that the mail was sent with
	Bounce string            // Permanent, Transient or Undetermined, of a bounce

	// Of a mail that came in.
	From      string
	To        []string
	Subject   string
	MessageID string
}

type wireEvent struct {
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	Data      struct {
		EmailID   string          `json:"email_id"`
		From      string          `json:"from"`
		To        []string        `json:"to"`
		Subject   string          `json:"subject"`
		MessageID string          `json:"message_id"`
		Tags      json.RawMessage `json:"tags"`
		Bounce    struct {
			Type string `json:"type"`
		} `json:"bounce"`
	} `json:"data"`
}

// ParseEvent reads the body of a webhook whose signature is good. It is ErrEvent for any text that is none.
func ParseEvent(body []byte) (Event, error) {
	var w wireEvent
	if err := json.Unmarshal(body, &w); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if w.Type == "" {
		return Event{}, ErrEvent
	}
	return Event{Type: w.Type, At: w.CreatedAt, MailID: w.Data.EmailID, Tags: tags(w.Data.Tags), Bounce: w.Data.Bounce.Type,
		From: w.Data.From, To: w.Data.To, Subject: w.Data.Subject, MessageID: w.Data.MessageID}, nil
}

// tags reads the tags of an event, which come as an object or as the list that was sent.
func tags(raw json.RawMessage) map[string]string {
	var object map[string]string
	if json.Unmarshal(raw, &object) == nil {
		return object
	}
	var list []struct{ Name, Value string }
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	object = map[string]string{}
	for _, t := range list {
		object[t.Name] = t.Value
	}
	return object
}
