// Package bus is the local stack's EventBridge: a bus whose rules start functions, and schedules.
package bus

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/awsjson"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/pattern"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// Invoker takes asynchronous events in.
type Invoker interface {
	InvokeAsync(function string, payload []byte)
}

// Options are what the bus is made of.
type Options struct {
	Cloud      *template.Cloud
	Functions  Invoker
	Identities *identity.Registry
	Clock      *simclock.Clock
	Guard      guard.Guard
}

// Bus is the bus and the schedules.
type Bus struct {
	http.Handler
	options   Options
	rules     []rule
	schedules []*schedule

	mu     sync.Mutex
	events int
}

type rule struct {
	function string
	pattern  pattern.Pattern
}

type schedule struct {
	function string
	name     string
	next     func(after time.Time) time.Time
	due      time.Time
}

// New reads the rules and schedules of a cloud.
func New(o Options) (*Bus, error) {
	b := &Bus{options: o}
	for _, f := range o.Cloud.Functions {
		for _, r := range f.Rules {
			p, err := pattern.From(r.Pattern)
			if err != nil {
				return nil, fmt.Errorf("bus: %s: %w", r.Name, err)
			}
			b.rules = append(b.rules, rule{f.Name, p})
		}
		for _, s := range f.Schedules {
			next, err := ParseExpression(s.Expression)
			if err != nil {
				return nil, fmt.Errorf("bus: %s: %w", s.Name, err)
			}
			b.schedules = append(b.schedules, &schedule{function: f.Name, name: s.Name, next: next, due: next(o.Clock.Now())})
		}
	}
	b.Handler = &awsjson.Service{Name: "events", Target: "AWSEvents", Identities: o.Identities, Now: o.Clock.Now, Guard: o.Guard,
		Operations: map[string]awsjson.Operation{"PutEvents": b.put}}
	return b, nil
}

const (
	maxEntries = 10
	maxSize    = 256 << 10
)

type entry struct {
	EventBusName string
	Source       string
	DetailType   string
	Detail       string
	Resources    []string
}

type result struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (b *Bus) put(c *awsjson.Call) (any, error) {
	var q struct{ Entries []entry }
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	if len(q.Entries) < 1 || len(q.Entries) > maxEntries {
		return nil, &awsjson.Error{Type: "ValidationException", Message: "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10"}
	}
	size := 0
	for _, e := range q.Entries {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail) + 14
		name := e.EventBusName[strings.LastIndexByte(e.EventBusName, '/')+1:]
		arn := "arn:aws:events:" + template.Region + ":" + template.Account + ":event-bus/" + name
		if err := c.Allow("events:PutEvents", arn, map[string][]string{"events:source": {e.Source}, "events:detail-type": {e.DetailType}}); err != nil {
			return nil, err
		}
	}
	if size > maxSize {
		return nil, &awsjson.Error{Type: "ValidationException", Message: "Total size of the entries in the request is over the limit."}
	}
	answer := struct {
		FailedEntryCount int
		Entries          []result
	}{Entries: []result{}}
	for _, e := range q.Entries {
		r := b.take(e)
		if r.EventID == "" {
			answer.FailedEntryCount++
		}
		answer.Entries = append(answer.Entries, r)
	}
	return answer, nil
}

// take delivers one event to every rule that it meets. A bus that does not exist swallows it, as AWS's does.
func (b *Bus) take(e entry) result {
	if !json.Valid([]byte(e.Detail)) || !strings.HasPrefix(strings.TrimSpace(e.Detail), "{") {
		return result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	if e.Source == "" || e.DetailType == "" {
		return result{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source or DetailType is not valid."}
	}
	id := newID()
	if e.EventBusName[strings.LastIndexByte(e.EventBusName, '/')+1:] != b.options.Cloud.BusName {
		return result{EventID: id}
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	text, err := json.Marshal(map[string]any{"version": "0", "id": id, "detail-type": e.DetailType, "source": e.Source, "account": template.Account,
		"time": b.options.Clock.Now().Format(time.RFC3339), "region": template.Region, "resources": e.Resources, "detail": json.RawMessage(e.Detail)})
	if err != nil {
		return result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	b.mu.Lock()
	b.events++
	b.mu.Unlock()
	for _, r := range b.rules {
		if r.pattern.Matches(text) {
			b.options.Functions.InvokeAsync(r.function, text)
		}
	}
	return result{EventID: id}
}

// Events is how many events the bus has taken.
func (b *Bus) Events() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

// Event is what a schedule of a function sends at a time.
func Event(function string, at time.Time) []byte {
	text, err := json.Marshal(map[string]any{"version": "0", "id": newID(), "detail-type": "Scheduled Event", "source": "aws.scheduler",
		"account": template.Account, "time": at.UTC().Format(time.RFC3339), "region": template.Region,
		"resources": []string{"arn:aws:scheduler:" + template.Region + ":" + template.Account + ":schedule/default/" + function}, "detail": "{}"})
	if err != nil {
		return nil // no such value fails
	}
	return text
}

// Tick fires the schedules whose time has come. A clock that jumped over many turns fires one.
func (b *Bus) Tick() {
	now := b.options.Clock.Now()
	b.mu.Lock()
	var due []string
	for _, s := range b.schedules {
		switch next := s.next(now); {
		case !s.due.After(now):
			due = append(due, s.function)
			s.due = next
		case s.due.After(next): // the clock went back
			s.due = next
		}
	}
	b.mu.Unlock()
	for _, function := range due {
		b.options.Functions.InvokeAsync(function, Event(function, now))
	}
}

// ParseExpression reads rate(…) and the cron(…) expressions with fixed minutes and hours, and gives the time after
// another that they name.
func ParseExpression(text string) (func(after time.Time) time.Time, error) {
	if inside, ok := between(text, "rate(", ")"); ok {
		words := strings.Fields(inside)
		if len(words) == 2 {
			n, err := strconv.Atoi(words[0])
			unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(words[1], "s")]
			if err == nil && n > 0 && unit > 0 {
				return func(after time.Time) time.Time { return after.Add(time.Duration(n) * unit) }, nil
			}
		}
	}
	if inside, ok := between(text, "cron(", ")"); ok {
		words := strings.Fields(inside)
		if len(words) == 6 {
			minute, err1 := strconv.Atoi(words[0])
			hour, err2 := strconv.Atoi(words[1])
			rest := strings.Join(words[2:], " ")
			if err1 == nil && err2 == nil && minute >= 0 && minute < 60 && hour >= 0 && hour < 24 && (rest == "* * ? *" || rest == "? * * *") {
				return func(after time.Time) time.Time {
					t := time.Date(after.Year(), after.Month(), after.Day(), hour, minute, 0, 0, time.UTC)
					if !t.After(after) {
						t = t.AddDate(0, 0, 1)
					}
					return t
				}, nil
			}
		}
	}
	return nil, fmt.Errorf("the schedule %q is not known here", text)
}

func between(text, before, after string) (string, bool) {
	rest, ok := strings.CutPrefix(text, before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, after)
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
