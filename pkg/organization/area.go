// Package organization is what an organization is and how it ends: its settings, and its closing.
package organization

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{GetOrganization(nil), UpdateOrganization(nil, nil), GetLogo(nil), PutLogo(nil, nil), ConfirmLogo(nil, nil, nil, nil), DeleteLogo(nil, nil, nil)}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{CloseOrganizations(nil)} }

// Rows registers the area's rows. An organization of one person may bear their name, so what it says of itself counts as
// personal.
func Rows() []registry.Row {
	own := func(name, why string) registry.Field {
		return registry.Personal(name, name, why, registry.EraseWithRow)
	}
	return []registry.Row{
		{Sample: Organization{}, Type: "ORGANIZATION", Area: "organization", Subject: registry.SubjectMember, Purpose: purpose.AccountManagement,
			Basis: registry.Contract, Class: registry.ClassAccount, Export: "organization", Family: string(Family),
			Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Plain("org", "the id of the organization"),
				own("name", "what the organization is called"), own("legal_name", "its name on documents"),
				own("address_line1", "where it is"), own("address_line2", "where it is"), own("postal_code", "where it is"),
				own("city", "where it is"), own("region", "where it is"), own("country", "where it is"),
				own("phone", "where it is reached"),
				registry.Sealed("tax_id", "tax_id", "its tax id, for its invoices", registry.EraseWithRow), registry.Plain("number_format", "a setting"), registry.Plain("date_format", "a setting"),
				registry.Plain("currency", "a setting"), registry.Plain("time_zone", "a setting"), registry.Plain("week_start", "a setting"),
				registry.Plain("retention_days", "a setting"), registry.Plain("retention_event", "a setting"), registry.Plain("invoice_number_pattern", "a setting"), registry.Plain("tax_rounding", "a setting"), registry.Plain("partial_payments", "a setting"), registry.Plain("require_second_factor", "a setting"),
				registry.Plain("session_idle_hours", "a setting"), registry.Plain("session_max_days", "a setting"),
				registry.Plain("created", "a time"),
			}},
	}
}
