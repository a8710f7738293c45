// Command delete-ownership-offer withdraws or declines an offer of the ownership.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/ownership"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ownership.DeleteOffer(a.Table()))
}
