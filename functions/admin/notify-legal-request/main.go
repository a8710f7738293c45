// Command notify-legal-request tells a person that something of theirs was handed over.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/demands"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, demands.NotifyLegalRequest(a.Table()))
}
