// Command log-in-with-passkey begins a session by what an authenticator signed.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/minting"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/party"
)

func main() {
	a := app.New()
	e := &auth.Entry{Store: a.Table(), Refresh: secrets.Refresh(a), Minter: minting.Minter(a)}
	lambdahttp.Start(a, ceremony.LogInWithPasskey(party.Desk(a), e))
}
