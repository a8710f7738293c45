package demands

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about legal requests.
func Routes() []api.Operation {
	return []api.Operation{CreateLegalRequest(nil), ListLegalRequests(), GetLegalRequest(), ReviewLegalRequest(nil), ApproveLegalRequest(nil),
		RecordLegalDisclosure(nil), NotifyLegalRequest(nil), CloseLegalRequest(nil)}
}

// LegalRequestBody is a legal request on the wire.
type LegalRequestBody struct {
	ID         id.Demand  `json:"id" example:"lgr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	State      State      `json:"state" enum:"received,reviewed,approved,refused,closed"`
	Facts                 // what was asked
	Entered    id.Staff   `json:"entered_by"`
	Review     *Review    `json:"review,omitempty"`
	Approval   *Approval  `json:"approval,omitempty"`
	Disclosed  []Leaving  `json:"disclosures" doc:"What left the house."`
	NotifiedAt *time.Time `json:"notified_at,omitempty" doc:"When the person was told."`
	ClosedAt   *time.Time `json:"closed_at,omitempty"`
}

// Facts are what an authority demands.
type Facts struct {
	Authority  string    `json:"authority" minLength:"1" maxLength:"200" doc:"The court or authority; no person's name." example:"Amtsgericht Musterstadt"`
	Country    string    `json:"country" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1." example:"DE"`
	Instrument string    `json:"instrument" enum:"court_order,warrant,subpoena,administrative_order,emergency,informal" doc:"What obliges us, if anything does."`
	Reference  string    `json:"reference" minLength:"1" maxLength:"100" doc:"The authority's file number." example:"17 Gs 42/26"`
	Account    id.User   `json:"account_id,omitempty" maxLength:"64" doc:"Whom it is about, when that is an account." example:"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Asked      []string  `json:"asked" minItems:"1" maxItems:"20" nullable:"false" enum:"account,profile,business,clients,projects,financial,communications,usage,device,log" doc:"Which categories of data."`
	ReceivedAt time.Time `json:"received_at"`
	AnswerBy   time.Time `json:"answer_by,omitzero"`
	GagUntil   time.Time `json:"gag_until,omitzero" doc:"Until when the person may not be told. Without a date the person is told at once."`
}

// Review is what the first person found.
type Review struct {
	By      id.Staff  `json:"by"`
	At      time.Time `json:"at"`
	Comply  bool      `json:"comply"`
	Granted []string  `json:"granted" doc:"Which categories may leave."`
	Opinion string    `json:"opinion"`
}

// Approval is that a second person agrees.
type Approval struct {
	By id.Staff  `json:"by"`
	At time.Time `json:"at"`
}

// Leaving is something that left the house.
type Leaving struct {
	At         time.Time `json:"at"`
	Categories []string  `json:"categories"`
	SHA256     string    `json:"sha256"`
	By         id.Staff  `json:"by"`
}

// Out is the answer of the routes about one legal request.
type Out struct {
	api.Tagged
	Body LegalRequestBody
}

func show(d *Demand) *Out { return &Out{api.Tag(d.Version), body(d)} }

func body(d *Demand) LegalRequestBody {
	b := LegalRequestBody{ID: d.ID, State: d.State, Entered: d.Entered, Disclosed: []Leaving{}, NotifiedAt: clock.Moment(d.Told), ClosedAt: clock.Moment(d.ClosedAt),
		Facts: Facts{Authority: d.Authority, Country: d.Country, Instrument: d.Instrument, Reference: d.Reference, Account: d.Account, Asked: d.Asked,
			ReceivedAt: clock.At(d.Received), AnswerBy: clock.At(d.AnswerBy), GagUntil: clock.At(d.GagUntil)}}
	if d.Reviewer != "" {
		b.Review = &Review{By: d.Reviewer, At: clock.At(d.ReviewedAt), Comply: d.Comply, Granted: append([]string{}, d.Granted...), Opinion: d.Opinion}
	}
	if d.Approver != "" {
		b.Approval = &Approval{By: d.Approver, At: clock.At(d.ApprovedAt)}
	}
	for _, l := range d.Disclosures {
		b.Disclosed = append(b.Disclosed, Leaving{clock.At(l.At), l.Categories, l.SHA256, l.By})
	}
	return b
}

func exampleFacts() Facts {
	received := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return Facts{Authority: "Amtsgericht Musterstadt", Country: "DE", Instrument: "court_order", Reference: "17 Gs 42/26", Account: "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Asked: []string{"account", "log"}, ReceivedAt: received, AnswerBy: received.AddDate(0, 0, 14)}
}

func example(what func(*Demand)) LegalRequestBody {
	f := exampleFacts()
	d := &Demand{ID: "lgr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", State: Received, Entered: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
	d.set(f)
	if what != nil {
		what(d)
	}
	return body(d)
}

func (d *Demand) set(f Facts) {
	d.Authority, d.Country, d.Instrument, d.Reference, d.Account, d.Asked = f.Authority, f.Country, f.Instrument, f.Reference, f.Account, f.Asked
	d.Received, d.AnswerBy, d.GagUntil = clock.Epoch(f.ReceivedAt), clock.Epoch(f.AnswerBy), clock.Epoch(f.GagUntil)
}

func exampleReviewed(d *Demand) {
	d.State, d.Reviewer, d.ReviewedAt, d.Comply, d.Granted = Reviewed, "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", d.Received+86400, true, []string{"account"}
	d.Opinion = "A valid order; logs are older than their retention."
}

func exampleApproved(d *Demand) {
	exampleReviewed(d)
	d.State, d.Approver, d.ApprovedAt = Approved, "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC", d.Received+2*86400
}

func route(r api.Route) api.Route {
	r.Area, r.Audience, r.Audit, r.Purpose = "admin", api.Staff, true, purpose.LegalCompliance
	return r
}

// CreateIn is the input of create-legal-request.
type CreateIn struct{ Body Facts }

// CreateLegalRequest enters a demand into the register.
func CreateLegalRequest(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "create-legal-request", Method: http.MethodPost, Path: "/v1/admin/legal-requests", Permission: access.DemandsWrite, Status: http.StatusCreated,
		Summary: "Enter what a court or authority demands into the register", ExampleIn: exampleFacts(), ExampleOut: example(nil),
		Description: "Nothing leaves the house before one person has reviewed it and another has approved.",
		Refusals:    []api.Refusal{{Kind: problem.NotFound, Code: "account_not_found", When: "There is no such account."}},
	}), func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		f := in.Body
		switch {
		case f.ReceivedAt.After(c.Now):
			return nil, problem.InvalidField("body.received_at", "a time that has been")
		case !f.AnswerBy.IsZero() && f.AnswerBy.Before(f.ReceivedAt):
			return nil, problem.InvalidField("body.answer_by", "not before received_at")
		}
		if f.Account != "" {
			if _, err := id.Parse[id.User](string(f.Account)); err != nil {
				return nil, problem.InvalidField("body.account_id", "not the id of an account")
			}
		}
		d := &Demand{ID: api.NewID[id.Demand](c), State: Received, Entered: c.Staff.ID}
		d.set(f)
		tx, p := st.Begin(), c.Platform()
		if d.Account != "" {
			tx.Check(st.BindUser(d.Account, c.Acting()), access.UserGateKey(d.Account), "attribute_exists('PK')").Else(problem.Missing("account"))
		}
		tx.Create(p, d)
		d.alarms(tx, p, c.Now)
		if err := c.Commit(ctx, tx, string(d.ID)); err != nil {
			return nil, err
		}
		return show(d), nil
	}, again)
}

func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	d, err := find(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return show(d), nil
}

// ListIn is the input of list-legal-requests.
type ListIn struct {
	api.Page
	State State `query:"state" enum:"received,reviewed,approved,refused,closed" default:"received"`
}

// ListOut is the answer of list-legal-requests.
type ListOut struct{ Body api.List[LegalRequestBody] }

// ListLegalRequests lists the register.
func ListLegalRequests() api.Operation {
	return api.New(route(api.Route{
		ID: "list-legal-requests", Method: http.MethodGet, Path: "/v1/admin/legal-requests", Permission: access.DemandsRead,
		Summary: "The register of legal requests, the oldest first", Description: "By index, which follows a change within moments.",
		ExampleOut: api.List[LegalRequestBody]{Data: []LegalRequestBody{example(nil)}},
	}), func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Index: store.Index1, Partition: store.PlatformScope().Partition(Family, string(in.State)),
			Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, body)
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// DemandID names a legal request.
type DemandID struct {
	ID string `path:"id" maxLength:"64" doc:"The legal request." example:"lgr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func find(ctx context.Context, c *api.Caller, text string) (*Demand, error) {
	return api.FindOurs[Demand](ctx, c, "legal request", text, key)
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "legal_request_not_found", When: "There is no such legal request."}
}

