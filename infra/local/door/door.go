// Package door stands before the DynamoDB stand-in. It knows which function calls and refuses what the function's role
// does not allow, item by item; it answers conflicts of transactions as DynamoDB does, lets calls go wrong as planned,
// writes down what each call cost, and tells every change of a row, which is the stream.
package door

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/sigv4"
	"pixeltrack.io/platform/infra/local/template"
)

const (
	maxBody = 16 << 20
	target  = "DynamoDB_20120810."
)

// Door is the proxy. New makes one.
type Door struct {
	Endpoint   string // of the stand-in
	Identities *identity.Registry
	Now        func() time.Time // the stack's clock
	Recorder   *calls.Recorder
	Faults     *calls.Faults
	Tell       func(Change) // is told of every change of a row of a table with a stream, in order; nil for nobody

	changes  changes
	settings settings
	flight   flight
	client   http.Client
	latency  atomic.Int64
	slowed   sync.Map // of requests: how long each of their calls takes at least
}

// Slow makes every call of a function take at least so long, here and at the stack's other services, so that calls beside
// each other are seen to be. Zero ends it.
func (d *Door) Slow(by time.Duration) { d.latency.Store(int64(by)) }

// SlowRequest does so for the calls of one request. Zero ends it.
func (d *Door) SlowRequest(request string, by time.Duration) {
	if by == 0 {
		d.slowed.Delete(request)
		return
	}
	d.slowed.Store(request, by)
}

// Delay is how long every call of a request takes at least.
func (d *Door) Delay(request string) time.Duration {
	by, _ := d.slowed.Load(request)
	one, _ := by.(time.Duration)
	return max(one, time.Duration(d.latency.Load()))
}

// New makes a door before a stand-in.
func New(endpoint string, identities *identity.Registry, now func() time.Time, recorder *calls.Recorder, faults *calls.Faults) *Door {
	return &Door{Endpoint: endpoint, Identities: identities, Now: now, Recorder: recorder, Faults: faults,
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}}
}

// failure is an error in DynamoDB's words.
type failure struct {
	status  int
	kind    string
	message string
	reasons []reason
}

// reason is why one item of a transaction stopped it.
type reason struct {
	Code    string `json:"Code"`
	Message string `json:"Message,omitempty"`
}

func (f *failure) Error() string { return f.kind + ": " + f.message }

func refusal(kind, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, kind: kind, message: fmt.Sprintf(format, args...)}
}

// ServeHTTP carries one call.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		answer(w, refusal("SerializationException", "The request could not be read."))
		return
	}
	sum := sha256.Sum256(body)
	signed, err := (&sigv4.Verifier{Identities: d.Identities, Now: d.Now}).Verify(r, hex.EncodeToString(sum[:]))
	if err != nil {
		answer(w, signatureFailure(err))
		return
	}
	who := signed.Identity
	if fromStart(r.Context(), who) {
		who.RequestID = ""
	}
	if who.AccessKey == identity.Root {
		d.root(w, r, body)
		return
	}
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	if !ok {
		answer(w, refusal("UnknownOperationException", "The operation is not known."))
		return
	}
	q, err := read(operation, body)
	if err != nil {
		var f *failure
		if !errors.As(err, &f) {
			f = refusal("ValidationException", "%v", err)
		}
		d.Recorder.Refused(calls.Denied{Function: who.Function, Action: "dynamodb:" + operation, Why: f.message})
		answer(w, f)
		return
	}
	if f := d.judge(who, q); f != nil {
		answer(w, f)
		return
	}
	d.carry(w, r, who, q)
}

// root carries a call of the stack itself.
func (d *Door) root(w http.ResponseWriter, r *http.Request, body []byte) {
	q, err := read(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target), body)
	if err != nil {
		q = new(request) // is the stand-in's to refuse, or to answer
	}
	status, header, text, err := d.pass(r, q, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	copyAnswer(w, status, header, text)
}

// judge asks the role for everything that a request touches.
func (d *Door) judge(who identity.Identity, q *request) *failure {
	for _, one := range q.judgements() {
		decision := who.Policy.Decide(one)
		if !decision.Allowed {
			d.Recorder.Refused(calls.Denied{Function: who.Function, Action: one.Action, Resource: one.Resource, Context: one.Context, Why: decision.Why})
			return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
				who.Function, one.Action, one.Resource, one.Action)
		}
		d.Recorder.Used(who.Function, one, decision.Uses)
	}
	return nil
}

