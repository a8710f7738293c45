// Command get-public-invoice shows an invoice to who has its link.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, invoicing.GetPublicInvoice(a.Table()))
}
