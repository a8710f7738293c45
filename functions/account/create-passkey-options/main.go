// Command create-passkey-options begins to add a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/passkeys/party"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, passkeys.CreatePasskeyOptions(party.Desk(a)))
}
