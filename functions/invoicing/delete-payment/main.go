// Command delete-payment takes a payment back.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, invoicing.DeletePayment(a.Table()))
}
