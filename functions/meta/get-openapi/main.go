// Command get-openapi serves the OpenAPI document.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/meta"
)

func main() {
	lambdahttp.StartStatic(app.New(), meta.GetOpenapi())
}
