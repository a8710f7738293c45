// Package witnessing builds what signs the heads of audit chains, and what reads them, from a function's environment.
// Functions that do neither do not link it.
package witnessing

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/keys/kmskeys"
)

// Witness needs HEADS_BUCKET and HEADS_KEY_ID.
func Witness(a *app.App) chain.Witness {
	return chain.Witness{Heads: bucket.New(a.AWS("S3"), a.Setting("HEADS_BUCKET"), a.Now), Public: signer(a).PublicKey}
}

// Notary needs what Witness needs.
func Notary(a *app.App) chain.Notary { return chain.Notary{Witness: Witness(a), Sign: signer(a).Sign} }

func signer(a *app.App) *kmskeys.Signer {
	return kmskeys.NewSigner(a.AWS("KMS"), a.Setting("HEADS_KEY_ID"))
}
