// Command answer-ticket answers a ticket.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/support"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, support.AnswerTicket(a.Table()))
}
