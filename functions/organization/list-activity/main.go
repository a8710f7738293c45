// Command list-activity lists what people do with their work in an organization.
package main

import (
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, activity.ListActivity())
}
