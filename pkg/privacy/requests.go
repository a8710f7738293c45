package privacy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// RequestBody is one data subject request as its subject sees it.
type RequestBody struct {
	ID           string          `json:"id" example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Type         string          `json:"type"`
	State        string          `json:"state" enum:"received,identity_pending,verified,forwarded,in_review,executing,awaiting_provider,fulfilled,partially_fulfilled,denied,withdrawn"`
	Role         string          `json:"role" enum:"controller,processor" doc:"Whether PixelTrack decides about the data, or organizations do that it keeps it for; such a request is forwarded to them."`
	Description  string          `json:"description,omitempty"`
	Purpose      string          `json:"purpose,omitempty"`
	ReceivedAt   time.Time       `json:"received_at"`
	DueAt        time.Time       `json:"due_at" doc:"When the answer is owed at the latest."`
	Derivation   []RequestStep   `json:"derivation" doc:"How due_at was found: the earliest of these."`
	Acknowledge  []RequestStep   `json:"acknowledge_by,omitempty"`
	Extended     bool            `json:"extended"`
	Acknowledged *time.Time      `json:"acknowledged_at,omitempty" doc:"When the receipt was mailed."`
	Items        []RequestItem   `json:"items"`
	Denial       string          `json:"denial,omitempty" doc:"Why it was denied."`
	Explanation  string          `json:"explanation,omitempty" doc:"What else there is to say of the decision."`
	ExtendedFor  string          `json:"extended_for,omitempty" enum:"complexity,number_of_requests" doc:"Why it takes longer."`
	ExtendedWhy  string          `json:"extension_explanation,omitempty" doc:"What else there is to say of that."`
	Recourse     string          `json:"recourse,omitempty" doc:"Where to go if you are not content."`
	Needs        string          `json:"needs,omitempty" enum:"login" doc:"What you must do for it to go on: log in again, then verify the request."`
	Withdrawable bool            `json:"withdrawable"`
	ClosedAt     *time.Time      `json:"closed_at,omitempty"`
	Package      *RequestPackage `json:"package,omitempty" doc:"What was made for you, while it is there."`
	History      []RequestEvent  `json:"history"`

	Agent       *AgentBody          `json:"agent,omitempty" doc:"Who made the request for you, if somebody did."`
	Controllers []RequestController `json:"controllers,omitempty" doc:"Of a forwarded request: the organizations that decide."`
	Linked      string              `json:"linked,omitempty" doc:"The request that this one was also forwarded as, or that it came from." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
}

