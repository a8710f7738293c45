package privacy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// CaseBody is one request as PixelTrack's own people see it.
type CaseBody struct {
	RequestBody
	Country  string   `json:"country,omitempty" doc:"Where the person said to live, which the dates follow from. Absent: every law counts."`
	Region   string   `json:"region,omitempty"`
	Channel  string   `json:"channel" enum:"api,mail,form" doc:"With a session, by mail, or by the API without a session."`
	Assignee id.Staff `json:"assignee,omitempty" doc:"Who works on it." example:"stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	ByPeople bool     `json:"by_people" doc:"Whether its work is done by people, who report each step. Everything else is done and reported by jobs."`
}

// CaseLine is one line of the list.
type CaseLine struct {
	ID         id.Case    `json:"id" example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Type       string     `json:"type"`
	State      string     `json:"state"`
	ReceivedAt time.Time  `json:"received_at"`
	DueAt      time.Time  `json:"due_at"`
	Extended   bool       `json:"extended"`
	Overdue    bool       `json:"overdue" doc:"Whether the answer is owed and late."`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
	Assignee   id.Staff   `json:"assignee,omitempty"`
}

// CaseOut is the answer of the routes about one request.
type CaseOut struct {
	api.Tagged
	Body CaseBody
}

// byPeople says whether the work of a request is done by people: nothing but they can correct a record, weigh an
// objection, or answer a question.
func byPeople(k request.Kind) bool {
	return k == request.Rectification || k == request.Objection || k == request.Unclear
}

// decided says whether people decide the items of a request. What they let be erased, jobs erase.
func decided(k request.Kind) bool { return byPeople(k) || k.Destroys() }

func caseOf(r *Request) *CaseOut {
	return &CaseOut{Tagged: api.Tag(r.Version), Body: CaseBody{RequestBody: requestBody(r), Country: r.Country, Region: r.Region, Channel: r.Channel,
		Assignee: r.Assignee, ByPeople: byPeople(r.Kind)}}
}

func exampleCase(what func(*Request)) CaseBody {
	received := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	d := clocks.Derive(clocks.Intake{Kind: request.Rectification, Received: received, Regimes: []clocks.Regime{clocks.GDPR}})
	r := &Request{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Kind: request.Rectification, State: request.InReview, Description: "My name is spelled with two t.",
		Country: "DE", Channel: "api", Received: received.Unix(), Due: d.Due.Unix(), Steps: stepsOf(d.Steps), Assignee: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Items: []request.Item{{Name: "rectification", Decision: request.Act, Progress: request.Pending}}}
	r.note(received, "submitted", "")
	if what != nil {
		what(r)
	}
	return caseOf(r).Body
}

// Grounds on which something is kept or refused. A person reads them in words.
const (
	groundObligation  = "legal_obligation"
	groundClaims      = "legal_claims"
	groundHold        = "legal_hold"
	groundExpression  = "freedom_of_expression"
	groundInterest    = "public_interest"
	groundOthers      = "rights_of_others"
	groundCompelling  = "compelling_grounds"
	groundUnfounded   = "manifestly_unfounded"
	groundExcessive   = "excessive"
	groundNotHeld     = "not_held"
	groundAccurate    = "found_accurate"
	groundComplexity  = "complexity"
	groundManyAtOnce  = "number_of_requests"
	decisionExplained = "The name was corrected everywhere but on invoices that were sent."
)

// CasesIn is the input of list-cases.
type CasesIn struct {
	api.Page
	State     string    `query:"state" enum:"received,identity_pending,verified,forwarded,in_review,executing,awaiting_provider,fulfilled,partially_fulfilled,denied,withdrawn" doc:"Only requests in this state. Without it, all that are open."`
	DueBefore time.Time `query:"due_before" doc:"Only requests whose answer is owed before this time." example:"2026-03-09T00:00:00Z"`
}

// CasesOut is the answer of list-cases.
type CasesOut struct{ Body api.List[CaseLine] }

