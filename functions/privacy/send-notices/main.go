// Command send-notices tells people of what takes effect later.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/notices"
)

func main() {
	lambdajob.Start(app.New(), notices.SendNotices())
}
