// Command create-organization makes a further organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/ownership"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ownership.CreateOrganization(a.Table()))
}
