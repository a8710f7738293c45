package transfers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about transfers of the business.
func Routes() []api.Operation {
	return []api.Operation{CreateBusinessTransfer(nil), ListBusinessTransfers(), GetBusinessTransfer(), StartBusinessTransfer(nil), CancelBusinessTransfer(nil)}
}

// Facts are what people are told of a transfer.
type Facts struct {
	Kind        string `json:"kind" enum:"merger,acquisition,asset_sale"`
	Acquirer    string `json:"acquirer" minLength:"1" maxLength:"200" doc:"The company that the data would pass to." example:"Example Holding, Inc."`
	Country     string `json:"country" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1: where it is." example:"US"`
	Description string `json:"description" minLength:"1" maxLength:"1000" doc:"What happens and why, in words for everybody." example:"Example Holding buys PixelTrack."`
	From        string `json:"from" format:"date" doc:"The day before which nothing passes: 30 days ahead or more." example:"2026-04-15"`
}

// Entry is a transfer as the register lists it.
type Entry struct {
	ID    id.Transfer `json:"id" example:"trf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	State State       `json:"state" enum:"announced,started,cancelled"`
	Facts
	Announcement id.Announcement `json:"announcement_id" doc:"By which everybody is told."`
	By           id.Staff        `json:"entered_by"`
	StartedAt    *time.Time      `json:"started_at,omitempty"`
	CancelledAt  *time.Time      `json:"cancelled_at,omitempty"`
}

// Body is a transfer, with how far the telling has come.
type Body struct {
	Entry
	Told   int        `json:"told" doc:"How many people have been told."`
	ToldAt *time.Time `json:"told_at,omitempty" doc:"When all of them had been."`
}

func entry(t *Transfer) Entry {
	return Entry{ID: t.ID, State: t.State, Facts: Facts{t.Kind, t.Acquirer, t.Country, t.Description, clock.At(t.From).Format(time.DateOnly)},
		Announcement: t.Announcement, By: t.By, StartedAt: clock.Moment(t.Started), CancelledAt: clock.Moment(t.Cancelled)}
}

// Out is the answer of the routes about one transfer.
type Out struct {
	api.Tagged
	Body Body
}

func show(t *Transfer, a *notices.Announcement, told int) *Out {
	return &Out{api.Tag(t.Version), Body{Entry: entry(t), Told: told, ToldAt: clock.Moment(a.Told)}}
}

func exampleFacts() Facts {
	return Facts{"acquisition", "Example Holding, Inc.", "US", "Example Holding buys PixelTrack.", "2026-04-15"}
}

func example(s State) Body {
	told, later := time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC), time.Date(2026, 4, 15, 9, 0, 0, 0, time.UTC)
	b := Body{Entry: Entry{ID: "trf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", State: s, Facts: exampleFacts(), Announcement: "ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", By: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}}
	switch s {
	case Started:
		b.Told, b.ToldAt, b.StartedAt = 1200, &told, &later
	case Cancelled:
		b.Told, b.ToldAt, b.CancelledAt = 1200, &told, &told
	}
	return b
}

func route(r api.Route) api.Route {
	r.Area, r.Audience, r.Audit, r.Purpose = "admin", api.Staff, true, purpose.LegalCompliance
	return r
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "business_transfer_not_found", When: "There is no such transfer."}
}

func over() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "business_transfer_over", When: "It was started or canceled."}
}

// CreateIn is the input of create-business-transfer.
type CreateIn struct{ Body Facts }

// CreateBusinessTransfer enters a transfer into the register, and tells everybody.
func CreateBusinessTransfer(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "create-business-transfer", Method: http.MethodPost, Path: "/v1/admin/business-transfers", Permission: access.TransfersWrite, Fresh: access.StaffFresh,
		Status: http.StatusCreated, Summary: "Enter a merger, an acquisition or a sale by which data passes to another company", ExampleIn: exampleFacts(), ExampleOut: example(Announced),
		Description: "Everybody who has an account is told, in the app and by mail. Nothing passes before all were told and the day has come.",
	}), func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		f := in.Body
		from, err := time.Parse(time.DateOnly, f.From)
		if err != nil || from.Before(c.Now.Add(notices.Advance)) {
			return nil, problem.InvalidField("body.from", "a day that is 30 days ahead or more, so that people can be told")
		}
		t := &Transfer{ID: api.NewID[id.Transfer](c), State: Announced, Kind: f.Kind, Acquirer: f.Acquirer, Country: f.Country, Description: f.Description, From: from.Unix(),
			Announcement: api.NewID[id.Announcement](c), Made: c.Now.Unix(), By: c.Staff.ID}
		tx, p, a := st.Begin(), c.Platform(), t.announcement()
		tx.Create(p, t)
		notices.Announce(tx, p, a)
		if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
			return nil, err
		}
		return show(t, a, 0), nil
	}, again)
}

func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	t, a, err := find(ctx, c, made)
	if err != nil {
		return nil, err
	}
	told, err := notices.Progress(ctx, c.Platform(), a.ID)
	if err != nil {
		return nil, err
	}
	return show(t, a, told), nil
}

// find reads a transfer with its announcement.
func find(ctx context.Context, c *api.Caller, name string) (*Transfer, *notices.Announcement, error) {
	t, err := api.FindOurs[Transfer](ctx, c, "business transfer", name, Key)
	if err != nil {
		return nil, nil, err
	}
	a, err := notices.Find(ctx, c.Platform(), t.Announcement)
	return t, a, err
}

// ListOut is the answer of list-business-transfers.
type ListOut struct{ Body api.List[Entry] }

// ListBusinessTransfers lists the register.
func ListBusinessTransfers() api.Operation {
	return api.New(route(api.Route{
		ID: "list-business-transfers", Method: http.MethodGet, Path: "/v1/admin/business-transfers", Permission: access.TransfersRead,
		Summary: "The register of transfers of the business, the newest first", ExampleOut: api.List[Entry]{Data: []Entry{example(Announced).Entry}},
	}), func(ctx context.Context, c *api.Caller, in *api.Page) (*ListOut, error) {
		q := store.Query{Partition: store.PlatformScope().Partition(Family), Descending: true, Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, entry)
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// TransferID names a transfer.
type TransferID struct {
	ID string `path:"id" maxLength:"64" doc:"The transfer." example:"trf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// GetBusinessTransfer shows one transfer.
func GetBusinessTransfer() api.Operation {
	return api.New(route(api.Route{
		ID: "get-business-transfer", Method: http.MethodGet, Path: "/v1/admin/business-transfers/{id}", Permission: access.TransfersRead,
		Summary: "One transfer of the business, and how many people have been told", ExampleOut: example(Started), Refusals: []api.Refusal{missing()},
	}), func(ctx context.Context, c *api.Caller, in *TransferID) (*Out, error) { return again(ctx, c, in.ID) })
}

// Change is the input of what changes a transfer.
type Change struct {
	TransferID
	api.IfMatch
}

// change carries out a change of a transfer that was only announced, as the caller read it.
func change(ctx context.Context, c *api.Caller, st *store.Store, in *Change, what func(*store.Tx, *Transfer, *notices.Announcement) error) (*Out, error) {
	t, a, err := find(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Matches(t.Version); err != nil {
		return nil, err
	}
	if t.State != Announced {
		return nil, problem.Of(problem.Conflict, "business_transfer_over", "It was started or canceled.")
	}
	tx := st.Begin()
	if err := what(tx, t, a); err != nil {
		return nil, err
	}
	tx.Replace(c.Platform(), t)
	if err := c.Commit(ctx, tx, string(t.ID)); err != nil {
		if errors.Is(err, store.ErrStale) {
			return nil, api.Stale()
		}
		return nil, err
	}
	told, err := notices.Progress(ctx, c.Platform(), a.ID)
	return show(t, a, told), err
}

// StartBusinessTransfer says that data may pass from now on.
func StartBusinessTransfer(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "start-business-transfer", Method: http.MethodPost, Path: "/v1/admin/business-transfers/{id}/start", Permission: access.TransfersWrite, Fresh: access.StaffFresh,
		Summary: "Let data pass to the other company", ExampleOut: example(Started), Description: "Those who were told see it among their disclosures from then on.",
		Refusals: []api.Refusal{missing(), over(),
			{Kind: problem.Conflict, Code: "notices_not_sent", When: "Not everybody has been told."},
			{Kind: problem.Conflict, Code: "objection_window_open", When: "The day that everybody was told has not come."}},
	}), func(ctx context.Context, c *api.Caller, in *Change) (*Out, error) {
		return change(ctx, c, st, in, func(_ *store.Tx, t *Transfer, a *notices.Announcement) error {
			switch {
			case a.Told == 0:
				return problem.Of(problem.Conflict, "notices_not_sent", "Not everybody has been told.")
			case t.From > c.Now.Unix():
				return problem.Of(problem.Conflict, "objection_window_open", "People were told that nothing passes before %s.", clock.Moment(t.From).Format(time.DateOnly))
			}
			t.State, t.Started, t.StartedBy = Started, c.Now.Unix(), c.Staff.ID
			return nil
		})
	}, again)
}

// CancelBusinessTransfer says that nothing will pass.
func CancelBusinessTransfer(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "cancel-business-transfer", Method: http.MethodPost, Path: "/v1/admin/business-transfers/{id}/cancel", Permission: access.TransfersWrite,
		Summary: "Say that no data will pass", ExampleOut: example(Cancelled), Refusals: []api.Refusal{missing(), over()},
		Description: "Nobody is told of it any more. Those who were keep their notice.",
	}), func(ctx context.Context, c *api.Caller, in *Change) (*Out, error) {
		return change(ctx, c, st, in, func(tx *store.Tx, t *Transfer, a *notices.Announcement) error {
			t.State, t.Cancelled, t.CancelledBy = Cancelled, c.Now.Unix(), c.Staff.ID
			notices.Withdraw(tx, c.Platform(), a)
			return nil
		})
	}, again)
}
