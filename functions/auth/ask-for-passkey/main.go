// Command ask-for-passkey begins a login by a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/passkeys/party"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, passkeys.AskForPasskey(party.Desk(a)))
}
