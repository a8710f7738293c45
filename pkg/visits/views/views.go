// Package views is what PixelTrack's own people see of an organization during a visit: enough to answer what was asked,
// by ids, states and sums, and nothing that says who somebody is or what they wrote.
package views

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/visits"
)

// Routes lists the routes that need a visit.
func Routes() []api.Operation {
	return []api.Operation{GetSupportedOrganization(nil), ListSupportedMembers(nil), ListSupportedProjects(nil), ListSupportedInvoices(nil)}
}

func route(r api.Route) api.Route {
	r.Area, r.Method, r.Audience, r.Audit, r.Permission, r.Purpose = "admin", http.MethodGet, api.Staff, true, access.VisitsWrite, purpose.Support
	r.Refusals = visits.Refusals()
	return r
}

// SupportedOrganization is an organization as staff see it.
type SupportedOrganization struct {
	ID           id.Organization `json:"id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name         string          `json:"name" example:"Example Studio"`
	Country      string          `json:"country,omitempty" example:"DE"`
	Status       access.Status   `json:"status" enum:"active,suspended,closing,closed"`
	Plan         string          `json:"plan" example:"free"`
	Currency     string          `json:"currency" example:"EUR"`
	TimeZone     string          `json:"time_zone" example:"Europe/Berlin"`
	NumberFormat string          `json:"number_format,omitempty" example:"1.234,56"`
	Numbers      string          `json:"invoice_number_pattern,omitempty" example:"INV-{YYYY}-{SEQ4}"`
	TaxRounding  string          `json:"tax_rounding" enum:"line,document"`
	SecondFactor bool            `json:"require_second_factor"`
	CreatedAt    time.Time       `json:"created_at"`
}

// OrganizationOut is the answer of get-supported-organization.
type OrganizationOut struct{ Body SupportedOrganization }

// GetSupportedOrganization shows the settings of an organization, without its address, phone and tax id.
func GetSupportedOrganization(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "get-supported-organization", Path: "/v1/admin/organizations/{id}", Summary: "The settings of an organization that the caller has access to",
		Description: "Without its address, phone and tax id. Of an access for organization.",
		ExampleOut: SupportedOrganization{ID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Example Studio", Country: "DE", Status: access.Active, Plan: "free", Currency: "EUR",
			TimeZone: "Europe/Berlin", TaxRounding: "document", CreatedAt: exampleTime()},
	}), func(ctx context.Context, c *api.Caller, in *visits.ByID) (*OrganizationOut, error) {
		org, err := visits.Enter(ctx, c, st, in.OrganizationID, visits.Settings)
		if err != nil {
			return nil, err
		}
		o, gate := new(organization.Organization), new(access.OrganizationGate)
		fetches := []*store.Fetch{{Through: org, Key: organization.Key(org.ID), Row: o}, {Through: org, Key: access.OrganizationGateKey(org.ID), Row: gate}}
		if err := st.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		for _, f := range fetches {
			if f.Err != nil {
				return nil, f.Err
			}
		}
		return &OrganizationOut{SupportedOrganization{ID: org.ID, Name: o.Name, Country: o.Country, Status: gate.Status, Plan: gate.Plan, Currency: o.Currency, TimeZone: o.TimeZone,
			NumberFormat: o.NumberFormat, Numbers: o.Numbers, TaxRounding: string(o.Rounding()), SecondFactor: o.SecondFactor, CreatedAt: time.Unix(o.Created, 0).UTC()}}, nil
	})
}

func exampleTime() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// ListIn is the input of the lists.
type ListIn struct {
	visits.ByID
	api.Page
}

// list reads a page of a family of an organization that the caller has access to.
func list[R, T any, P interface {
	*R
	store.Row
}](ctx context.Context, c *api.Caller, st *store.Store, in *ListIn, kind visits.Kind, family store.Family, show func(P) T) (*ListOut[T], error) {
	org, err := visits.Enter(ctx, c, st, in.OrganizationID, kind)
	if err != nil {
		return nil, err
	}
	q := store.Query{Partition: org.Scope().Partition(family), Limit: in.Limit, Cursor: in.Cursor}
	page, err := api.ListRows[R, T, P](ctx, org, q, show)
	if err != nil {
		return nil, err
	}
	return &ListOut[T]{page}, nil
}

// ListOut is the answer of the lists.
type ListOut[T any] struct{ Body api.List[T] }

// SupportedMember is a member as staff see them.
type SupportedMember struct {
	ID        id.Member           `json:"id" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Role      access.Role         `json:"role" enum:"owner,admin,manager,member,accountant,guest"`
	Grants    []access.Permission `json:"grants" doc:"What they may do besides."`
	JoinedAt  time.Time           `json:"joined_at"`
	RemovedAt *time.Time          `json:"removed_at,omitempty"`
}

