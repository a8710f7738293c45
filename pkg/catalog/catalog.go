// Package catalog is the one list of all routes, jobs and rows. The OpenAPI document, the permission matrix and the
// checks that hold functions, stacks and list together are made from it. No function imports it.
package catalog

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/meta"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/ownership"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/receiving"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/timetracking"
	"pixeltrack.io/platform/pkg/timetracking/reminder"
)

// Routes lists every route.
func Routes() []api.Operation {
	var all []api.Operation
	all = append(all, meta.Routes()...)
	all = append(all, privacy.Routes()...)
	all = append(all, clients.Routes()...)
	all = append(all, projects.Routes()...)
	all = append(all, timetracking.Routes()...)
	all = append(all, files.Routes()...)
	all = append(all, support.Routes()...)
	all = append(all, invoicing.Routes()...)
	all = append(all, payments.Routes()...)
	all = append(all, receiving.Routes()...)
	all = append(all, notifications.Routes()...)
	all = append(all, auth.Routes()...)
	all = append(all, account.Routes()...)
	all = append(all, secondfactor.Routes()...)
	all = append(all, passkeys.Routes()...)
	all = append(all, ceremony.Routes()...)
	all = append(all, organization.Routes()...)
	all = append(all, members.Routes()...)
	all = append(all, audit.Routes()...)
	all = append(all, ownership.Routes()...)
	all = append(all, invitations.Routes()...)
	return all
}

// Jobs lists every background job.
func Jobs() []job.Job {
	var all []job.Job
	all = append(all, privacy.Jobs()...)
	all = append(all, projects.Jobs()...)
	all = append(all, reminder.Jobs()...)
	all = append(all, files.Jobs()...)
	all = append(all, invoicing.Jobs()...)
	all = append(all, rendering.Jobs()...)
	all = append(all, payments.Jobs()...)
	all = append(all, notifications.Jobs()...)
	all = append(all, auth.Jobs()...)
	all = append(all, account.Jobs()...)
	all = append(all, organization.Jobs()...)
	return all
}

// Rows lists every row type.
func Rows() []registry.Row {
	all := shared()
	all = append(all, privacy.Rows()...)
	all = append(all, clients.Rows()...)
	all = append(all, projects.Rows()...)
	all = append(all, timetracking.Rows()...)
	all = append(all, files.Rows()...)
	all = append(all, support.Rows()...)
	all = append(all, invoicing.Rows()...)
	all = append(all, receiving.Rows()...)
	all = append(all, notifications.Rows()...)
	all = append(all, auth.Rows()...)
	all = append(all, account.Rows()...)
	all = append(all, secondfactor.Rows()...)
	all = append(all, passkeys.Rows()...)
	all = append(all, ceremony.Rows()...)
	all = append(all, organization.Rows()...)
	all = append(all, ownership.Rows()...)
	all = append(all, invitations.Rows()...)
	return all
}
