// Command get-data-map serves the map of personal data.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	lambdahttp.StartStatic(app.New(), privacy.GetDataMap())
}
