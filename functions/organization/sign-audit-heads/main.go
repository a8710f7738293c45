// Command sign-audit-heads signs how far audit chains have come.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/audit/witnessing"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	lambdajob.Start(a, chain.SignAuditHeads(witnessing.Notary(a)))
}
