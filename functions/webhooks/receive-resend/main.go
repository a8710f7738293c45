// Command receive-resend takes the reports of the mail provider.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/notifications"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, notifications.ReceiveResend(a.Table(), secrets.Read(a, "PARAM_RESEND_WEBHOOK_SECRET")))
}
