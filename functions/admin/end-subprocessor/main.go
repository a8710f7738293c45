// Command end-subprocessor lets no data go to a company any more.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/subprocessors"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, subprocessors.EndSubprocessor(a.Table()))
}
