package privacy

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyVisitor holds the addresses of visitors that wait for their code.
const FamilyVisitor store.Family = "VISITOR"

const (
	// codeLife is how long a mailed code counts, and codeTries how often one may be tried.
	codeLife  = 10 * time.Minute
	codeTries = 5
	// visitorLife is how long an address is kept to mail its code to.
	visitorLife = time.Hour
	// addressRequests and placeRequests are how many requests one address and one place may make within requestSpan.
	addressRequests = 3
	placeRequests   = 20
	requestSpan     = time.Hour
)

// What is derived from the link secret for a visitor's request. No row holds either.
const (
	visitorCode  = "visitor_code"
	visitorToken = "visitor_request"
)

// VisitorCode is the code that is mailed to a visitor: eight digits.
func VisitorCode(l keys.Links, c id.Case) string {
	sum, err := base64.RawURLEncoding.DecodeString(l.Token(visitorCode, string(c)))
	if err != nil {
		panic(fmt.Sprintf("privacy: a token that is no token: %v", err))
	}
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(sum)%100_000_000)
}

// Visitor is where somebody is reached who has no account and makes a request, until they have typed the code that was
// mailed there. It lies beside the request under the hash of its token.
type Visitor struct {
	store.Meta
	Email    string `dynamo:"email,omitempty"`
	MailHash string `dynamo:"mail_hash,omitempty"`
	Asked    int64  `dynamo:"asked"`              // epoch seconds
	Tries    int    `dynamo:"tries"`              // of the code
	Passed   int64  `dynamo:"verified,omitempty"` // epoch seconds; the address is gone from then on
	scope    store.Scope
}

// Type is the row's type.
func (v *Visitor) Type() string { return "VISITOR" }

// Keys puts a visitor into the scope of their request.
func (v *Visitor) Keys() store.Keys {
	if v.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: v.PK, SK: v.SK}}
	}
	return store.Keys{Primary: VisitorKey(v.scope)}
}

// VisitorKey is where the visitor of a request lies.
func VisitorKey(s store.Scope) store.Key { return s.Key(FamilyVisitor) }

// visitorCase is the handle of a visitor's request by its id, which the link secret makes the token of.
func visitorCase(st *store.Store, l keys.Links, c id.Case, by string) *store.Case {
	return st.BindCase(keys.HashToken(l.Token(visitorToken, string(c))), store.Actor{Who: string(c), Request: by})
}

// VisitorRequestIn is the input of create-visitor-request.
type VisitorRequestIn struct {
	Body struct {
		Email       string `json:"email" maxLength:"254" doc:"Where the code is mailed to." example:"ada@example.com"`
		Type        string `json:"type" enum:"access,portability,know_categories,know_specific,rectification,erasure,restriction,objection" doc:"What you ask for. To opt out takes no request: POST /v1/privacy/opt-out."`
		Description string `json:"description,omitempty" maxLength:"4000" doc:"What you want, in your own words."`
		Country     string `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"Where you live: ISO 3166-1 alpha-2. Without it every law counts, and the earliest date." example:"DE"`
		Region      string `json:"region,omitempty" pattern:"^[A-Z0-9]{1,3}$" doc:"The part of the country: ISO 3166-2 without the country."`
	}
}

