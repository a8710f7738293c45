package subprocessors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Warning is how long before a transfer must be reviewed the alarm is raised.
const Warning = 30 * 24 * time.Hour

// Routes lists the routes about sub-processors.
func Routes() []api.Operation {
	return []api.Operation{CreateSubprocessor(nil), GetSubprocessor(), UpdateSubprocessor(nil), EndSubprocessor(nil)}
}

// MechanismBody is what makes a transfer lawful.
type MechanismBody struct {
	Kind     subprocessor.Mechanism `json:"kind" enum:"adequacy_decision,standard_contractual_clauses"`
	Agreed   string                 `json:"agreed_on,omitempty" format:"date" doc:"When it was agreed, and the transfer assessed."`
	ReviewBy string                 `json:"review_by,omitempty" format:"date" doc:"Until when it counts without being assessed again."`
}

// Facts are on what a company gets data.
type Facts struct {
	Name       string          `json:"name" minLength:"1" maxLength:"200" example:"Example Search GmbH"`
	Service    string          `json:"service" minLength:"1" maxLength:"200" example:"Search in documents"`
	Parts      []string        `json:"parts" maxItems:"20" nullable:"false" doc:"The parts of its service that are used."`
	Categories []string        `json:"categories" minItems:"1" maxItems:"20" nullable:"false" enum:"account,profile,business,clients,projects,financial,communications,usage,device,log" doc:"Of personal data."`
	Purposes   []string        `json:"purposes" minItems:"1" maxItems:"20" nullable:"false" doc:"From the register of purposes."`
	Country    string          `json:"country" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1: where the data is processed." example:"IN"`
	Region     string          `json:"region,omitempty" maxLength:"100"`
	Mechanisms []MechanismBody `json:"mechanisms" maxItems:"5" nullable:"false" doc:"Needed for a country that the European Commission has not found adequate as a whole: with date, and a review that is not overdue."`
	Hosts      []string        `json:"hosts" minItems:"1" maxItems:"20" nullable:"false" doc:"Names of hosts that data goes to; those below them are meant, too. No other company's." example:"[\"api.search.example\"]"`
	Contract   string          `json:"contract_on,omitempty" format:"date" doc:"When the processing agreement was signed."`
	Standards  []string        `json:"standards" maxItems:"10" nullable:"false" doc:"Whose audit reports are wanted."`
	Terms      string          `json:"terms" format:"uri" maxLength:"500" doc:"Its processing terms."`
	Page       string          `json:"page" format:"uri" maxLength:"500" doc:"Its own list of sub-processors, or its trust page."`
}

// Body is a company as PixelTrack's own people see it.
type Body struct {
	ID           string              `json:"id" example:"example-search"`
	Status       subprocessor.Status `json:"status" enum:"announced,active,ended"`
	Receives     bool                `json:"receives_data" doc:"Whether data may go there now."`
	Current      *Facts              `json:"current,omitempty" doc:"Absent of one that is only announced."`
	Since        string              `json:"since,omitempty" format:"date"`
	Planned      *Facts              `json:"planned,omitempty" doc:"What takes the place of current."`
	From         string              `json:"planned_from,omitempty" format:"date" doc:"When, if everybody was told by then."`
	Announcement id.Announcement     `json:"announcement_id,omitempty" doc:"By which owners are told of what is planned."`
	ToldAt       *time.Time          `json:"told_at,omitempty" doc:"When all of them had been."`
	EndedAt      *time.Time          `json:"ended_at,omitempty"`
}

// Out is the answer of the routes about one sub-processor.
type Out struct {
	api.Tagged
	Body Body
}

func show(e *Entry, now time.Time) *Out {
	p := e.provider()
	b := Body{ID: e.ID, Status: p.Status, Receives: p.Receives(now), Current: facts(e.Current), Since: date(e.Since), Planned: facts(e.Planned), From: date(e.From),
		Announcement: e.Announcement, ToldAt: clock.Moment(e.Told), EndedAt: clock.Moment(e.Ended)}
	return &Out{api.Tag(e.Version), b}
}

