// Command reconcile-payments asks Stripe what changed, and tells it of refunds.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdajob.Start(a, payments.ReconcilePayments(connect.Open(a)))
}
