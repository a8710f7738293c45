// Package clients is the area of an organisation's clients.
package clients

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/counter"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{CreateClient(nil, nil, keys.Pseudonyms{}), ListClients(), GetClient(nil), UpdateClient(nil, nil, keys.Pseudonyms{}), DeleteClient(nil), ArchiveClient(nil), RestoreClient(nil),
		EraseClient(nil), CreateContact(nil, keys.Pseudonyms{}), ListContacts(), GetContact(), UpdateContact(nil, keys.Pseudonyms{}), DeleteContact(nil)}
}

// Rows registers the area's rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Client{}, Type: "CLIENT", Area: "clients", Subject: registry.SubjectContact, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "clients", Family: string(Family), Scopes: []registry.Scope{registry.InOrganization},
			Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), registry.Plain("number", "a count"),
				registry.Personal("name", "name", "whom the organization works for, at times a person", registry.KeepController),
				registry.Plain("currency", "a code"), registry.Plain("language", "a language"), registry.Plain("payment_terms_days", "a count of days"),
				registry.Personal("email", "email", "where the client is reached", registry.KeepController),
				registry.Personal("phone", "phone", "where the client is reached", registry.KeepController),
				registry.Personal("address", "address", "where the client is reached", registry.KeepController),
				registry.Personal("notes", "notes", "what the team writes about the client", registry.KeepController),
				registry.Secret("named", "a keyed hash of the address, which finds the organization when the client asks about their data", registry.KeepController),
				registry.Sealed("tax_id", "tax_id", "its tax id, for invoices to it", registry.KeepController), registry.Personal("tags", "tags", "words of the organization, at times about the client", registry.KeepController), registry.Plain("default_rate", "an amount"), registry.Plain("status", "a fixed word"),
				registry.Internal("projects", "a count"), registry.Internal("files", "a count"), registry.Internal("contacts", "a count"), registry.Internal("invoices", "a count"),
				registry.Plain("erased_at", "a time"), registry.Internal("erasure_done", "a time"), registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
			}},
		{Sample: Contact{}, Type: "CONTACT", Area: "clients", Subject: registry.SubjectContact, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Export: "contacts", Family: string(FamilyContact), Scopes: []registry.Scope{registry.InOrganization}, Division: registry.ByObject(string(Family)),
			Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("client", "a random id"), registry.Plain("id", "a random id"),
				registry.Personal("name", "name", "who the contact is", registry.KeepController), registry.Personal("email", "email", "where the contact is reached", registry.KeepController),
				registry.Personal("phone", "phone", "where the contact is reached", registry.KeepController), registry.Personal("job_title", "job_title", "what the contact does", registry.KeepController),
				registry.Secret("named", "a keyed hash of the address, which finds the organization when the contact asks about their data", registry.KeepController),
				registry.Plain("roles", "fixed words"), registry.Plain("created", "a time"), registry.Plain("updated", "a time"),
			}},
		{Sample: counter.Counter{}, Type: "COUNTER", Area: "clients", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassProject, Family: string(counter.Family), Scopes: []registry.Scope{registry.InOrganization},
			Fields: []registry.Field{registry.Internal("value", "a count")}},
	}
}

// ByID names a client.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The client." example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a client and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "client_not_found", When: "There is no such client in the organization."}
}

// GetClient answers one client.
func GetClient(seals keys.DataKeys) api.Operation {
	return api.New(api.Route{
		ID: "get-client", Area: "clients", Method: http.MethodGet, Path: "/v1/clients/{id}", PureRead: true,
		Permission: access.ClientsRead, Purpose: purpose.ServiceDelivery, Summary: "One client",
		Description: "The rate is shown to those who may see rates, the tax id to those with the right tax_id:read.",
		Refusals:    []api.Refusal{missing()}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) { return found(ctx, c, seals, in.ID) })
}

