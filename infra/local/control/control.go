// Package control is how people and tests steer the local stack: mails, payments, clock, jobs, raw rows and objects,
// logs, faults and calls, as JSON over HTTP, and a page to read them. It answers to this machine alone and to no web page
// of another origin.
//
// What the people outside do at Stripe is told by these calls; each gives the object as it is then:
//
//	POST /_local/stripe/events                        {"type":…,"account":…,"object":{…},"times":1,"delay":"2s","bad_signature":false,"old_signature":false,"secret":"previous"}
//	POST /_local/stripe/events/{event}/resend         the same ways to deliver
//	GET  /_local/stripe/events                        every event and how its webhooks fared, newest first
//	GET  /_local/stripe/sessions                      every checkout session, newest first
//	POST /_local/stripe/sessions/{session}/pay        {"outcome":"paid|declined|async","decline_code":…,"email":…,"name":…}
//	POST /_local/stripe/sessions/{session}/clear      {"outcome":"succeeded|failed"}: how an async payment ended
//	POST /_local/stripe/refunds/{refund}              {"status":"succeeded|failed"}: what the bank did with it
//	POST /_local/stripe/disputes                      {"charge" or "payment_intent":…,"amount":…,"reason":…}
//	POST /_local/stripe/disputes/{dispute}/close      {"status":"won|lost"}
//	POST /_local/stripe/accounts/{account}/onboard    also restrict, deauthorize and authorize
//	POST /_local/stripe/webhooks                      {"hold":true|false,"order":"forward|reverse|shuffle|drop","times":2}
//	POST /_local/stripe/webhooks/roll                 {"endpoint":"platform|connect","secret":"whsec_…","overlap":"24h"}
//
// The object of an event may be {"id":…} alone for one that Stripe knows; its account need not be named then. A well-signed
// event about such an object is true: what it says happens at Stripe first, if it has not yet, and only this event tells of
// it. checkout.session.completed pays the session (by a debit, with payment_status unpaid), …async_payment_succeeded and
// …async_payment_failed end a debit, …expired expires it; charge.refunded refunds up to amount_refunded, refund.updated and
// refund.failed end a refund by its status; charge.dispute.created opens the dispute of the charge or payment_intent that its
// object names, charge.dispute.closed ends one by its status; account.updated sets charges_enabled, and
// account.application.deauthorized lets the account leave. With bad_signature or old_signature, or about an object that
// Stripe does not know, nothing changes, and the event goes out as it is given.
//
// A delay is of real time and counts as work under way; what is held does not, and what is dropped is lost but for the list
// of events. The functions go on with the secret that they have when one is rolled.
package control

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/resend"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/stack"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// patience is how long a call that waits may wait.
const patience = 15 * time.Minute

//go:embed page.html
var page []byte

type control struct{ stack *stack.Stack }

// New serves the control of a stack.
func New(s *stack.Stack) http.Handler {
	c := &control{s}
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /_local/health":               c.health,
		"GET /_local/mail":                 c.mails,
		"POST /_local/mail/inbound":        c.inbound,
		"POST /_local/mail/events":         c.mailEvent,
		"GET /_local/clock":                c.now,
		"POST /_local/clock":               c.move,
		"GET /_local/functions":            c.functions,
		"POST /_local/invoke/{function}":   c.invoke,
		"POST /_local/jobs/{function}/run": c.runJob,
		"POST /_local/settle":              c.settle,
		"POST /_local/ttl/sweep":           c.sweep,
		"GET /_local/table":                c.table,
		"GET /_local/objects":              c.objects,
		"GET /_local/logs":                 c.logs,
		"GET /_local/faults":               c.faults,
		"POST /_local/faults":              c.plan,
		"DELETE /_local/faults":            c.clear,
		"GET /_local/calls":                c.calls,
		"GET /_local/deadletters":          c.deadLetters,
		"POST /_local/redrive":             c.redrive,
		"POST /_local/stream":              c.stream,
		"POST /_local/staff":               c.staff,
	} {
		mux.Handle(pattern, h)
	}
	for pattern, h := range c.stripe() {
		mux.Handle(pattern, h)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		w.Write(page) // a lost connection is the reader's
	})
	return local(mux)
}

