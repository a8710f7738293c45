// Command log-in-second-factor begins the session of a login whose password was right.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/auth/minting"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, auth.LogInSecondFactor(sealing.Judge(a, secrets.Pseudonyms(a)), secrets.Refresh(a), minting.Minter(a)))
}
