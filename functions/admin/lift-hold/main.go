// Command lift-hold lifts a legal hold.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.LiftHold(a.Table(), privacy.HoldBook{Vault: vaulting.Vault(a)}))
}
