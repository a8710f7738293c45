// Package awsjson serves the AWS JSON 1.1 protocol: who signed a call, what it wants, and how an error is told.
package awsjson

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/sigv4"
)

const maxBody = 1 << 20

// Error is an error of the service, by the name of its shape.
type Error struct {
	Status  int // 0 is 400
	Type    string
	Message string
}

// Error gives type and message.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Call is one call on its way.
type Call struct {
	Who identity.Identity

	body  []byte
	guard guard.Guard
}

// Read decodes what was sent.
func (c *Call) Read(into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return &Error{Type: "SerializationException", Message: "The request could not be read."}
	}
	return nil
}

// Allow judges one action on one resource.
func (c *Call) Allow(action, resource string, context map[string][]string) error {
	if err := c.guard.Allow(c.Who, iam.Request{Action: action, Resource: resource, Context: context}); err != nil {
		return &Error{Type: "AccessDeniedException",
			Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", c.Who.Function, action, resource, action)}
	}
	return nil
}

// Operation carries a call out and gives its answer.
type Operation func(*Call) (any, error)

// Service is one service.
type Service struct {
	Name       string // kms
	Target     string // TrentService
	Operations map[string]Operation
	Identities *identity.Registry
	Now        func() time.Time // the stack's clock
	Guard      guard.Guard
}

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-RequestId", requestID())
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		write(w, &Error{Type: "SerializationException", Message: "The request could not be read."})
		return
	}
	sum := sha256.Sum256(body)
	verifier := &sigv4.Verifier{Identities: s.Identities, Now: s.Now}
	signed, err := verifier.Verify(r, hex.EncodeToString(sum[:]))
	if err != nil {
		write(w, signatureError(err))
		return
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), s.Target+".")
	operation := s.Operations[name]
	if !ok || operation == nil {
		write(w, &Error{Type: "UnknownOperationException", Message: "This service has no such operation."})
		return
	}
	c := &Call{Who: signed.Identity, body: body, guard: s.Guard}
	s.Guard.Watch(w, guard.Call{Service: s.Name, Operation: name, Resource: resourceOf(body), Function: c.Who.Function, RequestID: c.Who.RequestID},
		func(w http.ResponseWriter) string { return run(w, c, operation) }, refuse)
}

// resourceOf is what a call is about, for the record.
func resourceOf(body []byte) string {
	var q struct {
		KeyID string `json:"KeyId"`
		Name  string
		Names []string
	}
	if json.Unmarshal(body, &q) != nil {
		return ""
	}
	return q.KeyID + q.Name + strings.Join(q.Names, ",")
}

func run(w http.ResponseWriter, c *Call, operation Operation) string {
	answer, err := operation(c)
	if err != nil {
		return write(w, err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return write(w, err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Write(text) // a caller who has gone is no news
	return ""
}

func refuse(w http.ResponseWriter, f guard.Fault) string {
	if f == guard.Throttle {
		return write(w, &Error{Type: "ThrottlingException", Message: "Rate exceeded"})
	}
	return write(w, &Error{Status: http.StatusServiceUnavailable, Type: "ServiceUnavailableException", Message: "The service is unavailable."})
}

// write answers an error and gives its type.
func write(w http.ResponseWriter, err error) string {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Type: "InternalFailure", Message: "The service failed."}
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	text, err := json.Marshal(map[string]string{"__type": e.Type, "message": e.Message})
	if err != nil {
		text = nil
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(e.Status)
	w.Write(text) // as above
	return e.Type
}

// signatureError says in the words of this protocol why a signature does not count.
func signatureError(err error) *Error {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		return &Error{Type: "InvalidSignatureException", Message: err.Error()}
	}
	kind := map[string]string{"InvalidAccessKeyId": "UnrecognizedClientException", "AccessDenied": "MissingAuthenticationTokenException",
		"AuthorizationHeaderMalformed": "IncompleteSignatureException"}[e.Code]
	if kind == "" {
		kind = "InvalidSignatureException"
	}
	return &Error{Type: kind, Message: e.Message}
}

func requestID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
