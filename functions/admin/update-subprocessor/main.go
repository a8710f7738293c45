// Command update-subprocessor says anew on what a company gets data.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/subprocessors"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, subprocessors.UpdateSubprocessor(a.Table()))
}
