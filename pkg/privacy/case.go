package privacy

import (
	"time"

	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyRequest holds data subject requests.
const FamilyRequest store.Family = "REQUEST"

// RequestDue is the clock of open requests: when the worker must look at one again.
const RequestDue store.DueKind = "request"

// Request is one data subject request. It lies in the scope of whoever asks; after an erasure only what the law wants
// kept of it lies under the keyed hash of the person.
type Request struct {
	store.Meta
	ID            id.Case        `dynamo:"id"`
	Kind          request.Kind   `dynamo:"kind"`
	State         request.State  `dynamo:"state"`
	Channel       string         `dynamo:"channel"`                  // api, mail or form
	Description   string         `dynamo:"description,omitempty"`    // the raw wording
	PurposeOf     string         `dynamo:"purpose,omitempty"`        // what an objection or withdrawal is about
	AtOnce        bool           `dynamo:"at_once,omitempty"`        // of an erasure: do not wait
	Country       string         `dynamo:"country,omitempty"`        // the residence that the clocks were derived from
	Region        string         `dynamo:"region,omitempty"`         //
	Received      int64          `dynamo:"received"`                 // epoch seconds, as all times here
	Due           int64          `dynamo:"due"`                      // by when the answer is owed
	Steps         []DueStep      `dynamo:"steps"`                    // how that was derived
	Acknowledge   []DueStep      `dynamo:"acknowledge,omitempty"`    // by when the receipt must be confirmed
	Extended      bool           `dynamo:"extended,omitempty"`       //
	Acknowledged  int64          `dynamo:"acknowledged,omitempty"`   //
	AckFailed     int64          `dynamo:"ack_failed,omitempty"`     //
	Items         []request.Item `dynamo:"items,omitempty"`          //
	LedgerWritten bool           `dynamo:"ledger_written,omitempty"` //
	Destroying    bool           `dynamo:"destroying,omitempty"`     //
	Decided       int64          `dynamo:"decided,omitempty"`        //
	Closed        int64          `dynamo:"closed,omitempty"`         //
	Denial        string         `dynamo:"denial,omitempty"`         // a code
	Evidence      bool           `dynamo:"evidence,omitempty"`       //
	Package       id.Export      `dynamo:"package,omitempty"`        // what was built for it
	PackageUntil  int64          `dynamo:"package_until,omitempty"`  // until when it can be fetched
	PackageSize   int64          `dynamo:"package_size,omitempty"`
	PackageSHA256 string         `dynamo:"package_sha256,omitempty"`
	Next          int64          `dynamo:"next,omitempty"`         // when the worker looks at it again; 0 when there is nothing to look for
	Attempts      int            `dynamo:"attempts,omitempty"`     // runs of the present step that failed
	Alarmed       int64          `dynamo:"alarmed,omitempty"`      // when it was last alarmed about
	History       []HistoryEntry `dynamo:"history"`                // what happened, oldest first
	Assignee      id.Staff       `dynamo:"assignee,omitempty"`     // who of PixelTrack's own people works on it
	Explanation   string         `dynamo:"explanation,omitempty"`  // of the decision, to the person
	ExtendedFor   string         `dynamo:"extended_for,omitempty"` // a code
	ExtendedWhy   string         `dynamo:"extended_why,omitempty"` // to the person
	Processor     bool           `dynamo:"processor,omitempty"`    // organizations decide
	Controllers   []Controller   `dynamo:"controllers,omitempty"`  // which
	Linked        id.Case        `dynamo:"linked,omitempty"`       // the request that this was forwarded as, or that it came from
	Sought        bool           `dynamo:"sought,omitempty"`       // it was looked for what organizations hold
	AgentName     string         `dynamo:"agent_name,omitempty"`   // who made it for the person
	AgentEmail    string         `dynamo:"agent_email,omitempty"`  //
	AgentSigned   bool           `dynamo:"agent_signed,omitempty"` // they say to have a signed permission
	AgentMay      bool           `dynamo:"agent_may,omitempty"`    // the person agreed that they are told of it
	AgentHeard    bool           `dynamo:"agent_heard,omitempty"`  // they were told that it was confirmed
	AgentTold     bool           `dynamo:"agent_told,omitempty"`   // they were told how it ended
	scope         store.Scope
}

// The channels by which a request comes.
const (
	channelAPI  = "api"  // with a session
	channelMail = "mail" // to the privacy address or the officer
	channelForm = "form" // by the API, without a session
)

// DueStep is one law's part in the derivation of a date.
type DueStep struct {
	Regime clocks.Regime `dynamo:"regime"`
	Rule   string        `dynamo:"rule"`
	Due    int64         `dynamo:"due"`
	Note   string        `dynamo:"note"`
}

// HistoryEntry is one thing that happened to a request.
type HistoryEntry struct {
	At    int64  `dynamo:"at"`
	Event string `dynamo:"event"` // a fixed word
	Item  string `dynamo:"item,omitempty"`
}

// Type is the row's type.
func (r *Request) Type() string { return "REQUEST" }

// Keys puts requests under whoever asks, in order of arrival.
func (r *Request) Keys() store.Keys {
	if r.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: r.PK, SK: r.SK}}
	}
	return store.Keys{Primary: requestKey(r.scope, r.ID)}
}

