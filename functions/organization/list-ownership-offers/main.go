// Command list-ownership-offers shows the offer of the ownership that stands.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/ownership"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ownership.ListOffers())
}