// UpdateIn is the input of update-client.
type UpdateIn struct {
	ChangeIn
	Body UpdateBody
}

// UpdateBody is what to change of a client; what is absent stays.
type UpdateBody struct {
	Name        *string                   `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Currency    *string                   `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"ISO 4217."`
	Language    *string                   `json:"language,omitempty" maxLength:"35" pattern:"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$" doc:"BCP 47."`
	TermsDays   *int                      `json:"payment_terms_days,omitempty" minimum:"0" maximum:"365"`
	Email       *string                   `json:"email,omitempty" maxLength:"254" pattern:"^([^\\s@<>,;]+@[^\\s@<>,;]+)?$" doc:"Empty removes it."`
	Phone       *string                   `json:"phone,omitempty" maxLength:"50" doc:"Empty removes it."`
	Address     *Address                  `json:"address,omitempty" doc:"Replaces the whole address; an empty one removes it."`
	Notes       *string                   `json:"notes,omitempty" maxLength:"10000" doc:"Empty removes them."`
	Tags        *[]string                 `json:"tags,omitempty" maxItems:"20" minLength:"1" maxLength:"50" doc:"Replaces all tags."`
	TaxID       *string                   `json:"tax_id,omitempty" maxLength:"40" pattern:"^([0-9A-Za-z]([0-9A-Za-z ./-]*[0-9A-Za-z])?)?$" doc:"Needs the right tax_id:read; kept encrypted. Empty removes it."`
	DefaultRate api.Optional[money.Money] `json:"default_rate,omitzero" required:"false" doc:"null removes it; needs the right rates:read."`
}

func (b UpdateBody) apply(row *Client) {
	set(&row.Name, b.Name)
	set(&row.Currency, b.Currency)
	set(&row.Language, b.Language)
	set(&row.TermsDays, b.TermsDays)
	set(&row.Email, b.Email)
	set(&row.Phone, b.Phone)
	set(&row.Notes, b.Notes)
	set(&row.Tags, b.Tags)
	if b.Address != nil {
		row.Address = b.Address
	}
	row.DefaultRate = b.DefaultRate.Or(row.DefaultRate)
}

// check refuses a change that no client can take, whichever it is made to.
func (b UpdateBody) check() error {
	any := Client{Name: "any", Currency: "EUR"}
	b.apply(&any)
	return any.check()
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// UpdateClient changes a client.
func UpdateClient(st *store.Store, seals keys.DataKeys, pseudonyms keys.Pseudonyms) api.Operation {
	terms := 30
	return api.New(api.Route{
		ID: "update-client", Area: "clients", Method: http.MethodPatch, Path: "/v1/clients/{id}", ReadsAhead: true,
		Permission: access.ClientsWrite, Purpose: purpose.ServiceDelivery, Summary: "Change a client",
		Description: "Fields that are absent stay as they are.",
		Refusals:    []api.Refusal{missing(), erased()}, ExampleIn: UpdateBody{TermsDays: &terms, DefaultRate: api.Some(money.Money{Amount: 9500, Currency: "EUR"})},
		ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if in.Body.DefaultRate.Sent {
			if err := c.Needs(access.RatesRead); err != nil {
				return nil, err
			}
		}
		if in.Body.TaxID != nil {
			if err := c.Needs(access.TaxIDRead); err != nil {
				return nil, err
			}
		}
		if err := in.Body.check(); err != nil {
			return nil, err
		}
		row, err := in.living(ctx, c)
		if err != nil {
			return nil, err
		}
		in.Body.apply(row)
		row.tidy()
		row.name(pseudonyms)
		if t := in.Body.TaxID; t != nil {
			if row.TaxID, err = taxid.Seal(ctx, seals, TaxIDPlace(row.Org, row.ID), *t, c.Now); err != nil {
				return nil, err
			}
		}
		if _, err := save(ctx, st, c, row); err != nil {
			return nil, err
		}
		return reveal(ctx, c, seals, row)
	})
}

// read gives the client that is meant, in the version that is meant.
func (in ChangeIn) read(ctx context.Context, c *api.Caller) (*Client, error) {
	row, err := Read(ctx, c.Org, in.ID)
	if err != nil {
		return nil, err
	}
	return row, in.Matches(row.Version)
}

// living is read for what would put a person back who was erased.
func (in ChangeIn) living(ctx context.Context, c *api.Caller) (*Client, error) {
	row, err := in.read(ctx, c)
	if err == nil && row.ErasedAt != 0 {
		return nil, problem.Of(problem.Conflict, "client_erased", "The client was erased, for good.")
	}
	return row, err
}

func erased() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "client_erased", When: "The client was erased, for good."}
}

func save(ctx context.Context, st *store.Store, c *api.Caller, row *Client) (*Out, error) {
	row.touch(c.Now)
	tx := st.Begin()
	tx.Replace(c.Org, row)
	if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
		return nil, err
	}
	return show(c, row), nil
}

// DeleteClient removes a client that nothing refers to.
func DeleteClient(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-client", Area: "clients", Method: http.MethodDelete, Path: "/v1/clients/{id}", Status: http.StatusNoContent, ReadsAhead: true,
		Permission: access.ClientsDelete, Purpose: purpose.ServiceDelivery, Summary: "Delete a client",
		Description: "Only a client that no project or invoice refers to and no file hangs on; archive the others. Its contacts go with it.",
		Refusals:    []api.Refusal{missing(), {Kind: problem.Conflict, Code: "client_in_use", When: "Projects or invoices refer to the client, or files hang on it; details say how many."}},
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		row, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		if row.Projects > 0 || row.Invoices > 0 || row.Files > 0 {
			inUse := problem.Of(problem.Conflict, "client_in_use", "Projects or invoices refer to the client, or files hang on it; archive it instead.")
			inUse.Details = map[string]any{"projects": row.Projects, "invoices": row.Invoices, "files": row.Files}
			return nil, inUse
		}
		var contacts []*Contact
		if row.Contacts > 0 {
			if contacts, _, err = store.List[Contact](ctx, c.Org, Contacts(c.Org.Scope(), row.ID)); err != nil {
				return nil, err
			}
		}
		tx := st.Begin()
		tx.Bury(c.Org, row, string(row.ID)) // a project, file or contact that comes meanwhile makes another version of the row
		for _, contact := range contacts {
			tx.Delete(c.Org, contact)
		}
		return nil, c.Commit(ctx, tx, string(row.ID))
	})
}

// ArchiveClient puts a client away: it stays, and no new project refers to it.
func ArchiveClient(st *store.Store) api.Operation {
	e := example()
	e.Status = Archived
	return turn(st, Archived, api.Route{ID: "archive-client", Path: "/v1/clients/{id}/archive", Summary: "Put a client away",
		Description: "It stays as it is; no new project can refer to it. Archiving it twice is archiving it once.", ExampleOut: e})
}

// RestoreClient takes an archived client back.
func RestoreClient(st *store.Store) api.Operation {
	return turn(st, Active, api.Route{ID: "restore-client", Path: "/v1/clients/{id}/restore", Summary: "Take an archived client back",
		Description: "New projects can refer to it again.", ExampleOut: example()})
}

func turn(st *store.Store, to Status, r api.Route) api.Operation {
	r.Area, r.Method, r.Permission, r.Purpose, r.Refusals = "clients", http.MethodPost, access.ClientsWrite, purpose.ServiceDelivery, []api.Refusal{missing(), erased()}
	r.ReadsAhead = true
	return api.Replayable(r, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*Out, error) {
		row, err := in.living(ctx, c)
		if err != nil {
			return nil, err
		}
		if row.Status == to {
			return show(c, row), nil
		}
		row.Status = to
		return save(ctx, st, c, row)
	}, again)
}
