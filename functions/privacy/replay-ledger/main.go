// Command replay-ledger erases again in a restored table what was erased since, and lets it be served.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/restoring"
)

func main() {
	a := app.New()
	lambdajob.Start(a, privacy.ReplayLedger(restoring.Replay(a)))
}
