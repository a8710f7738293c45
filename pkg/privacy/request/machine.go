package request

import (
	"slices"
	"time"
)

// State is where a request stands.
type State string

// The states.
const (
	Received           State = "received"
	IdentityPending    State = "identity_pending"
	Verified           State = "verified"
	Forwarded          State = "forwarded" // to the organisation that decides about the data; stays open for assistance
	InReview           State = "in_review"
	Executing          State = "executing"
	AwaitingProvider   State = "awaiting_provider"
	Fulfilled          State = "fulfilled"
	PartiallyFulfilled State = "partially_fulfilled"
	Denied             State = "denied"
	Withdrawn          State = "withdrawn"
)

// States lists all of them.
func States() []State {
	return []State{Received, IdentityPending, Verified, Forwarded, InReview, Executing, AwaitingProvider, Fulfilled,
		PartiallyFulfilled, Denied, Withdrawn}
}

// Open says whether an answer is still owed.
func (s State) Open() bool {
	return s != Fulfilled && s != PartiallyFulfilled && s != Denied && s != Withdrawn
}

// open lists the states in which an answer is owed.
func open() []State {
	return slices.DeleteFunc(States(), func(s State) bool { return !s.Open() })
}

// Decision is what is to become of one item of a request.
type Decision string

// The decisions.
const (
	Act    Decision = "act"
	Retain Decision = "retain" // a duty keeps it; Ground says which, Until how long
	Refuse Decision = "refuse" // Ground says why
)

// Progress is how far the work on an item is.
type Progress string

// The states of an item.
const (
	Pending Progress = "pending"
	Failed  Progress = "failed" // will be tried again
	Waiting Progress = "waiting"
	Done    Progress = "done"
)

// Item is one thing that a request is about, with what was decided and done.
type Item struct {
	Name     string    `json:"name" dynamo:"name"`
	Decision Decision  `json:"decision" dynamo:"decision"`
	Ground   string    `json:"ground,omitempty" dynamo:"ground,omitempty"`
	Until    time.Time `json:"until,omitzero" dynamo:"until,unixtime,omitempty"`
	Progress Progress  `json:"progress" dynamo:"progress"`
	Count    int       `json:"count,omitempty" dynamo:"count,omitempty"`
}

// settled says whether nothing is left to do for the item now.
func (i Item) settled() bool { return i.Decision != Act || i.Progress == Done }

// Status is all that decides what may happen to a request.
type Status struct {
	Kind          Kind
	State         State
	Received      time.Time
	Due           time.Time // by which the answer is owed
	Extended      bool
	Acknowledged  time.Time
	AckFailed     time.Time
	Items         []Item
	LedgerWritten bool // the erasure ledger has its row
	Destroying    bool // the first destructive step was begun
	DecidedAt     time.Time
	ClosedAt      time.Time
	Denial        string // the reason code of a denial
	EvidenceKept  bool   // proof of identity is still stored
	Processor     bool   // others decide about the data and do what is to be done
}

// Open gives the status of a request that has just arrived.
func Open(kind Kind, received, due time.Time) Status {
	return Status{Kind: kind, State: Received, Received: received, Due: due}
}

// settled says whether every item is.
func (s Status) settled() bool {
	return !slices.ContainsFunc(s.Items, func(i Item) bool { return !i.settled() })
}

// whole says whether everything that was asked for was done.
func (s Status) whole() bool {
	return !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Decision != Act })
}

// Retained lists the items that a duty keeps.
func (s Status) Retained() []Item {
	return slices.DeleteFunc(slices.Clone(s.Items), func(i Item) bool { return i.Decision != Retain })
}
