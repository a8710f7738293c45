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
	bucket := func(setting string) *blob.Bucket { return blob.New(a.AWS("S3"), a.Setting(setting), a.Now) }
	stored := privacy.Stored{"files": bucket("FILES_BUCKET"), "documents": bucket("DOCUMENTS_BUCKET")}
	lambdajob.Start(a, privacy.BuildExport(bucket("EXPORTS_BUCKET"), stored, secrets.Links(a), datamap.Current()))
}
