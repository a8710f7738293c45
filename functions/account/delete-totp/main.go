// Command delete-totp takes an authenticator app away from an account.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/secondfactor"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, secondfactor.DeleteTotp(sealing.Judge(a, secrets.Pseudonyms(a))))
}