func facts(t *Terms) *Facts {
	if t == nil {
		return nil
	}
	f := &Facts{Name: t.Name, Service: t.Service, Parts: whole(t.Parts), Categories: t.Categories, Purposes: t.Purposes, Country: t.Country, Region: t.Region,
		Mechanisms: []MechanismBody{}, Hosts: t.Hosts, Contract: date(t.Contract), Standards: whole(t.Standards), Terms: t.Terms, Page: t.Page}
	for _, m := range t.Mechanisms {
		f.Mechanisms = append(f.Mechanisms, MechanismBody{m.Kind, date(m.Agreed), date(m.ReviewBy)})
	}
	return f
}

func whole(list []string) []string { return append([]string{}, list...) }

func date(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return clock.At(seconds).Format(time.DateOnly)
}

// day reads a day, 0 of none. The schema has seen that it is one.
func day(text string) int64 {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0
	}
	return t.Unix()
}

func (f Facts) terms() *Terms {
	t := &Terms{Name: f.Name, Service: f.Service, Parts: f.Parts, Categories: f.Categories, Purposes: f.Purposes, Country: f.Country, Region: f.Region,
		Hosts: f.Hosts, Contract: day(f.Contract), Standards: f.Standards, Terms: f.Terms, Page: f.Page}
	for _, m := range f.Mechanisms {
		t.Mechanisms = append(t.Mechanisms, Mechanism{m.Kind, day(m.Agreed), day(m.ReviewBy)})
	}
	return t
}

// check refuses what cannot be, or may not.
func (t *Terms) check(company string, others []Provider, now time.Time) error {
	for _, p := range t.Purposes {
		if _, ok := purpose.Of(p); !ok {
			return problem.InvalidField("body.purposes", "not in the register of purposes")
		}
	}
	for _, h := range t.Hosts {
		if !hostname(h) {
			return problem.InvalidField("body.hosts", "not the name of a host, in lower case, with a dot")
		}
		for _, o := range others {
			if o.ID != company && o.Status != subprocessor.Ended && slices.ContainsFunc(o.Hosts, func(theirs string) bool { return below(h, theirs) || below(theirs, h) }) {
				return problem.InvalidField("body.hosts", "another company's")
			}
		}
	}
	if subprocessor.Adequate(t.Country) {
		return nil
	}
	if len(t.Mechanisms) == 0 {
		return problem.InvalidField("body.mechanisms", "a transfer to this country needs one")
	}
	for _, m := range t.Mechanisms {
		switch {
		case m.Agreed == 0 || m.Agreed > now.Unix():
			return problem.InvalidField("body.mechanisms", "say when it was agreed: a day that has been")
		case m.ReviewBy <= now.Unix():
			return problem.InvalidField("body.mechanisms", "its review is overdue, or without a date")
		}
	}
	return nil
}