// ListCases lists privacy requests by the date on which their answer is owed.
func ListCases() api.Operation {
	return api.New(api.Route{
		ID: "list-cases", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/cases", Audience: api.Staff, Audit: true, Permission: access.CasesRead,
		Summary: "Privacy requests, the one owed first at the top", Purpose: purpose.PrivacyRights,
		Description: "By index, which follows a change within moments.",
		ExampleOut: api.List[CaseLine]{Data: []CaseLine{{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Type: "rectification", State: "in_review",
			ReceivedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), DueAt: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)}}},
	}, func(ctx context.Context, c *api.Caller, in *CasesIn) (*CasesOut, error) {
		q := store.Query{Index: store.Index2, Partition: store.PlatformScope().Partition(FamilyDocket, docketOpen), Limit: in.Limit, Cursor: in.Cursor}
		if in.State != "" {
			q.Index, q.Partition = store.Index1, store.PlatformScope().Partition(FamilyDocket, in.State)
		}
		if !in.DueBefore.IsZero() {
			q.To = store.Instant(in.DueBefore) // an instant alone sorts before every line of that instant
		}
		page, err := api.ListRows(ctx, c.Platform(), q, func(d *Docket) CaseLine {
			return CaseLine{ID: d.ID, Type: string(d.Kind), State: string(d.State), ReceivedAt: clock.At(d.Received), DueAt: clock.At(d.Due), Extended: d.Extended,
				Overdue: d.State.Open() && d.Due < c.Now.Unix(), ClosedAt: clock.Moment(d.Closed), Assignee: d.Assignee}
		})
		if err != nil {
			return nil, err
		}
		return &CasesOut{page}, nil
	})
}

// lineOf finds a request on the docket, for one of PixelTrack's own people.
func lineOf(ctx context.Context, c *api.Caller, text string) (*Docket, error) {
	cid, err := id.Parse[id.Case](text)
	if err != nil {
		return nil, problem.Missing("request")
	}
	c.About(string(cid))
	d, err := store.Get[Docket](ctx, c.Platform(), docketKey(cid))
	return d, gone(err)
}

// openCase finds a request that is open, which lies with its person.
func openCase(ctx context.Context, c *api.Caller, st *store.Store, text string) (holder, *Request, error) {
	d, err := lineOf(ctx, c, text)
	if err != nil {
		return nil, nil, err
	}
	if !d.State.Open() {
		return nil, nil, problem.Of(problem.Conflict, "request_closed", "The request is closed.")
	}
	h, r, err := d.ofPerson(ctx, st, c.Acting())
	return h, r, gone(err)
}

func gone(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return problem.Missing("request")
	}
	return err
}

func noCase() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "request_not_found", When: "There is no such request."}
}

func closedCase() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "request_closed", When: "It is closed."}
}

// GetCase shows one request.
func GetCase(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-case", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/cases/{id}", Audience: api.Staff, Audit: true, Permission: access.CasesRead,
		Summary: "One privacy request, with what the person wrote", Purpose: purpose.PrivacyRights, ExampleOut: exampleCase(nil), Refusals: []api.Refusal{noCase()},
	}, func(ctx context.Context, c *api.Caller, in *RequestID) (*CaseOut, error) {
		d, err := lineOf(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		_, r, err := d.ofPerson(ctx, st, c.Acting())
		if errors.Is(err, store.ErrMissing) {
			r, err = d.ofNobody(ctx, st, c.Acting())
		}
		if err != nil {
			return nil, gone(err)
		}
		return caseOf(r), nil
	})
}

// caseAgain answers a repeat with the request as it is now.
func caseAgain(st *store.Store) func(context.Context, *api.Caller, string) (*CaseOut, error) {
	return func(ctx context.Context, c *api.Caller, made string) (*CaseOut, error) {
		d, err := lineOf(ctx, c, made)
		if err != nil {
			return nil, err
		}
		_, r, err := d.ofPerson(ctx, st, c.Acting())
		if errors.Is(err, store.ErrMissing) {
			r, err = d.ofNobody(ctx, st, c.Acting())
		}
		if err != nil {
			return nil, gone(err)
		}
		return caseOf(r), nil
	}
}

