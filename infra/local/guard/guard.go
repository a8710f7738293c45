// Package guard is what the stack's own services (S3, KMS, SSM, Stripe) ask before they do what a function wants, and whom they
// tell afterwards.
package guard

import (
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
)

// ErrDenied says that the role of the caller does not allow a call.
var ErrDenied = errors.New("guard: the role does not allow it")

// Call is one call of a service.
type Call struct {
	Service   string // s3, kms, ssm, stripe
	Operation string // GetObject
	Resource  string // bucket, key or parameter
	Function  string // who called, empty for the stack itself
	RequestID string // the invocation in flight
	Start     time.Time
	End       time.Time
	Status    int    // of the answer; 0 when the connection broke
	Error     string // the code of the error answered, empty for success
}

// Fault is what goes wrong with a call. The zero value is nothing.
type Fault int

// What may go wrong.
const (
	None          Fault = iota
	TimeoutBefore       // no answer, and nothing was done
	TimeoutAfter        // no answer, though all was done
	Throttle            // the service wants fewer calls
	Unavailable         // the service fails
	Conflict            // another writer was there at the same time; a service without the word is unavailable
)

// Guard judges, breaks and records calls.
type Guard struct {
	Judge func(who identity.Identity, r iam.Request) error // nil when the role allows it
	Plan  func(Call) Fault                                 // what shall go wrong; nil for nothing
	Note  func(Call)                                       // hears of every call that has ended; nil for nobody
	Delay func(request string) time.Duration               // how long a function's call takes at least; nil for no time
}

// Allow judges one action on one resource. The stack itself may do anything, everybody else what Judge allows.
func (g Guard) Allow(who identity.Identity, r iam.Request) error {
	if who.AccessKey == identity.Root {
		return nil
	}
	if g.Judge == nil || g.Judge(who, r) != nil {
		return ErrDenied
	}
	return nil
}

// Watch carries a call out under the fault that is planned for it and records it. Do answers through the writer it is
// given; refuse answers a fault in the service's own words.
func (g Guard) Watch(w http.ResponseWriter, c Call, do func(http.ResponseWriter) (code string), refuse func(http.ResponseWriter, Fault) (code string)) {
	fault := None
	if g.Plan != nil && c.Function != "" {
		fault = g.Plan(c)
	}
	c.Start = time.Now()
	if g.Delay != nil && c.Function != "" {
		time.Sleep(g.Delay(c.RequestID))
	}
	seen := &status{ResponseWriter: w}
	defer func() {
		c.End, c.Status = time.Now(), seen.code
		if g.Note != nil && c.Function != "" {
			g.Note(c)
		}
	}()
	switch fault {
	case None:
		c.Error = do(seen)
	case TimeoutAfter:
		do(discard{http.Header{}})
		c.Error = "TimeoutAfter"
		panic(http.ErrAbortHandler) // breaks the connection without an answer
	case TimeoutBefore:
		c.Error = "TimeoutBefore"
		panic(http.ErrAbortHandler) // likewise
	default:
		c.Error = refuse(seen, fault)
	}
}

// status remembers the status that was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader remembers and passes on.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Write is a success when no status was written before.
func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
