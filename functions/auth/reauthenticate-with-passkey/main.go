// Command reauthenticate-with-passkey lets the person of a session show again who they are, by a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/minting"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/party"
)

func main() {
	a := app.New()
	e := &auth.Entry{Store: a.Table(), Minter: minting.Minter(a)}
	lambdahttp.Start(a, ceremony.ReauthenticateWithPasskey(party.Desk(a), e))
}
