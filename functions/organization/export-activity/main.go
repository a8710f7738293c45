// Command export-activity gives what people do with their work in an organization as CSV.
package main

import (
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, activity.ExportActivity())
}
