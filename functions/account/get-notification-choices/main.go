// Command get-notification-choices shows which mails the caller wants.
package main

import (
	"pixeltrack.io/platform/pkg/account/choices"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, choices.GetNotificationChoices())
}
