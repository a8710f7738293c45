// Command get-staff shows who the caller is among PixelTrack's own people.
package main

import (
	"pixeltrack.io/platform/pkg/admin"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, admin.GetStaff())
}
