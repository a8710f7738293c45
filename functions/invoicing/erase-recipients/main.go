// Command erase-recipients takes erased clients off their invoices.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
)

func main() {
	a := app.New()
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	lambdajob.Start(a, rendering.EraseRecipients(vaulting.Engine(a, secrets.Pseudonyms(a)), documents, sealing.Keys(a)))
}
