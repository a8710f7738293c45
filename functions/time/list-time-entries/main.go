// Command list-time-entries lists time entries.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	lambdahttp.Start(app.New(), timetracking.ListTimeEntries())
}
