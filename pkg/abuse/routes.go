package abuse

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
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about flags.
func Routes() []api.Operation {
	return []api.Operation{CreateAbuseFlag(nil), ListAbuseFlags(), GetAbuseFlag(nil), ReviewAbuseFlag(nil), LiftAbuseFlag(nil)}
}

// SubjectBody names whom a flag is about.
type SubjectBody struct {
	Kind string `json:"kind" enum:"account,organization"`
	ID   string `json:"id" maxLength:"64" example:"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// FlagBody is a flag on the wire.
type FlagBody struct {
	ID          id.Flag     `json:"id" example:"flg_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Subject     SubjectBody `json:"subject"`
	Ground      string      `json:"ground" enum:"spam,fraud,malware,phishing,impersonation,attack,terms"`
	Measure     Measure     `json:"measure" enum:"watch,pause" doc:"pause: no changes are taken; reading, export, deletion and every right go on. watch: nothing but this list."`
	Explanation string      `json:"explanation" doc:"What the suspicion rests on. Whom it is about has it in their export."`
	RaisedAt    time.Time   `json:"raised_at"`
	RaisedBy    id.Staff    `json:"raised_by"`
	ReviewedAt  *time.Time  `json:"reviewed_at,omitempty"`
	ReviewedBy  id.Staff    `json:"reviewed_by,omitempty"`
	Until       time.Time   `json:"until" doc:"When it lapses by itself."`
}

// Out is the answer of the routes about one flag.
type Out struct {
	api.Tagged
	Body FlagBody
}

func show(f *Flag) *Out { return &Out{api.Tag(f.Version), body(f)} }

func body(f *Flag) FlagBody {
	b := FlagBody{ID: f.ID, Subject: SubjectBody{f.kind(), string(f.User) + string(f.Organization)}, Ground: f.Ground, Measure: f.Measure, Explanation: f.Explanation,
		RaisedAt: clock.At(f.Raised), RaisedBy: f.RaisedBy, ReviewedBy: f.ReviewedBy, Until: clock.At(f.Until)}
	if f.Reviewed != 0 {
		reviewed := clock.At(f.Reviewed)
		b.ReviewedAt = &reviewed
	}
	return b
}

func example() *Flag {
	raised := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return &Flag{ID: "flg_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", User: "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Ground: "phishing", Measure: Pause, Explanation: "Three recipients reported invoices that ask for passwords.",
		Raised: raised.Unix(), RaisedBy: "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Until: raised.AddDate(0, 0, 14).Unix()}
}

func exampleReviewed() FlagBody {
	f := example()
	f.Reviewed, f.ReviewedBy, f.Until = f.Until-86400, "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC", f.Until+14*86400
	return body(f)
}

func route(r api.Route) api.Route {
	r.Area, r.Audience, r.Audit, r.Purpose = "admin", api.Staff, true, purpose.FraudPrevention
	if r.Method == "" {
		r.Method, r.Permission = http.MethodPost, access.FlagsWrite
	}
	if strings.Contains(r.Path, "{id}") {
		r.Refusals = append(r.Refusals, api.Refusal{Kind: problem.NotFound, Code: "abuse_flag_not_found", When: "There is no such flag, or it has lapsed."})
	}
	return r
}

// CreateIn is the input of create-abuse-flag.
type CreateIn struct{ Body CreateBody }

// CreateBody is what is suspected of whom.
type CreateBody struct {
	Subject     SubjectBody `json:"subject"`
	Ground      string      `json:"ground" enum:"spam,fraud,malware,phishing,impersonation,attack,terms"`
	Measure     Measure     `json:"measure" enum:"watch,pause"`
	Explanation string      `json:"explanation" minLength:"10" maxLength:"1000" doc:"What the suspicion rests on; it names nobody else." example:"Three recipients reported invoices that ask for passwords."`
	Days        int         `json:"days,omitempty" default:"14" minimum:"1" maximum:"90" doc:"After how many days it lapses."`
}

// CreateAbuseFlag flags an account or an organization.
func CreateAbuseFlag(st *store.Store) api.Operation {
	e := body(example())
	return api.Replayable(route(api.Route{
		ID: "create-abuse-flag", Path: "/v1/admin/abuse-flags", Fresh: access.StaffFresh, Status: http.StatusCreated, Summary: "Flag an account or an organization for suspected abuse",
		Description: "It lapses by itself after its days. A pause stops changes and is mailed with its ground to whom it stops; it never stops reading, export, deletion or a request about personal data.",
		ExampleIn:   CreateBody{Subject: e.Subject, Ground: e.Ground, Measure: e.Measure, Explanation: e.Explanation, Days: 14}, ExampleOut: e,
		Refusals: []api.Refusal{
			{Kind: problem.NotFound, Code: "subject_not_found", When: "There is no such account or organization, or it is deleted or closed."},
			{Kind: problem.Conflict, Code: "abuse_flag_open", When: "It is flagged already; review that flag."},
		},
	}), func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		b := in.Body
		f := &Flag{ID: api.NewID[id.Flag](c), Ground: b.Ground, Measure: b.Measure, Explanation: strings.TrimSpace(b.Explanation), Raised: c.Now.Unix(), RaisedBy: c.Staff.ID}
		if len(f.Explanation) < 10 {
			return nil, problem.InvalidField("body.explanation", "say what the suspicion rests on")
		}
		if err := f.name(b.Subject); err != nil {
			return nil, problem.Missing("subject")
		}
		h, _ := reach(st, c.Acting(), f.scope())
		f.last(c.Now.AddDate(0, 0, b.Days))
		tx := st.Begin()
		f.act(tx, h).Else(problem.Missing("subject"))
		tx.Create(h, f).Else(problem.Of(problem.Conflict, "abuse_flag_open", "It is flagged already; review that flag."))
		f.list(tx, c.Platform())
		f.tell(tx, h)
		if err := c.Commit(ctx, tx, string(f.ID)); err != nil {
			return nil, err
		}
		return show(f), nil
	}, again(st))
}

