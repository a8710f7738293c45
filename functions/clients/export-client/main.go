// Command export-client gives everything about one client.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/clients/dossier"
	"pixeltrack.io/platform/pkg/lambdahttp"
	"pixeltrack.io/platform/pkg/privacy/datamap"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, dossier.ExportClient(sealing.Keys(a), datamap.Current()))
}
