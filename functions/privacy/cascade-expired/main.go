// Command cascade-expired deletes what hangs on rows that have expired.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasing"
)

func main() {
	a := app.New()
	lambdajob.Start(a, privacy.CascadeExpired(erasing.Sweeper(a), erasing.Clearances(a)...))
}