// ListSupportedMembers lists the members of an organization, by id and role.
func ListSupportedMembers(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "list-supported-members", Path: "/v1/admin/organizations/{id}/members", Summary: "The members of an organization that the caller has access to",
		Description: "By id and role, without names and addresses. Of an access for members.",
		ExampleOut:  api.List[SupportedMember]{Data: []SupportedMember{{ID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Role: access.Owner, Grants: []access.Permission{}, JoinedAt: exampleTime()}}},
	}), func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut[SupportedMember], error) {
		return list(ctx, c, st, in, visits.Members, access.FamilyAccess, func(a *access.Access) SupportedMember {
			b := SupportedMember{ID: a.Member, Role: a.Role, Grants: append([]access.Permission{}, a.Grants...), JoinedAt: time.Unix(a.Joined, 0).UTC()}
			if a.Removed != 0 {
				removed := time.Unix(a.Removed, 0).UTC()
				b.RemovedAt = &removed
			}
			return b
		})
	})
}

// SupportedProject is a project as staff see it.
type SupportedProject struct {
	ID        id.Project       `json:"id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Key       string           `json:"key" example:"WEB"`
	ClientID  id.Client        `json:"client_id,omitempty" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Billing   projects.Billing `json:"billing" enum:"hourly,fixed,retainer,non_billable"`
	Status    projects.Status  `json:"status" enum:"active,archived,closing"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// ListSupportedProjects lists the projects of an organization, by key and state.
func ListSupportedProjects(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "list-supported-projects", Path: "/v1/admin/organizations/{id}/projects", Summary: "The projects of an organization that the caller has access to",
		Description: "By key and state, without names, descriptions and rates. Of an access for projects.",
		ExampleOut: api.List[SupportedProject]{Data: []SupportedProject{{ID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Key: "WEB", Billing: "hourly", Status: projects.Active,
			CreatedAt: exampleTime(), UpdatedAt: exampleTime()}}},
	}), func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut[SupportedProject], error) {
		return list(ctx, c, st, in, visits.Projects, projects.Family, func(p *projects.Project) SupportedProject {
			return SupportedProject{ID: p.ID, Key: p.Short, ClientID: p.Client, Billing: p.Billing, Status: p.Status,
				CreatedAt: time.UnixMilli(p.Created).UTC(), UpdatedAt: time.UnixMilli(p.Updated).UTC()}
		})
	})
}

// SupportedInvoice is an invoice as staff see it.
type SupportedInvoice struct {
	ID        id.Invoice       `json:"id" example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Number    string           `json:"number,omitempty" example:"INV-2026-0001"`
	Status    invoicing.Status `json:"status" enum:"assembling,draft,sent,viewed,partly_paid,paid,void"`
	Inclusive bool             `json:"prices_include_tax"`
	Subtotal  money.Money      `json:"subtotal"`
	Discount  money.Money      `json:"discount_total"`
	Net       money.Money      `json:"net"`
	Tax       money.Money      `json:"tax_total"`
	Total     money.Money      `json:"total"`
	Paid      money.Money      `json:"paid_total"`
	LineCount int              `json:"line_count"`
	IssuedOn  string           `json:"issued_on,omitempty" format:"date" example:"2026-03-02"`
	DueOn     string           `json:"due_on,omitempty" format:"date" example:"2026-03-16"`
	UpdatedAt time.Time        `json:"updated_at"`
}

func exampleInvoice() SupportedInvoice {
	eur := func(amount int64) money.Money { return money.Money{Amount: amount, Currency: "EUR"} }
	return SupportedInvoice{ID: "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Number: "INV-2026-0001", Status: invoicing.Sent, Subtotal: eur(10000), Discount: eur(0), Net: eur(10000),
		Tax: eur(1900), Total: eur(11900), Paid: eur(0), LineCount: 1, IssuedOn: "2026-03-02", DueOn: "2026-03-16", UpdatedAt: exampleTime()}
}

// ListSupportedInvoices lists the invoices of an organization, by number, state and sums.
func ListSupportedInvoices(st *store.Store) api.Operation {
	return api.New(route(api.Route{
		ID: "list-supported-invoices", Path: "/v1/admin/organizations/{id}/invoices", Summary: "The invoices of an organization that the caller has access to",
		Description: "By number, state and sums, without their recipients, lines and notes. Of an access for invoices.",
		ExampleOut:  api.List[SupportedInvoice]{Data: []SupportedInvoice{exampleInvoice()}},
	}), func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut[SupportedInvoice], error) {
		return list(ctx, c, st, in, visits.Invoices, invoicing.Family, func(i *invoicing.Invoice) SupportedInvoice {
			of := func(amount int64) money.Money { return money.Money{Amount: amount, Currency: i.Currency} }
			return SupportedInvoice{ID: i.ID, Number: i.Number, Status: i.Status, Inclusive: i.Inclusive, Subtotal: of(i.Subtotal), Discount: of(i.Off), Net: of(i.Net), Tax: of(i.Tax),
				Total: of(i.Total), Paid: of(i.Paid), LineCount: i.LineCount, IssuedOn: i.IssuedOn, DueOn: i.DueOn, UpdatedAt: time.UnixMilli(i.Updated).UTC()}
		})
	})
}
