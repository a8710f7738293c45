// Command create-project-member lets a member work on a project.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, projects.CreateProjectMember(a.Table()))
}
