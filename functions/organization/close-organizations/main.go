// Command close-organizations closes the organizations that are closing.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdajob.Start(a, organization.CloseOrganizations(privacy.AskForOrganization))
}
