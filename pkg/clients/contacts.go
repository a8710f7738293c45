package clients

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ContactIn names a contact of a client.
type ContactIn struct {
	ByID
	ContactID string `path:"contact_id" maxLength:"64" doc:"The contact." example:"cnt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ContactChangeIn names a contact and the version that is meant.
type ContactChangeIn struct {
	ContactIn
	api.IfMatch
}

func missingContact() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "contact_not_found", When: "There is no such contact of such a client."}
}

// NewContactIn is the input of create-contact.
type NewContactIn struct {
	ByID
	Body NewContactBody
}

// NewContactBody is a new contact.
type NewContactBody struct {
	Name     string        `json:"name" minLength:"1" maxLength:"200" example:"Cleo Example"`
	Email    string        `json:"email,omitempty" maxLength:"254" pattern:"^([^\\s@<>,;]+@[^\\s@<>,;]+)?$" example:"cleo@example.com"`
	Phone    string        `json:"phone,omitempty" maxLength:"50" example:"+49 30 5550101"`
	JobTitle string        `json:"job_title,omitempty" maxLength:"100" example:"Bookkeeper"`
	Roles    []ContactRole `json:"roles,omitempty" maxItems:"3" enum:"billing,approver,portal" doc:"What the contact has to do with."`
}

// CreateContact adds a person to a client.
func CreateContact(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	e := exampleContact()
	return api.Replayable(api.Route{
		ID: "create-contact", Area: "clients", Method: http.MethodPost, Path: "/v1/clients/{id}/contacts", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.ClientsWrite, Purpose: purpose.ServiceDelivery, Summary: "Add a contact to a client",
		Description: "A person at the client, at most 50 of them. The organization is controller of what it says of them: the export of the client has it, and deleting a contact leaves nothing of it.",
		Refusals: []api.Refusal{missing(), erased(), {Kind: problem.Conflict, Code: "client_archived", When: "The client is archived."},
			{Kind: problem.Conflict, Code: "contacts_full", When: "The client has 50 contacts."}},
		ExampleIn: NewContactBody{Name: e.Name, Email: e.Email, JobTitle: e.JobTitle, Roles: e.Roles}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *NewContactIn) (*ContactOut, error) {
		b := in.Body
		row := &Contact{Org: c.Org.ID, ID: api.NewID[id.Contact](c), Name: b.Name, Email: b.Email, Phone: b.Phone, JobTitle: b.JobTitle, Roles: b.Roles,
			Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
		if err := row.check(); err != nil {
			return nil, err
		}
		var err error
		if row.Client, err = id.Parse[id.Client](in.ID); err != nil {
			return nil, problem.Missing("client")
		}
		row.name(pseudonyms)
		tx := st.Begin()
		count(tx, c.Org, row.Client)
		tx.Create(c.Org, row)
		err = c.Commit(ctx, tx, store.Join(string(row.Client), string(row.ID)))
		if errors.Is(err, ErrNotActive) {
			return nil, whyNoContact(ctx, c.Org, in.ID)
		}
		if err != nil {
			return nil, err
		}
		return showContact(row), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*ContactOut, error) {
		client, contact := store.Parts(made)[0], store.Parts(made)[1]
		_, row, err := readContact(ctx, c.Org, client, contact)
		if err != nil {
			return nil, err
		}
		return showContact(row), nil
	})
}

// ContactsOut is the answer of list-contacts.
type ContactsOut struct{ Body api.List[ContactBody] }

// ListContacts lists the contacts of a client.
func ListContacts() api.Operation {
	return api.New(api.Route{
		ID: "list-contacts", Area: "clients", Method: http.MethodGet, Path: "/v1/clients/{id}/contacts", PureRead: true,
		Permission: access.ClientsRead, Purpose: purpose.ServiceDelivery, Summary: "A client's contacts",
		Description: "All of them, in the order in which they were added.", Refusals: []api.Refusal{missing()}, ExampleOut: api.List[ContactBody]{Data: []ContactBody{exampleContact()}},
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*ContactsOut, error) {
		cli, err := id.Parse[id.Client](in.ID)
		if err != nil {
			return nil, problem.Missing("client")
		}
		var client *Client
		var rows []*Contact
		var both errgroup.Group // the one does not stop the other: what a call costs does not tell what is there
		both.Go(func() (err error) { client, err = Read(ctx, c.Org, in.ID); return err })
		both.Go(func() (err error) {
			rows, _, err = store.List[Contact](ctx, c.Org, Contacts(c.Org.Scope(), cli))
			return err
		})
		if err := both.Wait(); err != nil {
			return nil, err
		}
		out := &ContactsOut{Body: api.List[ContactBody]{Data: []ContactBody{}}}
		if client.ErasedAt != 0 {
			return out, nil // the erasure may be under way
		}
		for _, r := range rows {
			out.Body.Data = append(out.Body.Data, contactBody(r))
		}
		return out, nil
	})
}

// GetContact answers one contact.
func GetContact() api.Operation {
	return api.New(api.Route{
		ID: "get-contact", Area: "clients", Method: http.MethodGet, Path: "/v1/clients/{id}/contacts/{contact_id}", PureRead: true,
		Permission: access.ClientsRead, Purpose: purpose.ServiceDelivery, Summary: "One contact",
		Description: "All that is known of them.", Refusals: []api.Refusal{missingContact()}, ExampleOut: exampleContact(),
	}, func(ctx context.Context, c *api.Caller, in *ContactIn) (*ContactOut, error) {
		_, row, err := readContact(ctx, c.Org, in.ID, in.ContactID)
		if err != nil {
			return nil, err
		}
		return showContact(row), nil
	})
}

// UpdateContactIn is the input of update-contact.
type UpdateContactIn struct {
	ContactChangeIn
	Body UpdateContactBody
}

// UpdateContactBody is what to change of a contact; what is absent stays.
type UpdateContactBody struct {
	Name     *string        `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email    *string        `json:"email,omitempty" maxLength:"254" pattern:"^([^\\s@<>,;]+@[^\\s@<>,;]+)?$" doc:"Empty removes it."`
	Phone    *string        `json:"phone,omitempty" maxLength:"50" doc:"Empty removes it."`
	JobTitle *string        `json:"job_title,omitempty" maxLength:"100" doc:"Empty removes it."`
	Roles    *[]ContactRole `json:"roles,omitempty" maxItems:"3" enum:"billing,approver,portal" doc:"Replaces all roles."`
}

