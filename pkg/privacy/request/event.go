package request

import (
	"errors"
	"slices"
	"time"
)

// EventType is what happened to a request.
type EventType string

// The events.
const (
	AcknowledgementSent   EventType = "acknowledged"
	AcknowledgementFailed EventType = "acknowledgement_failed"
	IdentityClear         EventType = "identity_clear" // a fresh session, or a kind that needs none
	IdentityDoubted       EventType = "identity_doubted"
	IdentityPassed        EventType = "identity_passed"
	IdentityFailed        EventType = "identity_failed"
	HeldAsProcessor       EventType = "held_as_processor"
	ControllerAnswered    EventType = "controller_answered"
	Scoped                EventType = "scoped"
	Approved              EventType = "approved"
	Refused               EventType = "refused"
	Extension             EventType = "extension"
	LedgerWritten         EventType = "ledger_written"
	DestructionBegun      EventType = "destruction_begun"
	StepDone              EventType = "step_done"
	StepFailed            EventType = "step_failed"
	ProviderPending       EventType = "provider_pending"
	ProviderAnswered      EventType = "provider_answered"
	Finished              EventType = "finished"
	SubjectWithdrew       EventType = "withdrawn"
	DutyEnded             EventType = "duty_ended"
	Clarified             EventType = "clarified" // the person said which right an unclear request is about
)

// Event is something that happened at a time, with what belongs to it.
type Event struct {
	Type   EventType
	At     time.Time
	Fresh  bool      // IdentityClear: the session was authenticated just now
	Items  []Item    // Scoped: what the request is about
	Item   string    // StepDone, StepFailed, ProviderPending, ProviderAnswered, DutyEnded: the item's name
	Count  int       // StepDone: how many things it was
	Reason string    // Refused, Extension, IdentityFailed
	Until  time.Time // Extension: the new date, from the clocks; Clarified: the date of what it is about, if that is earlier
	Kind   Kind      // Clarified: what it is about
}

// Why an event is refused.
var (
	ErrState       = errors.New("request: not in this state")
	ErrTooLate     = errors.New("request: the work has begun")
	ErrIdentity    = errors.New("request: it is not known who asks")
	ErrUndecided   = errors.New("request: not every item is decided")
	ErrUnfinished  = errors.New("request: not every item is done")
	ErrNoReason    = errors.New("request: a reason is needed")
	ErrExtension   = errors.New("request: extended already, or told too late")
	ErrLedger      = errors.New("request: the erasure ledger has no row")
	ErrNoSuchItem  = errors.New("request: no such item")
	ErrNothingToDo = errors.New("request: nothing is to be done")
)

// rule is one line of the table: in which states an event may happen, what must hold, and what it does.
type rule struct {
	on    EventType
	from  []State
	guard func(Status, Event) error
	apply func(*Status, Event)
}

// rules is the table of privacy requests.
func rules() []rule {
	work := []State{Executing, AwaitingProvider}
	return []rule{
		{AcknowledgementSent, open(), nil, func(s *Status, e Event) { s.Acknowledged = e.At }},
		{AcknowledgementFailed, open(), nil, func(s *Status, e Event) { s.AckFailed = e.At }},
		{IdentityClear, []State{Received}, identified, to(Verified)},
		{IdentityDoubted, []State{Received}, doubtable, func(s *Status, e Event) { s.State, s.EvidenceKept = IdentityPending, true }},
		{IdentityPassed, []State{IdentityPending}, nil, func(s *Status, e Event) { s.State, s.EvidenceKept = Verified, false }},
		{IdentityFailed, []State{IdentityPending}, nil, func(s *Status, e Event) {
			s.EvidenceKept = false
			s.deny("insufficient_verification", e.At)
		}},
		{HeldAsProcessor, []State{Verified}, nil, func(s *Status, e Event) { s.State, s.Processor = Forwarded, true }},
		{ControllerAnswered, []State{Forwarded}, scoped, scope},
		{Scoped, []State{Verified, InReview}, scoped, scope},
		{Approved, []State{InReview}, approvable, func(s *Status, e Event) { s.State, s.DecidedAt = Executing, e.At }},
		{Refused, []State{Verified, Forwarded, InReview}, reasoned, func(s *Status, e Event) { s.deny(e.Reason, e.At) }},
		{Extension, open(), extendable, func(s *Status, e Event) { s.Due, s.Extended = e.Until, true }},
		{LedgerWritten, []State{Executing}, nil, func(s *Status, e Event) { s.LedgerWritten = true }},
		{DestructionBegun, []State{Executing}, ledgered, func(s *Status, e Event) { s.Destroying = true }},
		{StepDone, work, known, func(s *Status, e Event) { s.progress(e, Done) }},
		{StepFailed, work, known, func(s *Status, e Event) { s.progress(e, Failed) }},
		{ProviderPending, work, known, func(s *Status, e Event) { s.progress(e, Waiting); s.State = AwaitingProvider }},
		{ProviderAnswered, []State{AwaitingProvider}, known, func(s *Status, e Event) {
			s.progress(e, Done)
			if !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Progress == Waiting }) {
				s.State = Executing
			}
		}},
		{Finished, []State{Executing}, finished, finish},
		{SubjectWithdrew, []State{Received, IdentityPending, Verified, Forwarded, InReview}, withdrawable, func(s *Status, e Event) {
			s.State, s.ClosedAt, s.EvidenceKept = Withdrawn, e.At, false
		}},
		{Clarified, []State{Received, IdentityPending, Verified, InReview}, clarifiable, func(s *Status, e Event) {
			s.Kind, s.State, s.Items = e.Kind, Received, nil
			if !e.Until.IsZero() && e.Until.Before(s.Due) {
				s.Due = e.Until
			}
		}},
		{DutyEnded, []State{Fulfilled, PartiallyFulfilled, Executing}, retained, func(s *Status, e Event) {
			for i := range s.Items {
				if s.Items[i].Name == e.Item {
					s.Items[i].Decision, s.Items[i].Progress = Act, Pending
				}
			}
			s.State, s.ClosedAt = Executing, time.Time{}
		}},
	}
}

