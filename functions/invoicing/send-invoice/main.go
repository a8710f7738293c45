// Command send-invoice sends an invoice to its client.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	links := keys.Links{Secret: secrets.Read(a, "PARAM_LINK_SECRET")}
	lambdahttp.Start(a, invoicing.SendInvoice(a.Table(), links, a.Setting("PUBLIC_URL")))
}