// hostname says whether a text is the name of a host below a top-level domain.
func hostname(text string) bool {
	labels := strings.Split(text, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(text) <= 253 && last[0] >= 'a'
}

func below(host, of string) bool { return host == of || strings.HasSuffix(host, "."+of) }

// wider says whether terms give a company more than it has, or another company or place: what owners are told of before.
func (t *Terms) wider(than *Terms) bool {
	more := func(now, was []string) bool {
		return slices.ContainsFunc(now, func(x string) bool { return !slices.Contains(was, x) })
	}
	return t.Name != than.Name || t.Service != than.Service || t.Country != than.Country || t.Region != than.Region ||
		more(t.Parts, than.Parts) || more(t.Categories, than.Categories) || more(t.Purposes, than.Purposes) || more(t.Hosts, than.Hosts)
}

// early refuses a day that owners cannot be told of 30 days before.
func early(from int64, now time.Time) error {
	if clock.At(from).Before(now.Add(notices.Advance)) {
		return problem.InvalidField("body.from", "owners are told 30 days before")
	}
	return nil
}

// plan lets terms take the place of those that count, or be the first, from a day on, and announces it.
func (e *Entry) plan(tx *store.Tx, c *api.Caller, t *Terms, from int64) {
	e.Planned, e.From, e.Announcement, e.Told = t, from, api.NewID[id.Announcement](c), 0
	title := fmt.Sprintf("%s is to process data of your organization", t.Name)
	if e.Current != nil {
		title = fmt.Sprintf("%s is to process more data of your organization", t.Name)
	}
	where := t.Country
	if t.Region != "" {
		where = t.Region + ", " + t.Country
	}
	text := fmt.Sprintf("What for: %s. Which data: %s. Where: %s.", t.Service, strings.Join(t.Categories, ", "), where)
	if len(t.Mechanisms) > 0 {
		kinds := make([]string, len(t.Mechanisms))
		for i, m := range t.Mechanisms {
			kinds[i] = strings.ReplaceAll(string(m.Kind), "_", " ")
		}
		text += " Made lawful by: " + strings.Join(kinds, ", ") + "."
	}
	notices.Announce(tx, c.Platform(), &notices.Announcement{ID: e.Announcement, Kind: notices.ProviderChange, Object: e.ID, Audience: notices.Owners,
		Title: title, Text: text + " If you object, write to privacy@pixeltrack.io before.", Effective: from, By: c.Staff.ID, Waits: e.Keys().Primary})
}

// unplan takes back what was planned; nobody is told of it any more.
func (e *Entry) unplan(ctx context.Context, tx *store.Tx, p *store.Platform) error {
	if e.Planned == nil {
		return nil
	}
	a, err := notices.Find(ctx, p, e.Announcement)
	if err != nil {
		return err
	}
	notices.Withdraw(tx, p, a)
	e.Planned, e.From, e.Announcement, e.Told = nil, 0, "", 0
	return nil
}

// alarm sets the alarm of the review of the transfer, or clears it.
func (e *Entry) alarm(tx *store.Tx, p *store.Platform) {
	last := int64(0)
	for _, t := range []*Terms{e.Current, e.Planned} {
		if t == nil {
			continue
		}
		for _, m := range t.Mechanisms {
			last = max(last, m.ReviewBy)
		}
	}
	if e.Ended != 0 || last == 0 {
		deadline.Clear(tx, p, e.ID, "transfer_review_due")
		return
	}
	deadline.Set(tx, p, e.ID, "transfer_review_due", clock.At(last).Add(-Warning))
}

func exampleFacts() Facts {
	return Facts{Name: "Example Search GmbH", Service: "Search in documents", Parts: []string{"Index"}, Categories: []string{"projects"}, Purposes: []string{purpose.ServiceDelivery},
		Country: "IN", Mechanisms: []MechanismBody{{subprocessor.Clauses, "2026-02-01", "2027-02-01"}}, Hosts: []string{"api.search.example"}, Contract: "2026-02-01",
		Standards: []string{"SOC 2 Type II"}, Terms: "https://search.example/dpa", Page: "https://search.example/trust"}
}

func example(active bool) Body {
	f := exampleFacts()
	b := Body{ID: "example-search", Status: subprocessor.Announced, Planned: &f, From: "2026-04-15", Announcement: "ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
	if active {
		b = Body{ID: "example-search", Status: subprocessor.Active, Receives: true, Current: &f, Since: "2026-04-15"}
	}
	return b
}

func route(r api.Route) api.Route {
	r.Area, r.Audience, r.Audit, r.Purpose = "admin", api.Staff, true, purpose.PrivacyRights
	return r
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "subprocessor_not_found", When: "There is no such company in the register."}
}

func changed() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "subprocessor_ended", When: "Nothing goes there any more. Entered anew, it is announced anew."}
}

// CreateIn is the input of create-subprocessor.
type CreateIn struct{ Body CreateBody }

