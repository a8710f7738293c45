// Command create-organization-export has everything of an organization packed.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateOrganizationExport(a.Table()))
}
