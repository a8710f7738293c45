// Command watch-deadlines tells people of what the registers say is to be done.
package main

import (
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	lambdajob.Start(a, deadline.Watch())
}
