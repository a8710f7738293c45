// Package vaulting builds what writes into the vault from a function's environment. Functions that write nothing there do
// not link it.
package vaulting

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/kmskeys"
	"pixeltrack.io/platform/pkg/privacy/erasure"
)

// Vault needs VAULT_BUCKET.
func Vault(a *app.App) *bucket.Bucket {
	return bucket.New(a.AWS("S3"), a.Setting("VAULT_BUCKET"), a.Now)
}

// Seals needs DATA_KEY_ID. A role that may make data keys and not open them can write a ledger that it cannot read.
func Seals(a *app.App) *keys.Envelope {
	return keys.NewEnvelope(kmskeys.NewDataKeys(a.AWS("KMS"), a.Setting("DATA_KEY_ID")), a.Now)
}

// Engine is what erases a contact of an organization, which stays. It needs TABLE_NAME and what Vault and Seals need.
func Engine(a *app.App, pseudonyms keys.Pseudonyms) *erasure.Engine {
	return &erasure.Engine{Store: a.Table(), Vault: Vault(a), Seals: Seals(a), Pseudonyms: pseudonyms, Clock: a.Now}
}
