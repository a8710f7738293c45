// Command expire-checkouts ends checkouts that are no longer right.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/payments"
	"pixeltrack.io/platform/pkg/payments/connect"
)

func main() {
	a := app.New()
	lambdajob.Start(a, payments.ExpireCheckouts(connect.Open(a), a.Setting("PUBLIC_URL")))
}
