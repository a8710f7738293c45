// Command list-projects lists the organization's projects.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	lambdahttp.Start(app.New(), projects.ListProjects())
}
