// Command attribute-case says that a request was mailed by an agent, for somebody else.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, privacy.AttributeCase(a.Table(), secrets.Pseudonyms(a)))
}
