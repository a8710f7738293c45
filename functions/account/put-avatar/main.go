// Command put-avatar announces the picture of the caller's account and grants its upload.
package main

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	incoming := bucket.New(a.AWS("S3"), a.Setting("INCOMING_BUCKET"), a.Now)
	lambdahttp.Start(a, account.PutAvatar(a.Table(), incoming))
}
