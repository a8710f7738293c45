package breaches

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about breaches.
func Routes() []api.Operation {
	return []api.Operation{CreateBreach(nil), ListBreaches(), GetBreach(), UpdateBreach(nil), ReportBreachNotice(nil), CloseBreach(nil)}
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Breach{}, Type: "BREACH", Area: "admin", Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
		Class: registry.ClassRegister, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("id", "a random id"), registry.Internal("state", "a fixed word"), registry.Internal("processor", "a mark"),
			registry.Internal("nature", "what happened; it names nobody"), registry.Internal("categories", "fixed words"),
			registry.Internal("subjects", "a count"), registry.Internal("records", "a count"), registry.Internal("californians", "a count"),
			registry.Internal("consequences", "what may follow; it names nobody"), registry.Internal("measures", "what is done; it names nobody"),
			registry.Internal("risk", "a fixed word"), registry.Internal("occurred", "a time"), registry.Internal("discovered", "a time"), registry.Internal("aware", "a time"),
			registry.Internal("notices", "fixed words, times, reasons and ids of PixelTrack's own people"), registry.Internal("closed", "a time"),
			registry.Internal("why", "why nobody had to be told"), registry.Internal("reported", "the id of one of PixelTrack's own people"),
		}}}
}

// Facts are what is known of a breach. They name nobody.
type Facts struct {
	Processor    bool      `json:"processor,omitempty" doc:"Whether the data was an organization's, which must then be told."`
	Nature       string    `json:"nature" minLength:"1" maxLength:"4000" doc:"What happened, without names."`
	Categories   []string  `json:"categories,omitempty" maxItems:"20" nullable:"false" enum:"account,profile,business,clients,projects,financial,communications,usage,device,log" doc:"Of data."`
	Subjects     int       `json:"subjects,omitempty" minimum:"0" maximum:"1000000000" doc:"About how many people."`
	Records      int       `json:"records,omitempty" minimum:"0" maximum:"1000000000" doc:"About how many records."`
	Californians int       `json:"california_residents,omitempty" minimum:"0" maximum:"1000000000" doc:"How many of the people live in California."`
	Consequences string    `json:"consequences,omitempty" maxLength:"4000" doc:"What may follow, without names."`
	Measures     string    `json:"measures,omitempty" maxLength:"4000" doc:"What was and is done, without names."`
	Risk         Risk      `json:"risk" enum:"unlikely,likely,high" doc:"What people have to fear. likely: the authority is told; high: they are, too."`
	OccurredAt   time.Time `json:"occurred_at,omitzero" doc:"When it happened, as far as is known."`
	DiscoveredAt time.Time `json:"discovered_at" doc:"When somebody first saw it."`
	AwareAt      time.Time `json:"aware_at" doc:"When it was reasonably certain that personal data was concerned: the 72 hours begin."`
}

// CountdownBody is one notice that is owed, or was made.
type CountdownBody struct {
	Whom   Whom       `json:"whom" enum:"authority,subjects,organizations,california_residents,california_attorney_general"`
	Rule   string     `json:"rule"`
	Due    *time.Time `json:"due_at,omitempty" doc:"Absent: without undue delay."`
	Left   *int64     `json:"seconds_left,omitempty" doc:"Until due_at, while it is owed; negative when it is late."`
	Told   *time.Time `json:"told_at,omitempty"`
	Late   bool       `json:"late"`
	Reason string     `json:"reason,omitempty" doc:"Why it came late."`
}

// BreachBody is a breach on the wire.
type BreachBody struct {
	ID    id.Breach `json:"id" example:"brc_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	State string    `json:"state" enum:"open,closed"`
	Facts
	Countdowns []CountdownBody `json:"countdowns" doc:"Who must be told, by when."`
	Notices    []NoticeBody    `json:"notices" doc:"Who was told, phase by phase."`
	Reported   id.Staff        `json:"reported_by"`
	Closed     *time.Time      `json:"closed_at,omitempty"`
	Why        string          `json:"not_notified_because,omitempty"`
}

// NoticeBody is that somebody was told.
type NoticeBody struct {
	Whom   Whom      `json:"whom"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	By     id.Staff  `json:"by"`
}

