// Command get-gpc says that Global Privacy Control is honored.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	lambdahttp.StartStatic(app.New(), privacy.GetGpc())
}