// GetLegalRequest shows one legal request.
func GetLegalRequest() api.Operation {
	return api.New(route(api.Route{
		ID: "get-legal-request", Method: http.MethodGet, Path: "/v1/admin/legal-requests/{id}", Permission: access.DemandsRead,
		Summary: "One legal request", ExampleOut: example(exampleApproved), Refusals: []api.Refusal{missing()},
	}), func(ctx context.Context, c *api.Caller, in *DemandID) (*Out, error) {
		return again(ctx, c, in.ID)
	})
}

// Change is embedded in the input of what happens to a legal request.
type Change struct {
	DemandID
	api.IfMatch
}

// change lets something happen to a legal request in some of its states, as the caller read it.
func change(ctx context.Context, c *api.Caller, st *store.Store, in Change, from State, what func(*Demand, *store.Tx) error) (*Out, error) {
	d, err := find(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Matches(d.Version); err != nil {
		return nil, err
	}
	if d.State != from && from != "" {
		return nil, wrongState(d)
	}
	tx, p := st.Begin(), c.Platform()
	if err := what(d, tx); err != nil {
		return nil, err
	}
	tx.Replace(p, d)
	d.alarms(tx, p, c.Now)
	if err := c.Commit(ctx, tx, string(d.ID)); err != nil {
		return nil, err
	}
	return show(d), nil
}

func wrongState(d *Demand) error {
	return problem.Of(problem.Conflict, "legal_request_state", "That cannot happen to a legal request that is %s.", d.State)
}

func refusals(more ...api.Refusal) []api.Refusal {
	return append(more, missing(), api.Refusal{Kind: problem.Conflict, Code: "legal_request_state", When: "That cannot happen in its state."})
}

// ReviewIn is the input of review-legal-request.
type ReviewIn struct {
	Change
	Body struct {
		Comply  bool     `json:"comply" doc:"Whether we must."`
		Granted []string `json:"granted,omitempty" maxItems:"20" nullable:"false" enum:"account,profile,business,clients,projects,financial,communications,usage,device,log" doc:"Which categories may leave: what was asked, or less."`
		Opinion string   `json:"opinion" minLength:"1" maxLength:"4000" doc:"What the finding rests on, without names."`
	}
}

func exampleReview() any {
	in := ReviewIn{}.Body
	in.Comply, in.Granted, in.Opinion = true, []string{"account"}, "A valid order; logs are older than their retention."
	return in
}

// ReviewLegalRequest says what one person finds.
func ReviewLegalRequest(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "review-legal-request", Method: http.MethodPost, Path: "/v1/admin/legal-requests/{id}/review", Permission: access.DemandsWrite,
		Summary: "Say whether a legal request must be complied with, and how far", ExampleIn: exampleReview(), ExampleOut: example(exampleReviewed),
		Refusals: refusals(),
	}), func(ctx context.Context, c *api.Caller, in *ReviewIn) (*Out, error) {
		return change(ctx, c, st, in.Change, Received, func(d *Demand, _ *store.Tx) error {
			asked := &Demand{Granted: d.Asked}
			switch {
			case in.Body.Comply != (len(in.Body.Granted) > 0):
				return problem.InvalidField("body.granted", "what may leave, and nothing when nothing may")
			case !asked.within(in.Body.Granted):
				return problem.InvalidField("body.granted", "no more than was asked")
			}
			d.State, d.Reviewer, d.ReviewedAt = Reviewed, c.Staff.ID, c.Now.Unix()
			d.Comply, d.Granted, d.Opinion = in.Body.Comply, in.Body.Granted, in.Body.Opinion
			return nil
		})
	}, again)
}