// Out is the answer of the routes about one breach.
type Out struct {
	api.Tagged
	Body BreachBody
}

func show(b *Breach, now time.Time) *Out { return &Out{api.Tag(b.Version), body(b, now)} }

func body(b *Breach, now time.Time) BreachBody {
	out := BreachBody{ID: b.ID, State: b.State, Reported: b.Reported, Closed: clock.Moment(b.Closed), Why: b.Why, Countdowns: []CountdownBody{}, Notices: []NoticeBody{},
		Facts: Facts{Processor: b.Processor, Nature: b.Nature, Categories: b.Categories, Subjects: b.Subjects, Records: b.Records, Californians: b.Californians,
			Consequences: b.Consequences, Measures: b.Measures, Risk: b.Risk, OccurredAt: clock.At(b.Occurred), DiscoveredAt: clock.At(b.Discovered), AwareAt: clock.At(b.Aware)}}
	for _, c := range b.Countdowns() {
		row := CountdownBody{Whom: c.Whom, Rule: c.Rule, Late: c.Late(now), Due: clock.Moment(clock.Epoch(c.Due))}
		if c.Told != nil {
			row.Told, row.Reason = clock.Moment(c.Told.At), c.Told.Reason
		} else if row.Due != nil {
			left := int64(c.Due.Sub(now).Seconds())
			row.Left = &left
		}
		out.Countdowns = append(out.Countdowns, row)
	}
	for _, n := range b.Notices {
		out.Notices = append(out.Notices, NoticeBody{n.Whom, clock.At(n.At), n.Reason, n.By})
	}
	return out
}

func (f Facts) check(now time.Time) error {
	switch {
	case f.AwareAt.After(now):
		return problem.InvalidField("body.aware_at", "a time that has been")
	case f.DiscoveredAt.After(f.AwareAt):
		return problem.InvalidField("body.discovered_at", "not after aware_at")
	case f.OccurredAt.After(f.DiscoveredAt):
		return problem.InvalidField("body.occurred_at", "not after discovered_at")
	}
	return nil
}

func (b *Breach) set(f Facts) {
	b.Processor, b.Nature, b.Categories, b.Subjects, b.Records, b.Californians = f.Processor, f.Nature, f.Categories, f.Subjects, f.Records, f.Californians
	b.Consequences, b.Measures, b.Risk = f.Consequences, f.Measures, f.Risk
	b.Occurred, b.Discovered, b.Aware = clock.Epoch(f.OccurredAt), clock.Epoch(f.DiscoveredAt), clock.Epoch(f.AwareAt)
}

func exampleFacts() Facts {
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return Facts{Nature: "A backup was readable by a former contractor for two days.", Categories: []string{"clients"}, Subjects: 40, Records: 120, Risk: Likely,
		Measures: "Access was taken away; the logs show no download.", DiscoveredAt: seen, AwareAt: seen.Add(time.Hour)}
}

func example(what func(*Breach)) BreachBody {
	b := &Breach{ID: "brc_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", State: open, Reported: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
	b.set(exampleFacts())
	if what != nil {
		what(b)
	}
	return body(b, clock.At(b.Aware).Add(time.Hour))
}

// CreateIn is the input of create-breach.
type CreateIn struct{ Body Facts }

// CreateBreach enters a breach into the register.
func CreateBreach(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-breach", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/breaches", Audience: api.Staff, Audit: true, Permission: access.BreachesWrite,
		Status: http.StatusCreated, Summary: "Enter a breach of personal data into the register", Purpose: purpose.LegalCompliance,
		Description: "Every breach is entered, those that nobody must be told of too. The countdowns begin, and an alarm is raised a day before each ends.",
		ExampleIn:   exampleFacts(), ExampleOut: example(nil),
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		if err := in.Body.check(c.Now); err != nil {
			return nil, err
		}
		b := &Breach{ID: api.NewID[id.Breach](c), State: open, Reported: c.Staff.ID}
		b.set(in.Body)
		tx, p := st.Begin(), c.Platform()
		tx.Create(p, b)
		b.alarms(tx, p)
		if err := c.Commit(ctx, tx, string(b.ID)); err != nil {
			return nil, err
		}
		return show(b, c.Now), nil
	}, again)
}