// local refuses callers from elsewhere: another host name, a web page, a form.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		own := r.Header.Get("Sec-Fetch-Site") == "same-origin" && r.Header.Get("Origin") == "http://"+r.Host
		switch {
		case host != "127.0.0.1" && host != "localhost" && host != "[::1]" && host != "::1":
			write(w, http.StatusForbidden, problem{"not_local", "The control answers to this machine alone."})
		case r.Header.Get("Origin") != "" && !own:
			write(w, http.StatusForbidden, problem{"cross_origin", "The control answers to no web page of another origin."})
		case r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
			write(w, http.StatusUnsupportedMediaType, problem{"not_json", "Send Content-Type: application/json."})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// refusal is an error with the status it is answered with.
type refusal struct {
	status int
	problem
}

func (r *refusal) Error() string { return r.Detail }

func bad(code, format string, args ...any) error {
	return &refusal{http.StatusBadRequest, problem{code, fmt.Sprintf(format, args...)}}
}

func missing(code, format string, args ...any) error {
	return &refusal{http.StatusNotFound, problem{code, fmt.Sprintf(format, args...)}}
}

// handler gives what to answer as JSON; nil is no content.
type handler func(ctx context.Context, r *http.Request) (any, error)

// ServeHTTP answers.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	v, err := h(ctx, r)
	var e *refusal
	switch {
	case errors.As(err, &e):
		write(w, e.status, e.problem)
	case err != nil:
		write(w, http.StatusBadGateway, problem{"failed", err.Error()})
	case v == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		write(w, http.StatusOK, v)
	}
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(v) // a lost connection is the caller's
}

const maxBody = 8 << 20

// read decodes a body; an empty one leaves out as it is.
func read(r *http.Request, out any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return bad("unreadable", "The body could not be read.")
	}
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return bad("not_json", "The body is not what is expected: %v", err)
	}
	return nil
}

func (c *control) health(context.Context, *http.Request) (any, error) {
	return map[string]any{"status": "ok", "functions": len(c.stack.Cloud.Functions), "now": c.stack.Clock.Now()}, nil
}

func (c *control) mails(_ context.Context, r *http.Request) (any, error) {
	return c.stack.Mail.Mails(r.URL.Query().Get("to")), nil
}

func (c *control) inbound(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		From, Subject, Text, HTML string
		To                        json.RawMessage
		Headers                   map[string]string
		resend.Delivery
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	var to []string
	var one string
	if json.Unmarshal(in.To, &one) == nil {
		to = []string{one}
	} else if json.Unmarshal(in.To, &to) != nil {
		return nil, bad("to", "to is an address or a list of them.")
	}
	if in.From == "" || len(to) == 0 || to[0] == "" {
		return nil, bad("incomplete", "from and to are needed.")
	}
	id := c.stack.Mail.Receive(resend.Inbound{From: in.From, To: to, Subject: in.Subject, Text: in.Text, HTML: in.HTML, Headers: in.Headers}, in.Delivery)
	return map[string]string{"id": id}, nil
}

func (c *control) mailEvent(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		ID    string `json:"id"`
		To    string `json:"to"`
		Type  string `json:"type"`
		Delay string `json:"delay"`
		resend.Delivery
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Delay != "" {
		d, err := time.ParseDuration(in.Delay)
		if err != nil || d < 0 {
			return nil, bad("delay", "delay is a duration such as 90s.")
		}
		in.Delivery.Delay = d
	}
	switch err := c.stack.Mail.Event(in.ID, in.To, in.Type, in.Delivery); {
	case errors.Is(err, resend.ErrNoMail):
		return nil, missing("no_mail", "There is no such mail; name it by id or to.")
	case err != nil:
		return nil, bad("type", "%v", err)
	}
	return map[string]bool{"accepted": true}, nil
}

