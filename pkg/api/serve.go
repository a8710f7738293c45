package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// Verifier checks an access token offline and gives its claims.
type Verifier interface {
	Verify(ctx context.Context, token string) (keys.Claims, error)
}

// Server serves one operation.
type Server struct {
	operation Operation
	store     *store.Store
	verifier  Verifier
	log       *telemetry.Log
	inner     http.Handler
	strict    strict
	origins   []string
	open      func(context.Context) error
}

// Behind asks, before it looks at a request, whether the table may be served. Open costs nothing once it was.
func (s *Server) Behind(open func(context.Context) error) *Server {
	s.open = open
	return s
}

// Trust says from which origins, those of the web app, calls with cookies are taken. Without it none are.
func (s *Server) Trust(origins ...string) *Server {
	s.origins = origins
	return s
}

// Serve makes the handler of an operation. The store and the verifier may be nil for a public route without rows.
func Serve(op Operation, st *store.Store, verifier Verifier, log *telemetry.Log) *Server {
	mux := http.NewServeMux()
	speakProblems()
	c := configuration()
	c.Components.Schemas = inputs{c.Components.Schemas, op.answers()}
	surface := humago.New(mux, c)
	op.register(surface)
	if op.RawBody { // a body that is missing is the handler's to refuse, after its signature
		for _, item := range surface.OpenAPI().Paths {
			item.Post.RequestBody.Required = false
		}
	}
	return &Server{operation: op, store: st, verifier: verifier, log: log, inner: mux, strict: strictly(surface.OpenAPI())}
}

func configuration() huma.Config {
	c := huma.DefaultConfig("PixelTrack", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.RejectUnknownQueryParameters = true
	c.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	return c
}

// inputs makes schemas but for some types. A function reads its input by its schema and never looks at those of its
// answers, which cost a fifth of its start.
type inputs struct {
	huma.Registry
	none []reflect.Type
}

// Schema gives an empty schema for what is never looked at.
func (i inputs) Schema(t reflect.Type, allowRef bool, hint string) *huma.Schema {
	if slices.Contains(i.none, t) {
		return new(huma.Schema)
	}
	return i.Registry.Schema(t, allowRef, hint)
}

// answers are the types of an operation's answers, but for one that it takes, too.
func (op Operation) answers() []reflect.Type {
	all := []reflect.Type{reflect.TypeFor[Problem]()}
	out, ok := op.Out.FieldByName("Body")
	if in, takes := op.In.FieldByName("Body"); ok && (!takes || in.Type != out.Type) {
		all = append(all, out.Type)
	}
	return all
}

func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false)
			return e.Encode(v)
		},
		Unmarshal: unmarshal,
	}
}

// unmarshal reads JSON. What passed the schema and still does not fit, as the integer 1.0, is told without Go's names.
func unmarshal(text []byte, v any) error {
	err := json.Unmarshal(text, v)
	var unfit *json.UnmarshalTypeError
	if errors.As(err, &unfit) {
		return fmt.Errorf("%s: a %s that cannot be taken as it is written", unfit.Field, strings.Fields(unfit.Value)[0])
	}
	return err
}

// Deadline is how long a request may take, everything included. No write starts after it.
const Deadline = 25 * time.Second

// Request is what the transport knows of a request.
type Request struct {
	ID     string // the gateway's request id
	Source string // the viewer's address
}

// Handle serves one request.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, from Request) {
	ctx, cancel := context.WithTimeout(r.Context(), Deadline)
	defer cancel()
	rejoin(r.Header)
	c := &Caller{Request: from.ID, Source: from.Source, Agent: r.UserAgent(), Headers: r.Header.Get,
		route: s.operation.Route, store: s.store, Cookies: cookies(r), origins: s.origins}
	c.OptedOut = c.signalled()
	var meter *store.Meter
	if s.store != nil {
		c.Now = s.store.Now()
		ctx, meter = store.WithMeter(ctx)
	}
	ctx = withCaller(ctx, c)
	a := safely(ctx, func() *held { return s.answer(ctx, c, r) })
	if c.wasReplayed {
		a.header.Set("Idempotency-Replayed", "true")
	}
	a.header.Set("X-Request-Id", from.ID)
	for _, cookie := range c.setCookies {
		a.header.Add("Set-Cookie", cookie)
	}
	a.send(w)
	s.record(c, a, meter)
}

