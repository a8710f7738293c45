// Command confirm-email-change confirms a change of e-mail address.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.ConfirmEmailChange(a.Table(), secrets.Links(a)))
}
