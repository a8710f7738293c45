// Command delete-passkey takes a passkey away from an account.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, passkeys.DeletePasskey(a.Table()))
}
