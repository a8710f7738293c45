// Command build-export builds the packages of requests and organisations.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
)

func main() {
	a := app.New()
	open := func(setting string) *bucket.Bucket { return bucket.New(a.AWS("S3"), a.Setting(setting), a.Now) }
	lambdajob.Start(a, privacy.BuildExport(open("EXPORTS_BUCKET"), privacy.Stored{"files": open("FILES_BUCKET"), "documents": open("DOCUMENTS_BUCKET")}, secrets.Links(a), secrets.Pseudonyms(a), sealing.Keys(a), datamap.Current()))
}
