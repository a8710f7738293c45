// Command get-logo shows an organization's logo.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/organization"
)

func main() {
	a := app.New()
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, organization.GetLogo(kept))
}
