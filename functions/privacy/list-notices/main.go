// Command list-notices lists what the caller was told of before it took effect.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/notices"
)

func main() {
	lambdahttp.Start(app.New(), notices.ListNotices())
}
