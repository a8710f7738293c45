// Command list-support-access lists the accesses of our own people to an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/visits"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, visits.ListSupportAccess())
}
