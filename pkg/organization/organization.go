package organization

import (
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the settings of organizations.
const Family store.Family = "ORGANIZATION"

// Organization is what an organization says of itself, and its settings. What it may do is on its gate.
type Organization struct {
	store.Meta
	ID            id.Organization `dynamo:"org"`
	Name          string          `dynamo:"name"`
	LegalName     string          `dynamo:"legal_name,omitempty"`
	Line1         string          `dynamo:"address_line1,omitempty"`
	Line2         string          `dynamo:"address_line2,omitempty"`
	PostalCode    string          `dynamo:"postal_code,omitempty"`
	City          string          `dynamo:"city,omitempty"`
	State         string          `dynamo:"region,omitempty"`
	Country       string          `dynamo:"country,omitempty"` // ISO 3166-1 alpha-2
	Phone         string          `dynamo:"phone,omitempty"`
	TaxID         []byte          `dynamo:"tax_id,omitempty"`         // sealed
	NumberFormat  string          `dynamo:"number_format,omitempty"`  // as 1,234.56 is written; none is that
	DateFormat    string          `dynamo:"date_format,omitempty"`    // YYYY-MM-DD when there is none
	Currency      string          `dynamo:"currency"`                 // ISO 4217
	TimeZone      string          `dynamo:"time_zone"`                // of the IANA database
	WeekStart     string          `dynamo:"week_start"`               // monday, saturday or sunday
	RetentionDays int             `dynamo:"retention_days,omitempty"` // shown, as the event; the gate decides
	Event         string          `dynamo:"retention_event,omitempty"`
	Numbers       string          `dynamo:"invoice_number_pattern,omitempty"` // none is the default of package numbering
	TaxRounding   string          `dynamo:"tax_rounding,omitempty"`           // line or document; none is document
	Partial       bool            `dynamo:"partial_payments,omitempty"`       // clients may pay parts of an invoice online
	SecondFactor  bool            `dynamo:"require_second_factor,omitempty"`  // shown; the gate decides
	SessionIdle   int             `dynamo:"session_idle_hours,omitempty"`     // likewise
	SessionMax    int             `dynamo:"session_max_days,omitempty"`       // likewise
	Created       int64           `dynamo:"created"`                          // epoch seconds
}

// Type is the row's type.
func (o *Organization) Type() string { return "ORGANIZATION" }

// Keys puts the settings into the organization's scope.
func (o *Organization) Keys() store.Keys { return store.Keys{Primary: Key(o.ID)} }

// Key is where an organization's settings lie.
func Key(org id.Organization) store.Key { return store.OrganizationScope(org).Key(Family) }

// New is an organization with the settings that every one begins with.
func New(org id.Organization, name, country string, at time.Time) *Organization {
	return &Organization{ID: org, Name: name, Country: country, Currency: currencyOf(country), TimeZone: "UTC", WeekStart: "monday", Created: at.Unix()}
}

// currencyOf is the currency that an organization of a country most likely counts in; it can be changed.
func currencyOf(country string) string {
	switch country {
	case "US":
		return "USD"
	case "CA":
		return "CAD"
	case "GB":
		return "GBP"
	case "CH":
		return "CHF"
	case "AU":
		return "AUD"
	}
	return "EUR"
}

// Rounding is the organization's rule of rounding taxes.
func (o *Organization) Rounding() calc.Rounding {
	if o.TaxRounding == "" {
		return calc.PerDocument
	}
	return calc.Rounding(o.TaxRounding)
}
