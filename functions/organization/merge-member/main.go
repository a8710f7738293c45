// Command merge-member gives the history of a placeholder to a member.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/members"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, members.MergeMember(a.Table()))
}
