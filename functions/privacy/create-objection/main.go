// Command create-objection objects to a purpose.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateObjection(a.Table()))
}
