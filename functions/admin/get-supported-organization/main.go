// Command get-supported-organization shows the settings of an organization that is looked into.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/visits/views"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, views.GetSupportedOrganization(a.Table()))
}
