// Command take-in-mail brings mails that came in where they belong.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/mailroom/sorting"
	"pixeltrack.io/platform/pkg/mailroom/sorting/opening"
)

func main() {
	a := app.New()
	lambdajob.Start(a, sorting.TakeInMail(opening.Room(a)))
}
