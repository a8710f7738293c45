// Command review-abuse-flag says that a suspicion of abuse goes on.
package main

import (
	"pixeltrack.io/platform/pkg/abuse"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, abuse.ReviewAbuseFlag(a.Table()))
}
