// Package notifications brings what happens to people: it turns changes of the table into events, sends the mails of the
// outbox, and records what the mail provider reports of them.
package notifications

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the routes of this package.
func Routes() []api.Operation { return []api.Operation{ReceiveResend(nil, "")} }

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{DispatchChanges(nil), SendOutbox(Post{})} }

// Rows registers the area's rows.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Binding{}, Type: "MAIL_SENT", Area: "notifications", Subject: registry.SubjectUser, Purpose: purpose.ServiceNotices, Basis: registry.Contract,
			Class: registry.ClassWork, Family: "EXT", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Secret("mail", "the key of a mail's row: ids only, for as long as that row", registry.EraseUnlink),
			}},
		{Sample: Unbound{}, Type: "UNBOUND", Area: "notifications", Purpose: purpose.ServiceNotices, Basis: registry.Contract,
			Class: registry.ClassWork, Family: string(FamilyUnbound), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("id", "the provider's id of a mail, for two days"), registry.Internal("report", "a fixed word"),
				registry.Internal("hard", "a mark"), registry.Internal("at", "a time"),
			}},
		{Sample: Suppression{}, Type: "SUPPRESSION", Area: "notifications", Subject: registry.SubjectUser, Purpose: purpose.ServiceNotices, Basis: registry.Contract,
			Class: registry.ClassLedger, Family: string(FamilySuppression), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Secret("hash", "a keyed hash of an address that is not to be written to", registry.KeepForDuty),
				registry.Internal("why", "a fixed word"), registry.Internal("since", "a time"),
			}},
	}
}
