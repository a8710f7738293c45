// Command build-export builds the packages of requests and organisations.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
)

func main() {
	a := app.New()
	packages := blob.New(a.AWS("S3"), a.Setting("EXPORTS_BUCKET"), a.Now)
	files := blob.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdajob.Start(a, privacy.BuildExport(packages, files, secrets.Links(a), datamap.Current()))
}
