// Package ownership is what an owner does with an organization as a whole: make one, hand it over by an offer and its
// acceptance, close it and open it again. At every moment an organization has exactly one owner.
package ownership

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the offer of an organization's ownership.
const Family store.Family = "OWNERSHIP"

// Life is how long an offer stands.
const Life = 7 * 24 * time.Hour

// Offer is the one offer of an organization's ownership that stands.
type Offer struct {
	store.Meta
	Org  id.Organization `dynamo:"org"`
	ID   id.Offer        `dynamo:"id"`
	From id.Member       `dynamo:"from"`
	To   id.Member       `dynamo:"to"`
	At   int64           `dynamo:"at"` // epoch seconds
}

// Type is the row's type.
func (o *Offer) Type() string { return "OWNERSHIP" }

// Keys puts the offer where an organization can have only one.
func (o *Offer) Keys() store.Keys { return store.Keys{Primary: key(o.Org)} }

func key(org id.Organization) store.Key { return store.OrganizationScope(org).Key(Family) }

// Routes lists the routes about ownership.
func Routes() []api.Operation {
	return []api.Operation{CreateOffer(nil, keys.Pseudonyms{}), ListOffers(), AcceptOffer(nil, keys.Pseudonyms{}), DeleteOffer(nil),
		CreateOrganization(nil), CloseOrganization(nil, keys.Pseudonyms{}), ReopenOrganization(nil, keys.Pseudonyms{})}
}

// Rows registers the rows about ownership.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Offer{}, Type: "OWNERSHIP", Area: "organization", Subject: registry.SubjectMember, Purpose: purpose.Collaboration,
		Basis: registry.Contract, Class: registry.ClassSecurity, Export: "ownership_offers", Family: string(Family),
		Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
			registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
			registry.Personal("from", "from", "who offers it, by random id", registry.EraseUnlink),
			registry.Personal("to", "to", "who is to have it, by random id", registry.EraseUnlink), registry.Plain("at", "a time"),
		}}}
}

// OfferBody is an offer on the wire.
type OfferBody struct {
	ID        string    `json:"id" example:"ofr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	From      string    `json:"from_member" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	To        string    `json:"to_member" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func show(o *Offer) OfferBody {
	at := time.Unix(o.At, 0).UTC()
	return OfferBody{ID: string(o.ID), From: string(o.From), To: string(o.To), CreatedAt: at, ExpiresAt: at.Add(Life)}
}

func example() OfferBody {
	return show(&Offer{ID: "ofr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", From: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", To: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC",
		At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()})
}

// CreateIn is the input of create-ownership-offer.
type CreateIn struct{ Body CreateBody }

// CreateBody is whom the ownership is offered to.
type CreateBody struct {
	Member   string `json:"member_id" maxLength:"64" doc:"The member who is to be the owner; not a guest." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
	Password string `json:"password" maxLength:"1024" doc:"Your password, again." example:"a phrase that nobody else uses"`
}

// Out is the answer of create-ownership-offer.
type Out struct{ Body OfferBody }

// CreateOffer offers the ownership to a member.
func CreateOffer(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-ownership-offer", Area: "organization", Method: http.MethodPost, Path: "/v1/org/ownership-offers", Status: http.StatusCreated,
		Permission: access.OwnershipOffer, Audit: true, Summary: "Offer the ownership to a member", Purpose: purpose.Collaboration,
		Description: "Nothing changes until the member accepts, within 7 days. One offer stands at a time.",
		Refusals: append(account.ReauthenticateRefusals(),
			api.Refusal{Kind: problem.NotFound, Code: "member_not_found", When: "There is no such member, or it is a placeholder, a guest or the caller."},
			api.Refusal{Kind: problem.Conflict, Code: "offer_open", When: "An offer stands; withdraw it first."}),
		ExampleIn: CreateBody{Member: example().To, Password: "a phrase that nobody else uses"}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		attempts, err := account.Reauthenticate(ctx, st, c, pseudonyms, "create-ownership-offer", in.Body.Password)
		if err != nil {
			return nil, err
		}
		to, err := id.Parse[id.Member](in.Body.Member)
		if err != nil || to == c.Member {
			return nil, problem.Missing("member")
		}
		heir, err := store.Get[access.Access](ctx, c.Org, access.AccessKey(c.Org.ID, to))
		if errors.Is(err, store.ErrMissing) || err == nil && (!heir.Live() || !heir.Rights().May(access.OrganizationRead)) {
			return nil, problem.Missing("member")
		}
		if err != nil {
			return nil, err
		}
		o := &Offer{Org: c.Org.ID, ID: api.NewID[id.Offer](c), From: c.Member, To: to, At: c.Now.Unix()}
		o.Expire(c.Now.Add(Life))
		tx := st.Begin()
		tx.Create(c.Org, o).Else(problem.Of(problem.Conflict, "offer_open", "An offer stands; withdraw it first."))
		outbox.Queue(tx, st.BindUser(heir.User, c.Org.Actor()), MailOffered, store.Join(MailOffered, string(o.ID)), map[string]string{"org": string(o.Org), "offer": string(o.ID)})
		attempts.Forget(tx)
		if err := c.Commit(ctx, tx, string(o.ID)); err != nil {
			return nil, err
		}
		return &Out{show(o)}, nil
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		o, err := read(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return &Out{show(o)}, nil
	})
}

