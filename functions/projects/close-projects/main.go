// Command close-projects deletes closing projects without hours and files.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	a := app.New()
	lambdajob.Start(a, projects.CloseProjects())
}
