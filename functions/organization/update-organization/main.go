// Command update-organization changes the settings of an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, organization.UpdateOrganization(a.Table(), sealing.Keys(a)))
}
