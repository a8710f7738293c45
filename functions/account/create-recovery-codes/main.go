// Command create-recovery-codes makes new recovery codes.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/secondfactor"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, secondfactor.CreateRecoveryCodes(a.Table(), secrets.Pseudonyms(a)))
}
