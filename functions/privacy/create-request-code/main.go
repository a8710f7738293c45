// Command create-request-code mails the code that opens a request.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateRequestCode(a.Table(), secrets.Links(a)))
}
