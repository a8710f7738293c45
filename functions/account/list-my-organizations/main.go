// Command list-my-organizations lists the organizations of the caller.
package main

import (
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, account.ListMyOrganizations(a.Table()))
}
