// Command rate-ticket takes a rating.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/support"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, support.RateTicket(a.Table()))
}
