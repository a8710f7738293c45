// Command get-second-factors shows what a person has of second factors.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/secondfactor"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, secondfactor.GetSecondFactors())
}
