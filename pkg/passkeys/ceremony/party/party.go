// Package party builds what the routes of passkeys work with from a function's environment.
package party

import (
	"fmt"
	"strings"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/passkeys/ceremony"
)

// Desk needs TABLE_NAME, RELYING_PARTY_ID and RELYING_PARTY_ORIGINS, with commas between. A function that has no usable
// ones does not start.
func Desk(a *app.App) *ceremony.Desk {
	p, err := ceremony.NewParty(a.Setting("RELYING_PARTY_ID"), strings.Split(a.Setting("RELYING_PARTY_ORIGINS"), ","))
	if err != nil {
		panic(fmt.Sprintf("party: %v", err))
	}
	return &ceremony.Desk{Store: a.Table(), Party: p}
}