// safely gives what f answers, or an answer to its panic.
func safely(ctx context.Context, f func() *held) (a *held) {
	defer func() {
		if v := recover(); v != nil {
			a = refused(ctx, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	return f()
}

// answer produces the whole answer.
func (s *Server) answer(ctx context.Context, c *Caller, r *http.Request) *held {
	if s.open != nil {
		if err := s.open(ctx); err != nil {
			return refused(ctx, err)
		}
	}
	body, err := s.read(r)
	if err != nil {
		return refused(ctx, err)
	}
	r = r.WithContext(ctx)
	if err := c.unambiguous(); err != nil {
		return refused(ctx, err)
	}
	if s.operation.Audience == Public && !c.recognized() {
		return s.run(r, body)
	}
	if err := s.identify(ctx, c, r); err != nil {
		return refused(ctx, err)
	}
	var key string
	if s.operation.TakesKeys() {
		key = r.Header.Get("Idempotency-Key")
	}
	if err := c.keyed(key, signature(r, body)); err != nil {
		return refused(ctx, err)
	}
	sess := newSession(c)
	if s.operation.Audience == Staff {
		return s.byStaff(ctx, c, sess, r, body)
	}
	if c.token != nil {
		return s.byToken(ctx, c, sess, r, body)
	}
	if s.operation.PureRead {
		return s.beside(ctx, c, sess, r, body)
	}
	if s.operation.ReadsAhead {
		return s.ahead(ctx, c, sess, r, body)
	}
	if err := s.check(ctx, c, sess, sess.fetches()); err != nil {
		return refused(ctx, err)
	}
	return s.checked(c, r, body)
}

// check confirms a caller by the rows, and looks what was done under the request's key.
func (s *Server) check(ctx context.Context, c *Caller, sess *session, fetches []*store.Fetch) error {
	if err := s.store.FetchAll(ctx, fetches...); err != nil {
		return err
	}
	if err := c.admit(sess, c.Now); err != nil {
		return err
	}
	if p := c.idempotency; p != nil {
		return c.settleKey(p.fetch.Row.(*Idempotency), p.fetch.Err)
	}
	return nil
}

// checked runs the request of a caller who was confirmed. A repeat that nothing is to be shown to again is answered with
// the status alone, also when it finds out only now that its twin was first.
func (s *Server) checked(c *Caller, r *http.Request, body []byte) *held {
	if c.done == nil || s.operation.replay {
		if a := s.run(r, body); c.done == nil || s.operation.replay {
			return a
		}
	}
	return c.repeated(c.done)
}

// repeated answers a repeat that nothing is to be shown to again.
func (c *Caller) repeated(done *Idempotency) *held {
	c.wasReplayed = true
	return &held{status: done.Status, header: http.Header{}}
}

// beside runs a pure read at the same time as the check of its caller and holds the answer back until the check has
// passed. If the token's grants are older than the row's, the answer is thrown away and the read runs again.
func (s *Server) beside(ctx context.Context, c *Caller, sess *session, r *http.Request, body []byte) *held {
	checked := make(chan error, 1)
	version := c.claimed
	go func() { checked <- s.store.FetchAll(ctx, sess.fetches()...) }()
	trial := *c
	a := s.try(&trial, r, body)
	if err := <-checked; err != nil {
		return refused(ctx, err)
	}
	if err := c.admit(sess, c.Now); err != nil {
		return refused(ctx, err)
	}
	if c.Org != nil && sess.access.GrantVersion != version {
		return s.run(r, body)
	}
	if err := c.notPurgedSince(trial.since); err != nil {
		return refused(ctx, err)
	}
	return a
}

// errAhead says that what a handler read ahead of the check does not count: the request runs again after it.
var errAhead = errors.New("api: the handler ran ahead of a check that says otherwise")

// ahead runs a handler at the same time as the check of its caller. Its first write waits for the check; nothing is
// answered and nothing written that the check does not allow. If the token's grants are older than the row's, or the
// call is a repeat, the request runs again after the check.
func (s *Server) ahead(ctx context.Context, c *Caller, sess *session, r *http.Request, body []byte) *held {
	version, fetches := c.claimed, sess.fetches()
	trial := *c
	var failed error
	over := make(chan struct{})
	go func() {
		defer close(over)
		if failed = s.check(ctx, c, sess, fetches); failed == nil && (c.done != nil || c.Org != nil && sess.access.GrantVersion != version) {
			failed = errAhead
		}
	}()
	trial.passed = func() error {
		<-over
		trial.Gate, trial.Account = c.Gate, c.Account
		return failed
	}
	a := s.try(&trial, r, body)
	<-over
	switch {
	case errors.Is(failed, errAhead):
		return s.checked(c, r, body)
	case failed != nil:
		return refused(ctx, failed)
	}
	c.wasReplayed, c.setCookies = trial.wasReplayed, append(c.setCookies, trial.setCookies...)
	if trial.done != nil && !s.operation.replay {
		return c.repeated(trial.done) // its twin was first
	}
	return a
}

// try runs a request for a caller who is not confirmed yet. A panic is an answer, so that the check is always waited for.
func (s *Server) try(c *Caller, r *http.Request, body []byte) *held {
	ctx := withCaller(r.Context(), c)
	return safely(ctx, func() *held { return s.run(r.WithContext(ctx), body) })
}

// run gives the request to the operation and keeps its answer.
func (s *Server) run(r *http.Request, body []byte) *held {
	if err := s.strict.check(r.URL.Query(), body); err != nil {
		return refused(r.Context(), err)
	}
	h := &held{header: http.Header{}}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	s.inner.ServeHTTP(h, r)
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if c := callerOf(r.Context()); c != nil {
		h.problem = c.refused
	}
	switch {
	case h.status == http.StatusNotFound && h.header.Get("Content-Type") == "text/plain; charset=utf-8":
		return refused(r.Context(), problem.Of(problem.NotFound, "route_not_found", "There is no such route."))
	case h.status == http.StatusMethodNotAllowed:
		return refused(r.Context(), problem.Of(problem.NotFound, "route_not_found", "There is no such route."))
	}
	return h
}

// read takes the body in and refuses what is too large or not JSON.
func (s *Server) read(r *http.Request) ([]byte, error) {
	limit := s.operation.MaxBody
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, problem.Of(problem.Malformed, "unreadable_body", "The request body could not be read.")
	}
	if int64(len(body)) > limit {
		return nil, problem.Of(problem.TooLarge, "body_too_large", "The request body is larger than %d bytes.", limit)
	}
	if len(body) == 0 || s.operation.RawBody {
		return body, nil
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" && !strings.HasSuffix(t, "+json") {
		return nil, problem.Of(problem.Malformed, "not_json", "Send application/json.")
	}
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, problem.Of(problem.Malformed, "malformed_json", "The request body is not JSON.")
	}
	if hasNUL(body) {
		return nil, problem.Of(problem.Malformed, "malformed_text", "A text in the request has a character that is not allowed (U+0000).")
	}
	return body, nil
}

// hasNUL looks for an escaped NUL in valid JSON.
func hasNUL(body []byte) bool {
	for i := 0; i+5 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if string(body[i+1:i+6]) == "u0000" {
			return true
		}
		i++
	}
	return false
}

