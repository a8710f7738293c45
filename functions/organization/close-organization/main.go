// Command close-organization closes an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/ownership"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ownership.CloseOrganization(a.Table(), secrets.Pseudonyms(a)))
}