// ApproveIn is the input of approve-legal-request.
type ApproveIn struct {
	Change
	Body struct {
		Agree bool `json:"agree" doc:"false gives it back to be reviewed anew."`
	}
}

func exampleApproval() any {
	in := ApproveIn{}.Body
	in.Agree = true
	return in
}

// ApproveLegalRequest says that a second person agrees.
func ApproveLegalRequest(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "approve-legal-request", Method: http.MethodPost, Path: "/v1/admin/legal-requests/{id}/approve", Permission: access.DemandsApprove, Fresh: access.StaffFresh,
		Summary: "Agree with the review of a legal request, as another person than who reviewed it", ExampleIn: exampleApproval(), ExampleOut: example(exampleApproved),
		Refusals: refusals(api.Refusal{Kind: problem.Forbidden, Code: "same_person", When: "The caller reviewed it."}),
	}), func(ctx context.Context, c *api.Caller, in *ApproveIn) (*Out, error) {
		return change(ctx, c, st, in.Change, Reviewed, func(d *Demand, _ *store.Tx) error {
			switch {
			case d.Reviewer == c.Staff.ID:
				return problem.Of(problem.Forbidden, "same_person", "You reviewed it; somebody else must approve.")
			case !in.Body.Agree:
				d.State, d.Reviewer, d.ReviewedAt, d.Comply, d.Granted, d.Opinion = Received, "", 0, false, nil, ""
				return nil
			}
			d.State, d.Approver, d.ApprovedAt = Refused, c.Staff.ID, c.Now.Unix()
			if d.Comply {
				d.State = Approved
			}
			return nil
		})
	}, again)
}

