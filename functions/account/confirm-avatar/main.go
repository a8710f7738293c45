// Command confirm-avatar draws an upload that becomes the picture of the caller's account.
package main

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/picture/scaling"
)

func main() {
	a := app.New()
	incoming := bucket.New(a.AWS("S3"), a.Setting("INCOMING_BUCKET"), a.Now)
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, account.ConfirmAvatar(a.Table(), incoming, kept, scaling.Scale))
}
