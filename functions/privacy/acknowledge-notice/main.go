// Command acknowledge-notice says that the caller has seen a notice.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/notices"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, notices.AcknowledgeNotice(a.Table()))
}
