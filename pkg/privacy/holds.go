package privacy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// HeldBody names what is held.
type HeldBody struct {
	Kind         string          `json:"kind" enum:"account,organization,client,project,invoice,file"`
	ID           string          `json:"id,omitempty" maxLength:"64" doc:"Its id. Of an account it is forgotten when the hold is lifted." example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Organization id.Organization `json:"organization_id,omitempty" maxLength:"64" doc:"Whose it is, of what lies in an organization." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// HoldBody is a legal hold on the wire.
type HoldBody struct {
	ID         id.Hold    `json:"id" example:"hld_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Matter     string     `json:"matter" doc:"The file number of the legal matter." example:"2026-0042"`
	Object     HeldBody   `json:"object"`
	State      string     `json:"state" enum:"active,lifted"`
	PlacedAt   time.Time  `json:"placed_at"`
	PlacedBy   id.Staff   `json:"placed_by"`
	ReviewBy   time.Time  `json:"review_by" doc:"When somebody must have said that it is still needed: every 90 days."`
	Overdue    bool       `json:"review_overdue"`
	ReviewedAt *time.Time `json:"reviewed_at,omitempty"`
	ReviewedBy id.Staff   `json:"reviewed_by,omitempty"`
	LiftedAt   *time.Time `json:"lifted_at,omitempty"`
	LiftedBy   id.Staff   `json:"lifted_by,omitempty"`
}

// HoldOut is the answer of the routes about one hold.
type HoldOut struct {
	api.Tagged
	Body HoldBody
}

func showHold(h *Hold, now time.Time) *HoldOut {
	return &HoldOut{Tagged: api.Tag(h.Version), Body: holdBody(h, now)}
}

func holdBody(h *Hold, now time.Time) HoldBody {
	return HoldBody{ID: h.ID, Matter: h.Matter, Object: HeldBody{h.Kind, h.Object, h.Organization}, State: h.State, PlacedAt: clock.At(h.Placed), PlacedBy: h.PlacedBy,
		ReviewBy: clock.At(h.Review), Overdue: h.State == holdActive && h.Review < now.Unix(), ReviewedAt: clock.Moment(h.Reviewed), ReviewedBy: h.ReviewedBy,
		LiftedAt: clock.Moment(h.Lifted), LiftedBy: h.LiftedBy}
}

func exampleHold() HoldBody {
	placed := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return HoldBody{ID: "hld_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Matter: "2026-0042", State: holdActive, PlacedAt: placed, PlacedBy: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Object:   HeldBody{heldInvoice, "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"},
		ReviewBy: placed.Add(HoldReview)}
}

// PlaceHoldIn is the input of place-hold.
type PlaceHoldIn struct {
	Body struct {
		Matter string   `json:"matter" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9 ._/-]*$" doc:"The file number of the legal matter; no name." example:"2026-0042"`
		Object HeldBody `json:"object"`
	}
}

func exampleHoldIn() any {
	in := PlaceHoldIn{}.Body
	in.Matter, in.Object = "2026-0042", exampleHold().Object
	return in
}

// PlaceHold places a legal hold.
func PlaceHold(st *store.Store, book HoldBook) api.Operation {
	return api.Replayable(api.Route{
		ID: "place-hold", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/holds", Audience: api.Staff, Audit: true, Permission: access.HoldsWrite,
		Fresh: access.StaffFresh, Status: http.StatusCreated, Summary: "Place a legal hold on one thing", Purpose: purpose.LegalCompliance,
		Description: "From then on nobody deletes it: no person, no request, no retention. Its clocks stand still until the last hold on it is lifted. " +
			"Each matter places a hold of its own. Nothing of what is held is shown.",
		ExampleIn: exampleHoldIn(), ExampleOut: exampleHold(),
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "object_not_found", When: "There is no such thing, or it has gone already."}},
	}, func(ctx context.Context, c *api.Caller, in *PlaceHoldIn) (*HoldOut, error) {
		o := in.Body.Object
		t, err := thingOf(st, c.Acting(), o.Kind, o.ID, o.Organization, false)
		if err != nil {
			return nil, problem.Missing("object")
		}
		held := api.NewID[id.Hold](c)
		for range meetings {
			h := &Hold{ID: held, Matter: in.Body.Matter, Kind: t.kind, Object: t.object, Organization: t.org, State: holdActive,
				Placed: c.Now.Unix(), PlacedBy: c.Staff.ID, Review: c.Now.Add(HoldReview).Unix(), Next: c.Now.Add(HoldReview).Unix()}
			p := c.Platform()
			tx := st.Begin()
			if err := t.seize(ctx, tx, p, h.ID); errors.Is(err, store.ErrMissing) {
				return nil, problem.Missing("object")
			} else if err != nil {
				return nil, err
			}
			tx.Create(p, h)
			tx.Arm(p, h.due())
			if err := book.placed(ctx, h); err != nil {
				return nil, err
			}
			if err := c.Commit(ctx, tx, string(h.ID)); !errors.Is(err, store.ErrStale) {
				if err != nil {
					return nil, err
				}
				return showHold(h, c.Now), nil
			}
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, made string) (*HoldOut, error) {
		h, err := findHold(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return showHold(h, c.Now), nil
	})
}

// HoldsIn is the input of list-holds.
type HoldsIn struct {
	api.Page
	State string `query:"state" enum:"active,lifted" default:"active"`
}

// HoldsOut is the answer of list-holds.
type HoldsOut struct{ Body api.List[HoldBody] }

