// Command delete-project closes a project so that it can be deleted.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, projects.DeleteProject(a.Table()))
}
