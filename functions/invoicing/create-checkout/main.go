// Command create-checkout gives the page on which an invoice is paid.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, payments.CreateCheckout(a.Table(), connect.Open(a), a.Setting("PUBLIC_URL")))
}
