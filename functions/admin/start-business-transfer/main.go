// Command start-business-transfer lets data pass to the other company.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/transfers"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, transfers.StartBusinessTransfer(a.Table()))
}