// CreateBody is a company that is to get data.
type CreateBody struct {
	ID   string `json:"id" pattern:"^[a-z][a-z0-9-]{1,39}$" doc:"What the register calls it." example:"example-search"`
	From string `json:"from" format:"date" doc:"No data goes there before: 30 days ahead or more." example:"2026-04-15"`
	Facts
}

// CreateSubprocessor enters a company into the register, and announces it.
func CreateSubprocessor(st *store.Store) api.Operation {
	return api.Replayable(route(api.Route{
		ID: "create-subprocessor", Method: http.MethodPost, Path: "/v1/admin/subprocessors", Permission: access.SubprocessorsWrite, Fresh: access.StaffFresh,
		Status: http.StatusCreated, Summary: "Enter a company that is to process personal data", ExampleIn: CreateBody{"example-search", "2026-04-15", exampleFacts()},
		ExampleOut:  example(false),
		Description: "The owners of all organizations are told, in the app and by mail. No data goes there before the day has come and all of them were told. One that has ended may be entered anew.",
		Refusals:    []api.Refusal{{Kind: problem.Conflict, Code: "subprocessor_exists", When: "It is in the register."}},
	}), func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		b, p := in.Body, c.Platform()
		all, err := All(ctx, p, c.Now)
		if err != nil {
			return nil, err
		}
		t := b.terms()
		if err := t.check(b.ID, all, c.Now); err != nil {
			return nil, err
		}
		if err := early(day(b.From), c.Now); err != nil {
			return nil, err
		}
		e := &Entry{ID: b.ID}
		if i := slices.IndexFunc(all, func(o Provider) bool { return o.ID == b.ID }); i >= 0 {
			if all[i].Status != subprocessor.Ended {
				return nil, exists()
			}
			e.Meta = all[i].entry.Meta
		}
		e.By = c.Staff.ID
		tx := st.Begin()
		e.plan(tx, c, t, day(b.From))
		e.save(tx, p)
		e.alarm(tx, p)
		if err := c.Commit(ctx, tx, e.ID); err != nil {
			return nil, overtaken(err)
		}
		return show(e, c.Now), nil
	}, again)
}

// save writes an entry, for the first time or in the place of the version that was read.
func (e *Entry) save(tx *store.Tx, p *store.Platform) {
	if e.Version == 0 {
		tx.Create(p, e)
		return
	}
	tx.Replace(p, e)
}

// overtaken is the refusal of who met another writer.
func overtaken(err error) error {
	if errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrStale) {
		return exists()
	}
	return err
}

func exists() error {
	return problem.Of(problem.Conflict, "subprocessor_exists", "It is in the register.")
}

func again(ctx context.Context, c *api.Caller, company string) (*Out, error) {
	e, err := find(ctx, c.Platform(), company, c.Now)
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("subprocessor")
	}
	if err != nil {
		return nil, err
	}
	return show(e, c.Now), nil
}

// SubprocessorID names a company in the register.
type SubprocessorID struct {
	ID string `path:"id" maxLength:"40" doc:"The company." example:"example-search"`
}

// GetSubprocessor shows one entry.
func GetSubprocessor() api.Operation {
	return api.New(route(api.Route{
		ID: "get-subprocessor", Method: http.MethodGet, Path: "/v1/admin/subprocessors/{id}", Permission: access.SubprocessorsRead,
		Summary: "One company of the register, with what is planned", Description: "The whole register is public: GET /v1/privacy/subprocessors.",
		ExampleOut: example(true), Refusals: []api.Refusal{missing()},
	}), func(ctx context.Context, c *api.Caller, in *SubprocessorID) (*Out, error) {
		return again(ctx, c, in.ID)
	})
}

// Change is embedded in the input of what changes an entry.
type Change struct {
	SubprocessorID
	api.IfMatch
}

// entry reads the entry that a call changes, in the version that the caller read.
func (in Change) entry(ctx context.Context, c *api.Caller) (*Entry, error) {
	e, err := find(ctx, c.Platform(), in.ID, c.Now)
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("subprocessor")
	}
	if err != nil {
		return nil, err
	}
	if err := in.Matches(e.Version); err != nil {
		return nil, err
	}
	if e.Ended != 0 {
		return nil, problem.Of(problem.Conflict, "subprocessor_ended", "It has ended.")
	}
	e.By = c.Staff.ID
	return e, nil
}

