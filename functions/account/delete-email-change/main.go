// Command delete-email-change takes a change of e-mail address back.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.DeleteEmailChange(a.Table()))
}
