// Package usage counts what is used by those who agreed to it, and ends in totals that lead to nobody.
package usage

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the package's routes.
func Routes() []api.Operation { return []api.Operation{CreateEvent(nil, nil)} }

// Jobs lists the package's jobs.
func Jobs() []job.Job { return []job.Job{AggregateEvents(nil)} }

// Rows registers the package's rows.
func Rows() []registry.Row {
	platform := []registry.Scope{registry.InPlatform}
	return []registry.Row{
		{Sample: Batch{}, Type: "USAGE", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.Analytics, Basis: registry.Consent,
			Class: registry.ClassUsage, Family: string(FamilyEvents), Scopes: platform, Fields: []registry.Field{
				registry.Internal("day", "a date"),
				registry.Secret("person", "a pseudonym of one day; its key is destroyed when the day is over, so that no export and no erasure could find the person", registry.EraseUnlink),
				registry.Internal("cells", "fixed words and counts"),
			}},
		{Sample: Totals{}, Type: "USAGE_TOTALS", Area: "privacy", Purpose: purpose.Analytics, Basis: registry.Consent, Class: registry.ClassPlatform,
			Family: string(FamilyTotals), Scopes: platform, Fields: []registry.Field{
				registry.Internal("day", "a date"), registry.Internal("cells", "fixed words and counts, each over ten people or more"),
			}},
	}
}
