// Command get-avatar shows the picture of the caller's account.
package main

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	kept := bucket.New(a.AWS("S3"), a.Setting("FILES_BUCKET"), a.Now)
	lambdahttp.Start(a, account.GetAvatar(kept))
}
