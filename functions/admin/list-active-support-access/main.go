// Command list-active-support-access lists which organizations are open to our own people.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/visits"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, visits.ListActiveSupportAccess())
}
