// Command discard-timer ends the caller's running timer without an entry.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/timetracking"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, timetracking.DiscardTimer(a.Table()))
}
