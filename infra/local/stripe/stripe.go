// Package stripe is the local stack's Stripe. The parameters of every call are checked against the API's own description,
// which the module stripe-mock carries; what Stripe remembers is kept here, for the platform and for each connected
// account: accounts, checkout sessions, payments, refunds, disputes, customers and events, which go out as signed
// webhooks. It plays API version 2023-10-16 and direct charges. What it does not play it refuses with 501, so that
// nobody mistakes an answer for a memory. The people outside (who pay, who onboard, whose bank objects) are played by
// the methods of Server and by the pages that its links lead to.
package stripe

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
)

const (
	// Version is the version of the API that objects and events are of.
	Version = "2023-10-16"

	// keyLife is how long an idempotency key counts.
	keyLife = 24 * time.Hour

	maxBody = 1 << 20
	maxKey  = 255
)

// Endpoint is where webhooks of one kind go.
type Endpoint struct {
	URL    string // empty for nowhere
	Secret string // whsec_…, the whole of it is the key
}

// Options are what a Server is made of.
type Options struct {
	Key        string   // the platform's secret key, sk_test_…
	Platform   Endpoint // for the events of the platform itself
	Connect    Endpoint // for the events of connected accounts
	Clock      *simclock.Clock
	Identities *identity.Registry // who calls, by the access key in the path; nil when nobody needs to know
	Guard      guard.Guard        // plans faults for the calls of functions and hears of them
	Client     *http.Client       // for webhooks
	Retries    []time.Duration    // waits between the attempts of a webhook; nil is 100 ms, 500 ms and 2 s
}

// Server is the Stripe of the stack. It is safe for concurrent use.
type Server struct {
	options Options
	now     func() time.Time
	hooks   *webhooks
	routes  []route

	mu      sync.Mutex
	books   map[string]*book // by account; the platform's is ""
	open    []string         // sessions that are not over, oldest first
	links   map[string]*onboarding
	replays map[string]*replay
	slow    map[string]bool // charges whose refunds take their time
	holding bool
	quiet   bool // what happens now is told by an event that is made already
	held    []outgoing
	repeat  int
}

// New makes a server and starts to deliver its webhooks; Close ends that.
func New(o Options) *Server {
	if o.Retries == nil {
		o.Retries = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: time.Minute}
	}
	s := &Server{options: o, now: o.Clock.Now, books: map[string]*book{"": newBook("")},
		links: map[string]*onboarding{}, replays: map[string]*replay{}, slow: map[string]bool{}, repeat: 1}
	s.routes = s.table()
	s.hooks = newWebhooks(o, s.expireDue, s.attempted)
	return s
}

// Close ends the delivery of webhooks.
func (s *Server) Close() { s.hooks.close() }

// Pending counts the webhooks that are on their way: due, delayed or waiting to be tried again. Those held back do not
// count.
func (s *Server) Pending() int {
	s.expireDue()
	return s.hooks.pending()
}

// refusal is an error as Stripe answers it.
type refusal struct {
	status      int
	Type        string `json:"type"`
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	DocURL      string `json:"doc_url,omitempty"`
	Message     string `json:"message"`
	Param       string `json:"param,omitempty"`
}

// Error gives type, code and message.
func (r *refusal) Error() string { return strings.TrimSpace(r.Type+" "+r.Code) + ": " + r.Message }

// body is the error as a call gets it; those of OAuth have a shape of their own.
func (r *refusal) body(c *call) []byte {
	if strings.HasPrefix(c.path, "/oauth/") {
		return encode(map[string]string{"error": r.Type, "error_description": r.Message})
	}
	return encode(map[string]any{"error": r})
}

const invalidRequest = "invalid_request_error"

