// Command get-request shows one request.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	lambdahttp.Start(app.New(), privacy.GetRequest())
}