// carry lets a call through, or lets it go wrong, and writes it down.
func (d *Door) carry(w http.ResponseWriter, r *http.Request, who identity.Identity, q *request) {
	c := calls.Call{Service: "dynamodb", Operation: q.operation, Function: who.Function, RequestID: who.RequestID,
		Target: q.target(), Families: q.families(), Items: len(q.items), Start: time.Now()}
	defer func() {
		c.End = time.Now()
		d.Recorder.Note(c)
	}()
	fail := func(f *failure) {
		c.Status, c.Error = f.status, f.kind
		answer(w, f)
	}
	fault := d.Faults.Next(guard.Call{Service: c.Service, Operation: c.Operation, Function: c.Function, RequestID: c.RequestID})
	switch fault {
	case guard.TimeoutBefore:
		c.Error = "TimeoutBefore"
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	case guard.Throttle:
		fail(refusal("ThrottlingException", "Rate of requests exceeds the allowed throughput."))
		return
	case guard.Unavailable:
		fail(&failure{status: http.StatusInternalServerError, kind: "InternalServerError", message: "The service failed."})
		return
	case guard.Conflict:
		if f := q.conflict(q.all()); f != nil {
			fail(f)
			return
		}
	}
	if busy := d.flight.enter(q); busy != nil {
		fail(q.conflict(busy))
		return
	}
	time.Sleep(d.Delay(c.RequestID))
	status, header, text, err := d.pass(r, q, q.body)
	d.flight.leave(q)
	if err != nil {
		c.Error = "Unreachable"
		panic(http.ErrAbortHandler)
	}
	c.Status = status
	c.Read, c.Write = units(q, text)
	if status != http.StatusOK {
		c.Error = kindOf(text)
	}
	if fault == guard.TimeoutAfter {
		c.Error = "TimeoutAfter"
		panic(http.ErrAbortHandler)
	}
	copyAnswer(w, status, header, text)
}

// forward passes a request on to the stand-in.
func (d *Door) forward(r *http.Request, body []byte) (int, http.Header, []byte, error) {
	out, err := http.NewRequest(r.Method, d.Endpoint+"/", bytes.NewReader(body)) // not bound to the caller: a write that has begun ends
	if err != nil {
		return 0, nil, nil, err
	}
	for _, name := range []string{"X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date"} {
		out.Header.Set(name, r.Header.Get(name))
	}
	res, err := d.client.Do(out)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, text, err
}

func copyAnswer(w http.ResponseWriter, status int, header http.Header, text []byte) {
	for _, name := range []string{"Content-Type", "X-Amzn-Requestid", "X-Amz-Crc32"} {
		if v := header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(status)
	w.Write(text) // a caller who has gone is no news
}

func answer(w http.ResponseWriter, f *failure) {
	body := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + f.kind, "message": f.message}
	if f.reasons != nil {
		body["Message"] = f.message
		body["CancellationReasons"] = f.reasons
	}
	text, err := json.Marshal(body)
	if err != nil {
		text = nil
	}
	b := make([]byte, 16)
	rand.Read(b) // never fails
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", hex.EncodeToString(b))
	w.WriteHeader(f.status)
	w.Write(text) // as above
}

func signatureFailure(err error) *failure {
	var e *sigv4.Error
	if errors.As(err, &e) && e.Code == "InvalidAccessKeyId" {
		return refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return refusal("InvalidSignatureException", "%v", err)
}

func kindOf(text []byte) string {
	var e struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal(text, &e) != nil {
		return "Unknown"
	}
	return e.Type[strings.LastIndexByte(e.Type, '#')+1:]
}

// units adds up what the stand-in says that a call cost.
func units(q *request, text []byte) (read, write float64) {
	var one struct{ ConsumedCapacity json.RawMessage }
	if json.Unmarshal(text, &one) != nil || len(one.ConsumedCapacity) == 0 {
		return 0, 0
	}
	type capacity struct {
		CapacityUnits      float64
		ReadCapacityUnits  float64
		WriteCapacityUnits float64
	}
	var list []capacity
	if json.Unmarshal(one.ConsumedCapacity, &list) != nil {
		var c capacity
		if json.Unmarshal(one.ConsumedCapacity, &c) != nil {
			return 0, 0
		}
		list = []capacity{c}
	}
	for _, c := range list {
		switch {
		case c.ReadCapacityUnits > 0 || c.WriteCapacityUnits > 0:
			read += c.ReadCapacityUnits
			write += c.WriteCapacityUnits
		case q.writes():
			write += c.CapacityUnits
		default:
			read += c.CapacityUnits
		}
	}
	return read, write
}

// families shortens keys to the families of their rows: ORG#<org>#TASK becomes ORG#TASK.
func (q *request) families() []string {
	var all []string
	for _, it := range q.items {
		all = append(all, FamilyOf(it.leading))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// FamilyOf is the kind of a partition, without whose it is.
func FamilyOf(pk string) string {
	parts := strings.Split(pk, "#")
	switch parts[0] {
	case "ORG", "USER", "CASE":
		if len(parts) > 2 {
			return parts[0] + "#" + parts[2]
		}
	case "PLATFORM", "DUE", "WAKE":
		if len(parts) > 1 {
			return parts[0] + "#" + parts[1]
		}
	}
	return parts[0]
}

// judgements are the questions to ask of a role.
func (q *request) judgements() []iam.Request {
	var all []iam.Request
	ask := func(action, index string, leading []string) {
		resource := "arn:aws:dynamodb:" + template.Region + ":" + template.Account + ":table/" + q.table
		if index != "" {
			resource += "/index/" + index
		}
		context := map[string][]string{}
		if len(leading) > 0 {
			context["dynamodb:LeadingKeys"] = leading
		}
		all = append(all, iam.Request{Action: "dynamodb:" + action, Resource: resource, Context: context})
	}
	if !q.transaction() {
		var leading []string
		for _, it := range q.items {
			leading = append(leading, it.leading)
		}
		slices.Sort(leading)
		ask(q.operation, q.index, slices.Compact(leading))
		return all
	}
	for _, it := range q.items {
		ask(it.action, "", []string{it.leading})
	}
	return all
}
