// Command receive-stripe takes what Stripe tells of the platform's own account.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/payments/receiving"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, receiving.ReceiveStripe(a.Table(), secrets.Read(a, "PARAM_STRIPE_WEBHOOK_SECRET")))
}
