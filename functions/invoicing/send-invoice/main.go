// Command send-invoice sends an invoice to its client.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	open := func(setting string) *bucket.Bucket { return bucket.New(a.AWS("S3"), a.Setting(setting), a.Now) }
	letterhead := invoicing.Letterhead{Seals: sealing.Keys(a), Pictures: open("FILES_BUCKET"), Documents: open("DOCUMENTS_BUCKET")}
	lambdahttp.Start(a, invoicing.SendInvoice(a.Table(), letterhead, secrets.Links(a), a.Setting("PUBLIC_URL")))
}
