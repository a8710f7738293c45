// Command resend-sign-up mails the confirmation of a sign-up again.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.ResendSignUp(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
