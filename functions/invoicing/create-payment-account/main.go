// Command create-payment-account connects the organisation to an account at Stripe.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, payments.CreatePaymentAccount(a.Table(), connect.Open(a), a.Setting("PUBLIC_URL")))
}
