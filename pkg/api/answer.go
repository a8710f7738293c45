package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// statuses is the one table from kind to HTTP status.
func statusOf(k problem.Kind) int {
	switch k {
	case problem.TooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.Malformed:
		return http.StatusBadRequest
	case problem.Unauthenticated:
		return http.StatusUnauthorized
	case problem.TooMany:
		return http.StatusTooManyRequests
	case problem.PlanRequired:
		return http.StatusPaymentRequired
	case problem.Forbidden:
		return http.StatusForbidden
	case problem.Invalid:
		return http.StatusUnprocessableEntity
	case problem.ConditionMissing:
		return http.StatusPreconditionRequired
	case problem.NotFound:
		return http.StatusNotFound
	case problem.Gone:
		return http.StatusGone
	case problem.Stale:
		return http.StatusPreconditionFailed
	case problem.Conflict:
		return http.StatusConflict
	case problem.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Problem is the body of every refusal (RFC 9457, application/problem+json).
type Problem struct {
	Type      string          `json:"type" doc:"A link to what the code means." format:"uri-reference" example:"/v1/docs#not_found"`
	Title     string          `json:"title" doc:"The status in words." example:"Not Found"`
	Status    int             `json:"status" doc:"The HTTP status." example:"404"`
	Code      string          `json:"code" doc:"What went wrong, stable across releases." example:"client_not_found"`
	Detail    string          `json:"detail,omitempty" doc:"What went wrong, for people."`
	RequestID string          `json:"request_id,omitempty" doc:"Name it when you ask for help."`
	Errors    []problem.Field `json:"errors,omitempty" nullable:"false" doc:"What is wrong with which part of the request."`
	Details   map[string]any  `json:"details,omitempty" doc:"Facts that belong to the code."`

	cause   error
	headers http.Header
}

// Error names the code, for the log.
func (p *Problem) Error() string { return p.Code }

// GetStatus, ContentType and GetHeaders are what huma asks an answer for.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders gives Retry-After and WWW-Authenticate where they belong.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// answerTo turns any error into the answer that the caller sees, and remembers the error for the log.
func answerTo(ctx context.Context, err error) *Problem {
	p := answer(known(err))
	if c := callerOf(ctx); c != nil {
		p.RequestID, c.refused = c.Request, p
	}
	return p
}

// known gives the errors of the store that reach the edge of a handler a meaning of their own.
func known(err error) *problem.Error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return &problem.Error{Kind: problem.Unavailable, Code: "busy", Message: "Too many changes at once; try again.", After: 1e9, Cause: err}
	case errors.Is(err, store.ErrRestored):
		return &problem.Error{Kind: problem.Unavailable, Code: "restoring", Message: "The service is being restored; try again later.", After: 60e9, Cause: err}
	case errors.Is(err, store.ErrRestricted):
		return &problem.Error{Kind: problem.Forbidden, Code: "processing_restricted", Message: "Processing of this data is restricted.", Cause: err}
	case errors.Is(err, store.ErrStale):
		return problem.From(Stale())
	}
	return problem.From(err)
}

func answer(e *problem.Error) *Problem {
	status := statusOf(e.Kind)
	p := &Problem{Type: "/v1/docs#" + e.Code, Title: http.StatusText(status), Status: status, Code: e.Code,
		Detail: e.Message, Errors: e.Fields, Details: e.Details, cause: e, headers: http.Header{}}
	if e.After > 0 {
		p.headers.Set("Retry-After", strconv.Itoa(max(1, int(e.After.Round(1e9).Seconds()))))
	}
	if e.Kind == problem.Unauthenticated {
		challenge := `Bearer realm="pixeltrack"`
		if e.Challenge != "" {
			challenge += ", " + e.Challenge
		}
		p.headers.Set("WWW-Authenticate", challenge)
	}
	return p
}

// speakProblems makes huma answer with problems. Huma keeps the functions it asks in variables of its own.
var speakProblems = sync.OnceFunc(func() {
	huma.NewError, huma.NewErrorWithContext = refusal, refusalTo
	huma.DefaultArrayNullable = false
})

// refusalTo is refusal for the request of a context.
func refusalTo(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
	p := refusal(status, message, errs...).(*Problem)
	if c := callerOf(ctx.Context()); c != nil {
		p.RequestID, c.refused = c.Request, p
	}
	return p
}

// refusal is what huma makes of input that does not fit; it never repeats a value.
func refusal(status int, message string, errs ...error) huma.StatusError {
	e := problem.Of(problem.Internal, "internal", "Something went wrong on our side.")
	switch {
	case status == http.StatusUnprocessableEntity || status == http.StatusBadRequest && len(errs) > 0:
		e = problem.Of(problem.Invalid, "invalid_input", "The request has invalid fields.")
	case status == http.StatusBadRequest:
		e = problem.Of(problem.Invalid, "invalid_input", "%s.", message)
	case status == http.StatusRequestEntityTooLarge:
		e = problem.Of(problem.TooLarge, "body_too_large", "The request body is too large.")
	case status == http.StatusUnsupportedMediaType:
		e = problem.Of(problem.Malformed, "not_json", "Send application/json.")
	case status >= 500:
		e.Cause = fmt.Errorf("huma: %s: %w", message, errors.Join(errs...))
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			e.Fields = append(e.Fields, problem.Field{Location: detail.Location, Message: detail.Message})
		}
	}
	return answer(e)
}
