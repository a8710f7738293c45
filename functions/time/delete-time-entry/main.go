// Command delete-time-entry deletes a time entry.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, timetracking.DeleteTimeEntry(a.Table()))
}
