// Command list-objections lists what the caller can object to.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	lambdahttp.Start(app.New(), privacy.ListObjections())
}
