// Command list-tickets lists tickets.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/support"
)

func main() {
	lambdahttp.Start(app.New(), support.ListTickets())
}
