// Package projects is the area of what an organisation works on.
package projects

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{CreateProject(nil), ListProjects(), GetProject(), UpdateProject(nil), DeleteProject(nil), ArchiveProject(nil), RestoreProject(nil), PreviewRetention(),
		ListProjectMembers(), CreateProjectMember(nil), UpdateProjectMember(nil), DeleteProjectMember(nil)}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{CloseProjects()} }

// Rows registers the area's rows.
func Rows() []registry.Row {
	in := []registry.Scope{registry.InOrganization}
	return []registry.Row{
		{Sample: Project{}, Type: "PROJECT", Area: "projects", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "projects", Family: string(Family), Scopes: in, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), registry.Plain("key", "a short name"),
				registry.Personal("name", "name", "what the organization works on, at times for a person", registry.KeepController),
				registry.Plain("client", "a random id"), registry.Plain("color", "a color"), registry.Plain("billing", "a fixed word"),
				registry.Plain("hourly_rate", "an amount"), registry.Plain("starts_on", "a date"), registry.Plain("ends_on", "a date"),
				registry.Personal("description", "description", "what the team writes about the project", registry.KeepController),
				registry.Plain("status", "a fixed word"), registry.Internal("former", "a fixed word"), registry.Internal("judged", "a time"),
				registry.Plain("archived", "a time"), registry.Internal("clock", "a time"), registry.Plain("goes", "a time"), registry.Internal("shut", "a time"),
				registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
			}},
		{Sample: Marker{}, Type: "PROJECTKEY", Area: "projects", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Family: string(FamilyKey), Scopes: in, Fields: []registry.Field{registry.Internal("project", "a random id")}},
		{Sample: Member{}, Type: "PROJECTMEMBER", Area: "projects", Subject: registry.SubjectMember, Purpose: purpose.Collaboration, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "project_members", Family: string(FamilyMember), Scopes: in, Division: registry.ByObject(string(Family)),
			MemberIndex: registry.Index1, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("project", "a random id"),
				registry.Personal("member", "member", "who works on the project, by random id", registry.EraseUnlink),
				registry.Plain("role", "a fixed word"), registry.Plain("added", "a time"),
			}},
		{Sample: Booking{}, Type: "PROJECTTIME", Area: "projects", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Family: string(FamilyBooking), Scopes: in, Division: registry.ByObject(string(Family))},
	}
}

// ByID names a project.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The project." example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a project and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

// read gives the project that is meant, in the version that is meant, when the caller has a right to it.
func (in ChangeIn) read(ctx context.Context, c *api.Caller, right access.Permission) (*Project, error) {
	row, err := reach(ctx, c, in.ID, right, seesAll(c))
	if err != nil {
		return nil, err
	}
	return row, in.Matches(row.Version)
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "project_not_found", When: "There is no such project in the organization, or you see those that you work on alone, and it is none of them."}
}

func notLed() api.Refusal {
	return api.Refusal{Kind: problem.Forbidden, Code: "permission_denied", When: "You see the project, do not lead it, and have not the right projects:write."}
}

func isClosing() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "project_closing", When: "The project is being deleted."}
}

// GetProject answers one project.
func GetProject() api.Operation {
	return api.New(api.Route{
		ID: "get-project", Area: "projects", Method: http.MethodGet, Path: "/v1/projects/{id}", PureRead: true,
		Permission: access.ProjectsReadOwn, Purpose: purpose.ServiceDelivery, Summary: "One project",
		Description: "The rate is shown to those who may see rates. Who does not see all projects, as guests, sees those that they work on.",
		Refusals:    []api.Refusal{missing()}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		row, err := reach(ctx, c, in.ID, "", c.May(access.ProjectsRead)) // here the scopes of an API token say, too
		if err != nil {
			return nil, err
		}
		return show(c, row), nil
	})
}

// UpdateIn is the input of update-project.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of a project; what is absent stays.
type UpdateBody struct {
	Name        *string                   `json:"name,omitempty" minLength:"1" maxLength:"200"`
	ClientID    *string                   `json:"client_id,omitempty" maxLength:"64" doc:"Empty removes it."`
	Color       *string                   `json:"color,omitempty" pattern:"^(#[0-9a-f]{6})?$" doc:"Empty removes it."`
	Billing     *Billing                  `json:"billing,omitempty" enum:"hourly,fixed,retainer,non_billable"`
	HourlyRate  api.Optional[money.Money] `json:"hourly_rate,omitzero" required:"false" doc:"For entries from now on; null removes it; needs the right rates:read."`
	StartsOn    *string                   `json:"starts_on,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" doc:"Empty removes it."`
	EndsOn      *string                   `json:"ends_on,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" doc:"Empty removes it."`
	Description *string                   `json:"description,omitempty" maxLength:"10000" doc:"Empty removes it."`
}