// read reads the offer that stands, if it is this one and the caller's to see: who offers and who is offered.
func read(ctx context.Context, c *api.Caller, name string) (*Offer, error) {
	o, err := store.Get[Offer](ctx, c.Org, key(c.Org.ID))
	if errors.Is(err, store.ErrMissing) || err == nil && (string(o.ID) != name || c.Member != o.From && c.Member != o.To) {
		return nil, problem.Missing("offer")
	}
	return o, err
}

// ListOut is the answer of list-ownership-offers.
type ListOut struct{ Body api.List[OfferBody] }

// ListOffers shows the offer that stands to those it concerns.
func ListOffers() api.Operation {
	return api.New(api.Route{
		ID: "list-ownership-offers", Area: "organization", Method: http.MethodGet, Path: "/v1/org/ownership-offers", PureRead: true,
		Permission: access.OrganizationRead, Summary: "The offer of the ownership that stands", Purpose: purpose.Collaboration,
		Description: "Shown to the owner and to the member it is made to; to others the list is empty.",
		ExampleOut:  api.List[OfferBody]{Data: []OfferBody{example()}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ListOut, error) {
		out := &ListOut{api.List[OfferBody]{Data: []OfferBody{}}}
		o, err := store.Get[Offer](ctx, c.Org, key(c.Org.ID))
		if errors.Is(err, store.ErrMissing) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if c.Member == o.From || c.Member == o.To {
			out.Body.Data = append(out.Body.Data, show(o))
		}
		return out, nil
	})
}

// ByID names an offer.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The offer." example:"ofr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// AcceptIn is the input of accept-ownership-offer.
type AcceptIn struct {
	ByID
	Body AcceptBody
}

// AcceptBody proves who accepts.
type AcceptBody struct {
	Password string `json:"password" maxLength:"1024" doc:"Your password, again." example:"a phrase that nobody else uses"`
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "offer_not_found", When: "There is no such offer, it was withdrawn or is older than 7 days, or it does not concern the caller."}
}

// AcceptOffer makes the caller the owner and the owner an admin, at once.
func AcceptOffer(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "accept-ownership-offer", Area: "organization", Method: http.MethodPost, Path: "/v1/org/ownership-offers/{id}/accept", Status: http.StatusNoContent,
		Permission: access.OrganizationRead, Audit: true, Summary: "Accept the ownership", Purpose: purpose.Collaboration,
		Description: "You are the owner from then on, and who was is an admin. Both act at the very next call.",
		Refusals:    append(account.ReauthenticateRefusals(), missing()),
		ExampleIn:   AcceptBody{Password: "a phrase that nobody else uses"},
	}, func(ctx context.Context, c *api.Caller, in *AcceptIn) (*struct{}, error) {
		attempts, err := account.Reauthenticate(ctx, st, c, pseudonyms, "accept-ownership-offer", in.Body.Password)
		if err != nil {
			return nil, err
		}
		return nil, store.Again(ctx, store.ErrStale, func() error {
			o, err := read(ctx, c, in.ID)
			if err != nil {
				return err
			}
			from, to, err := both(ctx, c, o)
			if err != nil {
				return err
			}
			if c.Member != o.To || from.Role != access.Owner || !from.Live() || !to.Live() {
				return problem.Missing("offer")
			}
			tx := st.Begin()
			from.Role, to.Role, to.Grants = access.Admin, access.Owner, nil
			from.GrantVersion++
			to.GrantVersion++
			tx.Replace(c.Org, from)
			tx.Replace(c.Org, to)
			tx.Delete(c.Org, o)
			outbox.Queue(tx, st.BindUser(from.User, c.Org.Actor()), MailAccepted, store.Join(MailAccepted, string(o.ID)), map[string]string{"org": string(o.Org)})
			attempts.Forget(tx)
			return c.Commit(ctx, tx, string(o.ID))
		})
	}, func(context.Context, *api.Caller, string) (*struct{}, error) { return nil, nil })
}

// both reads the members of an offer.
func both(ctx context.Context, c *api.Caller, o *Offer) (from, to *access.Access, err error) {
	from, to = new(access.Access), new(access.Access)
	fetches := []*store.Fetch{{Through: c.Org, Key: access.AccessKey(o.Org, o.From), Row: from}, {Through: c.Org, Key: access.AccessKey(o.Org, o.To), Row: to}}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, nil, err
	}
	for _, f := range fetches {
		if f.Err != nil && !errors.Is(f.Err, store.ErrMissing) {
			return nil, nil, f.Err
		}
	}
	return from, to, nil
}

// DeleteOffer withdraws an offer, or declines it.
func DeleteOffer(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-ownership-offer", Area: "organization", Method: http.MethodDelete, Path: "/v1/org/ownership-offers/{id}", Status: http.StatusNoContent,
		Permission: access.OrganizationRead, Audit: true, Summary: "Withdraw or decline an offer of the ownership", Purpose: purpose.Collaboration,
		Description: "By who made it, or by the member it was made to.", Refusals: []api.Refusal{missing()},
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*struct{}, error) {
		o, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Delete(c.Org, o).Else(problem.Missing("offer"))
		return nil, c.Commit(ctx, tx, string(o.ID))
	})
}
