// Command create-policy publishes a version of the privacy policy.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/policies"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, policies.CreatePolicy(a.Table()))
}
