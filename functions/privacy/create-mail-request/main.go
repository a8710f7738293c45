// Command create-mail-request files a data subject request of somebody without a session.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateMailRequest(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