func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	b, err := find(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return show(b, c.Now), nil
}

// ListIn is the input of list-breaches.
type ListIn struct {
	api.Page
	State string `query:"state" enum:"open,closed" default:"open"`
}

// ListOut is the answer of list-breaches.
type ListOut struct{ Body api.List[BreachBody] }

// ListBreaches lists the register.
func ListBreaches() api.Operation {
	return api.New(api.Route{
		ID: "list-breaches", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/breaches", Audience: api.Staff, Audit: true, Permission: access.BreachesRead,
		Summary: "The register of breaches, the oldest first", Purpose: purpose.LegalCompliance, Description: "By index, which follows a change within moments.",
		ExampleOut: api.List[BreachBody]{Data: []BreachBody{example(nil)}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Index: store.Index1, Partition: store.PlatformScope().Partition(Family, in.State), Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, func(b *Breach) BreachBody { return body(b, c.Now) })
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// BreachID names a breach.
type BreachID struct {
	ID string `path:"id" maxLength:"64" doc:"The breach." example:"brc_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func find(ctx context.Context, c *api.Caller, text string) (*Breach, error) {
	return api.FindOurs[Breach](ctx, c, "breach", text, key)
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "breach_not_found", When: "There is no such breach."}
}

// GetBreach shows one breach.
func GetBreach() api.Operation {
	return api.New(api.Route{
		ID: "get-breach", Area: "admin", Method: http.MethodGet, Path: "/v1/admin/breaches/{id}", Audience: api.Staff, Audit: true, Permission: access.BreachesRead,
		Summary: "One breach, with its countdowns", Purpose: purpose.LegalCompliance, ExampleOut: example(nil), Refusals: []api.Refusal{missing()},
	}, func(ctx context.Context, c *api.Caller, in *BreachID) (*Out, error) {
		return again(ctx, c, in.ID)
	})
}

// Change is embedded in the input of what changes a breach.
type Change struct {
	BreachID
	api.IfMatch
}

// change carries out a change of an open breach as the caller read it, and sets the alarms that follow.
func change(ctx context.Context, c *api.Caller, st *store.Store, in Change, what func(*Breach) error) (*Out, error) {
	b, err := find(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Matches(b.Version); err != nil {
		return nil, err
	}
	if b.State != open {
		return nil, problem.Of(problem.Conflict, "breach_closed", "The entry is closed.")
	}
	if err := what(b); err != nil {
		return nil, err
	}
	tx, p := st.Begin(), c.Platform()
	tx.Replace(p, b)
	b.alarms(tx, p)
	if err := c.Commit(ctx, tx, string(b.ID)); err != nil {
		return nil, err
	}
	return show(b, c.Now), nil
}

func shut() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "breach_closed", When: "The entry is closed."}
}

// UpdateIn is the input of update-breach.
type UpdateIn struct {
	Change
	Body Facts
}

// UpdateBreach says anew what is known of a breach.
func UpdateBreach(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "update-breach", Area: "admin", Method: http.MethodPut, Path: "/v1/admin/breaches/{id}", Audience: api.Staff, Audit: true, Permission: access.BreachesWrite,
		Summary: "Say anew what is known of a breach", Purpose: purpose.LegalCompliance, Description: "The countdowns follow what is known.",
		ExampleIn: exampleFacts(), ExampleOut: example(nil), Refusals: []api.Refusal{missing(), shut()},
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if err := in.Body.check(c.Now); err != nil {
			return nil, err
		}
		return change(ctx, c, st, in.Change, func(b *Breach) error {
			b.set(in.Body)
			return nil
		})
	})
}

// mostNotices bounds the row.
const mostNotices = 100

// NoticeIn is the input of report-breach-notice.
type NoticeIn struct {
	Change
	Body struct {
		Whom   Whom      `json:"whom" enum:"authority,subjects,organizations,california_residents,california_attorney_general"`
		At     time.Time `json:"at" doc:"When they were told."`
		Reason string    `json:"reason,omitempty" maxLength:"4000" doc:"Why it came late (Art. 33(1)); needed of a first notice after its date."`
	}
}

func exampleNotice() any {
	in := NoticeIn{}.Body
	in.Whom, in.At = Authority, time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	return in
}

// ReportBreachNotice says that somebody was told.
func ReportBreachNotice(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "report-breach-notice", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/breaches/{id}/notices", Audience: api.Staff, Audit: true, Permission: access.BreachesWrite,
		Summary: "Report that somebody was told of a breach", Purpose: purpose.LegalCompliance, Description: "Telling in phases is several notices; the first counts for the date.",
		ExampleIn: exampleNotice(), ExampleOut: example(func(b *Breach) {
			b.Notices = []Notice{{Whom: Authority, At: time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC).Unix(), By: b.Reported}}
		}), Refusals: []api.Refusal{missing(), shut(), {Kind: problem.Conflict, Code: "too_many_notices", When: "The entry has 100 notices."}},
	}, func(ctx context.Context, c *api.Caller, in *NoticeIn) (*Out, error) {
		n := in.Body
		return change(ctx, c, st, in.Change, func(b *Breach) error {
			switch {
			case n.At.After(c.Now) || n.At.Before(clock.At(b.Discovered)):
				return problem.InvalidField("body.at", "a time that has been, after the discovery")
			case len(b.Notices) >= mostNotices:
				return problem.Of(problem.Conflict, "too_many_notices", "The entry has %d notices.", mostNotices)
			}
			for _, owed := range b.owed() {
				if owed.Whom == n.Whom && !owed.Due.IsZero() && n.At.After(owed.Due) && n.Reason == "" {
					return problem.InvalidField("body.reason", "say why it came late")
				}
			}
			b.Notices = append(b.Notices, Notice{n.Whom, n.At.Unix(), n.Reason, c.Staff.ID})
			return nil
		})
	}, again)
}

// CloseIn is the input of close-breach.
type CloseIn struct {
	Change
	Body struct {
		Why string `json:"not_notified_because,omitempty" maxLength:"4000" doc:"Why the authority was not told; needed when it was not."`
	}
}

func exampleClose() any {
	in := CloseIn{}.Body
	in.Why = "The data was encrypted, and the key was not concerned."
	return in
}

// CloseBreach closes an entry.
func CloseBreach(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "close-breach", Area: "admin", Method: http.MethodPost, Path: "/v1/admin/breaches/{id}/close", Audience: api.Staff, Audit: true, Permission: access.BreachesWrite,
		Fresh: access.StaffFresh, Summary: "Close the entry of a breach", Purpose: purpose.LegalCompliance, Description: "Kept for 5 years from then on.",
		ExampleIn: exampleClose(), ExampleOut: example(func(b *Breach) { b.State, b.Closed = closed, b.Aware+86400 }),
		Refusals: []api.Refusal{missing(), shut(), {Kind: problem.Conflict, Code: "notice_owed", When: "Somebody must still be told; details.whom says who."}},
	}, func(ctx context.Context, c *api.Caller, in *CloseIn) (*Out, error) {
		return change(ctx, c, st, in.Change, func(b *Breach) error {
			if owed := b.owed(); len(owed) > 0 {
				e := problem.Of(problem.Conflict, "notice_owed", "Somebody must still be told.")
				var whom []Whom
				for _, o := range owed {
					whom = append(whom, o.Whom)
				}
				e.Details = map[string]any{"whom": whom}
				return e
			}
			if b.told(Authority) == nil && in.Body.Why == "" {
				return problem.InvalidField("body.not_notified_because", "say why the authority was not told")
			}
			b.State, b.Closed, b.Why = closed, c.Now.Unix(), in.Body.Why
			b.Expire(clocks.AddYears(c.Now, retention.RegisterYears))
			return nil
		})
	}, again)
}
