// Command answer-data-request answers a request of a client's contact about their data.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/referrals"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, referrals.AnswerDataRequest(a.Table()))
}
