// Command get-file answers one file.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	lambdahttp.Start(app.New(), files.GetFile())
}
