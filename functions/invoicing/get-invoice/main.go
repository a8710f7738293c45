// Command get-invoice answers one invoice.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, invoicing.GetInvoice(sealing.Keys(a)))
}
