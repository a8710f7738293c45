// Command restore-project takes an archived project back.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, projects.RestoreProject(a.Table()))
}