// name sets whom the flag is about.
func (f *Flag) name(s SubjectBody) (err error) {
	if s.Kind == account {
		f.User, err = id.Parse[id.User](s.ID)
		return err
	}
	f.Organization, err = id.Parse[id.Organization](s.ID)
	return err
}

// again answers a repeat with the flag as it is now.
func again(st *store.Store) func(context.Context, *api.Caller, string) (*Out, error) {
	return func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		_, f, err := find(ctx, c, st, made)
		if err != nil {
			return nil, err
		}
		return show(f), nil
	}
}

// find gives a flag by an id as it came in, with the handle of whom it is about, which its line binds.
func find(ctx context.Context, c *api.Caller, st *store.Store, text string) (holder, *Flag, error) {
	flag, err := id.Parse[id.Flag](text)
	if err != nil {
		return nil, nil, problem.Missing("abuse_flag")
	}
	c.About(string(flag))
	l, err := store.Get[Line](ctx, c.Platform(), lineKey(flag))
	if err != nil {
		return nil, nil, gone(err)
	}
	s, _ := store.ScopeOf(l.Target.PK)
	h, ok := reach(st, c.Acting(), s)
	if !ok {
		return nil, nil, problem.Missing("abuse_flag")
	}
	f, err := store.Get[Flag](ctx, h, l.Target)
	if err != nil {
		return nil, nil, gone(err)
	}
	if f.ID != flag {
		return nil, nil, problem.Missing("abuse_flag") // it has lapsed, and there is another
	}
	return h, f, nil
}

func gone(err error) error {
	if errors.Is(err, store.ErrMissing) {
		return problem.Missing("abuse_flag")
	}
	return err
}

