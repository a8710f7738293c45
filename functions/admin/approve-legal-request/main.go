// Command approve-legal-request agrees with the review of a legal request.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, demands.ApproveLegalRequest(a.Table()))
}
