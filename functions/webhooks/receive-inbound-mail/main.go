// Command receive-inbound-mail takes the news of mails that came in.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/mailroom"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, mailroom.ReceiveInboundMail(a.Table(), secrets.Read(a, "PARAM_INBOUND_WEBHOOK_SECRET")))
}
