// Command merge-members moves the history of placeholders that are merged.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/members/merging"
)

func main() {
	a := app.New()
	lambdajob.Start(a, merging.MergeMembers(merging.Histories()...))
}
