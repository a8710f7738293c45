// Package erasing builds the erasure engine, and what the areas clear by clocks of their own, from a function's environment.
package erasing

import (
	"context"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
	"pixeltrack.io/platform/pkg/timetracking"
)

// Engine needs TABLE_NAME, EXPORTS_BUCKET, FILES_BUCKET, INCOMING_BUCKET, VAULT_BUCKET, DATA_KEY_ID and
// PARAM_PSEUDONYM_SECRET.
func Engine(a *app.App) *erasure.Engine {
	s3 := a.AWS("S3")
	var objects []erasure.Objects
	for _, setting := range []string{"EXPORTS_BUCKET", "FILES_BUCKET", "INCOMING_BUCKET"} {
		objects = append(objects, bucket.New(s3, a.Setting(setting), a.Now))
	}
	e := privacy.NewEngine(a.Table(), objects, vaulting.Vault(a), vaulting.Seals(a), secrets.Pseudonyms(a), a.Now)
	e.Forget = forget
	return e
}

// forget erases what a member wrote and sent to support.
func forget(ctx context.Context, org *store.Organization, member id.Member) (int, error) {
	sent, err := files.Forget(ctx, org, member)
	if err != nil {
		return sent, err
	}
	written, err := support.Forget(ctx, org, member, files.GoWithTicket)
	return sent + written, err
}

// Sweeper is Engine for who purges organisations too: it takes persons off the invoices that stay. It needs DOCUMENTS_BUCKET
// as well.
func Sweeper(a *app.App) *erasure.Engine {
	e := Engine(a)
	e.Strip = invoicing.Strip(bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now))
	return e
}

// Clearances needs DOCUMENTS_BUCKET, FILES_BUCKET and INCOMING_BUCKET.
func Clearances(a *app.App) []retention.Clearance {
	open := func(setting string) *bucket.Bucket { return bucket.New(a.AWS("S3"), a.Setting(setting), a.Now) }
	return []retention.Clearance{
		{Kind: retention.InvoicePurge, Clear: invoicing.Clear(open("DOCUMENTS_BUCKET"))},
		{Kind: retention.TicketPurge, Clear: support.Clear(files.GoWithTicket)},
		{Kind: retention.CorrespondentPurge, Clear: correspondents.Clear},
		{Kind: retention.ProjectSetting, Clear: projects.Follow},
		{Kind: retention.ProjectPurge, Clear: projects.Purge(timetracking.DeleteOutlived, files.DeleteOutlived(open("INCOMING_BUCKET"), open("FILES_BUCKET")))},
	}
}
