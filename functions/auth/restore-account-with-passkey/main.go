// Command restore-account-with-passkey undoes the deletion of an account whose second factor is a passkey.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
	"pixeltrack.io/platform/pkg/passkeys/ceremony/party"
)

func main() {
	a := app.New()
	d := party.Desk(a)
	d.Pseudonyms = secrets.Pseudonyms(a)
	lambdahttp.Start(a, ceremony.RestoreAccountWithPasskey(d))
}
