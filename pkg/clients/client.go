package clients

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// Family holds clients.
const Family store.Family = "CLIENT"

// Status says whether a client is worked for.
type Status string

// The states of a client.
const (
	Active   Status = "active"
	Archived Status = "archived"
)

// Client is whom an organisation works for.
type Client struct {
	store.Meta
	Org         id.Organization `dynamo:"org"`
	ID          id.Client       `dynamo:"id"`
	Number      int64           `dynamo:"number"` // counted in the organisation
	Name        string          `dynamo:"name"`
	Currency    string          `dynamo:"currency"`
	Language    string          `dynamo:"language"`
	TermsDays   int             `dynamo:"payment_terms_days"`
	Email       string          `dynamo:"email,omitempty"`
	Phone       string          `dynamo:"phone,omitempty"`
	Address     *Address        `dynamo:"address,omitempty"`
	Notes       string          `dynamo:"notes,omitempty"`
	Tags        []string        `dynamo:"tags,omitempty"`
	DefaultRate *money.Money    `dynamo:"default_rate,omitempty"`
	TaxID       []byte          `dynamo:"tax_id,omitempty"` // sealed
	Status      Status          `dynamo:"status"`
	Projects    int64           `dynamo:"projects,omitempty"`     // how many projects refer to the client
	Invoices    int64           `dynamo:"invoices,omitempty"`     // how many invoices do, drafts and void ones included
	Files       int64           `dynamo:"files,omitempty"`        // how many files hang on the client
	Contacts    int64           `dynamo:"contacts,omitempty"`     // how many contacts the client has
	ErasedAt    int64           `dynamo:"erased_at,omitempty"`    // epoch seconds; from then on nobody sees the person
	ErasureDone int64           `dynamo:"erasure_done,omitempty"` // epoch seconds; when the person was off every invoice too
	Named       string          `dynamo:"named,omitempty"`        // who the client is, by the hash that they are found by when they ask
	Created     int64           `dynamo:"created"`                // epoch milliseconds
	Updated     int64           `dynamo:"updated"`                // epoch milliseconds
}

// Address is where a client is reached by post.
type Address struct {
	Line1      string `json:"line1,omitempty" dynamo:"line1,omitempty" maxLength:"200" example:"Beispielweg 1"`
	Line2      string `json:"line2,omitempty" dynamo:"line2,omitempty" maxLength:"200"`
	PostalCode string `json:"postal_code,omitempty" dynamo:"postal_code,omitempty" maxLength:"20" example:"10115"`
	City       string `json:"city,omitempty" dynamo:"city,omitempty" maxLength:"100" example:"Berlin"`
	Region     string `json:"region,omitempty" dynamo:"region,omitempty" maxLength:"100"`
	Country    string `json:"country,omitempty" dynamo:"country,omitempty" pattern:"^([A-Z]{2})?$" doc:"The ISO 3166 code of two letters." example:"DE"`
}

// Type is the row's type.
func (c *Client) Type() string { return "CLIENT" }

// Keys puts clients under their organisation by id, lists those with an address for who has it, and lists those of each state by
// time of change: for a state, and both together for all changes.
func (c *Client) Keys() store.Keys {
	return store.Keys{
		Primary: Key(c.Org, c.ID),
		Index1:  named.Key(c.Named, string(c.Org), string(c.ID)),
		Index2:  store.OrganizationScope(c.Org).Updated(Family, time.UnixMilli(c.Updated), string(c.ID), string(c.Status)),
	}
}

// ofStatus is the partition of the second index that lists the clients of a state.
func ofStatus(org id.Organization, s Status) string {
	return store.OrganizationScope(org).Partition(Family, string(s))
}

// name sets who the client is from its address. A client is at times a person, who is found by it when they ask about their data.
func (c *Client) name(p keys.Pseudonyms) {
	c.Named = ""
	if account.Normal(c.Email) != "" {
		c.Named = named.HashOf(p, c.Email)
	}
}

// Key is where a client lies.
func Key(org id.Organization, c id.Client) store.Key {
	return store.OrganizationScope(org).Key(Family, string(c))
}

