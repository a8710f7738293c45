// Command apply-stripe-event writes down what changed at Stripe.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdajob.Start(a, payments.ApplyStripeEvent(connect.Open(a)))
}
