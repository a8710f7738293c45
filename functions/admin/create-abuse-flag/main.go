// Command create-abuse-flag flags an account or an organization for suspected abuse.
package main

import (
	"pixeltrack.io/platform/pkg/abuse"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, abuse.CreateAbuseFlag(a.Table()))
}
