// Package minting builds what signs access tokens from a function's environment. Only functions that make tokens and the
// job that registers keys link it.
package minting

import (
	"context"
	"crypto/ed25519"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/kmskeys"
)

// Named lists the signing keys of the deployment: SIGNING_KEY_ID, and NEXT_SIGNING_KEY_ID while keys are rotated.
func Named(a *app.App) []string {
	named := []string{a.Setting("SIGNING_KEY_ID")}
	if next := a.Optional("NEXT_SIGNING_KEY_ID"); next != "" {
		named = append(named, next)
	}
	return named
}

// Minter needs ISSUER, TABLE_NAME and the settings of Named.
func Minter(a *app.App) *auth.Minter {
	cfg, signers := a.AWS("KMS"), map[string]keys.SignFunc{}
	for _, name := range Named(a) {
		signers[name] = kmskeys.NewSigner(cfg, name).Sign
	}
	return &auth.Minter{Issuer: a.Setting("ISSUER"), Store: a.Table(), Signers: signers}
}

// PublicKeys reads public keys from KMS.
func PublicKeys(a *app.App) auth.PublicKeys {
	cfg := a.AWS("KMS")
	return func(ctx context.Context, keyID string) (ed25519.PublicKey, error) {
		return kmskeys.NewSigner(cfg, keyID).PublicKey(ctx)
	}
}
