// Command create-passkey-options begins to add a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/party"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ceremony.CreatePasskeyOptions(party.Desk(a)))
}
