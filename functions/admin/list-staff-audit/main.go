// Command list-staff-audit lists what staff did.
package main

import (
	"pixeltrack.io/platform/pkg/admin"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, admin.ListStaffAudit())
}
