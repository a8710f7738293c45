// Command download-file gives a link to a file.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, files.DownloadFile(kept))
}
