// Command list-passkeys lists a person's passkeys.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/passkeys"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, passkeys.ListPasskeys())
}
