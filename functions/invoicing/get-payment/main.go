// Command get-payment shows a payment with its refunds and disputes.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	lambdahttp.Start(app.New(), invoicing.GetPayment())
}
