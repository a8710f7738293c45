// Command assemble-invoice puts unbilled time onto drafts, and frees what is no longer on one.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/job/lambdajob"
)

func main() {
	a := app.New()
	lambdajob.Start(a, invoicing.AssembleInvoice())
}
