package clients

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyContact holds contacts, divided by their clients.
const FamilyContact store.Family = "CONTACT"

// MaxContacts is how many contacts one client has at most, so that they go with it in one transaction.
const MaxContacts = 50

// ContactRole is what a contact has to do with.
type ContactRole string

// The roles of contacts. One may have several, or none.
const (
	Billing  ContactRole = "billing"  // gets invoices
	Approver ContactRole = "approver" // approves estimates and hours
	Portal   ContactRole = "portal"   // may be let into the portal
)

// Contact is a person at a client. The organization is controller of what it says of them.
type Contact struct {
	store.Meta
	Org      id.Organization `dynamo:"org"`
	Client   id.Client       `dynamo:"client"`
	ID       id.Contact      `dynamo:"id"`
	Name     string          `dynamo:"name"`
	Email    string          `dynamo:"email,omitempty"`
	Phone    string          `dynamo:"phone,omitempty"`
	JobTitle string          `dynamo:"job_title,omitempty"`
	Roles    []ContactRole   `dynamo:"roles,omitempty"`
	Named    string          `dynamo:"named,omitempty"` // who the contact is, by the hash that they are found by when they ask
	Created  int64           `dynamo:"created"`         // epoch milliseconds
	Updated  int64           `dynamo:"updated"`         // epoch milliseconds
}

// Type is the row's type.
func (c *Contact) Type() string { return "CONTACT" }

// Keys puts contacts under their client by id, and lists those with an address for who has it.
func (c *Contact) Keys() store.Keys {
	return store.Keys{Primary: contactKey(c.Org, c.Client, c.ID), Index1: named.Key(c.Named, string(c.Org), string(c.ID))}
}

// name sets who the contact is from their address.
func (c *Contact) name(p keys.Pseudonyms) {
	c.Named = ""
	if account.Normal(c.Email) != "" {
		c.Named = named.HashOf(p, c.Email)
	}
}

func contactKey(org id.Organization, c id.Client, contact id.Contact) store.Key {
	return store.OrganizationScope(org).KeyIn(FamilyContact, string(c), string(contact))
}

// Contacts is where the contacts of a client lie.
func Contacts(org store.Scope, c id.Client) store.Query {
	return store.Query{Partition: org.Partition(FamilyContact, string(c)), Limit: MaxContacts}
}

// ContactBody is a contact on the wire.
type ContactBody struct {
	ID        string        `json:"id" example:"cnt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	ClientID  string        `json:"client_id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name      string        `json:"name" example:"Cleo Example"`
	Email     string        `json:"email,omitempty" example:"cleo@example.com"`
	Phone     string        `json:"phone,omitempty" example:"+49 30 5550101"`
	JobTitle  string        `json:"job_title,omitempty" example:"Bookkeeper"`
	Roles     []ContactRole `json:"roles" enum:"billing,approver,portal" doc:"What the contact has to do with."`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// ContactOut is the answer of a route about one contact.
type ContactOut struct {
	api.Tagged
	Body ContactBody
}

func contactBody(c *Contact) ContactBody {
	return ContactBody{ID: string(c.ID), ClientID: string(c.Client), Name: c.Name, Email: c.Email, Phone: c.Phone, JobTitle: c.JobTitle,
		Roles: append([]ContactRole{}, c.Roles...), CreatedAt: time.UnixMilli(c.Created).UTC(), UpdatedAt: time.UnixMilli(c.Updated).UTC()}
}

func showContact(c *Contact) *ContactOut {
	return &ContactOut{Tagged: api.Tag(c.Version), Body: contactBody(c)}
}

func exampleContact() ContactBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return ContactBody{ID: "cnt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", ClientID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Cleo Example", Email: "cleo@example.com",
		JobTitle: "Bookkeeper", Roles: []ContactRole{Billing}, CreatedAt: at, UpdatedAt: at}
}

// check tidies a contact and refuses what the fields' own rules do not see.
func (c *Contact) check() error {
	if c.Name = strings.TrimSpace(c.Name); c.Name == "" {
		return problem.InvalidField("body.name", "must not be blank")
	}
	for i, r := range c.Roles {
		if slices.Contains(c.Roles[:i], r) {
			return problem.InvalidField("body.roles", "each role once")
		}
	}
	return nil
}

// readContact reads a contact with its client, by ids as they came in. Those of an erased client are there no more, even
// while the erasure is under way.
func readContact(ctx context.Context, org *store.Organization, client, contact string) (*Client, *Contact, error) {
	cli, of := id.Parse[id.Client](client)
	cnt, err := id.Parse[id.Contact](contact)
	if of != nil || err != nil {
		return nil, nil, problem.Missing("contact")
	}
	owner, row := new(Client), new(Contact)
	fetches := []*store.Fetch{{Through: org, Key: Key(org.ID, cli), Row: owner}, {Through: org, Key: contactKey(org.ID, cli, cnt), Row: row}}
	if err := org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); errors.Is(err, store.ErrMissing) || err == nil && owner.ErasedAt != 0 {
		return nil, nil, problem.Missing("contact")
	} else if err != nil {
		return nil, nil, err
	}
	return owner, row, nil
}

// count counts one contact more of an active client. It fails with ErrNotActive, also when there are as many as there may be.
func count(tx *store.Tx, org *store.Organization, c id.Client) {
	tx.Change(org, Key(org.ID, c), func(u *dynamo.Update) {
		u.Add("contacts", 1).If("'_type' = ? AND 'status' = ? AND (attribute_not_exists('contacts') OR 'contacts' < ?)", (*Client)(nil).Type(), Active, MaxContacts)
	}).Else(ErrNotActive)
}

// whyNoContact says why a client takes no contact.
func whyNoContact(ctx context.Context, org *store.Organization, client string) error {
	row, err := Read(ctx, org, client)
	switch {
	case err != nil:
		return err
	case row.ErasedAt != 0:
		return problem.Of(problem.Conflict, "client_erased", "The client was erased, for good.")
	case row.Status != Active:
		return problem.Of(problem.Conflict, "client_archived", "The client is archived; restore it first.")
	}
	return problem.Of(problem.Conflict, "contacts_full", "A client has at most %d contacts.", MaxContacts)
}
