// Command aggregate-events ends the days of usage that are over.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/usage"
)

func main() {
	a := app.New()
	lambdajob.Start(a, usage.AggregateEvents(bucket.New(a.AWS("S3"), a.Setting("VAULT_BUCKET"), a.Now)))
}
