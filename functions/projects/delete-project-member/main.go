// Command delete-project-member takes a member off a project.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, projects.DeleteProjectMember(a.Table()))
}
