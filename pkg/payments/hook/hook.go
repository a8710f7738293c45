// Package hook reads what Stripe tells: it checks a webhook's signature over its very bytes before it looks at them.
package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Age is how far a signature's time may be from the clock, either way. Stripe's libraries take the same.
const Age = 300 * time.Second

// What a webhook is refused for.
var (
	ErrSignature = errors.New("hook: the webhook is not signed by Stripe")
	ErrAge       = errors.New("hook: the signature is too old, or from the future")
	ErrEvent     = errors.New("hook: the webhook is not an event")
)

// Verify checks that a body was signed with the secret, and then that the signature is not older than Age by the clock
// given, nor that far ahead of it. The secret may be two, with a comma between them, while it is replaced; a header holds
// several signatures then.
//
// Stripe's library asks the machine's clock, and would bring all of its objects along; a test holds the two together.
func Verify(header string, body []byte, secrets string, now time.Time) error {
	at, signatures := parse(header)
	if at == "" || !signed(at, body, signatures, secrets) {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return ErrSignature
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > Age {
		return ErrAge
	}
	return nil
}

// most is how many signatures are looked at.
const most = 10

// parse reads t=…,v1=…,v1=….
func parse(header string) (at string, signatures [][]byte) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			at = value
		case "v1":
			if s, err := hex.DecodeString(value); err == nil && len(signatures) < most {
				signatures = append(signatures, s)
			}
		}
	}
	return at, signatures
}

func signed(at string, body []byte, signatures [][]byte, secrets string) bool {
	for secret := range strings.SplitSeq(secrets, ",") {
		secret = strings.TrimSpace(secret)
		if secret == "" {
			continue
		}
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(at + ".")) // never fails
		m.Write(body)             // likewise
		want := m.Sum(nil)
		for _, s := range signatures {
			if hmac.Equal(s, want) {
				return true
			}
		}
	}
	return false
}

// Event is what a webhook tells, as far as it is looked at: which objects changed. What they are by now, Stripe is asked.
type Event struct {
	ID      string
	Type    string // checkout.session.completed and the like
	Account string // empty for the platform's own
	Live    bool
	Created int64  // epoch seconds
	Object  string // the id of what it is about
	Kind    string // charge, refund and the like
	Intent  string // of the payment that the object belongs to, empty for none
}

// UnmarshalJSON reads an event of Stripe's.
func (e *Event) UnmarshalJSON(text []byte) error {
	var w struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Account string `json:"account"`
		Live    bool   `json:"livemode"`
		Created int64  `json:"created"`
		Data    struct {
			Object struct {
				ID     any `json:"id"`
				Kind   any `json:"object"`
				Intent any `json:"payment_intent"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	o := w.Data.Object
	*e = Event{ID: w.ID, Type: w.Type, Account: w.Account, Live: w.Live, Created: w.Created, Object: reference(o.ID), Kind: reference(o.Kind), Intent: reference(o.Intent)}
	if e.Kind == "payment_intent" {
		e.Intent = e.Object
	}
	return nil
}

// reference is the id of an object, which may come whole; empty for anything else.
func reference(v any) string {
	if o, ok := v.(map[string]any); ok {
		v = o["id"]
	}
	text, _ := v.(string)
	if !Reference.MatchString(text) {
		return ""
	}
	return text
}

// Reference is what ids and words of Stripe's look like.
var Reference = regexp.MustCompile(`^[A-Za-z0-9_.]{1,100}$`)

// Parse reads the body of a webhook whose signature is good. It is ErrEvent for any text that is none.
func Parse(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if !Reference.MatchString(e.ID) || !Reference.MatchString(e.Type) || e.Account != "" && !Reference.MatchString(e.Account) {
		return Event{}, ErrEvent
	}
	return e, nil
}
