// Package apitest calls operations as a gateway would, with callers whose rows are in a real table.
package apitest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
)

// World is a table with callers in it.
type World struct {
	T     testing.TB
	Store *store.Store
	Clock *storetest.Clock
	AWS   aws.Config // reaches the table past the store
	Table string
	Log   *bytes.Buffer               // what the operations logged
	Open  func(context.Context) error // whether the table may be served; nil for yes

	private  ed25519.PrivateKey
	verifier *keys.Verifier
	log      *telemetry.Log
	shared   *shared
}

// shared is what copies of a world for subtests have in common.
type shared struct {
	mu       sync.Mutex
	requests atomic.Int64
}

// In gives the same world to a subtest.
func (w *World) In(t testing.TB) *World {
	sub := *w
	sub.T = t
	return &sub
}

// Over gives a world with the same callers and clock over another table, a copy of this one's.
func (w *World) Over(table string) *World {
	other := *w
	other.Store, other.Table = store.New(w.AWS, table, w.Clock.Now), table
	return &other
}

const issuer = "https://test.example.com"

// New makes an empty world.
func New(t testing.TB) *World {
	t.Helper()
	clock := new(storetest.Clock)
	clock.Set(storetest.Start)
	cfg, table := storetest.Table(t)
	st := store.New(cfg, table, clock.Now)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &World{T: t, Store: st, Clock: clock, AWS: cfg, Table: table, Log: new(bytes.Buffer), private: private, shared: new(shared)}
	w.verifier = &keys.Verifier{Issuer: issuer, Audience: keys.Audience, Now: clock.Now,
		Keys: oneKey{public}}
	w.log = telemetry.New(&locked{w: w}, clock.Now)
	return w
}

type oneKey struct{ public ed25519.PublicKey }

func (k oneKey) Key(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if kid != "test" {
		return nil, nil
	}
	return k.public, nil
}

type locked struct{ w *World }

func (l *locked) Write(b []byte) (int, error) {
	l.w.shared.mu.Lock()
	defer l.w.shared.mu.Unlock()
	return l.w.Log.Write(b)
}

// Caller is a signed-in member of an organisation.
type Caller struct {
	User    id.User
	Org     id.Organization
	Member  id.Member
	Session id.Session
	Role    access.Role
	Token   string
	Proved  time.Time // when the person last showed who they are; the zero time is the moment of Token
}

// Organization makes an active organisation and gives its owner.
func (w *World) Organization() Caller {
	w.T.Helper()
	org := id.New[id.Organization](w.Store.IDs())
	h := w.Store.BindOrganization(org, store.Actor{Who: "test"})
	tx := w.Store.Begin()
	tx.Create(h, &access.OrganizationGate{Organization: org, Status: access.Active, Plan: "free"})
	w.commit(tx)
	return w.Member(org, access.Owner)
}

// Member adds a member with a role to an organisation, with a session and a token.
func (w *World) Member(org id.Organization, role access.Role) Caller {
	w.T.Helper()
	ids := w.Store.IDs()
	c := Caller{User: id.New[id.User](ids), Org: org, Member: id.New[id.Member](ids), Session: id.New[id.Session](ids), Role: role}
	now := w.Clock.Now()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &access.UserGate{User: c.User,
		Sessions: map[string]int64{string(c.Session): now.AddDate(1, 0, 0).Unix()}})
	tx.Create(w.Store.BindOrganization(org, store.Actor{Who: "test"}), &access.Access{Organization: org, Member: c.Member,
		User: c.User, Role: role, GrantVersion: 1, Joined: now.Unix()})
	w.commit(tx)
	c.Token = w.Token(c)
	return c
}