// VisitorRequestBody is a visitor's request.
type VisitorRequestBody struct {
	RequestBody
	Token string `json:"token,omitempty" doc:"Opens the request from now on: GET /v1/privacy/visitor-requests/{token}. Keep it; it is shown once." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// VisitorRequestOut is the answer of the routes about a visitor's request.
type VisitorRequestOut struct{ Body VisitorRequestBody }

func visitorRequest(r *Request, token string) *VisitorRequestOut {
	b := VisitorRequestBody{RequestBody: requestBody(r), Token: token}
	if b.Needs != "" {
		b.Needs = "code"
	}
	return &VisitorRequestOut{b}
}

func exampleVisitorRequest(change func(*VisitorRequestBody)) VisitorRequestBody {
	b := VisitorRequestBody{RequestBody: exampleRequest()}
	b.State, b.Needs = string(request.IdentityPending), "code"
	if change != nil {
		change(&b)
	}
	return b
}

// CreateVisitorRequest files the request of somebody who has no account. Nothing is said of any address: the code that is
// mailed comes first.
func CreateVisitorRequest(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	example := VisitorRequestIn{}.Body
	example.Email, example.Type, example.Description = "ada@example.com", "access", "I visited your site and want to know what you hold on me."
	return api.New(api.Route{
		ID: "create-visitor-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/visitor-requests", Audience: api.Public, Status: http.StatusCreated,
		Summary: "Make a request about your personal data without an account", Purpose: purpose.PrivacyRights,
		Description: "A code of eight digits is mailed to the address; POST it to /v1/privacy/visitor-requests/verify within ten minutes. The answer is owed by due_at, and derivation says how that date was found.",
		ExampleIn:   example, ExampleOut: exampleVisitorRequest(nil),
		Refusals: []api.Refusal{{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than three requests of one address, or 20 from one place, within an hour."}},
	}, func(ctx context.Context, c *api.Caller, in *VisitorRequestIn) (*VisitorRequestOut, error) {
		b := in.Body
		if account.Normal(b.Email) == "" {
			return nil, problem.InvalidField("body.email", "not an e-mail address")
		}
		if request.Kind(b.Type) == request.Rectification && b.Description == "" {
			return nil, problem.InvalidField("body.description", "say what is wrong and what is right")
		}
		hash := account.HashOf(pseudonyms, b.Email)
		few := func(whose, place string, most int) error {
			return guard.New(st, pseudonyms, store.Actor{Who: "create-visitor-request", Request: c.Request}, "visitor-request", whose, place).Within(most, requestSpan).Attempt(ctx)
		}
		if err := few("", c.Source, placeRequests); err != nil {
			return nil, err
		}
		if err := few(hash, "", addressRequests); err != nil {
			return nil, err
		}
		cid := api.NewID[id.Case](c)
		h := visitorCase(st, links, cid, c.Request)
		r := newRequest(st, h, c.Now, request.Kind(b.Type), clocks.Residence{Country: b.Country, Region: b.Region})
		r.ID, r.Description = cid, b.Description
		if err := r.happen(request.Event{Type: request.IdentityDoubted, At: c.Now}); err != nil {
			return nil, err
		}
		v := &Visitor{Email: b.Email, MailHash: hash, Asked: c.Now.Unix(), scope: h.Scope()}
		v.Expire(c.Now.Add(visitorLife))
		tx := st.Begin()
		tx.Create(h, v)
		enter(tx, h, r, MailVisitorCode)
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
		return visitorRequest(r, ""), nil
	})
}

// VisitorCodeIn is the input of verify-visitor-request.
type VisitorCodeIn struct{ Body VisitorCodeBody }

// VisitorCodeBody is a request with the code that was mailed for it.
type VisitorCodeBody struct {
	ID   string `json:"id" maxLength:"64" doc:"The request." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Code string `json:"code" pattern:"^[0-9]{8}$" doc:"From the mail." example:"40172635"`
}

func codeInvalid() error {
	return problem.Of(problem.Unauthenticated, "code_invalid", "The code is not the one that was mailed, or its ten minutes or five tries are over; make the request again.")
}

const (
	answerNothing = "We hold nothing on you as a visitor but this request: your address is deleted with this answer, and what our cookies say stays in your browser. " +
		"An organization that works with PixelTrack may hold records of its own about you, as of a client; it decides about them, and you ask it."
	answerAccount = "There is an account with this address. Log in, or set a new password, and make the request there: it reaches everything that we hold, and we know that it is you."
)

