// Command seal-audit ties audit records into their chains.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	lambdajob.Start(a, chain.SealAudit())
}
