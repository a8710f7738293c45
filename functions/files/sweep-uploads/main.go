// Command sweep-uploads removes uploads that nobody confirmed and what deleted files and pictures left.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	incoming := bucket.New(a.AWS("S3"), a.Setting("INCOMING_BUCKET"), a.Now)
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdajob.Start(a, files.SweepUploads(incoming, kept))
}