// touch sets when the client was changed.
func (c *Client) touch(now time.Time) { c.Updated = now.UnixMilli() }

// Read reads a client by an id as it came in.
func Read(ctx context.Context, org *store.Organization, text string) (*Client, error) {
	return api.Find[Client](ctx, org, "client", text, func(cli id.Client) store.Key { return Key(org.ID, cli) })
}

// ErrNotActive says that nothing new can refer to a client, because it is archived or not there.
var ErrNotActive = errors.New("clients: no such active client")

// Use counts one project more that refers to an active client. It fails with ErrNotActive.
func Use(tx *store.Tx, org *store.Organization, c id.Client) { use(tx, org, c, "projects") }

// Release counts one project less.
func Release(tx *store.Tx, org *store.Organization, c id.Client) { release(tx, org, c, "projects") }

// Bill counts one invoice more to an active client. It fails with ErrNotActive.
func Bill(tx *store.Tx, org *store.Organization, c id.Client) { use(tx, org, c, "invoices") }

// Unbill counts one invoice less. It fails with store.ErrMissing when the client has gone.
func Unbill(tx *store.Tx, org *store.Organization, c id.Client) { release(tx, org, c, "invoices") }

func use(tx *store.Tx, org *store.Organization, c id.Client, count string) {
	tx.Change(org, Key(org.ID, c), func(u *dynamo.Update) {
		u.Add(count, 1).If("'_type' = ? AND 'status' = ?", (*Client)(nil).Type(), Active)
	}).Else(ErrNotActive)
}

func release(tx *store.Tx, org *store.Organization, c id.Client, count string) {
	tx.Change(org, Key(org.ID, c), func(u *dynamo.Update) {
		u.Add(count, -1).If("'_type' = ? AND $ > ?", (*Client)(nil).Type(), count, 0)
	})
}

// Attach counts one file more that hangs on an active client. It fails with ErrNotActive.
func Attach(tx *store.Tx, org *store.Organization, c id.Client) { use(tx, org, c, "files") }

// Detach counts one file less.
func Detach(tx *store.Tx, org *store.Organization, c id.Client) { release(tx, org, c, "files") }

// Sample is a client as it is stored, for measurements.
func Sample(org id.Organization, st *store.Store) *Client {
	now := st.Now().UnixMilli()
	return &Client{Org: org, ID: id.New[id.Client](st.IDs()), Number: 1, Name: "Example Bakery", Currency: "EUR", Language: "en",
		TermsDays: DefaultTerms, Email: "office@example.com", Status: Active, Created: now, Updated: now}
}

