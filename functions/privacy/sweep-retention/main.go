// Command sweep-retention deletes what is due.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasing"
)

func main() {
	a := app.New()
	lambdajob.Start(a, privacy.SweepRetention(erasing.Sweeper(a), erasing.Clearances(a)...))
}
