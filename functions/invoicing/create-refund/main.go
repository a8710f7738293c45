// Command create-refund pays a payment back, or a part of it.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, payments.CreateRefund(a.Table(), connect.Open(a)))
}
