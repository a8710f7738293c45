// Command get-organization shows an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, organization.GetOrganization(sealing.Keys(a)))
}
