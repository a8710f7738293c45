// Command create-visitor-request files the request of somebody without an account.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateVisitorRequest(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