// Staff adds one of PixelTrack's own people, with a session and a token that both factors were proved for.
func (w *World) Staff(role access.StaffRole) Caller {
	w.T.Helper()
	ids := w.Store.IDs()
	c := Caller{User: id.New[id.User](ids), Session: id.New[id.Session](ids)}
	now := w.Clock.Now()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindUser(c.User, store.Actor{Who: "test"}), &access.UserGate{User: c.User, SecondFactor: true, SecondFactorAt: now.Unix(),
		Sessions: map[string]int64{string(c.Session): now.AddDate(1, 0, 0).Unix()}})
	w.commit(tx)
	if _, err := access.Appoint(context.Background(), w.Store, c.User, role); err != nil {
		w.T.Fatal(err)
	}
	c.Token = w.Token(c)
	return c
}

// Token makes a fresh access token for a caller.
func (w *World) Token(c Caller) string {
	w.T.Helper()
	m := &keys.Minter{Issuer: issuer, KeyID: "test", Sign: func(_ context.Context, message []byte) ([]byte, error) {
		return ed25519.Sign(w.private, message), nil
	}}
	proved := c.Proved
	if proved.IsZero() {
		proved = w.Clock.Now()
	}
	token, err := m.Mint(context.Background(), keys.Claims{User: c.User, Organization: c.Org, Member: c.Member,
		Session: c.Session, Role: string(c.Role), GrantVersion: 1, Proved: proved, ID: "test"}, w.Clock.Now())
	if err != nil {
		w.T.Fatal(err)
	}
	return token
}

// WebApp is the origin of the web app.
const WebApp = "https://app.example.com"

// Request is one call of an operation.
type Request struct {
	Path    string // with ids filled in; empty takes the operation's
	Body    any    // made JSON, unless it is a string or bytes
	Headers map[string]string
	Key     string // Idempotency-Key
	IfMatch string
	Source  string // the viewer's address
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Code is the code of a problem, empty for a success.
func (a Answer) Code() string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// Into reads the body of the answer.
func (a Answer) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("the body %q: %v", a.Body, err)
	}
}

// Call serves one request of a caller; an empty caller sends no token.
func (w *World) Call(op api.Operation, c Caller, r Request) Answer {
	w.T.Helper()
	return w.Serve(op)(c, r)
}

// Serve gives what serves requests of an operation, as a function does that has started.
func (w *World) Serve(op api.Operation) func(Caller, Request) Answer {
	server := api.Serve(op, w.Store, w.verifier, w.log).Trust(WebApp).Behind(w.Open)
	return func(c Caller, r Request) Answer {
		w.T.Helper()
		req, source := w.request(op, c, r)
		rec := httptest.NewRecorder()
		server.Handle(rec, req, api.Request{ID: fmt.Sprintf("req-%d", w.shared.requests.Add(1)), Source: source})
		return Answer{Status: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}
	}
}

// request writes a call as it arrives, with the address of who makes it.
func (w *World) request(op api.Operation, c Caller, r Request) (*http.Request, string) {
	w.T.Helper()
	path := r.Path
	if path == "" {
		path = op.Path
	}
	var body io.Reader = http.NoBody
	switch b := r.Body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.T.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	req := httptest.NewRequest(op.Method, path, body)
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if r.Key != "" {
		req.Header.Set("Idempotency-Key", r.Key)
	}
	if r.IfMatch != "" {
		req.Header.Set("If-Match", r.IfMatch)
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
	}
	source := r.Source
	if source == "" {
		source = "192.0.2.1"
	}
	return req, source
}

// Want fails the test unless the answer has a status and, for a refusal, a code.
func (w *World) Want(a Answer, status int, code string) {
	w.T.Helper()
	if a.Status != status || a.Code() != code && code != "" {
		w.T.Errorf("answer = %d %s; want %d %s\n%s", a.Status, a.Code(), status, code, a.Body)
	}
}

// Believe makes the operations believe the tokens of another issuer than the world's own, which then no longer counts.
func (w *World) Believe(v *keys.Verifier) { w.verifier = v }

// Later moves the clock and gives the caller with a fresh token.
func (w *World) Later(c Caller, d time.Duration) Caller {
	w.Clock.Advance(d)
	c.Token = w.Token(c)
	return c
}

func (w *World) commit(tx *store.Tx) {
	w.T.Helper()
	if err := tx.Commit(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}
