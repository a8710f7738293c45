// Package telemetry writes the product's log: one JSON object a line, of the fields declared here and no others. A
// field carries ids, codes and counts; no name, address, token or text of a person.
package telemetry

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
)

// Field is one member of a log line. Only the functions of this package make one.
type Field struct {
	key   string
	value any
}

// Documented is one log field with the reason why it may be logged.
type Documented struct{ Key, Why string }

// Fields lists every field that a log line may have.
func Fields() []Documented {
	return []Documented{
		{"time", "when the line was written"},
		{"level", "info, warn or error"},
		{"event", "a fixed word of the code"},
		{"operation", "a route's or job's id"},
		{"request_id", "made by the gateway for one request"},
		{"status", "an HTTP status"},
		{"code", "a stable error code"},
		{"read_units", "capacity units"},
		{"write_units", "capacity units"},
		{"calls", "a count of calls"},
		{"count", "a count of things"},
		{"lag_seconds", "how late a job did something due"},
		{"kind", "a fixed word of the code, such as a kind of due work"},
		{"host", "the name of a server"},
		{"case_id", "a random id of a request, without a person"},
		{"cause", "an error's text, with whatever may be personal or secret blotted out"},
	}
}

// Operation names a route or job.
func Operation(id string) Field { return Field{"operation", id} }

// Request names the request.
func Request(id string) Field { return Field{"request_id", id} }

// Status is the HTTP status of the answer.
func Status(s int) Field { return Field{"status", s} }

// Code is the stable code of an error.
func Code(c string) Field { return Field{"code", c} }

// Calls counts calls to the table.
func Calls(n int) Field { return Field{"calls", n} }

// Count counts things done.
func Count(n int) Field { return Field{"count", n} }

// Lag tells how late something due was done.
func Lag(d time.Duration) Field { return Field{"lag_seconds", int64(d.Seconds())} }

// Kind is a fixed word that says what sort of thing the line is about.
func Kind(k string) Field { return Field{"kind", k} }

// Case is the id of a data subject request.
func Case(id string) Field { return Field{"case_id", id} }

// Object is the id of what the line is about, where that is an entry of a register.
func Object(id string) Field { return Field{"object_id", id} }

// Host is the name of a server that something wanted to reach.
func Host(name string) Field { return Field{"host", name} }

// Units are capacity units of the table.
func Units(read, write float64) Field { return Field{"units", [2]float64{read, write}} }

// Cause is an error. Words that look like an address, a token or a long secret are blotted out.
func Cause(err error) Field {
	if err == nil {
		return Field{"cause", ""}
	}
	return Field{"cause", Blot(err.Error())}
}

// Log writes lines to a writer. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
}

// New makes a log.
func New(out io.Writer, now func() time.Time) *Log { return &Log{out: out, now: now} }

// Info writes a line about what happened.
func (l *Log) Info(event string, fields ...Field) { l.write("info", event, fields) }

// Warn writes a line that somebody should look at in time.
func (l *Log) Warn(event string, fields ...Field) { l.write("warn", event, fields) }

// Error writes a line that somebody must look at.
func (l *Log) Error(event string, fields ...Field) { l.write("error", event, fields) }

func (l *Log) write(level, event string, fields []Field) {
	if l == nil {
		return
	}
	line := map[string]any{"time": l.now().Format(time.RFC3339Nano), "level": level, "event": event}
	for _, f := range fields {
		if u, ok := f.value.([2]float64); ok {
			line["read_units"], line["write_units"] = u[0], u[1]
			continue
		}
		line[f.key] = f.value
	}
	text, err := json.Marshal(line)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Write(append(text, '\n')) // the log has nowhere to report its own failure
}

// longest is how long a word of an error may be; ids and codes are shorter, tokens and hashes longer.
const longest = 40

// Blot replaces the words of a text that could be an address or a secret.
func Blot(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\"'`,;()[]{}<>=&?", r) })
	for _, w := range words {
		if strings.Contains(w, "@") || len(w) > longest && !strings.ContainsAny(w, "/\n") || strings.Count(w, ".") == 2 && len(w) > 60 {
			text = strings.ReplaceAll(text, w, "[blotted]")
		}
	}
	return text
}
