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
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/support"
)

// Engine needs TABLE_NAME, EXPORTS_BUCKET, FILES_BUCKET, INCOMING_BUCKET, VAULT_BUCKET and PARAM_PSEUDONYM_SECRET.
func Engine(a *app.App) *erasure.Engine {
	s3 := a.AWS("S3")
	var objects []erasure.Objects
	for _, setting := range []string{"EXPORTS_BUCKET", "FILES_BUCKET", "INCOMING_BUCKET"} {
		objects = append(objects, bucket.New(s3, a.Setting(setting), a.Now))
	}
	vault := bucket.New(s3, a.Setting("VAULT_BUCKET"), a.Now)
	pseudonyms := keys.Pseudonyms{Secret: secrets.Read(a, "PARAM_PSEUDONYM_SECRET")}
	e := privacy.NewEngine(a.Table(), objects, vault, pseudonyms, a.Now)
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

// Clearances needs DOCUMENTS_BUCKET.
func Clearances(a *app.App) []retention.Clearance {
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	return []retention.Clearance{{Kind: retention.InvoicePurge, Clear: invoicing.Clear(documents)}, {Kind: retention.TicketPurge, Clear: support.Clear(files.GoWithTicket)},
		{Kind: retention.CorrespondentPurge, Clear: correspondents.Clear}}
}