// invalid refuses a parameter.
func invalid(code, param, format string, args ...any) *refusal {
	r := &refusal{status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
	if code != "" {
		r.DocURL = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(code, "_", "-")
	}
	return r
}

// missing says that there is no such object.
func missing(kind, id, param string) *refusal {
	r := invalid("resource_missing", param, "No such %s: '%s'", kind, id)
	if param == "id" {
		r.status = http.StatusNotFound
	}
	return r
}

// unplayed says that Stripe has this, and the local stack has not.
func unplayed(what string) *refusal {
	return &refusal{status: http.StatusNotImplemented, Type: "api_error", Message: "The local stack's Stripe does not play " + what + "."}
}

// handler answers a call whose parameters were checked. It runs under the server's lock.
type handler func(c *call) (any, *refusal)

// route is one call that is played.
type route struct {
	method, template string // as the API's description writes them
	do               handler
}

// call is one call in hand.
type call struct {
	*route
	id      string // req_…
	path    string
	host    string
	account string // the connected account, empty for the platform
	key     string // the idempotency key
	version string
	values  map[string]string // of the path
	params  map[string]any
	book    *book
}

// answer is what is sent, and sent again.
type answer struct {
	status  int
	body    []byte
	request string // the first request that got it
}

// replay is what an idempotency key stands for.
type replay struct {
	path    string
	print   string // of the parameters
	until   time.Time
	running bool
	answer  answer
}

// ServeHTTP answers one request, of the API or of a page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := identity.Identity{}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/~"); ok { // a function's calls bear its access key
		key, path, _ := strings.Cut(rest, "/")
		r.URL.Path, r.URL.RawPath = "/"+path, ""
		if s.options.Identities != nil {
			who, _ = s.options.Identities.Lookup(key)
		}
	}
	r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
	if !strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/oauth/") {
		s.page(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the caller broke off
	}
	c := &call{id: newID("req_", 14), path: r.URL.Path, host: r.Host, account: r.Header.Get("Stripe-Account"), version: r.Header.Get("Stripe-Version")}
	if r.Method == http.MethodPost {
		c.key = r.Header.Get("Idempotency-Key")
	}
	if c.version == "" {
		c.version = Version
	}
	done, known, refused := s.begin(c, r, body)
	defer cutOff(w)
	defer done() // before the caller can notice and come again
	template, target := r.URL.Path, c.account
	if c.route != nil {
		template = c.template
	}
	if target == "" {
		target = "platform"
	}
	s.options.Guard.Watch(w, guard.Call{Service: "stripe", Operation: r.Method + " " + template, Resource: target, Function: who.Function, RequestID: who.RequestID},
		func(w http.ResponseWriter) string {
			if known == nil && refused == nil {
				known, refused = s.carryOut(c)
			}
			return s.write(w, c, known, refused)
		},
		func(w http.ResponseWriter, f guard.Fault) string { return s.write(w, c, nil, broken(f)) })
}

