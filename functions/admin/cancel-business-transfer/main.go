// Command cancel-business-transfer says that no data will pass.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/transfers"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, transfers.CancelBusinessTransfer(a.Table()))
}
