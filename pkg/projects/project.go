package projects

import (
	"context"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// The families of projects and of the markers that keep their keys unique.
const (
	Family    store.Family = "PROJECT"
	FamilyKey store.Family = "PROJECTKEY"
)

// Status is the gate of a project. Who writes under a project reads it first and writes within the deadline of the
// request; who closes one says so here first and judges what lies under it a minute later.
type Status string

// The states of a project. A deleted project is gone.
const (
	Active   Status = "active"
	Archived Status = "archived"
	Closing  Status = "closing" // its deletion is being looked at
)

// Billing is how the work on a project is paid.
type Billing string

// The ways to bill.
const (
	Hourly      Billing = "hourly"
	Fixed       Billing = "fixed"
	Retainer    Billing = "retainer"
	NonBillable Billing = "non_billable"
)

// Project is what an organisation works on.
type Project struct {
	store.Meta
	Org         id.Organization `dynamo:"org"`
	ID          id.Project      `dynamo:"id"`
	Short       string          `dynamo:"key"` // WEB; unique in the organisation, never changed
	Name        string          `dynamo:"name"`
	Client      id.Client       `dynamo:"client,omitempty"`
	Color       string          `dynamo:"color,omitempty"`
	Billing     Billing         `dynamo:"billing"`
	HourlyRate  *money.Money    `dynamo:"hourly_rate,omitempty"`
	StartsOn    string          `dynamo:"starts_on,omitempty"` // 2026-03-02
	EndsOn      string          `dynamo:"ends_on,omitempty"`
	Description string          `dynamo:"description,omitempty"`
	Status      Status          `dynamo:"status"`
	Former      Status          `dynamo:"former,omitempty"`   // what it was before it was closing
	Judged      int64           `dynamo:"judged,omitempty"`   // epoch seconds; when a closing project is judged
	Archived    int64           `dynamo:"archived,omitempty"` // epoch milliseconds; when it was last archived
	Clock       int64           `dynamo:"clock,omitempty"`    // epoch seconds; when it is looked at for its retention
	Goes        int64           `dynamo:"goes,omitempty"`     // epoch seconds; when its data goes, of which the owner was told
	Shut        int64           `dynamo:"shut,omitempty"`     // epoch seconds; since when it is closing because its time is over
	Created     int64           `dynamo:"created"`            // epoch milliseconds
	Updated     int64           `dynamo:"updated"`            // epoch milliseconds
}

// Type is the row's type.
func (p *Project) Type() string { return "PROJECT" }

// Keys lists projects by id, by state and client, and by time of change.
func (p *Project) Keys() store.Keys {
	s := store.OrganizationScope(p.Org)
	client := string(p.Client)
	if client == "" {
		client = "none"
	}
	return store.Keys{
		Primary: Key(p.Org, p.ID),
		Index1:  store.Key{PK: s.Partition(Family, string(p.Status)), SK: store.Join(client, string(p.ID))},
		Index2:  s.Updated(Family, time.UnixMilli(p.Updated), string(p.ID)),
	}
}

// Key is where a project lies.
func Key(org id.Organization, p id.Project) store.Key {
	return store.OrganizationScope(org).Key(Family, string(p))
}

// Marker says which project has a key.
type Marker struct {
	store.Meta
	Project id.Project `dynamo:"project"`
	key     store.Key
}

// Type is the row's type.
func (m *Marker) Type() string { return "PROJECTKEY" }

// Keys puts a marker under the key.
func (m *Marker) Keys() store.Keys { return store.Keys{Primary: m.key} }

func markerKey(org *store.Organization, key string) store.Key { return org.Scope().Key(FamilyKey, key) }

// Read reads a project by an id as it came in.
func Read(ctx context.Context, org *store.Organization, text string) (*Project, error) {
	return api.Find[Project](ctx, org, "project", text, func(prj id.Project) store.Key { return Key(org.ID, prj) })
}

// Open refuses new work on a project that is archived or closing. It is the gate that is asked before each write under
// the project.
func (p *Project) Open() error {
	switch p.Status {
	case Archived:
		return problem.Of(problem.Conflict, "project_archived", "The project is archived and takes no changes of its hours.")
	case Closing:
		return closing()
	}
	return nil
}

func closing() error {
	return problem.Of(problem.Conflict, "project_closing", "The project is being deleted; ask again in a few minutes.")
}

// ProjectBody is a project on the wire.
type ProjectBody struct {
	ID          string       `json:"id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Key         string       `json:"key" doc:"Unique in the organization; it never changes." example:"WEB"`
	Name        string       `json:"name" example:"New web site"`
	ClientID    string       `json:"client_id,omitempty" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Color       string       `json:"color,omitempty" example:"#3366cc"`
	Billing     Billing      `json:"billing" enum:"hourly,fixed,retainer,non_billable"`
	HourlyRate  *money.Money `json:"hourly_rate,omitempty" doc:"Shown with the right rates:read."`
	StartsOn    string       `json:"starts_on,omitempty" format:"date"`
	EndsOn      string       `json:"ends_on,omitempty" format:"date"`
	Description string       `json:"description,omitempty"`
	Status      Status       `json:"status" enum:"active,archived,closing" doc:"Closing: its deletion is being looked at; in a few minutes it is gone, or what it was."`
	DeletionAt  *time.Time   `json:"deletion_at,omitempty" doc:"When the project is deleted with its hours and files, because the time is over for which the organization keeps project data. Known 14 days before; work on the project puts it off."`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

func body(c *api.Caller, p *Project) ProjectBody {
	b := ProjectBody{ID: string(p.ID), Key: p.Short, Name: p.Name, ClientID: string(p.Client), Color: p.Color, Billing: p.Billing,
		StartsOn: p.StartsOn, EndsOn: p.EndsOn, Description: p.Description, Status: p.Status,
		CreatedAt: time.UnixMilli(p.Created).UTC(), UpdatedAt: time.UnixMilli(p.Updated).UTC()}
	if p.Goes != 0 {
		goes := time.Unix(p.Goes, 0).UTC()
		b.DeletionAt = &goes
	}
	if c.May(access.RatesRead) {
		b.HourlyRate = p.HourlyRate
	}
	return b
}

func example() ProjectBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return ProjectBody{ID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Key: "WEB", Name: "New web site", ClientID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Color: "#3366cc",
		Billing: Hourly, HourlyRate: &money.Money{Amount: 9000, Currency: "EUR"}, StartsOn: "2026-03-02", Status: Active, CreatedAt: at, UpdatedAt: at}
}

// Out is the answer of a route about one project.
type Out struct {
	api.Tagged
	Body ProjectBody
}

func show(c *api.Caller, p *Project) *Out {
	return &Out{Tagged: api.Tag(p.Version), Body: body(c, p)}
}

// tidy removes what means nothing.
func (p *Project) tidy() { p.Name = strings.TrimSpace(p.Name) }

// check tidies a project and refuses what the fields' own rules do not see.
func (p *Project) check() error {
	p.tidy()
	if p.Name == "" {
		return problem.InvalidField("body.name", "must not be blank")
	}
	if r := p.HourlyRate; r != nil && (r.Amount < 0 || r.Amount > clients.MaxRate || !money.Valid(r.Currency)) {
		return problem.InvalidField("body.hourly_rate", "not an amount from 0 to 1000000000 in a currency of ISO 4217")
	}
	if p.Client != "" {
		if _, err := id.Parse[id.Client](string(p.Client)); err != nil {
			return problem.Missing("client")
		}
	}
	for _, d := range []struct{ field, text string }{{"starts_on", p.StartsOn}, {"ends_on", p.EndsOn}} {
		if _, err := time.Parse(time.DateOnly, d.text); d.text != "" && err != nil {
			return problem.InvalidField("body."+d.field, "not a date")
		}
	}
	return p.inOrder()
}

// inOrder refuses an end before the start.
func (p *Project) inOrder() error {
	if p.StartsOn != "" && p.EndsOn != "" && p.EndsOn < p.StartsOn {
		return problem.InvalidField("body.ends_on", "before starts_on")
	}
	return nil
}
