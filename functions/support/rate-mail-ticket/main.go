// Command rate-mail-ticket takes the rating of who asked by mail.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/support"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, support.RateMailTicket(a.Table(), secrets.Links(a)))
}
