// Command create-email-change begins a change of the caller's e-mail address.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.CreateEmailChange(a.Table(), secrets.Pseudonyms(a)))
}
