// Command list-contacts lists the contacts of a client.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	lambdahttp.Start(app.New(), clients.ListContacts())
}
