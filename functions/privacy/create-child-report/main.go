// Command create-child-report takes a report that an account is a child's.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.CreateChildReport(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
