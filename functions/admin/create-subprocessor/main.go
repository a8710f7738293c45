// Command create-subprocessor enters a company that is to process personal data.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/subprocessors"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, subprocessors.CreateSubprocessor(a.Table()))
}