// cutOff makes a connection that a fault breaks break in the middle of the answer. One that ended before it would be the
// business of Go's transport, which tries again by itself what bears an idempotency key, and the caller would not notice.
func cutOff(w http.ResponseWriter) {
	p := recover()
	if p == nil {
		return
	}
	broke, ok := p.(error)
	if !ok || !errors.Is(broke, http.ErrAbortHandler) {
		panic(p)
	}
	connection, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(p)
	}
	fmt.Fprint(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{")
	_ = out.Flush() // a caller who has gone is no news
	_ = connection.Close()
}

// broken is a fault in Stripe's words.
func broken(f guard.Fault) *refusal {
	switch f {
	case guard.Throttle:
		return &refusal{status: http.StatusTooManyRequests, Type: invalidRequest, Code: "rate_limit", Message: "Request rate limit exceeded."}
	case guard.Conflict:
		return &refusal{status: http.StatusTooManyRequests, Type: invalidRequest, Code: "lock_timeout",
			Message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it."}
	}
	return &refusal{status: http.StatusServiceUnavailable, Type: "api_error", Message: "Stripe is temporarily unavailable. Please try again later."}
}

// begin judges a call as far as nothing is done yet: route, key, parameters, idempotency. It gives what is answered
// without carrying it out, and what to call at the end.
func (s *Server) begin(c *call, r *http.Request, body []byte) (done func(), known *answer, refused *refusal) {
	done = func() {}
	if refused := s.authorize(r); refused != nil {
		return done, nil, refused
	}
	c.route, c.values = s.match(r.Method, r.URL.Path)
	if c.route == nil {
		if described().knows(r.Method, r.URL.Path) {
			return done, nil, unplayed(r.Method + " " + r.URL.Path)
		}
		return done, nil, &refusal{status: http.StatusNotFound, Type: invalidRequest,
			Message: fmt.Sprintf("Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", r.Method, r.URL.Path)}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	params, refused := described().check(c.route, r)
	if refused != nil {
		return done, nil, refused
	}
	c.params = params
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.book = s.books[c.account]; c.book == nil || c.book.gone {
		return done, nil, &refusal{status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid", Message: fmt.Sprintf(
			"The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.", blot(s.options.Key), c.account)}
	}
	if c.key == "" {
		return done, nil, nil
	}
	return s.claim(c, fingerprint(body))
}

// claim takes an idempotency key or finds what it stands for. The caller holds the lock.
func (s *Server) claim(c *call, print string) (done func(), known *answer, refused *refusal) {
	done = func() {}
	if len(c.key) > maxKey {
		return done, nil, invalid("", "", "Idempotency keys must be at most %d characters", maxKey)
	}
	scope := c.account + "\n" + c.key
	old := s.replays[scope]
	switch {
	case old == nil || !s.now().Before(old.until) && !old.running:
		mine := &replay{path: c.path, print: print, until: s.now().Add(keyLife), running: true}
		s.replays[scope] = mine
		return func() { s.unclaim(scope, mine) }, nil, nil
	case old.path != c.path:
		return done, nil, &refusal{status: http.StatusBadRequest, Type: "idempotency_error", Message: fmt.Sprintf(
			"Keys for idempotent requests can only be used for the same endpoint they were first used for ('%s' vs '%s'). Try using a key other than '%s' if you meant to execute a different request.", c.path, old.path, c.key)}
	case old.print != print:
		return done, nil, &refusal{status: http.StatusBadRequest, Type: "idempotency_error", Message: fmt.Sprintf(
			"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", c.key)}
	case old.running:
		return done, nil, &refusal{status: http.StatusConflict, Type: "idempotency_error", Code: "idempotency_key_in_use", Message: fmt.Sprintf(
			"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): %s. Please try again later.", c.key)}
	}
	again := old.answer
	return done, &again, nil
}

// unclaim frees a key whose call was never carried out.
func (s *Server) unclaim(scope string, mine *replay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mine.running && s.replays[scope] == mine {
		delete(s.replays, scope)
	}
}

// carryOut does what a call asks for and keeps the answer under its key, whether it succeeded or not.
func (s *Server) carryOut(c *call) (*answer, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOpen()
	a := answer{status: http.StatusOK, request: c.id}
	v, refused := c.do(c)
	if refused == nil {
		v, refused = c.book.expand(v, texts(c.params["expand"]))
	}
	if refused != nil {
		a.status, a.body = refused.status, refused.body(c)
	} else {
		a.body = encode(v)
	}
	if c.key != "" {
		mine := s.replays[c.account+"\n"+c.key]
		mine.running, mine.answer = false, a
	}
	return &a, nil
}

// write sends an answer, and gives the code of its error.
func (s *Server) write(w http.ResponseWriter, c *call, a *answer, refused *refusal) string {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", c.id)
	h.Set("Stripe-Version", c.version)
	if c.account != "" {
		h.Set("Stripe-Account", c.account)
	}
	if c.key != "" {
		h.Set("Idempotency-Key", c.key)
	}
	if refused != nil {
		a = &answer{status: refused.status, body: refused.body(c), request: c.id}
	} else if c.key != "" {
		h.Set("Original-Request", a.request)
		if a.request != c.id {
			h.Set("Idempotent-Replayed", "true")
		}
	}
	if a.status == http.StatusNotImplemented {
		h.Set("Stripe-Should-Retry", "false")
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // a caller who has gone is no news
	if a.status < http.StatusBadRequest {
		return ""
	}
	var e struct{ Error refusal }
	if json.Unmarshal(a.body, &e) == nil && e.Error.Code != "" {
		return e.Error.Code
	}
	return e.Error.Type
}

// authorize wants the platform's key, as a bearer or as the user of basic authentication.
func (s *Server) authorize(r *http.Request) *refusal {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if user, _, basic := r.BasicAuth(); basic {
		key, ok = user, true
	}
	if !ok || key == "" {
		return &refusal{status: http.StatusUnauthorized, Type: invalidRequest,
			Message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."}
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(s.options.Key)) != 1 {
		return &refusal{status: http.StatusUnauthorized, Type: invalidRequest, Message: "Invalid API Key provided: " + blot(key)}
	}
	return nil
}

// blot hides most of a key.
func blot(key string) string {
	if len(key) < 16 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// match finds the route of a path.
func (s *Server) match(method, path string) (*route, map[string]string) {
	for i := range s.routes {
		if r := &s.routes[i]; r.method == method {
			if values, ok := fits(r.template, path); ok {
				return r, values
			}
		}
	}
	return nil, nil
}

// fits compares a path with a template such as /v1/refunds/{refund}.
func fits(template, path string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	values := map[string]string{}
	for i, part := range want {
		if name, ok := strings.CutPrefix(part, "{"); ok && have[i] != "" {
			values[strings.TrimSuffix(name, "}")] = have[i]
		} else if part != have[i] {
			return nil, false
		}
	}
	return values, true
}

// table lists what is played.
func (s *Server) table() []route {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	return []route{
		{post, "/v1/accounts", s.createAccount},
		{get, "/v1/accounts", s.listAccounts},
		{get, "/v1/accounts/{account}", s.getAccount},
		{post, "/v1/accounts/{account}", s.updateAccount},
		{del, "/v1/accounts/{account}", s.deleteAccount},
		{get, "/v1/account", s.ownAccount},
		{post, "/v1/account_links", s.createAccountLink},
		{post, "/oauth/deauthorize", s.deauthorizeAccount},
		{post, "/v1/checkout/sessions", s.createSession},
		{get, "/v1/checkout/sessions", list("checkout.session", "payment_intent", "customer", "status")},
		{get, "/v1/checkout/sessions/{session}", one("checkout.session", "session")},
		{get, "/v1/checkout/sessions/{session}/line_items", s.listItems},
		{post, "/v1/checkout/sessions/{session}/expire", s.expireSession},
		{get, "/v1/payment_intents", list("payment_intent", "customer")},
		{get, "/v1/payment_intents/{intent}", one("payment_intent", "intent")},
		{get, "/v1/charges", list("charge", "customer", "payment_intent")},
		{get, "/v1/charges/{charge}", one("charge", "charge")},
		{post, "/v1/refunds", s.createRefund},
		{get, "/v1/refunds", list("refund", "charge", "payment_intent")},
		{get, "/v1/refunds/{refund}", one("refund", "refund")},
		{post, "/v1/refunds/{refund}", s.updateRefund},
		{get, "/v1/disputes", list("dispute", "charge", "payment_intent")},
		{get, "/v1/disputes/{dispute}", one("dispute", "dispute")},
		{get, "/v1/balance_transactions", list("balance_transaction", "type", "source", "currency")},
		{get, "/v1/balance_transactions/{id}", one("balance_transaction", "id")},
		{post, "/v1/customers", s.createCustomer},
		{get, "/v1/customers", list("customer", "email")},
		{get, "/v1/customers/{customer}", one("customer", "customer")},
		{post, "/v1/customers/{customer}", s.updateCustomer},
		{del, "/v1/customers/{customer}", s.deleteCustomer},
		{get, "/v1/events", s.listEvents},
		{get, "/v1/events/{id}", s.getEvent},
	}
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // nothing but texts, numbers, lists and maps of them is encoded
	}
	return b.Bytes()
}

// newID makes an id of n letters and figures.
func newID(prefix string, n int) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return prefix + string(b)
}
