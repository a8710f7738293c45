// Command create-time-entry writes down time.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, timetracking.CreateTimeEntry(a.Table()))
}
