// Command create-legal-request enters what a court or authority demands into the register.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, demands.CreateLegalRequest(a.Table()))
}
