// Package sealing builds what seals single fields of rows from a function's environment. Functions that seal nothing do
// not link it.
package sealing

import (
	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/kmskeys"
	"pixeltrack.io/platform/pkg/secondfactor"
)

// Keys needs DATA_KEY_ID, the key that wraps data keys.
func Keys(a *app.App) keys.DataKeys {
	return kmskeys.NewDataKeys(a.AWS("KMS"), a.Setting("DATA_KEY_ID"))
}

// Judge needs what Keys needs, and TABLE_NAME.
func Judge(a *app.App, pseudonyms keys.Pseudonyms) *secondfactor.Judge {
	return &secondfactor.Judge{Store: a.Table(), Seeds: Keys(a), Pseudonyms: pseudonyms}
}
