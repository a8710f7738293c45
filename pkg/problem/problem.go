// Package problem is the one error type that a caller may see. Whatever else goes wrong is Internal and says nothing.
package problem

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of refusal an error is; package api maps each kind to one HTTP status.
type Kind int

const (
	Internal         Kind = iota // 500, says only its request id
	TooLarge                     // 413
	Malformed                    // 400, not JSON, or not a request we can read
	Unauthenticated              // 401
	TooMany                      // 429, with After
	PlanRequired                 // 402
	Forbidden                    // 403
	Invalid                      // 422, with Fields
	ConditionMissing             // 428, If-Match is required
	NotFound                     // 404, also for what another organisation holds
	Gone                         // 410
	Stale                        // 412, If-Match names an older version
	Conflict                     // 409
	Unavailable                  // 503, try again
)

// Error is a refusal. Code is stable and documented; Message is for the caller, Cause only for the log.
type Error struct {
	Kind      Kind
	Code      string
	Message   string
	Fields    []Field
	After     time.Duration  // Retry-After, for TooMany and Unavailable
	Challenge string         // of Unauthenticated: further parameters of WWW-Authenticate
	Details   map[string]any // further members of the answer, never personal data
	Cause     error
}

// Field is one thing wrong with the input. It never repeats the value.
type Field struct {
	Location string `json:"location"` // body.name, query.limit, path.id, header.If-Match
	Message  string `json:"message"`
}

// Error prints kind, code and cause once, for the log.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Of makes an error of a kind with its code and message.
func Of(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// From finds the Error in err. Any other error becomes Internal with err as its cause; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Message: "Something went wrong on our side.", Cause: err}
}

// Is says whether err is an Error with this code.
func Is(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// KindOf is the kind of err, Internal for any error that is not an Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Missing is the answer for a thing that is not there, has expired, or belongs to somebody else.
func Missing(noun string) *Error {
	return Of(NotFound, strings.ReplaceAll(noun, " ", "_")+"_not_found", "There is no such %s.", noun)
}

// InvalidField refuses one field of the input.
func InvalidField(location, message string) *Error {
	return &Error{Kind: Invalid, Code: "invalid_input", Message: "The request has invalid fields.",
		Fields: []Field{{Location: location, Message: message}}}
}
