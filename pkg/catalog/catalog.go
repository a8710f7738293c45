// Package catalog is the one list of all routes, jobs and rows. The OpenAPI document, the permission matrix and the
// checks that hold functions, stacks and list together are made from it. No function imports it.
package catalog

import (
	"pixeltrack.io/platform/pkg/abuse"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/account/choices"
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/admin"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/admin/heartbeat"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/assurance"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/expiry"
	"pixeltrack.io/platform/pkg/breaches"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/clients/dossier"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/mailroom/sorting"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/members/merging"
	"pixeltrack.io/platform/pkg/meta"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/organization/agreements"
	"pixeltrack.io/platform/pkg/ownership"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/receiving"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/commitment"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/referrals"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/subprocessors"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/timetracking"
	"pixeltrack.io/platform/pkg/timetracking/reminder"
	"pixeltrack.io/platform/pkg/transfers"
	"pixeltrack.io/platform/pkg/usage"
	"pixeltrack.io/platform/pkg/visits"
	"pixeltrack.io/platform/pkg/visits/views"
)

// Routes lists every route.
func Routes() []api.Operation {
	var all []api.Operation
	all = append(all, meta.Routes()...)
	all = append(all, admin.Routes()...)
	all = append(all, privacy.Cases()...)
	all = append(all, privacy.Holds()...)
	all = append(all, privacy.GetProcessingRecord(), privacy.GetPrivacyHealth(nil))
	all = append(all, breaches.Routes()...)
	all = append(all, demands.Routes()...)
	all = append(all, assurance.Routes()...)
	all = append(all, abuse.Routes()...)
	all = append(all, visits.Routes()...)
	all = append(all, referrals.Routes()...)
	all = append(all, views.Routes()...)
	all = append(all, policies.Routes()...)
	all = append(all, subprocessors.Routes()...)
	all = append(all, transfers.Routes()...)
	all = append(all, privacy.Routes()...)
	all = append(all, notices.Routes()...)
	all = append(all, usage.Routes()...)
	all = append(all, clients.Routes()...)
	all = append(all, dossier.Routes()...)
	all = append(all, projects.Routes()...)
	all = append(all, timetracking.Routes()...)
	all = append(all, files.Routes()...)
	all = append(all, support.Routes()...)
	all = append(all, support.Desk()...)
	all = append(all, mailroom.Routes()...)
	all = append(all, invoicing.Routes()...)
	all = append(all, payments.Routes()...)
	all = append(all, receiving.Routes()...)
	all = append(all, notifications.Routes()...)
	all = append(all, auth.Routes()...)
	all = append(all, account.Routes()...)
	all = append(all, choices.Routes()...)
	all = append(all, secondfactor.Routes()...)
	all = append(all, passkeys.Routes()...)
	all = append(all, ceremony.Routes()...)
	all = append(all, organization.Routes()...)
	all = append(all, agreements.Routes()...)
	all = append(all, members.Routes()...)
	all = append(all, audit.Routes()...)
	all = append(all, activity.Routes()...)
	all = append(all, ownership.Routes()...)
	all = append(all, invitations.Routes()...)
	return all
}

// Jobs lists every background job.
func Jobs() []job.Job {
	var all []job.Job
	all = append(all, privacy.Jobs()...)
	all = append(all, notices.Jobs()...)
	all = append(all, usage.Jobs()...)
	all = append(all, commitment.Jobs()...)
	all = append(all, deadline.Jobs()...)
	all = append(all, projects.Jobs()...)
	all = append(all, reminder.Jobs()...)
	all = append(all, merging.Jobs()...)
	all = append(all, files.Jobs()...)
	all = append(all, support.Jobs()...)
	all = append(all, sorting.TakeInMail(sorting.Room{}))
	all = append(all, invoicing.Jobs()...)
	all = append(all, rendering.Jobs()...)
	all = append(all, payments.Jobs()...)
	all = append(all, notifications.Jobs()...)
	all = append(all, auth.Jobs()...)
	all = append(all, expiry.Jobs()...)
	all = append(all, account.Jobs()...)
	all = append(all, organization.Jobs()...)
	all = append(all, chain.Jobs()...)
	return all
}

// Rows lists every row type.
func Rows() []registry.Row {
	all := shared()
	all = append(all, privacy.Rows()...)
	all = append(all, notices.Rows()...)
	all = append(all, usage.Rows()...)
	all = append(all, commitment.Rows()...)
	all = append(all, deadline.Rows()...)
	all = append(all, heartbeat.Rows()...)
	all = append(all, breaches.Rows()...)
	all = append(all, demands.Rows()...)
	all = append(all, assurance.Rows()...)
	all = append(all, abuse.Rows()...)
	all = append(all, visits.Rows()...)
	all = append(all, referrals.Rows()...)
	all = append(all, policies.Rows()...)
	all = append(all, subprocessors.Rows()...)
	all = append(all, transfers.Rows()...)
	all = append(all, clients.Rows()...)
	all = append(all, projects.Rows()...)
	all = append(all, timetracking.Rows()...)
	all = append(all, files.Rows()...)
	all = append(all, support.Rows()...)
	all = append(all, correspondents.Rows()...)
	all = append(all, mailroom.Rows()...)
	all = append(all, invoicing.Rows()...)
	all = append(all, receiving.Rows()...)
	all = append(all, notifications.Rows()...)
	all = append(all, auth.Rows()...)
	all = append(all, account.Rows()...)
	all = append(all, picture.Rows()...)
	all = append(all, choices.Rows()...)
	all = append(all, secondfactor.Rows()...)
	all = append(all, passkeys.Rows()...)
	all = append(all, ceremony.Rows()...)
	all = append(all, organization.Rows()...)
	all = append(all, agreements.Rows()...)
	all = append(all, chain.Rows()...)
	all = append(all, activity.Rows()...)
	all = append(all, ownership.Rows()...)
	all = append(all, invitations.Rows()...)
	return all
}
