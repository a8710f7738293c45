// Command create-invitations invites people.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/lambdahttp"
)

func main() {
	a := app.New()
	lambdahttp.Start(a, invitations.CreateInvitations(a.Table(), secrets.Pseudonyms(a), secrets.Links(a)))
}