// ClientBody is a client on the wire.
type ClientBody struct {
	ID          string       `json:"id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Number      int64        `json:"number" doc:"Counted in the organization, from 1; never given twice." example:"1"`
	Name        string       `json:"name" example:"Example Bakery"`
	Currency    string       `json:"currency" doc:"ISO 4217." example:"EUR"`
	Language    string       `json:"language" doc:"BCP 47; of what is sent to the client." example:"en"`
	TermsDays   int          `json:"payment_terms_days" example:"14"`
	Email       string       `json:"email,omitempty" example:"office@example.com"`
	Phone       string       `json:"phone,omitempty" example:"+49 30 5550100"`
	Address     *Address     `json:"address,omitempty"`
	Notes       string       `json:"notes,omitempty" doc:"For the team."`
	Tags        []string     `json:"tags" doc:"At most 20."`
	DefaultRate *money.Money `json:"default_rate,omitempty" doc:"What an hour costs; shown with the right rates:read."`
	TaxID       string       `json:"tax_id,omitempty" doc:"For those with the right tax_id:read, where one client is read or written; others see dots where there is one, and so do lists." example:"DE987654321"`
	Status      Status       `json:"status" enum:"active,archived"`
	Projects    int64        `json:"projects" doc:"How many projects refer to the client."`
	Invoices    int64        `json:"invoices" doc:"How many invoices do."`
	Files       int64        `json:"files" doc:"How many files hang on the client, those that are still to be uploaded included."`
	Contacts    int64        `json:"contacts" doc:"How many contacts the client has."`
	ErasedAt    *time.Time   `json:"erased_at,omitempty" doc:"When the person was erased; name, addresses and notes are gone since."`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

func body(c *api.Caller, row *Client) ClientBody {
	if row.ErasedAt != 0 {
		row.Blank() // the erasure may be under way
	}
	b := ClientBody{ID: string(row.ID), Number: row.Number, Name: row.Name, Currency: row.Currency, Language: row.Language, TermsDays: row.TermsDays,
		Email: row.Email, Phone: row.Phone, Address: row.Address, Notes: row.Notes, Tags: row.Tags, Status: row.Status, Projects: row.Projects, Files: row.Files, Invoices: row.Invoices,
		CreatedAt: time.UnixMilli(row.Created).UTC(), UpdatedAt: time.UnixMilli(row.Updated).UTC(), TaxID: taxid.Mask(row.TaxID), Contacts: row.Contacts}
	if b.Tags == nil {
		b.Tags = []string{}
	}
	if c.May(access.RatesRead) {
		b.DefaultRate = row.DefaultRate
	}
	if row.ErasedAt != 0 {
		at := time.Unix(row.ErasedAt, 0).UTC()
		b.ErasedAt = &at
	}
	return b
}

func example() ClientBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return ClientBody{ID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Number: 1, Name: "Example Bakery", Currency: "EUR", Language: "en", TermsDays: DefaultTerms,
		Email: "office@example.com", Address: &Address{Line1: "Beispielweg 1", PostalCode: "10115", City: "Berlin", Country: "DE"},
		Tags: []string{"retail"}, DefaultRate: &money.Money{Amount: 9000, Currency: "EUR"}, TaxID: "DE987654321", Status: Active, Projects: 1, CreatedAt: at, UpdatedAt: at}
}

// Out is the answer of a route about one client.
type Out struct {
	api.Tagged
	Body ClientBody
}

func show(c *api.Caller, row *Client) *Out {
	return &Out{Tagged: api.Tag(row.Version), Body: body(c, row)}
}

// TaxIDPlace is where the sealed tax id of a client belongs.
func TaxIDPlace(org id.Organization, c id.Client) keys.Place {
	return taxid.Place(store.OrganizationScope(org), Family, Key(org, c).SK, "tax_id")
}

// reveal is show with the tax id as the caller may see it.
func reveal(ctx context.Context, c *api.Caller, seals keys.DataKeys, row *Client) (*Out, error) {
	out := show(c, row)
	var err error
	out.Body.TaxID, err = taxid.Show(ctx, c, seals, TaxIDPlace(row.Org, row.ID), row.TaxID)
	return out, err
}

// tidy removes what means nothing.
func (c *Client) tidy() {
	c.Name = strings.TrimSpace(c.Name)
	if c.Address != nil && *c.Address == (Address{}) {
		c.Address = nil
	}
}

// check tidies a client and refuses what the fields' own rules do not see.
func (c *Client) check() error {
	c.tidy()
	if c.Name == "" {
		return problem.InvalidField("body.name", "must not be blank")
	}
	if !money.Valid(c.Currency) {
		return problem.InvalidField("body.currency", "not a currency of ISO 4217")
	}
	if r := c.DefaultRate; r != nil && (r.Amount < 0 || r.Amount > MaxRate || !money.Valid(r.Currency)) {
		return problem.InvalidField("body.default_rate", "not an amount from 0 to 1000000000 in a currency of ISO 4217")
	}
	for i, tag := range c.Tags { // not by the schema: huma's check of unique items fails over a list in the list
		if slices.Contains(c.Tags[:i], tag) {
			return problem.InvalidField("body.tags", "each tag once")
		}
	}
	return nil
}

// MaxRate is the largest rate of an hour, in minor units.
const MaxRate = 1_000_000_000

// DefaultTerms is how many days a client has to pay unless something else was agreed.
const DefaultTerms = 14
