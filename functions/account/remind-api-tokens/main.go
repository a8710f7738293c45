// Command remind-api-tokens mails people whose API tokens end within seven days.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/auth/expiry"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	lambdajob.Start(a, expiry.RemindAPITokens())
}
