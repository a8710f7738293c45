// Command queue-ticket lets the queue of support follow a ticket.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/support"
)

func main() {
	a := app.New()
	lambdajob.Start(a, support.QueueTicket())
}
