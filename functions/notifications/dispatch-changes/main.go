// Command dispatch-changes turns changes of the table into events on the bus.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/bus/publishing"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/notifications"
)

func main() {
	a := app.New()
	lambdajob.Start(a, notifications.DispatchChanges(publishing.New(a.AWS("EVENTBRIDGE"), a.Setting("EVENT_BUS_NAME"))))
}
