// Command create-support-access lets one of our own people look into an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/visits"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, visits.CreateSupportAccess(a.Table()))
}