// AssignCase gives a request to the caller.
func AssignCase(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "assign-case", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/cases/{id}/assign", Audience: api.Staff, Audit: true, Permission: access.CasesDecide,
		Summary: "Take a privacy request on", Purpose: purpose.PrivacyRights, Description: "Who had it before has it no longer.", ExampleOut: exampleCase(nil),
		Refusals: []api.Refusal{noCase(), closedCase()},
	}, func(ctx context.Context, c *api.Caller, in *RequestID) (*CaseOut, error) {
		for range meetings {
			h, r, err := openCase(ctx, c, st, in.ID)
			if err != nil {
				return nil, err
			}
			was := r.Next
			r.Assignee = c.Staff.ID
			tx := st.Begin()
			r.save(tx, h, was)
			if err := c.Commit(ctx, tx, string(r.ID)); !errors.Is(err, store.ErrStale) {
				if err != nil {
					return nil, err
				}
				return caseOf(r), nil
			}
		}
		return nil, store.ErrConflict
	}, caseAgain(st))
}

// CaseChange is embedded in the input of a decision: which request, and which version of it was read.
type CaseChange struct {
	RequestID
	api.IfMatch
}

// decide is a route that lets something happen to an open request, as the caller read it.
func decide[In any](st *store.Store, route api.Route, of func(*In) CaseChange, what func(c *api.Caller, in *In, r *Request, tx *store.Tx, h holder) error) api.Operation {
	route.Area, route.Method, route.Audience, route.Audit, route.Permission = "admin", http.MethodPost, api.Staff, true, access.CasesDecide
	route.Purpose = purpose.PrivacyRights
	route.Refusals = append(route.Refusals, noCase(), closedCase())
	return api.Replayable(route, func(ctx context.Context, c *api.Caller, in *In) (*CaseOut, error) {
		h, r, err := openCase(ctx, c, st, of(in).ID)
		if err != nil {
			return nil, err
		}
		if err := of(in).Matches(r.Version); err != nil {
			return nil, err
		}
		was := r.Next
		tx := st.Begin()
		if err := what(c, in, r, tx, h); err != nil {
			return nil, err
		}
		if r.Kind == request.ChildReport && r.State == request.Denied {
			if err := dismiss(ctx, tx, h, c.Now); err != nil {
				return nil, err
			}
		}
		r.save(tx, h, was)
		if err := c.Commit(ctx, tx, string(r.ID)); err != nil {
			return nil, err
		}
		return caseOf(r), nil
	}, caseAgain(st))
}

// ItemDecision is what is to become of one item.
type ItemDecision struct {
	Name     string    `json:"name" maxLength:"64" pattern:"^[a-z][a-z0-9_]*$" doc:"A thing that the request is about, in a word for its kind: of an erasure one of its items, else what you divide it into." example:"rectification"`
	Decision string    `json:"decision" enum:"act,retain,refuse"`
	Ground   string    `json:"ground,omitempty" enum:"legal_obligation,legal_claims,legal_hold,freedom_of_expression,public_interest,rights_of_others,compelling_grounds,manifestly_unfounded,excessive,not_held,found_accurate" doc:"Why it is kept or refused; the person reads it in words."`
	Until    time.Time `json:"until,omitzero" doc:"Of what is kept: when the duty ends and it goes."`
}

// DecideIn is the input of decide-case.
type DecideIn struct {
	CaseChange
	Body struct {
		Items       []ItemDecision `json:"items" minItems:"1" maxItems:"50" doc:"Each item once."`
		Explanation string         `json:"explanation,omitempty" maxLength:"4000" doc:"What the person is told beside the grounds."`
	}
}

func exampleDecision() any {
	in := DecideIn{}.Body
	in.Items = []ItemDecision{{Name: "rectification", Decision: "act"}}
	in.Explanation = decisionExplained
	return in
}