// mostDisclosures bounds the row.
const mostDisclosures = 50

// DiscloseIn is the input of record-legal-disclosure.
type DiscloseIn struct {
	Change
	Body struct {
		Categories []string `json:"categories" minItems:"1" maxItems:"20" nullable:"false" enum:"account,profile,business,clients,projects,financial,communications,usage,device,log" doc:"What leaves."`
		SHA256     string   `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the file that leaves, in hexadecimal."`
	}
}

func exampleDisclosure() any {
	in := DiscloseIn{}.Body
	in.Categories, in.SHA256 = []string{"account"}, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	return in
}

// RecordLegalDisclosure says what leaves the house. The person sees it among their disclosures, at once or when the gag ends.
func RecordLegalDisclosure(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "record-legal-disclosure", Method: http.MethodPost, Path: "/v1/admin/legal-requests/{id}/disclosures", Permission: access.DemandsWrite, Fresh: access.StaffFresh,
		Summary: "Record what leaves the house on a legal request", Description: "The person sees it at GET /v1/privacy/disclosures, from the end of the gag on where there is one.",
		ExampleIn: exampleDisclosure(), ExampleOut: example(func(d *Demand) {
			exampleApproved(d)
			d.Disclosures = []Disclosure{{d.Received + 3*86400, []string{"account"}, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", d.Entered}}
		}),
		Refusals: refusals(api.Refusal{Kind: problem.Forbidden, Code: "out_of_scope", When: "More leaves than was granted."},
			api.Refusal{Kind: problem.Conflict, Code: "too_many_disclosures", When: "The entry has 50."},
			api.Refusal{Kind: problem.Conflict, Code: "account_gone", When: "The account has gone."}),
	}), func(ctx context.Context, c *api.Caller, in *DiscloseIn) (*Out, error) {
		return change(ctx, c, st, in.Change, Approved, func(d *Demand, tx *store.Tx) error {
			switch {
			case !d.within(in.Body.Categories):
				return problem.Of(problem.Forbidden, "out_of_scope", "That is more than was granted.")
			case len(d.Disclosures) >= mostDisclosures:
				return problem.Of(problem.Conflict, "too_many_disclosures", "The entry has %d disclosures.", mostDisclosures)
			}
			d.Disclosures = append(d.Disclosures, Disclosure{c.Now.Unix(), in.Body.Categories, in.Body.SHA256, c.Staff.ID})
			if d.Account != "" {
				h := st.BindUser(d.Account, c.Acting())
				tx.Check(h, access.UserGateKey(d.Account), "attribute_exists('PK')").Else(problem.Of(problem.Conflict, "account_gone", "The account has gone, and with it what could be handed over."))
				privacy.Disclosed(tx, h, store.Join(string(d.ID), store.Instant(c.Now)), d.Authority, in.Body.Categories, c.Now, clock.At(d.GagUntil))
			}
			return nil
		})
	}, again)
}