func (c *control) now(context.Context, *http.Request) (any, error) {
	return map[string]any{"now": c.stack.Clock.Now(), "offset": c.stack.Clock.Offset().String()}, nil
}

func (c *control) move(ctx context.Context, r *http.Request) (any, error) {
	var in struct {
		Now     *time.Time `json:"now"`
		Advance string     `json:"advance"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Now != nil && in.Advance == "":
		if y := in.Now.Year(); y < 2000 || y > 2200 {
			return nil, bad("now", "now is a time of the years 2000 to 2200.")
		}
		c.stack.Move(func(clock *simclock.Clock) { clock.Set(*in.Now) })
	case in.Now == nil && in.Advance != "":
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, bad("advance", "advance is a duration such as 720h.")
		}
		c.stack.Move(func(clock *simclock.Clock) { clock.Advance(d) })
	default:
		return nil, bad("incomplete", "Send now or advance.")
	}
	return c.now(ctx, r)
}

type functionView struct {
	Name      string           `json:"name"`
	Area      string           `json:"area"`
	Directory string           `json:"directory"`
	Routes    []string         `json:"routes,omitempty"`
	Schedules []string         `json:"schedules,omitempty"`
	Rules     []map[string]any `json:"rules,omitempty"`
	Stream    []string         `json:"stream,omitempty"` // filters; one empty text takes everything
	Timeout   string           `json:"timeout"`
	Memory    int              `json:"memory_mb"`
	Role      any              `json:"role"`
	OnFailure string           `json:"on_failure,omitempty"`
}

func (c *control) functions(context.Context, *http.Request) (any, error) {
	all := []functionView{}
	for _, f := range c.stack.Cloud.Functions {
		v := functionView{Name: f.Name, Area: f.Area, Directory: f.Dir, Timeout: f.Timeout.String(), Memory: f.Memory, Role: f.Policy.Statements, OnFailure: f.OnFailure}
		for _, route := range f.Routes {
			v.Routes = append(v.Routes, route.Method+" "+route.Path)
		}
		for _, s := range f.Schedules {
			v.Schedules = append(v.Schedules, s.Expression)
		}
		for _, rule := range f.Rules {
			v.Rules = append(v.Rules, rule.Pattern)
		}
		if f.Stream != nil {
			v.Stream = f.Stream.Filters
			if v.Stream == nil {
				v.Stream = []string{""}
			}
		}
		all = append(all, v)
	}
	return all, nil
}

func (c *control) invoke(ctx context.Context, r *http.Request) (any, error) {
	name := r.PathValue("function")
	f := c.stack.Cloud.Function(name)
	if f == nil {
		return nil, missing("no_function", "There is no function %s.", name)
	}
	var event json.RawMessage
	if err := read(r, &event); err != nil {
		return nil, err
	}
	if event == nil {
		event = json.RawMessage("{}")
	}
	request := c.stack.Lambda.NewRequestID()
	result, err := c.stack.Lambda.Invoke(ctx, f.Name, event, request)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"request_id": request}
	if json.Valid(result.Payload) {
		out["payload"] = json.RawMessage(result.Payload)
	}
	if result.Error != "" {
		out["error"] = result.Error
	}
	return out, nil
}

func (c *control) runJob(ctx context.Context, r *http.Request) (any, error) {
	name := r.PathValue("function")
	err := c.stack.RunJob(ctx, name)
	if errors.Is(err, stack.ErrNoSchedule) {
		return nil, missing("no_schedule", "There is no function %s with a schedule.", name)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"function": name, "at": c.stack.Clock.Now()}, nil
}

func (c *control) settle(ctx context.Context, _ *http.Request) (any, error) {
	if err := c.stack.Settle(ctx); err != nil {
		return nil, err
	}
	return map[string]any{"settled": true, "dead_letters": len(c.stack.Lambda.DeadLetters())}, nil
}

func (c *control) sweep(ctx context.Context, _ *http.Request) (any, error) {
	rows, objects, err := c.stack.Sweep(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"rows": rows, "objects": objects}, nil
}

// staff does what an operator does for a stage: {"user_id":"usr_…","role":"support|privacy_officer|legal|security"}; an
// empty role ends it.
func (c *control) staff(ctx context.Context, r *http.Request) (any, error) {
	var in struct {
		User string           `json:"user_id"`
		Role access.StaffRole `json:"role"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	user, err := id.Parse[id.User](in.User)
	if err != nil {
		return nil, bad("user_id", "user_id is what GET /v1/me shows.")
	}
	staff, err := c.stack.Appoint(ctx, user, in.Role)
	switch {
	case errors.Is(err, access.ErrNoStaffRole):
		return nil, bad("role", "role is support, privacy_officer, legal or security.")
	case errors.Is(err, store.ErrMissing):
		return nil, missing("no_user", "There is no such account.")
	case err != nil:
		return nil, err
	}
	return map[string]any{"user_id": user, "staff_id": staff, "role": in.Role}, nil
}

func (c *control) table(ctx context.Context, r *http.Request) (any, error) {
	return c.stack.Rows(ctx, r.URL.Query().Get("pk"))
}

func (c *control) objects(context.Context, *http.Request) (any, error) {
	return c.stack.S3.Objects(), nil
}

func (c *control) logs(_ context.Context, r *http.Request) (any, error) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, bad("since", "since is a time of RFC 3339.")
		}
		since = t
	}
	return c.stack.Lambda.Lines(since), nil
}

