// Command list-data-requests lists the requests of clients' contacts about their data.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/referrals"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, referrals.ListDataRequests())
}