// DecideCase decides each item of a request.
func DecideCase(st *store.Store) api.Operation {
	return decide(st, api.Route{
		ID: "decide-case", Path: "/v1/admin/cases/{id}/decide", Fresh: access.StaffFresh, Summary: "Decide what is done, kept and refused of a privacy request",
		Description: "What people do then is reported step by step. An erasure is carried out by jobs when its day comes, and can be decided anew until then; that of a child's account, which was reported, at once. " +
			"To do nothing of what was asked is to deny the request.",
		ExampleIn: exampleDecision(), ExampleOut: exampleCase(func(r *Request) { r.State, r.Explanation = request.Executing, decisionExplained }),
		Refusals: []api.Refusal{
			{Kind: problem.Conflict, Code: "request_not_in_review", When: "It is not known yet who asks, or it was decided, or it is decided by rule."},
			{Kind: problem.Conflict, Code: "nothing_to_do", When: "No item is to be acted on; deny the request."},
		},
	}, func(in *DecideIn) CaseChange { return in.CaseChange }, func(c *api.Caller, in *DecideIn, r *Request, tx *store.Tx, h holder) error {
		if r.State != request.InReview || !decided(r.Kind) {
			return problem.Of(problem.Conflict, "request_not_in_review", "There is nothing to decide now.")
		}
		items, err := decisions(in.Body.Items, r, c.Now)
		if err != nil {
			return err
		}
		r.Explanation = in.Body.Explanation
		if err := r.happen(request.Event{Type: request.Scoped, At: c.Now, Items: items}); err != nil {
			return err
		}
		if !slices.ContainsFunc(items, func(i request.Item) bool { return i.Decision == request.Act }) {
			return problem.Of(problem.Conflict, "nothing_to_do", "Nothing is to be done; deny the request.")
		}
		if r.Kind == request.Erasure {
			return nil
		}
		r.Next = watchAt(r, c.Now)
		if r.Kind == request.ChildReport {
			r.Next = c.Now.Unix() // nobody waits with a child's account
		}
		return r.happen(request.Event{Type: request.Approved, At: c.Now})
	})
}

// decisions reads the decisions of the items of a request, each once. What people work on they divide into items themselves.
func decisions(said []ItemDecision, r *Request, now time.Time) ([]request.Item, error) {
	items := []request.Item{}
	is := func(name string) func(request.Item) bool {
		return func(i request.Item) bool { return i.Name == name }
	}
	if !byPeople(r.Kind) && len(said) != len(r.Items) {
		return nil, problem.InvalidField("body.items", "each item of the request once")
	}
	for _, d := range said {
		switch {
		case slices.ContainsFunc(items, is(d.Name)), !byPeople(r.Kind) && !slices.ContainsFunc(r.Items, is(d.Name)):
			return nil, problem.InvalidField("body.items", "each item of the request once")
		case d.Decision == string(request.Act) && (d.Ground != "" || !d.Until.IsZero()):
			return nil, problem.InvalidField("body.items", "what is done needs no ground and no end")
		case d.Decision != string(request.Act) && d.Ground == "":
			return nil, problem.InvalidField("body.items", "what is kept or refused needs a ground")
		case d.Decision == string(request.Retain) && !d.Until.After(now), d.Decision == string(request.Refuse) && !d.Until.IsZero():
			return nil, problem.InvalidField("body.items", "what is kept, and nothing else, needs an end that is to come")
		case d.Name == itemProofs && r.Kind.Destroys() && d.Decision == string(request.Act):
			return nil, problem.InvalidField("body.items", "proofs are kept under a keyed hash, by law")
		}
		items = append(items, request.Item{Name: d.Name, Decision: request.Decision(d.Decision), Ground: d.Ground, Until: d.Until.UTC()})
	}
	return items, nil
}

// DenyIn is the input of deny-case.
type DenyIn struct {
	CaseChange
	Body struct {
		Reason      string `json:"reason" enum:"legal_obligation,legal_claims,freedom_of_expression,public_interest,rights_of_others,compelling_grounds,manifestly_unfounded,excessive,not_held,found_accurate" doc:"Why; the person reads it in words."`
		Explanation string `json:"explanation" minLength:"1" maxLength:"4000" doc:"What the person is told beside it."`
	}
}

