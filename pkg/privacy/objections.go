package privacy

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ObjectionBody is a purpose that a person can object to, and whether they do.
type ObjectionBody struct {
	Purpose  string     `json:"purpose" example:"analytics"`
	Title    string     `json:"title"`
	Interest string     `json:"interest,omitempty" doc:"The legitimate interest that the purpose rests on. People weigh an objection to it, and the purpose stops while they do; an objection to any other purpose is final."`
	Objected bool       `json:"objected" doc:"Whether an objection stops the purpose now."`
	At       *time.Time `json:"objected_at,omitempty" doc:"Since when it does."`
	Request  string     `json:"request_id,omitempty" doc:"In the answer to an objection: the request that it was filed as." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func objectionBody(p purpose.Purpose, newest *Consent) ObjectionBody {
	b := ObjectionBody{Purpose: p.ID, Title: p.Title, Interest: p.Interest, Objected: newest != nil && newest.Act == Objected}
	if b.Objected {
		b.At = clock.Moment(newest.At)
	}
	return b
}

func exampleObjection() ObjectionBody {
	p, _ := purpose.Of(purpose.Analytics)
	b := objectionBody(p, &Consent{Act: Objected, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()})
	b.Request = "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	return b
}

// ObjectionsOut is the answer of list-objections.
type ObjectionsOut struct{ Body api.List[ObjectionBody] }

// ListObjections shows what the caller can object to, and to what they do.
func ListObjections() api.Operation {
	listed := exampleObjection()
	listed.Request = ""
	return api.New(api.Route{
		ID: "list-objections", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/objections", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your objections, by what you can object to", Purpose: purpose.PrivacyRights,
		Description: "All purposes of the register that a person may object to (GDPR Art. 21).",
		ExampleOut:  api.List[ObjectionBody]{Data: []ObjectionBody{listed}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ObjectionsOut, error) {
		newest, err := newestActs(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		out := &ObjectionsOut{api.List[ObjectionBody]{Data: []ObjectionBody{}}}
		for _, p := range purpose.All() {
			if p.Objectable {
				out.Body.Data = append(out.Body.Data, objectionBody(p, newest[p.ID]))
			}
		}
		return out, nil
	})
}

// ObjectionIn is the input of create-objection.
type ObjectionIn struct {
	Body struct {
		Purpose     string `json:"purpose" maxLength:"64" doc:"A purpose of list-objections." example:"analytics"`
		Description string `json:"description,omitempty" maxLength:"4000" doc:"Why, where you want it weighed for your own situation."`
	}
}

// ObjectionOut is the answer of create-objection.
type ObjectionOut struct{ Body ObjectionBody }

// CreateObjection objects to a purpose: what create-request does with an objection, said of one purpose.
func CreateObjection(st *store.Store) api.Operation {
	example := ObjectionIn{}.Body
	example.Purpose = purpose.Analytics
	show := func(r *Request, newest *Consent) *ObjectionOut {
		p, _ := purpose.Of(r.PurposeOf)
		b := objectionBody(p, newest)
		b.Request = string(r.ID)
		return &ObjectionOut{b}
	}
	return api.Replayable(api.Route{
		ID: "create-objection", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/objections", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusCreated, Summary: "Object to a purpose", Purpose: purpose.PrivacyRights,
		Description: "It stops the purpose from this call on and is filed as a request, which says until when it is answered. A later consent to the purpose ends it.",
		ExampleIn:   example, ExampleOut: exampleObjection(),
		Refusals: append(fileRefusals(),
			api.Refusal{Kind: problem.Conflict, Code: "objection_stands", When: "The caller objects to the purpose already."}),
	}, func(ctx context.Context, c *api.Caller, in *ObjectionIn) (*ObjectionOut, error) {
		p, ok := purpose.Of(in.Body.Purpose)
		if !ok || !p.Objectable {
			return nil, problem.InvalidField("body.purpose", "not a purpose that a person can object to")
		}
		r, err := file(ctx, st, c, request.Objection, func(r *Request, newest map[string]*Consent) error {
			r.PurposeOf, r.Description = p.ID, in.Body.Description
			if objectionBody(p, newest[p.ID]).Objected {
				return problem.Of(problem.Conflict, "objection_stands", "You object to this already; it does not go on.")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return show(r, &Consent{Act: Objected, At: c.Now.Unix()}), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*ObjectionOut, error) {
		r, err := find(ctx, c, made)
		if err != nil {
			return nil, err
		}
		newest, err := Choice(ctx, c.Self, r.PurposeOf)
		if err != nil {
			return nil, err
		}
		return show(r, newest), nil
	})
}
