// Command create-member adds a placeholder.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/members"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, members.CreateMember(a.Table()))
}