// identify knows the caller by the access token alone, or by the lookup of an API token; the rows are yet to confirm it.
func (s *Server) identify(ctx context.Context, c *Caller, r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if c.byCookie = c.Cookies[AccessCookie] != ""; c.byCookie {
		scheme, token = "Bearer", c.Cookies[AccessCookie]
	}
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return unauthenticated("authentication_required", "Send an access token: Authorization: Bearer …, or the cookie of a login.")
	}
	if token = strings.TrimSpace(token); !c.byCookie && strings.HasPrefix(token, keys.APITokenPrefix) {
		return s.lookUp(ctx, c, token)
	}
	claims, err := s.verifier.Verify(ctx, token)
	if errors.Is(err, keys.ErrExpired) {
		return unauthenticated("token_expired", "The access token has expired; refresh it.")
	}
	if errors.Is(err, keys.ErrInvalid) {
		return unauthenticated("token_invalid", "The access token is not valid.")
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if c.byCookie {
		if err := c.OwnSite(); err != nil {
			return err
		}
	}
	c.User, c.Session, c.Proved = claims.User, claims.Session, claims.Proved
	c.Self = s.store.BindUser(c.User, store.Actor{Who: string(c.User), Request: c.Request})
	c.Self.SeeRestricted()
	if s.operation.Audience == Staff {
		return nil // is nobody in any organization, whatever the token says
	}
	c.Member, c.Role, c.Grants, c.claimed = claims.Member, access.Role(claims.Role), grants(claims.Grants), claims.GrantVersion
	if claims.Organization != "" {
		c.Org = s.store.BindOrganization(claims.Organization, store.Actor{Who: string(c.Member), Request: c.Request})
	}
	return nil
}

