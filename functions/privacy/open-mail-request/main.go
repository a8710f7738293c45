// Command open-mail-request opens a request with a code that was mailed.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	packages := bucket.New(a.AWS("S3"), a.Setting("EXPORTS_BUCKET"), a.Now)
	lambdahttp.Start(a, privacy.OpenMailRequest(a.Table(), packages, secrets.Links(a)))
}