// RequestController is an organization that a request was forwarded to, because it has the person among its clients or their contacts.
type RequestController struct {
	Organization string     `json:"organization_id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name         string     `json:"name,omitempty" example:"Ada's studio"`
	ForwardedAt  *time.Time `json:"forwarded_at,omitempty"`
	Answer       string     `json:"answer,omitempty" enum:"acted,refused,no_data,closed" doc:"What it says to have done; absent when it has not answered."`
	Explanation  string     `json:"explanation,omitempty" doc:"In its words."`
	AnsweredAt   *time.Time `json:"answered_at,omitempty"`
}

// RequestStep is one law's date.
type RequestStep struct {
	Regime string    `json:"regime" enum:"policy,gdpr,ccpa,pipeda"`
	Rule   string    `json:"rule"`
	Due    time.Time `json:"due_at"`
	Note   string    `json:"note"`
}

// RequestItem is one thing that a request is about.
type RequestItem struct {
	Name     string     `json:"name"`
	Decision string     `json:"decision" enum:"act,retain,refuse"`
	Ground   string     `json:"ground,omitempty" doc:"Why it is kept or refused."`
	Until    *time.Time `json:"until,omitempty" doc:"When what is kept goes."`
	Progress string     `json:"progress" enum:"pending,failed,waiting,done"`
	Count    int        `json:"count,omitempty"`
}

// RequestPackage tells of a package.
type RequestPackage struct {
	Until  time.Time `json:"until"`
	Size   int64     `json:"size"`
	SHA256 string    `json:"sha256"`
}

// RequestEvent is one thing that happened.
type RequestEvent struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	Item  string    `json:"item,omitempty"`
}

const recourse = "Write to dpo@pixeltrack.io, or complain to the data protection authority where you live or work; in California to the " +
	"California Privacy Protection Agency, in Canada to the Privacy Commissioner. You may also go to court."

func show(r *Request) *RequestOut {
	return &RequestOut{Tagged: api.Tag(r.Version), Body: requestBody(r)}
}

func requestBody(r *Request) RequestBody {
	b := RequestBody{ID: string(r.ID), Type: string(r.Kind), State: string(r.State), Role: "controller", Description: r.Description, Linked: string(r.Linked), Agent: r.agent(),
		Purpose: r.PurposeOf, ReceivedAt: clock.At(r.Received), DueAt: clock.At(r.Due), Derivation: requestSteps(r.Steps), Acknowledge: requestSteps(r.Acknowledge),
		Extended: r.Extended, Acknowledged: clock.Moment(r.Acknowledged), Items: []RequestItem{}, Denial: r.Denial, Explanation: r.Explanation, ExtendedFor: r.ExtendedFor, ExtendedWhy: r.ExtendedWhy, ClosedAt: clock.Moment(r.Closed),
		Withdrawable: request.May(r.State, request.SubjectWithdrew) && r.Kind != request.Restriction, History: []RequestEvent{}}
	for _, i := range r.Items {
		b.Items = append(b.Items, RequestItem{Name: i.Name, Decision: string(i.Decision), Ground: i.Ground, Until: clock.Moment(clock.Epoch(i.Until)),
			Progress: string(i.Progress), Count: i.Count})
	}
	for _, h := range r.History {
		b.History = append(b.History, RequestEvent{At: clock.At(h.At), Event: h.Event, Item: h.Item})
	}
	if r.Processor {
		b.Role = "processor"
	}
	for _, c := range r.Controllers {
		b.Controllers = append(b.Controllers, RequestController{Organization: string(c.Org), Name: c.Name, ForwardedAt: clock.Moment(c.Told), Answer: string(c.Answer),
			Explanation: c.Explanation, AnsweredAt: clock.Moment(c.Answered)})
	}
	if r.State == request.Denied || r.State == request.PartiallyFulfilled {
		b.Recourse = recourse
	}
	if r.State == request.IdentityPending {
		b.Needs = "login"
	}
	if r.PackageUntil != 0 {
		b.Package = &RequestPackage{Until: clock.At(r.PackageUntil), Size: r.PackageSize, SHA256: r.PackageSHA256}
	}
	return b
}

func requestSteps(steps []DueStep) []RequestStep {
	all := []RequestStep{}
	for _, s := range steps {
		all = append(all, RequestStep{Regime: string(s.Regime), Rule: s.Rule, Due: clock.At(s.Due), Note: s.Note})
	}
	return all
}

func exampleRequest() RequestBody {
	received := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	d := clocks.Derive(clocks.Intake{Kind: request.Access, Received: received, Regimes: []clocks.Regime{clocks.GDPR}})
	r := &Request{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Kind: request.Access, State: request.Verified, Description: "Everything you hold on me, please.",
		Received: received.Unix(), Due: d.Due.Unix(), Steps: stepsOf(d.Steps)}
	r.note(received, "submitted", "")
	return requestBody(r)
}

// RequestID names a request.
type RequestID struct {
	ID string `path:"id" maxLength:"64" doc:"The request." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func find(ctx context.Context, c *api.Caller, text string) (*Request, error) {
	return api.Find[Request](ctx, c.Self, "request", text, func(cid id.Case) store.Key { return requestKey(c.Self.Scope(), cid) })
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "request_not_found", When: "There is no such request of yours."}
}

// RequestsIn is the input of list-requests.
type RequestsIn struct{ api.Page }

// RequestsOut is the answer of list-requests.
type RequestsOut struct{ Body api.List[RequestBody] }

// ListRequests lists the caller's requests, newest first.
func ListRequests() api.Operation {
	return api.New(api.Route{
		ID: "list-requests", Area: "privacy", Method: http.MethodGet, Path: "/v1/dsr", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your requests about personal data", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[RequestBody]{Data: []RequestBody{exampleRequest()}},
	}, func(ctx context.Context, c *api.Caller, in *RequestsIn) (*RequestsOut, error) {
		rows, next, err := store.List[Request](ctx, c.Self, store.Query{Partition: c.Self.Scope().Partition(FamilyRequest),
			Descending: true, Limit: in.Limit, Cursor: in.Cursor})
		if err != nil {
			return nil, api.ListError(err)
		}
		out := &RequestsOut{Body: api.List[RequestBody]{Data: []RequestBody{}, NextCursor: next}}
		for _, r := range rows {
			out.Body.Data = append(out.Body.Data, requestBody(r))
		}
		return out, nil
	})
}