// UpdateIn is the input of update-subprocessor.
type UpdateIn struct {
	Change
	Body UpdateBody
}

// UpdateBody is on what a company gets data from now on, or from a day on.
type UpdateBody struct {
	From string `json:"from,omitempty" format:"date" doc:"When it counts: 30 days ahead or more where the company gets more, or it is another or elsewhere. Absent: now." example:"2026-05-01"`
	Facts
}

// UpdateSubprocessor says anew on what a company gets data.
func UpdateSubprocessor(st *store.Store) api.Operation {
	wider := exampleFacts()
	wider.Categories = []string{"projects", "clients"}
	planned := example(true)
	planned.Planned, planned.From, planned.Announcement = &wider, "2026-05-01", "ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	return api.New(route(api.Route{
		ID: "update-subprocessor", Method: http.MethodPut, Path: "/v1/admin/subprocessors/{id}", Permission: access.SubprocessorsWrite, Fresh: access.StaffFresh,
		Summary: "Say anew on what a company gets data", ExampleIn: UpdateBody{"2026-05-01", wider}, ExampleOut: planned,
		Description: "Less data, a reviewed mechanism or another link count at once. More parts, data, purposes or hosts, another name, service or country are announced as a new company is. " +
			"What was planned before and has not come is taken back.",
		Refusals: []api.Refusal{missing(), changed()},
	}), func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		b, p := in.Body, c.Platform()
		all, err := All(ctx, p, c.Now)
		if err != nil {
			return nil, err
		}
		t := b.terms()
		if err := t.check(in.ID, all, c.Now); err != nil {
			return nil, err
		}
		e, err := in.entry(ctx, c)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		was := e.Current
		if err := e.unplan(ctx, tx, p); err != nil {
			return nil, err
		}
		if was == nil || t.wider(was) {
			if err := early(day(b.From), c.Now); err != nil {
				return nil, err
			}
			e.plan(tx, c, t, day(b.From))
		} else {
			e.Current = t
		}
		e.save(tx, p)
		e.alarm(tx, p)
		if err := c.Commit(ctx, tx, e.ID); err != nil {
			return nil, stale(err)
		}
		return show(e, c.Now), nil
	})
}

func stale(err error) error {
	if errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrStale) {
		return api.Stale()
	}
	return err
}

// EndIn is the input of end-subprocessor.
type EndIn struct{ Change }

// EndSubprocessor lets nothing go to a company any more.
func EndSubprocessor(st *store.Store) api.Operation {
	ended := example(true)
	now := time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC)
	ended.Status, ended.Receives, ended.EndedAt = subprocessor.Ended, false, &now
	return api.Replayable(route(api.Route{
		ID: "end-subprocessor", Method: http.MethodPost, Path: "/v1/admin/subprocessors/{id}/end", Permission: access.SubprocessorsWrite, Fresh: access.StaffFresh,
		Summary: "Let no data go to a company any more", ExampleOut: ended, Refusals: []api.Refusal{missing(), changed()},
		Description: "Within five minutes no connection to its hosts is made. It stays in the register. What was planned of it is taken back.",
	}), func(ctx context.Context, c *api.Caller, in *EndIn) (*Out, error) {
		e, err := in.entry(ctx, c)
		if err != nil {
			return nil, err
		}
		tx, p := st.Begin(), c.Platform()
		if e.Current == nil {
			e.Current, e.Since = e.Planned, e.From
		}
		if err := e.unplan(ctx, tx, p); err != nil {
			return nil, err
		}
		e.Ended = c.Now.Unix()
		e.save(tx, p)
		e.alarm(tx, p)
		if err := c.Commit(ctx, tx, e.ID); err != nil {
			return nil, stale(err)
		}
		return show(e, c.Now), nil
	}, again)
}
