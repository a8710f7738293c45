package organization

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
	_ "time/tzdata" // a function has no database of time zones of its own

	"golang.org/x/text/currency"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/invoicing/numbering"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// Body is an organization with its settings.
type Body struct {
	ID            string    `json:"id" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name          string    `json:"name" example:"Example Studio"`
	LegalName     string    `json:"legal_name" example:"Example Studio GmbH"`
	Address       Address   `json:"address"`
	Phone         string    `json:"phone" example:"+49 30 5550100"`
	TaxID         string    `json:"tax_id" doc:"Of the organization, for those with the right tax_id:read; others see dots where there is one. Empty when there is none." example:"DE123456789"`
	NumberFormat  string    `json:"number_format" doc:"How 1234.56 is written." example:"1.234,56"`
	DateFormat    string    `json:"date_format" example:"DD.MM.YYYY"`
	Currency      string    `json:"currency" doc:"ISO 4217." example:"EUR"`
	TimeZone      string    `json:"time_zone" doc:"A zone of the IANA database." example:"Europe/Berlin"`
	WeekStart     string    `json:"week_start" enum:"monday,saturday,sunday" example:"monday"`
	RetentionDays int       `json:"retention_days" doc:"How long project data is kept after the event, in days; 0 is as long as the organization exists." example:"730"`
	Event         string    `json:"retention_event" enum:"last_activity,archive,close" doc:"What the days are counted from: the last activity on a project, which is hours tracked, files announced or a change of the project; its archiving, as long as it is archived; or its last day, or last activity when that was later." example:"last_activity"`
	Numbers       string    `json:"invoice_number_pattern" doc:"How invoices are numbered when they are sent." example:"INV-{YYYY}-{SEQ4}"`
	TaxRounding   string    `json:"tax_rounding" enum:"line,document" doc:"Whether taxes are rounded on each line or once for each tax of an invoice." example:"document"`
	Partial       bool      `json:"partial_payments" doc:"Whether clients may pay a part of an invoice online."`
	SecondFactor  bool      `json:"require_second_factor" doc:"Whether members without a second factor can use nothing but their rights here."`
	SessionIdle   int       `json:"session_idle_hours" doc:"After how many hours without use a session ends that works in the organization; 0 for 30 days, as every session. It counts each time without use since the person last showed who they are." example:"12"`
	SessionMax    int       `json:"session_max_days" doc:"How many days after the person last showed who they are such a session ends; 0 for a year, as every session." example:"14"`
	CreatedAt     time.Time `json:"created_at"`
}

// Address is where an organization is.
type Address struct {
	Line1      string `json:"line1" maxLength:"200" required:"false" example:"Beispielstraße 1"`
	Line2      string `json:"line2" maxLength:"200" required:"false"`
	PostalCode string `json:"postal_code" maxLength:"20" required:"false" example:"10115"`
	City       string `json:"city" maxLength:"100" required:"false" example:"Berlin"`
	Region     string `json:"region" maxLength:"100" required:"false"`
	Country    string `json:"country" pattern:"^([A-Z]{2})?$" required:"false" doc:"ISO 3166-1 alpha-2." example:"DE"`
}

func bodyOf(o *Organization) Body {
	return Body{ID: string(o.ID), Name: o.Name, LegalName: o.LegalName,
		Address: Address{Line1: o.Line1, Line2: o.Line2, PostalCode: o.PostalCode, City: o.City, Region: o.State, Country: o.Country},
		Phone:   o.Phone, NumberFormat: cmp.Or(o.NumberFormat, usualNumbers), DateFormat: cmp.Or(o.DateFormat, usualDates),
		Currency: o.Currency, TimeZone: o.TimeZone, WeekStart: o.WeekStart, RetentionDays: o.RetentionDays, Event: cmp.Or(o.Event, string(retention.LastActivity)),
		Numbers: string(numbering.Pattern(o.Numbers).Or()), TaxRounding: string(o.Rounding()), Partial: o.Partial, SecondFactor: o.SecondFactor,
		SessionIdle: o.SessionIdle, SessionMax: o.SessionMax, CreatedAt: time.Unix(o.Created, 0).UTC()}
}

func exampleBody() Body {
	return Body{ID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Example Studio", LegalName: "Example Studio GmbH",
		Address: Address{Line1: "Beispielstraße 1", PostalCode: "10115", City: "Berlin", Country: "DE"},
		Phone:   "+49 30 5550100", TaxID: "DE123456789", NumberFormat: "1.234,56", DateFormat: "DD.MM.YYYY",
		Currency: "EUR", TimeZone: "Europe/Berlin", WeekStart: "monday", RetentionDays: 730, Event: string(retention.LastActivity),
		Numbers: string(numbering.Default), TaxRounding: string(calc.PerDocument), CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// Out is the answer of get-organization and update-organization.
type Out struct {
	api.Tagged
	Body Body
}

func read(ctx context.Context, c *api.Caller) (*Organization, error) {
	o, err := store.Get[Organization](ctx, c.Org, Key(c.Org.ID))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("organization")
	}
	return o, err
}

// GetOrganization shows the organization of the token.
func GetOrganization(seals keys.DataKeys) api.Operation {
	return api.New(api.Route{
		ID: "get-organization", Area: "organization", Method: http.MethodGet, Path: "/v1/org", Permission: access.OrganizationRead, PureRead: true,
		Summary: "Your organization and its settings", Purpose: purpose.AccountManagement, ExampleOut: exampleBody(),
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*Out, error) {
		o, err := read(ctx, c)
		if err != nil {
			return nil, err
		}
		return show(ctx, c, seals, o)
	})
}

// UpdateIn is the input of update-organization.
type UpdateIn struct {
	api.IfMatch
	Body Changes
}

// Changes are the settings that are to change; the others stay.
type Changes struct {
	Name          *string  `json:"name,omitempty" minLength:"1" maxLength:"100" example:"Example Studio"`
	LegalName     *string  `json:"legal_name,omitempty" maxLength:"200" doc:"Empty removes it." example:"Example Studio GmbH"`
	Address       *Address `json:"address,omitempty" doc:"Takes the place of the whole address."`
	Phone         *string  `json:"phone,omitempty" maxLength:"40" pattern:"^[0-9+(). /-]*$" doc:"Empty removes it." example:"+49 30 5550100"`
	TaxID         *string  `json:"tax_id,omitempty" maxLength:"40" pattern:"^([0-9A-Za-z]([0-9A-Za-z ./-]*[0-9A-Za-z])?)?$" doc:"Needs the right tax_id:read; kept encrypted. Empty removes it." example:"DE123456789"`
	NumberFormat  *string  `json:"number_format,omitempty" doc:"How 1234.56 is written: 1,234.56, 1.234,56, 1 234,56 or 1'234.56." example:"1.234,56"`
	DateFormat    *string  `json:"date_format,omitempty" enum:"YYYY-MM-DD,DD.MM.YYYY,DD/MM/YYYY,MM/DD/YYYY" example:"DD.MM.YYYY"`
	Currency      *string  `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"ISO 4217." example:"EUR"`
	TimeZone      *string  `json:"time_zone,omitempty" maxLength:"64" doc:"A zone of the IANA database." example:"Europe/Berlin"`
	WeekStart     *string  `json:"week_start,omitempty" enum:"monday,saturday,sunday" example:"monday"`
	RetentionDays *int     `json:"retention_days,omitempty" doc:"0 keeps project data as long as the organization exists; otherwise 30 to 3660. Invoices are kept for seven years in any case. Nothing goes before the owner was told of it for 14 days; see /v1/org/retention/preview." example:"730"`
	Event         *string  `json:"retention_event,omitempty" enum:"last_activity,archive,close" doc:"What the days are counted from." example:"archive"`
	Numbers       *string  `json:"invoice_number_pattern,omitempty" maxLength:"40" doc:"Letters, digits, spaces and - / . with {SEQ}, or {SEQ1} to {SEQ9} for at least so many digits, and at will {YYYY} or {YY}, and {MM} beside them. The count begins anew with each month or year that the pattern names. Empty is the default." example:"INV-{YYYY}-{SEQ4}"`
	TaxRounding   *string  `json:"tax_rounding,omitempty" enum:"line,document" doc:"For invoices that are written from now on." example:"document"`
	SecondFactor  *bool    `json:"require_second_factor,omitempty" doc:"true acts at the next call of each member; who turns it on must have a second factor." example:"true"`
	SessionIdle   *int     `json:"session_idle_hours,omitempty" minimum:"0" maximum:"720" doc:"After how many hours without use sessions end that work here. It acts when tokens are refreshed and when somebody switches to the organization. 0 for 30 days." example:"12"`
	SessionMax    *int     `json:"session_max_days,omitempty" minimum:"0" maximum:"365" doc:"How many days after the person last showed who they are sessions end that work here; likewise. 0 for a year." example:"14"`
	Partial       *bool    `json:"partial_payments,omitempty" doc:"Whether clients may pay a part of an invoice online." example:"true"`
}

// The formats of an organization that has chosen none.
const (
	usualNumbers = "1,234.56"
	usualDates   = "YYYY-MM-DD"
)

func (ch Changes) apply(o *Organization) error {
	if ch.Currency != nil {
		if _, err := currency.ParseISO(*ch.Currency); err != nil {
			return problem.InvalidField("body.currency", "not a currency of ISO 4217")
		}
	}
	if f := ch.NumberFormat; f != nil && !slices.Contains([]string{usualNumbers, "1.234,56", "1 234,56", "1'234.56"}, *f) {
		return problem.InvalidField("body.number_format", "one of 1,234.56, 1.234,56, 1 234,56 and 1'234.56")
	}
	if ch.TimeZone != nil {
		if _, err := time.LoadLocation(*ch.TimeZone); err != nil || *ch.TimeZone == "" || *ch.TimeZone == "Local" {
			return problem.InvalidField("body.time_zone", "not a zone of the IANA database")
		}
	}
	if d := ch.RetentionDays; d != nil {
		if !retention.ValidDays(*d) {
			return problem.InvalidField("body.retention_days", "0, or 30 to 3660 days")
		}
		o.RetentionDays = *d
	}
	if ch.Numbers != nil && *ch.Numbers != "" {
		if _, err := numbering.Parse(*ch.Numbers); err != nil {
			return problem.InvalidField("body.invoice_number_pattern", "not a pattern: one {SEQ}, {MM} only beside a year")
		}
	}
	if ch.SecondFactor != nil {
		o.SecondFactor = *ch.SecondFactor
	}
	if ch.Partial != nil {
		o.Partial = *ch.Partial
	}
	for to, from := range map[*int]*int{&o.SessionIdle: ch.SessionIdle, &o.SessionMax: ch.SessionMax} {
		if from != nil {
			*to = *from
		}
	}
	if a := ch.Address; a != nil {
		o.Line1, o.Line2, o.PostalCode, o.City, o.State, o.Country = a.Line1, a.Line2, a.PostalCode, a.City, a.Region, a.Country
	}
	for to, from := range map[*string]*string{&o.Name: ch.Name, &o.LegalName: ch.LegalName, &o.Currency: ch.Currency, &o.Phone: ch.Phone, &o.NumberFormat: ch.NumberFormat, &o.DateFormat: ch.DateFormat, &o.TimeZone: ch.TimeZone,
		&o.WeekStart: ch.WeekStart, &o.Numbers: ch.Numbers, &o.Event: ch.Event, &o.TaxRounding: ch.TaxRounding} {
		if from != nil {
			*to = *from
		}
	}
	return nil
}

// UpdateOrganization changes the settings of the organization of the token.
func UpdateOrganization(st *store.Store, seals keys.DataKeys) api.Operation {
	days := 730
	return api.New(api.Route{
		ID: "update-organization", Area: "organization", Method: http.MethodPatch, Path: "/v1/org", Permission: access.OrganizationWrite, Audit: true,
		Summary: "Change your organization's settings", Purpose: purpose.AccountManagement,
		Description: "Fields that are left out stay as they are. The tax id is changed by those who may read it.", ExampleIn: Changes{RetentionDays: &days}, ExampleOut: exampleBody(),
		Refusals: []api.Refusal{{Kind: problem.Conflict, Code: "second_factor_missing", When: "A second factor is to be required, and the caller has none."}},
	}, func(ctx context.Context, c *api.Caller, in *UpdateIn) (*Out, error) {
		if in.Body.TaxID != nil {
			if err := c.Needs(access.TaxIDRead); err != nil {
				return nil, err
			}
		}
		o, err := read(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(o.Version); err != nil {
			return nil, err
		}
		if err := in.Body.apply(o); err != nil {
			return nil, err
		}
		if o.SecondFactor && !c.Account.SecondFactor {
			return nil, problem.Of(problem.Conflict, "second_factor_missing", "Enroll a second factor first, or you would lock yourself out.")
		}
		if t := in.Body.TaxID; t != nil {
			if o.TaxID, err = taxid.Seal(ctx, seals, TaxIDPlace(o.ID), *t, c.Now); err != nil {
				return nil, err
			}
		}
		tx := st.Begin()
		tx.Replace(c.Org, o)
		o.guard(tx, c)
		if err := c.Commit(ctx, tx, string(o.ID)); err != nil {
			return nil, err
		}
		return show(ctx, c, seals, o)
	})
}

// guard adds to a transaction what the gate has to know of the settings, and, when project data is to be kept for another
// time, that its clocks follow.
func (o *Organization) guard(tx *store.Tx, c *api.Caller) {
	was, gate := *c.Gate, c.Gate
	gate.RequireSecondFactor, gate.SessionIdleHours, gate.SessionMaxDays = o.SecondFactor, o.SessionIdle, o.SessionMax
	gate.RetentionDays, gate.RetentionEvent = o.RetentionDays, o.Event
	moved := was.RetentionDays != gate.RetentionDays || was.RetentionEvent != gate.RetentionEvent
	if moved {
		tx.ArmWake(c.Org, retention.ProjectSettingDue(gate, c.Now))
	}
	if moved || was.RequireSecondFactor != gate.RequireSecondFactor || was.SessionIdleHours != gate.SessionIdleHours || was.SessionMaxDays != gate.SessionMaxDays {
		tx.Replace(c.Org, gate)
	}
}