// GetRequest shows one request.
func GetRequest() api.Operation {
	return api.New(api.Route{
		ID: "get-request", Area: "privacy", Method: http.MethodGet, Path: "/v1/dsr/{id}", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "One of your requests, with its date and how it was found", Purpose: purpose.PrivacyRights, ExampleOut: exampleRequest(),
		Refusals: []api.Refusal{missing()},
	}, func(ctx context.Context, c *api.Caller, in *RequestID) (*RequestOut, error) {
		r, err := find(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return show(r), nil
	})
}

// VerifyIn is the input of verify-request.
type VerifyIn struct {
	RequestID
	Share string `query:"share_with_agent" enum:"true,false" doc:"Of a request that an agent made for you: whether they are told that you confirmed it, and how it ends. They get no data either way."`
}

// VerifyRequest settles who asks, once the subject has logged in again.
func VerifyRequest(st *store.Store) api.Operation {
	return changing(st, api.Route{
		ID: "verify-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr/{id}/verify", Audience: api.Users, Rights: true, Audit: true,
		Summary: "Confirm a request after logging in again", Purpose: purpose.PrivacyRights, ExampleOut: exampleRequest(),
		Refusals: []api.Refusal{missing(),
			{Kind: problem.Forbidden, Code: "fresh_login_required", When: "The session is older than 12 hours; log in again."},
			{Kind: problem.Conflict, Code: "request_not_pending", When: "The request does not wait for this."}},
	}, func(in *VerifyIn) string { return in.ID }, func(c *api.Caller, in *VerifyIn, tx *store.Tx, r *Request) error {
		if !fresh(c.Session, c.Now) {
			return problem.Of(problem.Forbidden, "fresh_login_required", "Log in again, then confirm the request.")
		}
		if r.happen(request.Event{Type: request.IdentityPassed, At: c.Now}) != nil {
			return problem.Of(problem.Conflict, "request_not_pending", "The request does not wait for a proof of who asks.")
		}
		r.Next = c.Now.Unix()
		if in.Share != "" {
			may := in.Share == "true"
			r.share(tx, c.Self, &may)
		}
		return nil
	})
}

// WithdrawRequest takes a request back, until work on it has begun.
func WithdrawRequest(st *store.Store) api.Operation {
	example := exampleRequest()
	example.State, example.Withdrawable = string(request.Withdrawn), false
	return change(st, api.Route{
		ID: "withdraw-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/dsr/{id}/withdraw", Audience: api.Users, Rights: true, Audit: true,
		Summary: "Take a request back", Purpose: purpose.PrivacyRights, ExampleOut: example,
		Description: "One that was forwarded is taken back at the organizations within moments: they are told, and can answer it no more. What one of them has answered first stays, and is shown. The request that it came from goes on; take that back by itself.",
		Refusals:    []api.Refusal{missing(), {Kind: problem.Conflict, Code: "request_not_withdrawable", When: "Work on it has begun, it is closed, or it is a restriction: that took effect with the call, and is lifted by a request of its own."}},
	}, func(c *api.Caller, r *Request) error {
		if r.happen(request.Event{Type: request.SubjectWithdrew, At: c.Now}) != nil {
			return problem.Of(problem.Conflict, "request_not_withdrawable", "Work on this request has begun, it has taken effect, or it is closed.")
		}
		if r.Processor {
			r.Next = c.Now.Unix() // the organizations are to learn of it
		}
		return nil
	})
}

// meetings bounds how often a call meets the worker at one request.
const meetings = 20

// change is a route that lets something happen to a request. A call that meets the worker tries again.
func change(st *store.Store, route api.Route, what func(*api.Caller, *Request) error) api.Operation {
	return changing(st, route, func(in *RequestID) string { return in.ID }, func(c *api.Caller, _ *RequestID, _ *store.Tx, r *Request) error { return what(c, r) })
}

// changing is change for what also depends on the input, or adds to the transaction that writes the request.
func changing[I any](st *store.Store, route api.Route, name func(*I) string, what func(*api.Caller, *I, *store.Tx, *Request) error) api.Operation {
	return api.Replayable(route, func(ctx context.Context, c *api.Caller, in *I) (*RequestOut, error) {
		for range meetings {
			r, err := find(ctx, c, name(in))
			if err != nil {
				return nil, err
			}
			was := r.Next
			tx := st.Begin()
			if err := what(c, in, tx, r); err != nil {
				return nil, err
			}
			r.save(tx, c.Self, was)
			err = c.Commit(ctx, tx, string(r.ID))
			if err == nil {
				return show(r), nil
			}
			if !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, made string) (*RequestOut, error) {
		r, err := find(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return show(r), nil
	})
}

// LinkLife is how long a link to a package works.
const LinkLife = 5 * time.Minute

// DownloadBody is a link to a package.
type DownloadBody struct {
	URL       string    `json:"url" format:"uri" doc:"Fetch it with GET and without the access token."`
	ExpiresAt time.Time `json:"expires_at" doc:"When the link stops working; ask for another then."`
	Until     time.Time `json:"until" doc:"When the package itself goes."`
	Size      int64     `json:"size" doc:"Bytes."`
	SHA256    string    `json:"sha256" doc:"Of the zip, in hexadecimal."`
}

// DownloadOut is the answer of download-request.
type DownloadOut struct{ Body DownloadBody }

// Linker gives links to objects.
type Linker interface {
	Link(ctx context.Context, key, fileName string, life time.Duration) (string, error)
}

// DownloadRequest gives a link of minutes to the package of a request. The session is checked with each call, and each
// link is on record.
func DownloadRequest(st *store.Store, packages Linker) api.Operation {
	return api.New(api.Route{
		ID: "download-request", Area: "privacy", Method: http.MethodGet, Path: "/v1/dsr/{id}/download", Audience: api.Users, Rights: true, Audit: true,
		Summary: "A link to the package of a request", Purpose: purpose.PrivacyRights,
		ExampleOut: DownloadBody{URL: "https://exports.s3.amazonaws.com/…", ExpiresAt: time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC),
			Until: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), Size: 20480, SHA256: exampleConsent().TextSHA256},
		Refusals: []api.Refusal{missing(),
			{Kind: problem.NotFound, Code: "package_not_found", When: "There is no package, or it is not ready yet."},
			{Kind: problem.Gone, Code: "package_expired", When: "The package was deleted after 7 days; make a new request."}},
	}, func(ctx context.Context, c *api.Caller, in *RequestID) (*DownloadOut, error) {
		r, err := find(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if r.Package == "" || r.PackageUntil == 0 {
			return nil, problem.Missing("package")
		}
		expired := problem.Of(problem.Gone, "package_expired", "The package was deleted after 7 days; make a new request.")
		if r.PackageUntil <= c.Now.Unix() {
			return nil, expired
		}
		p, err := store.Get[Package](ctx, c.Self, PackageKey(c.Self.Scope(), r.Package))
		if errors.Is(err, store.ErrMissing) {
			return nil, expired
		}
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		return fetched(ctx, c.Now, packages, p, string(r.ID), tx, c.Self, func() error { return c.Commit(ctx, tx, string(r.ID)) })
	})
}

// fetched gives a link to a ready package, and writes down that it was given.
func fetched(ctx context.Context, now time.Time, packages Linker, p *Package, name string, tx *store.Tx, h store.Bound, commit func() error) (*DownloadOut, error) {
	life := min(LinkLife, clock.At(p.Until).Sub(now))
	url, err := packages.Link(ctx, p.Object, "pixeltrack-"+name+".zip", life)
	if err != nil {
		return nil, err
	}
	p.Fetched = append(p.Fetched, now.Unix())
	p.Fetched = p.Fetched[max(0, len(p.Fetched)-longestHistory):]
	tx.Replace(h, p)
	if err := commit(); err != nil {
		return nil, err
	}
	return &DownloadOut{DownloadBody{URL: url, ExpiresAt: now.Add(life), Until: clock.At(p.Until), Size: p.Size, SHA256: p.SHA256}}, nil
}
