// Command put-logo announces an organization's logo and grants its upload.
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
	lambdahttp.Start(a, organization.PutLogo(a.Table(), incoming))
}
