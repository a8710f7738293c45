// Command preview-retention shows what a retention of project data would delete.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/projects"
)

func main() {
	lambdahttp.Start(app.New(), projects.PreviewRetention())
}