// Apply gives the status after an event. It refuses with one of the errors above what may not happen, and then
// changes nothing.
func (s Status) Apply(e Event) (Status, error) {
	for _, r := range rules() {
		if r.on != e.Type {
			continue
		}
		if !slices.Contains(r.from, s.State) {
			if e.Type == SubjectWithdrew && (s.State == Executing || s.State == AwaitingProvider) {
				return s, ErrTooLate
			}
			return s, ErrState
		}
		if r.guard != nil {
			if err := r.guard(s, e); err != nil {
				return s, err
			}
		}
		next := s
		next.Items = slices.Clone(s.Items)
		r.apply(&next, e)
		return next, nil
	}
	return s, ErrState
}

// May says whether an event of a type can be allowed in a state at all, for showing what can be done next.
func May(s State, t EventType) bool {
	return slices.ContainsFunc(rules(), func(r rule) bool { return r.on == t && slices.Contains(r.from, s) })
}

// clarifiable lets a request become what it is about once.
func clarifiable(s Status, e Event) error {
	if s.Kind != Unclear || e.Kind == Unclear || !e.Kind.Known() {
		return ErrState
	}
	return nil
}

func to(state State) func(*Status, Event) {
	return func(s *Status, _ Event) { s.State = state }
}

func identified(s Status, e Event) error {
	if !e.Fresh && !s.Kind.Unverified() {
		return ErrIdentity
	}
	return nil
}

// doubtable keeps requests that need no proof from being held up by asking for one.
func doubtable(s Status, _ Event) error {
	if s.Kind.Unverified() {
		return ErrState
	}
	return nil
}

func scoped(_ Status, e Event) error {
	if len(e.Items) == 0 {
		return ErrUndecided
	}
	for _, i := range e.Items {
		if i.Name == "" || i.Decision != Act && i.Decision != Retain && i.Decision != Refuse {
			return ErrUndecided
		}
		if i.Decision != Act && i.Ground == "" {
			return ErrNoReason
		}
	}
	return nil
}

func scope(s *Status, e Event) {
	s.State, s.Items = InReview, slices.Clone(e.Items)
	for i := range s.Items {
		s.Items[i].Progress = Pending
	}
}

func approvable(s Status, _ Event) error {
	if len(s.Items) == 0 {
		return ErrUndecided
	}
	if !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Decision == Act }) {
		return ErrNothingToDo
	}
	return nil
}

func reasoned(_ Status, e Event) error {
	if e.Reason == "" {
		return ErrNoReason
	}
	return nil
}

func extendable(s Status, e Event) error {
	switch {
	case e.Reason == "":
		return ErrNoReason
	case s.Extended || !e.At.Before(s.Due) || !e.Until.After(s.Due):
		return ErrExtension
	}
	return nil
}

func ledgered(s Status, _ Event) error {
	if !s.LedgerWritten {
		return ErrLedger
	}
	return nil
}

// known keeps the steps of an erasure from happening before its ledger row. What others erase is in no ledger of ours.
func known(s Status, e Event) error {
	i := slices.IndexFunc(s.Items, func(i Item) bool { return i.Name == e.Item })
	if i < 0 || s.Items[i].Decision != Act {
		return ErrNoSuchItem
	}
	if s.Kind.Destroys() && !s.Destroying && !s.Processor {
		return ErrLedger
	}
	return nil
}

func finished(s Status, _ Event) error {
	if !s.settled() || len(s.Items) == 0 {
		return ErrUnfinished
	}
	return nil
}

func finish(s *Status, e Event) {
	s.State, s.ClosedAt = Fulfilled, e.At
	if !s.whole() {
		s.State = PartiallyFulfilled
	}
}

// withdrawable keeps a restriction, which took effect when it arrived, from being taken back as if it had not: it is lifted.
func withdrawable(s Status, _ Event) error {
	if s.Kind == Restriction {
		return ErrTooLate
	}
	return nil
}

func retained(s Status, e Event) error {
	if !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Name == e.Item && i.Decision == Retain }) {
		return ErrNoSuchItem
	}
	return nil
}

func (s *Status) deny(reason string, at time.Time) {
	s.State, s.Denial, s.DecidedAt, s.ClosedAt = Denied, reason, at, at
}

func (s *Status) progress(e Event, p Progress) {
	for i := range s.Items {
		if s.Items[i].Name != e.Item || s.Items[i].Progress == Done {
			continue
		}
		s.Items[i].Progress = p
		if e.Count > 0 {
			s.Items[i].Count = e.Count
		}
	}
}