func exampleDenial() any {
	in := DenyIn{}.Body
	in.Reason, in.Explanation = groundAccurate, "The address is the one that your bank confirmed."
	return in
}

// DenyCase denies a request, with the reason, and with where to turn to.
func DenyCase(st *store.Store) api.Operation {
	return decide(st, api.Route{
		ID: "deny-case", Path: "/v1/admin/cases/{id}/deny", Fresh: access.StaffFresh, Summary: "Deny a privacy request",
		Description: "The person is mailed the reason and where to complain. What took effect when the request came, an objection's stop for one, stays.",
		ExampleIn:   exampleDenial(), ExampleOut: exampleCase(func(r *Request) { r.State, r.Denial = request.Denied, groundAccurate }),
		Refusals: []api.Refusal{{Kind: problem.Conflict, Code: "request_not_deniable", When: "It is not known yet who asks, or work has begun."}},
	}, func(in *DenyIn) CaseChange { return in.CaseChange }, func(c *api.Caller, in *DenyIn, r *Request, tx *store.Tx, h holder) error {
		if r.happen(request.Event{Type: request.Refused, At: c.Now, Reason: in.Body.Reason}) != nil {
			return problem.Of(problem.Conflict, "request_not_deniable", "The request cannot be denied now.")
		}
		r.Explanation = in.Body.Explanation
		outbox.Queue(tx, h, MailDenied, store.Join(string(r.ID), "denied"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "reason": r.Denial})
		return nil
	})
}

// ExtendIn is the input of extend-case.
type ExtendIn struct {
	CaseChange
	Body struct {
		Reason      string `json:"reason" enum:"complexity,number_of_requests" doc:"Why more time is needed (GDPR Art. 12(3))."`
		Explanation string `json:"explanation" minLength:"1" maxLength:"4000" doc:"What the person is told beside it."`
	}
}

func exampleExtension() any {
	in := ExtendIn{}.Body
	in.Reason, in.Explanation = groundComplexity, "Three providers must be asked first."
	return in
}

// ExtendCase takes the time that the law allows beyond the first date.
func ExtendCase(st *store.Store) api.Operation {
	return decide(st, api.Route{
		ID: "extend-case", Path: "/v1/admin/cases/{id}/extend", Fresh: access.StaffFresh, Summary: "Take more time for a privacy request, and tell the person",
		Description: "Once, before the first date has passed, and to the earliest statutory maximum of the laws that apply. Our own promise of 30 days moves as far as they allow.",
		ExampleIn:   exampleExtension(), ExampleOut: exampleCase(func(r *Request) { r.Extended, r.ExtendedFor = true, groundComplexity }),
		Refusals: []api.Refusal{
			{Kind: problem.Conflict, Code: "extension_not_allowed", When: "No law that applies allows more time for this kind."},
			{Kind: problem.Conflict, Code: "extension_too_late", When: "The first date has passed."},
			{Kind: problem.Conflict, Code: "request_extended", When: "It was extended before."},
		},
	}, func(in *ExtendIn) CaseChange { return in.CaseChange }, func(c *api.Caller, in *ExtendIn, r *Request, tx *store.Tx, h holder) error {
		if r.Extended {
			return problem.Of(problem.Conflict, "request_extended", "It was extended before.")
		}
		d, err := clocks.Extend(clocks.Intake{Kind: r.Kind, Received: clock.At(r.Received), Regimes: clocks.Regimes(clocks.Residence{Country: r.Country, Region: r.Region})}, c.Now)
		switch {
		case errors.Is(err, clocks.ErrLate):
			return problem.Of(problem.Conflict, "extension_too_late", "The first date has passed.")
		case errors.Is(err, clocks.ErrNoExtension):
			return problem.Of(problem.Conflict, "extension_not_allowed", "No law that applies here allows more time.")
		case err != nil:
			return err
		}
		if err := r.happen(request.Event{Type: request.Extension, At: c.Now, Reason: in.Body.Reason, Until: d.Due}); err != nil {
			return err
		}
		r.Steps, r.ExtendedFor, r.ExtendedWhy = stepsOf(d.Steps), in.Body.Reason, in.Body.Explanation
		outbox.Queue(tx, h, MailExtended, store.Join(string(r.ID), "extended"), map[string]string{"case": string(r.ID), "kind": string(r.Kind),
			"due": clock.At(r.Due).Format(time.DateOnly), "reason": in.Body.Reason})
		return nil
	})
}