func (b UpdateBody) apply(p *Project) {
	set(&p.Name, b.Name)
	set((*string)(&p.Client), b.ClientID)
	set(&p.Color, b.Color)
	set(&p.Billing, b.Billing)
	set(&p.StartsOn, b.StartsOn)
	set(&p.EndsOn, b.EndsOn)
	set(&p.Description, b.Description)
	p.HourlyRate = b.HourlyRate.Or(p.HourlyRate)
}

// check refuses a change that no project can take, whichever it is made to.
func (b UpdateBody) check() error {
	any := Project{Name: "any"}
	b.apply(&any)
	return any.check()
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// UpdateProject changes a project.
func UpdateProject(st *store.Store) api.Operation {
	name := "Newer web site"
	return api.New(api.Route{
		ID: "update-project", Area: "projects", Method: http.MethodPatch, Path: "/v1/projects/{id}", ReadsAhead: true,
		Permission: access.ProjectsWriteLed, Purpose: purpose.ServiceDelivery, Summary: "Change a project",
		Description: "One that you lead, or any with the right projects:write, which client_id and billing take. Fields that are absent stay as they are. Hours that were tracked keep the rate that they have.",
		Refusals:    append(clientRefusals(), notLed(), missing(), isClosing()), ExampleIn: UpdateBody{Name: &name, HourlyRate: api.Some(money.Money{Amount: 9500, Currency: "EUR"})},
		ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if in.Body.HourlyRate.Sent {
			if err := c.Needs(access.RatesRead); err != nil {
				return nil, err
			}
		}
		if in.Body.ClientID != nil || in.Body.Billing != nil {
			if err := c.Needs(access.ProjectsWrite); err != nil {
				return nil, err
			}
		}
		if err := in.Body.check(); err != nil {
			return nil, err
		}
		row, err := in.read(ctx, c, access.ProjectsWrite)
		if err != nil {
			return nil, err
		}
		if row.Status == Closing {
			return nil, closing()
		}
		before := row.Client
		in.Body.apply(row)
		row.tidy()
		if err := row.inOrder(); err != nil {
			return nil, err
		}
		return save(ctx, st, c, row, before)
	})
}

func save(ctx context.Context, st *store.Store, c *api.Caller, row *Project, before id.Client) (*Out, error) {
	row.touch(c.Now)
	tx := st.Begin()
	row.moveTo(tx, c.Org, before)
	if err := row.keep(tx, c); err != nil {
		return nil, err
	}
	tx.Replace(c.Org, row)
	if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
		return nil, whyNot(ctx, c, row.Client, err)
	}
	return show(c, row), nil
}

// ArchiveProject puts a project away: it stays, and takes no new hours.
func ArchiveProject(st *store.Store) api.Operation {
	e := example()
	e.Status = Archived
	return turn(st, Archived, api.Route{ID: "archive-project", Path: "/v1/projects/{id}/archive", Summary: "Put a project away",
		Description: "It stays as it is and takes no new hours; a timer that runs on it can still be stopped. Archiving it twice is archiving it once.", ExampleOut: e})
}

// RestoreProject takes an archived project back.
func RestoreProject(st *store.Store) api.Operation {
	return turn(st, Active, api.Route{ID: "restore-project", Path: "/v1/projects/{id}/restore", Summary: "Take an archived project back",
		Description: "It takes hours again.", ExampleOut: example()})
}

func turn(st *store.Store, to Status, r api.Route) api.Operation {
	r.Area, r.Method, r.Permission, r.Purpose = "projects", http.MethodPost, access.ProjectsWrite, purpose.ServiceDelivery
	r.Refusals = []api.Refusal{missing(), isClosing()}
	r.ReadsAhead = true
	return api.Replayable(r, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*Out, error) {
		row, err := in.read(ctx, c, access.ProjectsWrite)
		if err != nil {
			return nil, err
		}
		switch row.Status {
		case to:
			return show(c, row), nil
		case Closing:
			return nil, closing()
		}
		if row.Status = to; to == Archived {
			row.Archived = c.Now.UnixMilli()
		}
		return save(ctx, st, c, row, row.Client)
	}, again)
}
