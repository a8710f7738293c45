// Command get-invoice-pdf gives a link to the document of an invoice.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	lambdahttp.Start(a, invoicing.GetInvoicePDF(documents))
}
