// Command opt-out takes an opt-out in, with a login or without.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.OptOut(a.Table()))
}
