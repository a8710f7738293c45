// Command list-assurance shows the audit reports of those who process data for PixelTrack.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/assurance"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, assurance.ListAssurance())
}