func (b UpdateContactBody) apply(row *Contact) error {
	set(&row.Name, b.Name)
	set(&row.Email, b.Email)
	set(&row.Phone, b.Phone)
	set(&row.JobTitle, b.JobTitle)
	set(&row.Roles, b.Roles)
	return row.check()
}

// UpdateContact changes a contact.
func UpdateContact(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	e := exampleContact()
	return api.New(api.Route{
		ID: "update-contact", Area: "clients", Method: http.MethodPatch, Path: "/v1/clients/{id}/contacts/{contact_id}", ReadsAhead: true,
		Permission: access.ClientsWrite, Purpose: purpose.ServiceDelivery, Summary: "Change a contact",
		Description: "Fields that are absent stay as they are.", Refusals: []api.Refusal{missingContact()}, ExampleIn: UpdateContactBody{Roles: &e.Roles}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *UpdateContactIn) (*ContactOut, error) {
		if err := in.Body.apply(&Contact{Name: "any"}); err != nil { // what no contact can take
			return nil, err
		}
		_, row, err := readContact(ctx, c.Org, in.ID, in.ContactID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(row.Version); err != nil {
			return nil, err
		}
		if err := in.Body.apply(row); err != nil {
			return nil, err
		}
		row.name(pseudonyms)
		row.Updated = c.Now.UnixMilli()
		tx := st.Begin()
		tx.Check(c.Org, Key(row.Org, row.Client), "attribute_exists('PK') AND attribute_not_exists('erased_at')").Else(problem.Missing("contact"))
		tx.Replace(c.Org, row)
		if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
			return nil, err
		}
		return showContact(row), nil
	})
}

// DeleteContact erases a contact: nothing else holds anything of it.
func DeleteContact(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-contact", Area: "clients", Method: http.MethodDelete, Path: "/v1/clients/{id}/contacts/{contact_id}", Status: http.StatusNoContent, ReadsAhead: true, Audit: true,
		Permission: access.ClientsWrite, Purpose: purpose.PrivacyRights, Summary: "Delete a contact",
		Description: "It is erased at once, without a trace but the record that somebody did it.",
		Refusals:    []api.Refusal{missingContact(), {Kind: problem.Conflict, Code: "kept_by_law", When: "A legal hold keeps the client for now."}},
	}, func(ctx context.Context, c *api.Caller, in *ContactChangeIn) (*struct{}, error) {
		client, row, err := readContact(ctx, c.Org, in.ID, in.ContactID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(row.Version); err != nil {
			return nil, err
		}
		if client.Held || row.Held {
			return nil, problem.Of(problem.Conflict, "kept_by_law", "It must be kept for now.")
		}
		tx := st.Begin()
		release(tx, c.Org, row.Client, "contacts")
		tx.Delete(c.Org, row)
		return nil, c.Commit(ctx, tx, string(row.ID))
	})
}
