// Command accept-ownership-offer makes the caller the owner of an organization.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/ownership"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, ownership.AcceptOffer(a.Table(), secrets.Pseudonyms(a)))
}
