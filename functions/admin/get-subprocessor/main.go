// Command get-subprocessor shows one company of the register of sub-processors.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/subprocessors"
)

func main() {
	lambdahttp.Start(app.New(), subprocessors.GetSubprocessor())
}
