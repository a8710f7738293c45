package clients

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/counter"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// CreateIn is the input of create-client.
type CreateIn struct {
	Body CreateBody
}

// CreateBody is a new client.
type CreateBody struct {
	Name        string       `json:"name" minLength:"1" maxLength:"200" example:"Example Bakery"`
	Currency    string       `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217." example:"EUR"`
	Language    string       `json:"language,omitempty" default:"en" maxLength:"35" pattern:"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$" doc:"BCP 47." example:"en"`
	TermsDays   int          `json:"payment_terms_days,omitempty" default:"14" minimum:"0" maximum:"365" example:"14"`
	Email       string       `json:"email,omitempty" maxLength:"254" pattern:"^([^\\s@<>,;]+@[^\\s@<>,;]+)?$" example:"office@example.com"`
	Phone       string       `json:"phone,omitempty" maxLength:"50" example:"+49 30 5550100"`
	Address     *Address     `json:"address,omitempty"`
	Notes       string       `json:"notes,omitempty" maxLength:"10000"`
	Tags        []string     `json:"tags,omitempty" maxItems:"20" minLength:"1" maxLength:"50"`
	DefaultRate *money.Money `json:"default_rate,omitempty" doc:"What an hour costs; needs the right rates:read."`
	TaxID       string       `json:"tax_id,omitempty" maxLength:"40" pattern:"^([0-9A-Za-z]([0-9A-Za-z ./-]*[0-9A-Za-z])?)?$" doc:"Needs the right tax_id:read; kept encrypted." example:"DE987654321"`
}

// CreateClient adds a client to the organisation.
func CreateClient(st *store.Store, seals keys.DataKeys, pseudonyms keys.Pseudonyms) api.Operation {
	e := example()
	return api.Replayable(api.Route{
		ID: "create-client", Area: "clients", Method: http.MethodPost, Path: "/v1/clients", Status: http.StatusCreated,
		ReadsAhead: true, Permission: access.ClientsWrite, Purpose: purpose.ServiceDelivery, Summary: "Add a client",
		Description: "The client gets the organization's next number.",
		ExampleIn: CreateBody{Name: e.Name, Currency: e.Currency, Language: e.Language, TermsDays: e.TermsDays, Email: e.Email,
			Address: e.Address, Tags: e.Tags, DefaultRate: e.DefaultRate, TaxID: e.TaxID},
		ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		if in.Body.DefaultRate != nil {
			if err := c.Needs(access.RatesRead); err != nil {
				return nil, err
			}
		}
		if in.Body.TaxID != "" {
			if err := c.Needs(access.TaxIDRead); err != nil {
				return nil, err
			}
		}
		row := in.Body.client(c)
		if err := row.check(); err != nil {
			return nil, err
		}
		row.name(pseudonyms)
		var err error
		if row.TaxID, err = taxid.Seal(ctx, seals, TaxIDPlace(row.Org, row.ID), in.Body.TaxID, c.Now); err != nil {
			return nil, err
		}
		err = store.Again(ctx, counter.ErrTaken, func() error {
			number, err := counter.Next(ctx, c.Org, "client")
			if err != nil {
				return err
			}
			row.Number = number.Value
			tx := st.Begin()
			number.Take(tx, c.Org)
			tx.Create(c.Org, row)
			return c.Commit(ctx, tx, string(row.ID))
		})
		if err != nil {
			return nil, err
		}
		return reveal(ctx, c, seals, row)
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) { return found(ctx, c, seals, made) })
}

func (b CreateBody) client(c *api.Caller) *Client {
	return &Client{Org: c.Org.ID, ID: api.NewID[id.Client](c), Name: b.Name, Currency: b.Currency, Language: b.Language, TermsDays: b.TermsDays,
		Email: b.Email, Phone: b.Phone, Address: b.Address, Notes: b.Notes, Tags: b.Tags, DefaultRate: b.DefaultRate,
		Status: Active, Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
}

// found answers with a client and its tax id, by an id as it came in.
func found(ctx context.Context, c *api.Caller, seals keys.DataKeys, text string) (*Out, error) {
	row, err := Read(ctx, c.Org, text)
	if err != nil {
		return nil, err
	}
	return reveal(ctx, c, seals, row)
}

// again answers a repeat with the client as it is now.
func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	row, err := Read(ctx, c.Org, made)
	if err != nil {
		return nil, err
	}
	return show(c, row), nil
}
