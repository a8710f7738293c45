// Command verify-staff-audit recomputes the chain of the records of staff.
package main

import (
	"pixeltrack.io/platform/pkg/admin"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/audit/witnessing"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, admin.VerifyStaffAudit(witnessing.Witness(a)))
}
