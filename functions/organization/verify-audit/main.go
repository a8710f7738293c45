// Command verify-audit recomputes the audit chain of an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/audit/witnessing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, audit.VerifyAudit(witnessing.Witness(a)))
}
