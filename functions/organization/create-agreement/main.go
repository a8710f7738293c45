// Command create-agreement accepts the terms or the data processing agreement.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization/agreements"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, agreements.CreateAgreement(a.Table()))
}
