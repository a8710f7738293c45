// Command record-accounts puts on record that an account began or was deleted.
package main

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/secrets"
	"pixeltrack.io/platform/pkg/job/lambdajob"
	"pixeltrack.io/platform/pkg/privacy/commitment"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
)

func main() {
	a := app.New()
	subject := vaulting.Engine(a, secrets.Pseudonyms(a)).Subject
	lambdajob.Start(a, commitment.RecordAccounts(commitment.Keeper{Vault: vaulting.Vault(a), Seals: vaulting.Seals(a), Subject: subject}))
}