// StepIn is the input of report-case-step.
type StepIn struct {
	CaseChange
	Body struct {
		Item    string `json:"item" maxLength:"64" doc:"One of the request's items that is to be acted on." example:"rectification"`
		Outcome string `json:"outcome" enum:"done,failed,waiting" doc:"waiting: somebody else must answer first, a provider for one."`
		Count   int    `json:"count,omitempty" minimum:"0" maximum:"1000000" doc:"Of done: how many things it was."`
	}
}

func exampleStep() any {
	in := StepIn{}.Body
	in.Item, in.Outcome, in.Count = "rectification", "done", 3
	return in
}

// ReportCaseStep says how far people are with one item. The request is answered when nothing is left, and never before.
func ReportCaseStep(st *store.Store) api.Operation {
	return decide(st, api.Route{
		ID: "report-case-step", Path: "/v1/admin/cases/{id}/steps", Summary: "Report a step of a privacy request that people work on",
		Description: "With the last step done the request is answered and the person is mailed. A step that failed or waits keeps it open.",
		ExampleIn:   exampleStep(), ExampleOut: exampleCase(func(r *Request) { r.State = request.Fulfilled }),
		Refusals: []api.Refusal{
			{Kind: problem.Conflict, Code: "request_not_at_work", When: "It is not decided yet, or its work is done by jobs."},
			{Kind: problem.Conflict, Code: "erasure_not_recorded", When: "Something was to be erased, and the ledger of erasures has no row of it."},
		},
	}, func(in *StepIn) CaseChange { return in.CaseChange }, func(c *api.Caller, in *StepIn, r *Request, tx *store.Tx, h holder) error {
		if !byPeople(r.Kind) || r.State != request.Executing && r.State != request.AwaitingProvider {
			return problem.Of(problem.Conflict, "request_not_at_work", "No step of it can be reported now.")
		}
		err := r.happen(request.Event{Type: reported(r, in.Body.Item, in.Body.Outcome), At: c.Now, Item: in.Body.Item, Count: in.Body.Count})
		switch {
		case errors.Is(err, request.ErrNoSuchItem):
			return problem.InvalidField("body.item", "not an item that is to be acted on")
		case errors.Is(err, request.ErrLedger):
			return problem.Of(problem.Conflict, "erasure_not_recorded", "The ledger of erasures has no row of it.")
		case err != nil:
			return err
		}
		err = r.happen(request.Event{Type: request.Finished, At: c.Now})
		if errors.Is(err, request.ErrUnfinished) || errors.Is(err, request.ErrState) {
			return nil
		}
		if err != nil {
			return err
		}
		outbox.Queue(tx, h, MailAnswered, store.Join(string(r.ID), "answered", store.Instant(clock.At(r.Closed))), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "state": string(r.State)})
		return nil
	})
}

// reported is the event of an outcome. What waited for a provider is done when the provider has answered.
func reported(r *Request, item, outcome string) request.EventType {
	waits := slices.ContainsFunc(r.Items, func(i request.Item) bool { return i.Name == item && i.Progress == request.Waiting })
	switch {
	case outcome == "done" && waits:
		return request.ProviderAnswered
	case outcome == "done":
		return request.StepDone
	case outcome == "waiting":
		return request.ProviderPending
	}
	return request.StepFailed
}

// Cases lists the routes by which PixelTrack's own people work on requests.
func Cases() []api.Operation {
	return []api.Operation{ListCases(), GetCase(nil), AssignCase(nil), DecideCase(nil), DenyCase(nil), ExtendCase(nil), ReportCaseStep(nil), AttributeCase(nil, keys.Pseudonyms{})}
}
