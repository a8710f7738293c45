package projects

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// CreateIn is the input of create-project.
type CreateIn struct {
	Body CreateBody
}

// CreateBody is a new project.
type CreateBody struct {
	Key         string       `json:"key" pattern:"^[A-Z0-9]{2,10}$" doc:"2 to 10 capital letters and digits; unique in the organization." example:"WEB"`
	Name        string       `json:"name" minLength:"1" maxLength:"200" example:"New web site"`
	ClientID    string       `json:"client_id,omitempty" maxLength:"64" doc:"An active client." example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Color       string       `json:"color,omitempty" pattern:"^(#[0-9a-f]{6})?$" example:"#3366cc"`
	Billing     Billing      `json:"billing,omitempty" enum:"hourly,fixed,retainer,non_billable" default:"hourly"`
	HourlyRate  *money.Money `json:"hourly_rate,omitempty" doc:"Needs the right rates:read."`
	StartsOn    string       `json:"starts_on,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" example:"2026-03-02"`
	EndsOn      string       `json:"ends_on,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"`
	Description string       `json:"description,omitempty" maxLength:"10000"`
}

func clientRefusals() []api.Refusal {
	return []api.Refusal{{Kind: problem.NotFound, Code: "client_not_found", When: "There is no such client in the organization."},
		{Kind: problem.Conflict, Code: "client_archived", When: "The client is archived."}}
}

// CreateProject adds a project to the organisation.
func CreateProject(st *store.Store) api.Operation {
	e := example()
	return api.Replayable(api.Route{
		ID: "create-project", Area: "projects", Method: http.MethodPost, Path: "/v1/projects", Status: http.StatusCreated,
		ReadsAhead: true, Permission: access.ProjectsWrite, Purpose: purpose.ServiceDelivery, Summary: "Add a project",
		Description: "Its key is free when no project of the organization has it. Who sees those that they work on alone leads it.",
		Refusals:    append(clientRefusals(), api.Refusal{Kind: problem.Conflict, Code: "project_key_taken", When: "Another project has the key."}),
		ExampleIn: CreateBody{Key: e.Key, Name: e.Name, ClientID: e.ClientID, Color: e.Color, Billing: e.Billing, HourlyRate: e.HourlyRate,
			StartsOn: e.StartsOn},
		ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		if in.Body.HourlyRate != nil {
			if err := c.Needs(access.RatesRead); err != nil {
				return nil, err
			}
		}
		row := in.Body.project(c)
		if err := row.check(); err != nil {
			return nil, err
		}
		tx := st.Begin()
		if row.Client != "" {
			clients.Use(tx, c.Org, row.Client)
		}
		tx.Create(c.Org, &Marker{Project: row.ID, key: markerKey(c.Org, row.Short)}).
			Else(problem.Of(problem.Conflict, "project_key_taken", "Another project has this key."))
		if err := row.keep(tx, c); err != nil {
			return nil, err
		}
		tx.Create(c.Org, row)
		if !seesAll(c) { // or they would not see it
			tx.Create(c.Org, &Member{Org: row.Org, Project: row.ID, Member: c.Member, Role: Lead, Added: c.Now.Unix()})
		}
		if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
			return nil, whyNot(ctx, c, row.Client, err)
		}
		return show(c, row), nil
	}, again)
}

func (b CreateBody) project(c *api.Caller) *Project {
	return &Project{Org: c.Org.ID, ID: api.NewID[id.Project](c), Short: b.Key, Name: b.Name, Client: id.Client(b.ClientID), Color: b.Color,
		Billing: b.Billing, HourlyRate: b.HourlyRate, StartsOn: b.StartsOn, EndsOn: b.EndsOn, Description: b.Description,
		Status: Active, Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
}

// whyNot says why a project could not refer to a client.
func whyNot(ctx context.Context, c *api.Caller, client id.Client, err error) error {
	if !errors.Is(err, clients.ErrNotActive) {
		return err
	}
	if _, err := clients.Read(ctx, c.Org, string(client)); err != nil {
		return err
	}
	return problem.Of(problem.Conflict, "client_archived", "The client is archived; restore it first.")
}

// again answers a repeat with the project as it is now.
func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	row, err := See(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return show(c, row), nil
}
