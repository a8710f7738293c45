// Command render-invoice makes the documents of invoices that were sent.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	lambdajob.Start(a, rendering.RenderInvoice(documents, sealing.Keys(a)))
}
