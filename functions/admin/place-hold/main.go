// Command place-hold places a legal hold.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.PlaceHold(a.Table(), privacy.HoldBook{Vault: vaulting.Vault(a), Seals: vaulting.Seals(a)}))
}
