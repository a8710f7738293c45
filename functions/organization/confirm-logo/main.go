// Command confirm-logo draws an upload that becomes an organization's logo.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/picture/scaling"
)

func main() {
	a := app.New()
	incoming := bucket.New(a.AWS("S3"), a.Setting("INCOMING_BUCKET"), a.Now)
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, organization.ConfirmLogo(a.Table(), incoming, kept, scaling.Scale))
}