// ListHolds lists legal holds by the date of their review.
func ListHolds() api.Operation {
	return api.New(api.Route{
		ID: "list-holds", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/holds", Audience: api.Staff, Audit: true, Permission: access.HoldsRead,
		Summary: "Legal holds, the one to be reviewed first at the top", Purpose: purpose.LegalCompliance, Description: "By index, which follows a change within moments.",
		ExampleOut: api.List[HoldBody]{Data: []HoldBody{exampleHold()}},
	}, func(ctx context.Context, c *api.Caller, in *HoldsIn) (*HoldsOut, error) {
		q := store.Query{Index: store.Index1, Partition: store.PlatformScope().Partition(FamilyHold, in.State),
			Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, func(h *Hold) HoldBody { return holdBody(h, c.Now) })
		if err != nil {
			return nil, err
		}
		return &HoldsOut{page}, nil
	})
}

// HoldID names a hold.
type HoldID struct {
	ID string `path:"id" maxLength:"64" doc:"The hold." example:"hld_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func findHold(ctx context.Context, c *api.Caller, text string) (*Hold, error) {
	return api.FindOurs[Hold](ctx, c, "hold", text, holdKey)
}

func noHold() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "hold_not_found", When: "There is no such hold."}
}

// GetHold shows one hold.
func GetHold() api.Operation {
	return api.New(api.Route{
		ID: "get-hold", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/holds/{id}", Audience: api.Staff, Audit: true, Permission: access.HoldsRead,
		Summary: "One legal hold", Purpose: purpose.LegalCompliance, ExampleOut: exampleHold(), Refusals: []api.Refusal{noHold()},
	}, func(ctx context.Context, c *api.Caller, in *HoldID) (*HoldOut, error) {
		h, err := findHold(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return showHold(h, c.Now), nil
	})
}

// HoldChange is the input of the routes that change a hold.
type HoldChange struct {
	HoldID
	api.IfMatch
}

// changeHold is a route that changes an active hold as the caller read it.
func changeHold(st *store.Store, book HoldBook, route api.Route, what func(ctx context.Context, c *api.Caller, h *Hold, tx *store.Tx, p *store.Platform) error) api.Operation {
	route.Area, route.Method, route.Audience, route.Audit, route.Permission = "admin", http.MethodPost, api.Staff, true, access.HoldsWrite
	route.Purpose = purpose.LegalCompliance
	route.Refusals = append(route.Refusals, noHold(), api.Refusal{Kind: problem.Conflict, Code: "hold_lifted", When: "It was lifted."})
	return api.Replayable(route, func(ctx context.Context, c *api.Caller, in *HoldChange) (*HoldOut, error) {
		for range meetings { // somebody else may write what is held
			h, err := findHold(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			if err := in.Matches(h.Version); err != nil {
				return nil, err
			}
			if h.State != holdActive {
				return nil, problem.Of(problem.Conflict, "hold_lifted", "The hold was lifted.")
			}
			was, p, tx := h.Next, c.Platform(), st.Begin()
			if err := what(ctx, c, h, tx, p); err != nil {
				return nil, err
			}
			h.save(tx, p, was)
			if err := c.Commit(ctx, tx, string(h.ID)); !errors.Is(err, store.ErrStale) {
				if err == nil && h.State == holdLifted {
					err = book.lifted(ctx, h)
				}
				if err != nil {
					return nil, err
				}
				return showHold(h, c.Now), nil
			}
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, made string) (*HoldOut, error) {
		h, err := findHold(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return showHold(h, c.Now), nil
	})
}

// ReviewHold says that a hold is still needed.
func ReviewHold(st *store.Store) api.Operation {
	reviewed := exampleHold()
	reviewed.ReviewedBy = reviewed.PlacedBy
	return changeHold(st, HoldBook{}, api.Route{ID: "review-hold", Path: "/v1/admin/holds/{id}/review", Summary: "Say that a legal hold is still needed",
		Description: "The next review is owed 90 days later.", ExampleOut: reviewed,
	}, func(_ context.Context, c *api.Caller, h *Hold, _ *store.Tx, _ *store.Platform) error {
		h.Reviewed, h.ReviewedBy = c.Now.Unix(), c.Staff.ID
		h.Review = c.Now.Add(HoldReview).Unix()
		h.Next = h.Review
		return nil
	})
}

// LiftHold ends a hold.
func LiftHold(st *store.Store, book HoldBook) api.Operation {
	lifted := exampleHold()
	lifted.State, lifted.LiftedBy = holdLifted, lifted.PlacedBy
	return changeHold(st, book, api.Route{ID: "lift-hold", Path: "/v1/admin/holds/{id}/lift", Fresh: access.StaffFresh, Summary: "Lift a legal hold",
		Description: "With the last hold on a thing its clocks go on with the dates that they had: what is due by then goes at once. Requests that had kept it under the hold go on by themselves.",
		ExampleOut:  lifted,
	}, func(ctx context.Context, c *api.Caller, h *Hold, tx *store.Tx, p *store.Platform) error {
		return h.lift(ctx, st, c.Acting(), tx, p, c.Now, c.Staff.ID)
	})
}

// Holds lists the routes about legal holds.
func Holds() []api.Operation {
	return []api.Operation{PlaceHold(nil, HoldBook{}), ListHolds(), GetHold(), ReviewHold(nil), LiftHold(nil, HoldBook{})}
}
