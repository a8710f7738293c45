// Command receive-stripe-connect takes what Stripe tells of the accounts of organisations.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/payments/receiving"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, receiving.ReceiveStripeConnect(a.Table(), secrets.Read(a, "PARAM_STRIPE_CONNECT_WEBHOOK_SECRET")))
}
