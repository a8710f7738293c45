// Command ask-for-passkey begins a login by a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/party"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ceremony.AskForPasskey(party.Desk(a)))
}
