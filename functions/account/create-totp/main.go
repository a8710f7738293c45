// Command create-totp begins to enrol an authenticator app.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/secondfactor"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, secondfactor.CreateTotp(a.Table(), sealing.Keys(a)))
}
