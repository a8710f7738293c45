package referrals

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// DataRequestBody is a forwarded request on the wire.
type DataRequestBody struct {
	ID          string     `json:"id" example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Type        string     `json:"type" doc:"What is asked for." example:"access"`
	Email       string     `json:"email,omitempty" doc:"Who asks. They have shown that the address is theirs. It is gone once an erasure was done." example:"cleo@example.com"`
	Places      []Place    `json:"places" doc:"Where the organization has the address, at most 50."`
	Description string     `json:"description,omitempty" doc:"Of a correction: what is wrong and what is right."`
	ReceivedAt  time.Time  `json:"received_at" doc:"When the request came to PixelTrack."`
	ForwardedAt time.Time  `json:"forwarded_at" doc:"When it came to the organization."`
	DueAt       time.Time  `json:"due_at" doc:"Until when an answer here is passed on. The organization's own month begins when it was forwarded."`
	State       State      `json:"state" enum:"open,answered,withdrawn,over" doc:"withdrawn: who asked has taken it back, and nothing is to be done. over: it was due before, and who asked was told to turn to the organization."`
	Answer      Answer     `json:"answer,omitempty" enum:"acted,refused,no_data"`
	Explanation string     `json:"explanation,omitempty" doc:"To who asks."`
	AnsweredAt  *time.Time `json:"answered_at,omitempty"`
	AnsweredBy  string     `json:"answered_by,omitempty" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	WithdrawnAt *time.Time `json:"withdrawn_at,omitempty"`
}

// Out is the answer of the routes about one forwarded request.
type Out struct{ Body DataRequestBody }

func body(r *Referral, now time.Time) DataRequestBody {
	return DataRequestBody{ID: string(r.Case), Type: string(r.Kind), Email: r.Email, Places: append([]Place{}, r.Places...), Description: r.Description, ReceivedAt: time.Unix(r.Received, 0).UTC(),
		ForwardedAt: time.Unix(r.Forwarded, 0).UTC(), DueAt: time.Unix(r.Due, 0).UTC(), State: r.State(now), Answer: r.Answer, Explanation: r.Explanation,
		AnsweredAt: clock.Moment(r.Answered), AnsweredBy: string(r.By), WithdrawnAt: clock.Moment(r.Withdrawn)}
}

func exampleTime() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func example() *Referral {
	at := exampleTime()
	return &Referral{Case: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Kind: request.Access, Email: "cleo@example.com", Received: at.Unix(), Forwarded: at.Unix(), Due: at.AddDate(0, 0, 28).Unix(),
		Places: []Place{{Client: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Contact: "cnt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}}}
}

// ListIn is the input of list-data-requests.
type ListIn struct {
	api.Page
	State State `query:"state" enum:"open" doc:"Only requests that wait for an answer, the one due first at the top; by index, which follows a change within moments. Without it all, newest first."`
}

// ListOut is the answer of list-data-requests.
type ListOut struct{ Body api.List[DataRequestBody] }

// ListDataRequests lists the requests that were forwarded to an organization.
func ListDataRequests() api.Operation {
	return api.New(api.Route{
		ID: "list-data-requests", Area: "organization", Method: http.MethodGet, Path: "/v1/org/data-requests", PureRead: true, Permission: access.OrganizationWrite, Rights: true,
		Summary: "Requests of clients and their contacts about their data", Purpose: purpose.PrivacyRights,
		Description: "Somebody whose address a client or a client's contact has, or an invoice went to, has asked PixelTrack about their data. The organization decides about it, so the request was forwarded to it. Kept until 90 days after it was due.",
		ExampleOut:  api.List[DataRequestBody]{Data: []DataRequestBody{body(example(), exampleTime())}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor, Descending: true}
		if in.State == Open {
			q = store.Query{Index: store.Index1, Partition: c.Org.Scope().Partition(Family, string(Open)), From: store.Instant(c.Now.Add(time.Second)), Limit: in.Limit, Cursor: in.Cursor}
		}
		page, err := api.ListRows(ctx, c.Org, q, func(r *Referral) DataRequestBody { return body(r, c.Now) })
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// AnswerIn is the input of answer-data-request.
type AnswerIn struct {
	ID   string `path:"id" maxLength:"64" doc:"The request." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Body DataRequestAnswer
}

// DataRequestAnswer is what the organization did.
type DataRequestAnswer struct {
	Answer      Answer `json:"answer" enum:"acted,refused,no_data" doc:"acted: it was done as asked. refused: with a reason. no_data: the organization has nothing of who asks."`
	Explanation string `json:"explanation,omitempty" maxLength:"2000" doc:"To who asks; a refusal needs it."`
}

// AnswerDataRequest answers a forwarded request, once.
func AnswerDataRequest(st *store.Store) api.Operation {
	done := example()
	done.Answer, done.Answered, done.By = Acted, done.Received+3600, "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	return api.Replayable(api.Route{
		ID: "answer-data-request", Area: "organization", Method: http.MethodPost, Path: "/v1/org/data-requests/{id}/answer", Permission: access.OrganizationWrite, Rights: true, Audit: true,
		Summary: "Answer a forwarded request", Purpose: purpose.PrivacyRights,
		Description: "Who asked is told within a day. It does nothing by itself: export, correct or erase the client or contact first. Once an erasure was done, nothing here says any more who asked.",
		ExampleIn:   DataRequestAnswer{Answer: Acted}, ExampleOut: body(done, exampleTime()),
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "data_request_not_found", When: "There is no such request."},
			{Kind: problem.Conflict, Code: "data_request_answered", When: "It was answered before."},
			{Kind: problem.Conflict, Code: "data_request_withdrawn", When: "Who asked has taken it back."},
			{Kind: problem.Conflict, Code: "data_request_over", When: "It was due before, and who asked was told to turn to the organization."}},
	}, func(ctx context.Context, c *api.Caller, in *AnswerIn) (*Out, error) {
		explanation := strings.TrimSpace(in.Body.Explanation)
		if in.Body.Answer == Refused && explanation == "" {
			return nil, problem.InvalidField("body.explanation", "say why it is refused")
		}
		var r *Referral
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if r, err = read(ctx, c, in.ID); err != nil {
				return err
			}
			switch r.State(c.Now) {
			case Answered:
				return problem.Of(problem.Conflict, "data_request_answered", "The request was answered before.")
			case Withdrawn:
				return problem.Of(problem.Conflict, "data_request_withdrawn", "Who asked has taken the request back.")
			case Over:
				return problem.Of(problem.Conflict, "data_request_over", "The request was due before; answer who asks directly.")
			}
			r.Answer, r.Explanation, r.Answered, r.By = in.Body.Answer, explanation, c.Now.Unix(), c.Member
			if r.Kind == request.Erasure && r.Answer == Acted {
				r.Email, r.Description, r.Places = "", "", nil
			}
			tx := st.Begin()
			tx.Replace(c.Org, r)
			return c.Commit(ctx, tx, string(r.Case))
		})
		if err != nil {
			return nil, err
		}
		return &Out{body(r, c.Now)}, nil
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		r, err := read(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return &Out{body(r, c.Now)}, nil
	})
}

// read gives a request that was forwarded to the caller's organization, by an id as it came in.
func read(ctx context.Context, c *api.Caller, text string) (*Referral, error) {
	cid, err := id.Parse[id.Case](text)
	if err != nil {
		return nil, problem.Missing("data_request")
	}
	r, err := store.Get[Referral](ctx, c.Org, Key(c.Org.ID, cid))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("data_request")
	}
	return r, err
}
