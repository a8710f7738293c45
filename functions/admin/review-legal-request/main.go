// Command review-legal-request says whether a legal request must be complied with.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, demands.ReviewLegalRequest(a.Table()))
}
