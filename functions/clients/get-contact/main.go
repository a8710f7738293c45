// Command get-contact answers one contact.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	lambdahttp.Start(app.New(), clients.GetContact())
}
