// Command delete-logo removes an organization's logo.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization"
)

func main() {
	a := app.New()
	incoming := bucket.New(a.AWS("S3"), a.Setting("INCOMING_BUCKET"), a.Now)
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, organization.DeleteLogo(a.Table(), incoming, kept))
}
