// Command create-business-transfer enters a transfer of the business, and tells everybody.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/transfers"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, transfers.CreateBusinessTransfer(a.Table()))
}