// NotifyIn is the input of notify-legal-request.
type NotifyIn struct{ Change }

// NotifyLegalRequest mails the person.
func NotifyLegalRequest(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "notify-legal-request", Method: http.MethodPost, Path: "/v1/admin/legal-requests/{id}/notice", Permission: access.DemandsWrite,
		Summary: "Tell the person that something of theirs was handed over", ExampleOut: example(func(d *Demand) { exampleApproved(d); d.Told = d.Received + 4*86400 }),
		Refusals: refusals(api.Refusal{Kind: problem.Conflict, Code: "gag_in_force", When: "The person may not be told yet."},
			api.Refusal{Kind: problem.Conflict, Code: "nobody_to_tell", When: "It is about no account, nothing was handed over, or the person was told."}),
	}), func(ctx context.Context, c *api.Caller, in *NotifyIn) (*Out, error) {
		return change(ctx, c, st, in.Change, Approved, func(d *Demand, tx *store.Tx) error {
			switch {
			case !d.untold():
				return problem.Of(problem.Conflict, "nobody_to_tell", "There is nobody to tell.")
			case d.gagged(c.Now):
				return problem.Of(problem.Conflict, "gag_in_force", "The person may not be told yet.")
			}
			d.Told = c.Now.Unix()
			outbox.Queue(tx, st.BindUser(d.Account, c.Acting()), privacy.MailDisclosed, store.Join(string(d.ID), "disclosed"), nil)
			return nil
		})
	}, again)
}

// CloseIn is the input of close-legal-request.
type CloseIn struct{ Change }

// CloseLegalRequest closes an entry.
func CloseLegalRequest(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "close-legal-request", Method: http.MethodPost, Path: "/v1/admin/legal-requests/{id}/close", Permission: access.DemandsWrite,
		Summary: "Close the entry of a legal request", Description: "Once it was refused, or what was granted was handed over and the person told. Kept for 5 years from then on.",
		ExampleOut: example(func(d *Demand) { exampleApproved(d); d.close(clock.At(d.Received + 5*86400)) }),
		Refusals:   refusals(api.Refusal{Kind: problem.Conflict, Code: "person_not_told", When: "Something was handed over, and the person has not been told."}),
	}), func(ctx context.Context, c *api.Caller, in *CloseIn) (*Out, error) {
		return change(ctx, c, st, in.Change, "", func(d *Demand, _ *store.Tx) error {
			switch {
			case d.State != Approved && d.State != Refused:
				return wrongState(d)
			case d.untold():
				return problem.Of(problem.Conflict, "person_not_told", "The person has not been told.")
			}
			d.close(c.Now)
			return nil
		})
	}, again)
}
