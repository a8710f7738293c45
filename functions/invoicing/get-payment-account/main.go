// Command get-payment-account shows the organisation's account at Stripe.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	lambdahttp.Start(app.New(), invoicing.GetPaymentAccount())
}
