// Package api is what stands around every handler: reading the request, knowing the caller, permission, idempotency,
// audit and errors. An area declares a route as an Operation; a function serves exactly one.
//
// Refusals come in one order: 413, 400, 401, 429, 402 or 403, 422, 428, 404, 412, 409.
package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/problem"
)

// Audience says who may call a route at all.
type Audience int

const (
	Members Audience = iota // a user signed in to an organisation, with the route's permission
	Users                   // a signed-in user, in an organisation or not
	Public                  // anybody
	Staff                   // PixelTrack's own people, with the route's permission and both factors proved; every call is audited
)

// Route is what is declared of a route. Everything here shows in the OpenAPI document.
type Route struct {
	ID          string // operation id, also the function's directory: create-client
	Area        string // clients
	Method      string
	Path        string // /v1/clients/{id}
	Summary     string // one line
	Description string
	Audience    Audience
	Permission  access.Permission // required of Members and Staff; empty means any of them
	Purpose     string            // the processing purpose it serves, from the register of purposes
	Status      int               // of success; 200 when 0
	PureRead    bool              // writes nothing: it runs beside the check of its caller
	ReadsAhead  bool              // reads beside the check of its caller and writes through Caller.Commit alone, which waits for the check; Gate and Account are nil until Checked
	Audit       bool              // writes an audit row
	Fresh       time.Duration     // how recently the person must have proved themself (RFC 9470); 0 asks for nothing
	Rights      bool              // deletion, export or a right: suspended, unpaid and restricted callers are admitted
	Recognizes  bool              // of a public route: who sends a token is known, as on any other; who sends none is nobody
	RawBody     bool              // the handler reads the bytes itself: a provider's signed message
	MaxBody     int64             // bytes; 256 KB when 0
	Produces    string            // the media type of the answer when it is not JSON, or is JSON written by the handler
	Refusals    []Refusal         // beyond those that every such route has
	Accepted    string            // when the route may also answer 202: what that means
	ExampleIn   any               // the body of a request
	ExampleOut  any               // the body of the answer
}

// Refusal is one error that a route may answer, for its documentation.
type Refusal struct {
	Kind problem.Kind
	Code string
	When string
}

// DefaultMaxBody is the largest request body in bytes that a route reads unless it says otherwise.
const DefaultMaxBody = 256 << 10

// Handler does the work of a route.
type Handler[In, Out any] func(ctx context.Context, c *Caller, in *In) (*Out, error)

// Operation is a route with its handler.
type Operation struct {
	Route
	In, Out  reflect.Type
	register func(huma.API)
	replay   bool
}

// New makes an operation of a route and its handler.
func New[In, Out any](r Route, handle Handler[In, Out]) Operation {
	return newOperation(r, handle, nil)
}

// Replayable makes an operation whose repeats under one Idempotency-Key are answered by replay, which reads the
// object that the first call made, as it is now.
func Replayable[In, Out any](r Route, handle Handler[In, Out], replay func(ctx context.Context, c *Caller, id string) (*Out, error)) Operation {
	return newOperation(r, handle, replay)
}

func newOperation[In, Out any](r Route, handle Handler[In, Out], replay func(context.Context, *Caller, string) (*Out, error)) Operation {
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	if r.MaxBody == 0 {
		r.MaxBody = DefaultMaxBody
	}
	return Operation{
		Route:  r,
		In:     reflect.TypeFor[In](),
		Out:    reflect.TypeFor[Out](),
		replay: replay != nil,
		register: func(a huma.API) {
			huma.Register(a, r.operation(), func(ctx context.Context, in *In) (*Out, error) {
				out, err := run(ctx, r, handle, replay, in)
				if err != nil {
					return nil, answerTo(ctx, err)
				}
				return out, nil
			})
		},
	}
}

func run[In, Out any](ctx context.Context, r Route, handle Handler[In, Out], replay func(context.Context, *Caller, string) (*Out, error), in *In) (*Out, error) {
	c := callerOf(ctx)
	if m, ok := any(in).(conditional); ok {
		if err := m.required(); err != nil {
			return nil, err
		}
	}
	if done := c.replaying(); done != nil && replay != nil {
		return replayed(ctx, c, done, replay)
	}
	out, err := handle(ctx, c, in)
	if c.idempotency != nil && c.replaying() == nil && overtaken(err) {
		// What stands in the way may be what a twin with the same key has just done.
		if twin := c.findTwin(ctx); twin != nil && c.replaying() == nil {
			err = twin
		}
	}
	if done := c.replaying(); err != nil && done != nil && replay != nil {
		return replayed(ctx, c, done, replay)
	}
	return out, err
}

// overtaken says whether an error may come of what another call has just done.
func overtaken(err error) bool {
	if err == nil {
		return false
	}
	switch known(err).Kind {
	case problem.Conflict, problem.Stale, problem.NotFound, problem.Unauthenticated: // the last where a proof works once
		return true
	}
	return false
}

func replayed[Out any](ctx context.Context, c *Caller, done *Idempotency, replay func(context.Context, *Caller, string) (*Out, error)) (*Out, error) {
	out, err := replay(ctx, c, done.Object)
	if problem.KindOf(err) == problem.NotFound {
		return nil, problem.Of(problem.NotFound, "replayed_object_gone", "What the first call made is no longer there.")
	}
	c.wasReplayed = true
	return out, err
}

// operation is the route in huma's terms.
func (r Route) operation() huma.Operation {
	return huma.Operation{
		OperationID:   r.ID,
		Method:        r.Method,
		Path:          r.Path,
		Summary:       r.Summary,
		Description:   r.Description,
		Tags:          []string{r.Area},
		DefaultStatus: r.Status,
		MaxBodyBytes:  -1, // the body's size was judged before

		SkipValidateBody: r.RawBody,
	}
}
