// Command list-business-transfers lists transfers of the business.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/transfers"
)

func main() {
	lambdahttp.Start(app.New(), transfers.ListBusinessTransfers())
}
