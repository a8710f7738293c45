// Command create-event keeps what was used, for those who agreed to it.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/usage"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, usage.CreateEvent(a.Table(), bucket.New(a.AWS("S3"), a.Setting("VAULT_BUCKET"), a.Now)))
}