// record writes the one log line of a request.
func (s *Server) record(c *Caller, a *held, meter *store.Meter) {
	line := []telemetry.Field{telemetry.Operation(s.operation.ID), telemetry.Request(c.Request), telemetry.Status(a.status)}
	if a.problem != nil {
		line = append(line, telemetry.Code(a.problem.Code))
	}
	if meter != nil {
		read, write, calls := meter.Units()
		line = append(line, telemetry.Units(read, write), telemetry.Calls(calls))
	}
	if a.status >= 500 && a.problem != nil {
		s.log.Error("request", append(line, telemetry.Cause(a.problem.cause))...)
		return
	}
	s.log.Info("request", line...)
}

// held is an answer that is kept until it may be sent.
type held struct {
	status  int
	header  http.Header
	body    bytes.Buffer
	problem *Problem
}

// Header, Write and WriteHeader make it an http.ResponseWriter.
func (h *held) Header() http.Header { return h.header }

// Write keeps a part of the body.
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

// WriteHeader keeps the status.
func (h *held) WriteHeader(status int) { h.status = status }

func (h *held) send(w http.ResponseWriter) {
	for k, v := range h.header {
		w.Header()[k] = v
	}
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(h.status)
	w.Write(h.body.Bytes()) // a lost connection is the client's
}

func refused(ctx context.Context, err error) *held {
	p := answerTo(ctx, err)
	h := &held{status: p.Status, header: http.Header{}, problem: p}
	for k, v := range p.headers {
		h.header[k] = v
	}
	h.header.Set("Content-Type", p.ContentType(""))
	if err := json.NewEncoder(&h.body).Encode(p); err != nil {
		h.body.Reset()
	}
	return h
}

// rejoin undoes the splitting of header values at commas by the gateway's adapter.
func rejoin(h http.Header) {
	for k, v := range h {
		if len(v) > 1 {
			h[k] = []string{strings.Join(v, joint(k))}
		}
	}
}

// joint is what stands between the values of a header that came in pieces. Cookies come one by one.
func joint(header string) string {
	if header == "Cookie" {
		return "; "
	}
	return ","
}

func cookies(r *http.Request) map[string]string {
	all := map[string]string{}
	for _, c := range r.Cookies() {
		all[c.Name] = c.Value
	}
	return all
}

// signature is what must be the same for a repeat under one key.
func signature(r *http.Request, body []byte) []byte {
	return slices.Concat([]byte(r.Method+"\n"+r.URL.Path+"\n"+r.URL.RawQuery+"\n"), body)
}

// session is the rows that confirm a caller.
type session struct {
	c           *Caller
	user        *store.Fetch
	member      *store.Fetch
	org         *store.Fetch
	gate        *access.UserGate
	access      *access.Access
	orgGate     *access.OrganizationGate
	appointed   *store.Fetch
	appointment *access.Staff
}

func newSession(c *Caller) *session {
	s := &session{c: c, gate: new(access.UserGate), access: new(access.Access), orgGate: new(access.OrganizationGate)}
	s.user = &store.Fetch{Through: c.Self, Key: access.UserGateKey(c.User), Row: s.gate}
	if c.Org != nil {
		s.member = &store.Fetch{Through: c.Org, Key: access.AccessKey(c.Org.ID, c.Member), Row: s.access}
		s.org = &store.Fetch{Through: c.Org, Key: access.OrganizationGateKey(c.Org.ID), Row: s.orgGate}
	}
	if c.route.Audience == Staff {
		s.appointment = new(access.Staff)
		s.appointed = &store.Fetch{Through: c.Self, Key: access.StaffKey(c.User), Row: s.appointment}
	}
	return s
}

func (s *session) fetches() []*store.Fetch {
	all := []*store.Fetch{s.user}
	if s.member != nil {
		all = append(all, s.member, s.org)
	}
	if s.appointed != nil {
		all = append(all, s.appointed)
	}
	if s.c.token != nil {
		all = append(all, s.c.token.fetches(s.c)...)
	}
	if f := s.c.idempotencyFetch(); f != nil {
		all = append(all, f)
	}
	return all
}

func grants(names []string) []access.Permission {
	all := make([]access.Permission, len(names))
	for i, n := range names {
		all[i] = access.Permission(n)
	}
	return all
}
