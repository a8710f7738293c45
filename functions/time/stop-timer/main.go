// Command stop-timer makes an entry of the caller's running timer.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, timetracking.StopTimer(a.Table()))
}
