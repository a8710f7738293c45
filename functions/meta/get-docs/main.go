// Command get-docs serves the documentation.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/meta"
)

func main() {
	lambdahttp.StartStatic(app.New(), meta.GetDocs())
}