func requestKey(s store.Scope, c id.Case) store.Key { return s.Key(FamilyRequest, string(c)) }

// due is the row that makes the worker look at the request at its Next.
func (r *Request) due() *store.Due {
	return store.NewDue(RequestDue, time.Unix(r.Next, 0), r.Keys().Primary)
}

// status is the request as its rules see it.
func (r *Request) status() request.Status {
	return request.Status{Kind: r.Kind, State: r.State, Received: clock.At(r.Received), Due: clock.At(r.Due), Extended: r.Extended,
		Acknowledged: clock.At(r.Acknowledged), AckFailed: clock.At(r.AckFailed), Items: r.Items, LedgerWritten: r.LedgerWritten,
		Destroying: r.Destroying, DecidedAt: clock.At(r.Decided), ClosedAt: clock.At(r.Closed), Denial: r.Denial, EvidenceKept: r.Evidence, Processor: r.Processor}
}

// happen lets an event happen to the request, or gives the reason why it may not.
func (r *Request) happen(e request.Event) error {
	s, err := r.status().Apply(e)
	if err != nil {
		return err
	}
	r.Kind, r.Processor = s.Kind, s.Processor
	r.State, r.Due, r.Extended, r.Acknowledged, r.AckFailed = s.State, clock.Epoch(s.Due), s.Extended, clock.Epoch(s.Acknowledged), clock.Epoch(s.AckFailed)
	r.Items, r.LedgerWritten, r.Destroying = s.Items, s.LedgerWritten, s.Destroying
	r.Decided, r.Closed, r.Denial, r.Evidence = clock.Epoch(s.DecidedAt), clock.Epoch(s.ClosedAt), s.Denial, s.EvidenceKept
	r.note(e.At, string(e.Type), e.Item)
	if s.State.Open() {
		r.ExpiresAt = 0
	} else {
		r.Next = r.rechecked()
		r.Expire(r.keepUntil(s.ClosedAt))
	}
	return nil
}

// done takes a verified request of one item, which has been carried out, to its end.
func (r *Request) done(now time.Time) error {
	item := request.Item{Name: string(r.Kind), Decision: request.Act}
	for _, e := range []request.Event{{Type: request.Scoped, Items: []request.Item{item}}, {Type: request.Approved},
		{Type: request.StepDone, Item: item.Name}, {Type: request.Finished}} {
		e.At = now
		if err := r.happen(e); err != nil {
			return err
		}
	}
	return nil
}

// longestHistory bounds the row; the middle of a longer history goes, its beginning and end stay.
const longestHistory = 100

func (r *Request) note(at time.Time, event, item string) {
	if len(r.History) >= longestHistory {
		r.History = append(r.History[:longestHistory/2:longestHistory/2], r.History[longestHistory/2+1:]...)
	}
	r.History = append(r.History, HistoryEntry{At: at.Unix(), Event: event, Item: item})
}

// save writes a request that was read, with its line on the docket and its due row moved from where it was.
func (r *Request) save(tx *store.Tx, h holder, was int64) *store.Op {
	if was != 0 && was != r.Next {
		old := *r
		old.Next = was
		tx.Disarm(h, old.due(), false)
	}
	if r.Next != 0 && was != r.Next {
		tx.Arm(h, r.due())
	}
	r.tellAgent(tx, h)
	r.line(tx, h)
	return tx.Rewrite(h, r)
}

func stepsOf(steps []clocks.Step) []DueStep {
	all := make([]DueStep, len(steps))
	for i, s := range steps {
		all[i] = DueStep{Regime: s.Regime, Rule: s.Rule, Due: s.Due.Unix(), Note: s.Note}
	}
	return all
}
