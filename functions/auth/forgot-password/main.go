// Command forgot-password mails a link that sets a new password.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.ForgotPassword(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