// ListedFlag is one line of the list.
type ListedFlag struct {
	ID    id.Flag   `json:"id" example:"flg_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Kind  string    `json:"kind" enum:"account,organization"`
	Until time.Time `json:"until" doc:"When it lapses by itself."`
}

// ListIn is the input of list-abuse-flags.
type ListIn struct{ api.Page }

// ListOut is the answer of list-abuse-flags.
type ListOut struct{ Body api.List[ListedFlag] }

// ListAbuseFlags lists the flags by their end.
func ListAbuseFlags() api.Operation {
	e := example()
	return api.New(route(api.Route{
		ID: "list-abuse-flags", Method: http.MethodGet, Path: "/v1/admin/abuse-flags", Permission: access.FlagsRead, Summary: "Flags for suspected abuse, the one that lapses first at the top",
		Description: "By index, which follows a change within moments.", ExampleOut: api.List[ListedFlag]{Data: []ListedFlag{{e.ID, e.kind(), clock.At(e.Until)}}},
	}), func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		q := store.Query{Index: store.Index1, Partition: store.PlatformScope().Partition(FamilyList, "active"), Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Platform(), q, func(l *Line) ListedFlag {
			kind := organization
			if s, _ := store.ScopeOf(l.Target.PK); isUser(s) {
				kind = account
			}
			return ListedFlag{l.ID, kind, clock.At(l.Until)}
		})
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

func isUser(s store.Scope) bool {
	_, ok := s.User()
	return ok
}

// ByID names a flag.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The flag." example:"flg_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// GetAbuseFlag shows one flag.
func GetAbuseFlag(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "get-abuse-flag", Method: http.MethodGet, Path: "/v1/admin/abuse-flags/{id}", Permission: access.FlagsRead, Summary: "One flag for suspected abuse", ExampleOut: body(example()),
	}), func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		_, f, err := find(ctx, c, st, in.ID)
		if err != nil {
			return nil, err
		}
		return show(f), nil
	})
}

// ReviewIn is the input of review-abuse-flag.
type ReviewIn struct {
	ByID
	api.IfMatch
	Body ReviewBody
}

// ReviewBody is how long the suspicion goes on.
type ReviewBody struct {
	Days int `json:"days" minimum:"1" maximum:"90" doc:"From now. To end it, lift it." example:"14"`
}

// ReviewAbuseFlag says that a suspicion goes on, as another person than who raised it.
func ReviewAbuseFlag(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "review-abuse-flag", Path: "/v1/admin/abuse-flags/{id}/review", Fresh: access.StaffFresh, Summary: "Say that a suspicion of abuse goes on",
		Description: "By another person than who raised it. Whom a pause stops is mailed its new end.", ExampleIn: ReviewBody{Days: 14}, ExampleOut: exampleReviewed(),
		Refusals: []api.Refusal{{Kind: problem.Forbidden, Code: "same_person", When: "The caller raised it."}},
	}), func(ctx context.Context, c *api.Caller, in *ReviewIn) (*Out, error) {
		h, f, err := find(ctx, c, st, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(f.Version); err != nil {
			return nil, err
		}
		if f.RaisedBy == c.Staff.ID {
			return nil, problem.Of(problem.Forbidden, "same_person", "You raised it; another person must review it.")
		}
		f.Reviewed, f.ReviewedBy = c.Now.Unix(), c.Staff.ID
		f.last(c.Now.AddDate(0, 0, in.Body.Days))
		tx := st.Begin()
		f.act(tx, h).Else(problem.Missing("abuse_flag"))
		tx.Replace(h, f)
		f.list(tx, c.Platform())
		f.tell(tx, h)
		if err := c.Commit(ctx, tx, string(f.ID)); err != nil {
			return nil, err
		}
		return show(f), nil
	}, again(st))
}

// LiftIn is the input of lift-abuse-flag.
type LiftIn struct {
	ByID
	api.IfMatch
}

// LiftAbuseFlag ends a flag before it lapses.
func LiftAbuseFlag(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "lift-abuse-flag", Path: "/v1/admin/abuse-flags/{id}/lift", Status: http.StatusNoContent, Summary: "Lift a flag for suspected abuse",
		Description: "At the next call nothing is left of it but its audit records.",
	}), func(ctx context.Context, c *api.Caller, in *LiftIn) (*struct{}, error) {
		h, f, err := find(ctx, c, st, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(f.Version); err != nil {
			return nil, err
		}
		tx := st.Begin()
		f.lift(tx, h)
		tx.Delete(h, f)
		tx.DeleteKey(c.Platform(), lineKey(f.ID), "")
		return nil, c.Commit(ctx, tx, string(f.ID))
	})
}
