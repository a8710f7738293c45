// Command send-outbox sends the mails that wait.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/notifications/posting"
)

func main() {
	a := app.New()
	lambdajob.Start(a, notifications.SendOutbox(posting.Post(a)))
}
