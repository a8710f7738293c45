// Command remind-timers mails people whose timer runs on after eight hours.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/timetracking/reminder"
)

func main() {
	a := app.New()
	lambdajob.Start(a, reminder.RemindTimers())
}