func (c *control) faults(context.Context, *http.Request) (any, error) {
	return map[string]int{"hits": c.stack.Faults.Hits(), "held": c.stack.Faults.Held()}, nil
}

func (c *control) plan(ctx context.Context, r *http.Request) (any, error) {
	var in struct {
		calls.Plan
		Plans []calls.Plan `json:"plans"`
		Clear bool         `json:"clear"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Clear {
		c.stack.Faults.Clear()
	}
	if in.Kind != "" {
		in.Plans = append(in.Plans, in.Plan)
	}
	if len(in.Plans) == 0 && !in.Clear {
		return nil, bad("incomplete", "Send a kind: timeout_before, timeout_after, throttle, conflict, error or hold.")
	}
	for _, p := range in.Plans {
		if err := c.stack.Faults.Add(p); err != nil {
			return nil, bad("fault", "%v", err)
		}
	}
	return c.faults(ctx, r)
}

func (c *control) clear(ctx context.Context, r *http.Request) (any, error) {
	c.stack.Faults.Clear()
	return c.faults(ctx, r)
}

func (c *control) calls(_ context.Context, r *http.Request) (any, error) {
	var all []calls.Call
	if request := r.URL.Query().Get("request_id"); request != "" {
		all = c.stack.Recorder.OfRequest(request)
	} else {
		all = c.stack.Recorder.Last(200)
	}
	if all == nil {
		all = []calls.Call{}
	}
	return map[string]any{"calls": all, "cost": calls.CostOf(all), "denied": c.stack.Recorder.Denials()}, nil
}

func (c *control) deadLetters(context.Context, *http.Request) (any, error) {
	all := c.stack.Lambda.DeadLetters()
	slices.Reverse(all)
	return all, nil
}

// redrive gives every event that failed for good to its function again.
func (c *control) redrive(context.Context, *http.Request) (any, error) {
	all := c.stack.Lambda.TakeDeadLetters()
	for _, d := range all {
		c.stack.Lambda.InvokeAsync(d.Function, d.Event)
	}
	return map[string]int{"redriven": len(all)}, nil
}

func (c *control) stream(_ context.Context, r *http.Request) (any, error) {
	var in struct {
		On *bool `json:"on"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.On == nil {
		return nil, bad("incomplete", "Send on: true or false.")
	}
	if *in.On {
		c.stack.Stream.On()
	} else {
		c.stack.Stream.Off()
	}
	return map[string]bool{"on": *in.On}, nil
}
