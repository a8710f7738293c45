// Command update-member changes what a member may do.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/members"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, members.UpdateMember(a.Table()))
}
