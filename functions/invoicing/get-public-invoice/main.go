// Command get-public-invoice shows an invoice to who has its link.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	lambdahttp.Start(a, invoicing.GetPublicInvoice(a.Table(), sealing.Keys(a), documents))
}
