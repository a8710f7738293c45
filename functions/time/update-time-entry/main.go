// Command update-time-entry changes a time entry.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, timetracking.UpdateTimeEntry(a.Table()))
}
