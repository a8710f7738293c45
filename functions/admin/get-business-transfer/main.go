// Command get-business-transfer shows a transfer of the business.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/transfers"
)

func main() {
	lambdahttp.Start(app.New(), transfers.GetBusinessTransfer())
}
