// Command get-health says that the API answers.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/meta"
)

func main() {
	lambdahttp.StartStatic(app.New(), meta.GetHealth())
}
