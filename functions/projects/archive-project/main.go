// Command archive-project puts a project away.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, projects.ArchiveProject(a.Table()))
}