// VerifyVisitorRequest takes the mailed code, which shows who asks with the least there is, and answers: of somebody without
// an account nothing is held. A repeat within the code's life answers the same.
func VerifyVisitorRequest(st *store.Store, links keys.Links) api.Operation {
	return api.New(api.Route{
		ID: "verify-visitor-request", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/visitor-requests/verify", Audience: api.Public,
		Summary: "Confirm a visitor's request by the mailed code", Purpose: purpose.PrivacyRights,
		ExampleIn: VisitorCodeBody{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Code: "40172635"},
		ExampleOut: exampleVisitorRequest(func(b *VisitorRequestBody) {
			b.State, b.Needs, b.Explanation, b.Token = string(request.Fulfilled), "", answerNothing, "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"
		}),
		Refusals: []api.Refusal{{Kind: problem.Unauthenticated, Code: "code_invalid", When: "It is not the code that was mailed for this request, or its ten minutes or five tries are over."}},
	}, func(ctx context.Context, c *api.Caller, in *VisitorCodeIn) (*VisitorRequestOut, error) {
		cid, err := id.Parse[id.Case](in.Body.ID)
		if err != nil {
			return nil, codeInvalid()
		}
		h := visitorCase(st, links, cid, c.Request)
		for range meetings {
			v, r, err := tried(ctx, st, h, cid)
			if err != nil {
				return nil, err
			}
			if subtle.ConstantTimeCompare([]byte(in.Body.Code), []byte(VisitorCode(links, cid))) != 1 {
				return nil, codeInvalid()
			}
			if v.Passed == 0 {
				err = answerVisitor(ctx, st, h, v, r)
			}
			if !errors.Is(err, store.ErrStale) {
				return visitorRequest(r, links.Token(visitorToken, string(cid))), err
			}
		}
		return nil, store.ErrConflict
	})
}

// tried reads a visitor and their request, and counts the try of the code before it is made.
func tried(ctx context.Context, st *store.Store, h *store.Case, cid id.Case) (*Visitor, *Request, error) {
	for range meetings {
		v, r := new(Visitor), new(Request)
		visitors := &store.Fetch{Through: h, Key: VisitorKey(h.Scope()), Row: v}
		requests := &store.Fetch{Through: h, Key: requestKey(h.Scope(), cid), Row: r}
		if err := st.FetchAll(ctx, visitors, requests); err != nil {
			return nil, nil, err
		}
		if errors.Join(visitors.Err, requests.Err) != nil || h.Now().Sub(at(v.Asked)) > codeLife || v.Tries >= codeTries {
			return nil, nil, codeInvalid()
		}
		v.Tries++
		tx := st.Begin()
		tx.Replace(h, v)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return v, r, err
		}
	}
	return nil, nil, store.ErrConflict
}

// answerVisitor answers a request whose visitor has shown who they are, and deletes their address.
func answerVisitor(ctx context.Context, st *store.Store, h *store.Case, v *Visitor, r *Request) error {
	now, was := h.Now(), r.Next
	_, err := store.Get[account.Address](ctx, st.BindPlatform(h.Actor()), store.MailLookup(v.MailHash))
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return err
	}
	if err := r.happen(request.Event{Type: request.IdentityPassed, At: now}); err != nil {
		return err
	}
	r.Explanation = answerNothing
	switch {
	case known:
		r.Explanation = answerAccount
		err = r.happen(request.Event{Type: request.Refused, At: now, Reason: groundAccount})
	case r.Kind.Discloses() || r.Kind.Immediate(): // what there is to tell is told, and nothing goes on that could be stopped
		err = r.done(now)
	default:
		err = r.happen(request.Event{Type: request.Refused, At: now, Reason: groundNotHeld})
	}
	if err != nil {
		return err
	}
	v.Email, v.MailHash, v.Passed = "", "", now.Unix()
	tx := st.Begin()
	tx.Replace(h, v)
	r.save(tx, h, was)
	return tx.Commit(ctx)
}

// VisitorTokenIn names a visitor's request by its token.
type VisitorTokenIn struct {
	Token string `path:"token" minLength:"1" maxLength:"200" doc:"From verify-visitor-request." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// GetVisitorRequest shows a visitor's request to whoever has its token.
func GetVisitorRequest(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-visitor-request", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/visitor-requests/{token}", Audience: api.Public, PureRead: true,
		Summary: "A visitor's request, with its date and its answer", Purpose: purpose.PrivacyRights,
		ExampleOut: exampleVisitorRequest(func(b *VisitorRequestBody) {
			b.State, b.Needs, b.Explanation = string(request.Fulfilled), "", answerNothing
		}),
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "request_not_found", When: "There is no such request, or it was closed three years ago."}},
	}, func(ctx context.Context, c *api.Caller, in *VisitorTokenIn) (*VisitorRequestOut, error) {
		h := st.BindCase(keys.HashToken(in.Token), c.Actor())
		all, _, err := store.List[Request](ctx, h, store.Query{Partition: h.Scope().Partition(FamilyRequest), Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, problem.Missing("request")
		}
		return visitorRequest(all[0], ""), nil
	})
}
