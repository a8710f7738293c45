// Command create-payment writes down what was paid of an invoice.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, invoicing.CreatePayment(a.Table()))
}
