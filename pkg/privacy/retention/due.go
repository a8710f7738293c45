package retention

import (
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Kinds of due work that the retention sweep carries out. Each is armed with its wake row (store.Tx.ArmWake) in the
// transaction that starts the clock, and disarmed in the one that stops it.
const (
	AccountPurge      store.DueKind = "purge-account"      // the target is the user's gate, whose DueAt is the same time
	OrganizationPurge store.DueKind = "purge-organization" // the target is the organisation's gate, likewise
	InvoicePurge      store.DueKind = "purge-invoice"      // the target is the invoice, which names the same time; it outlives its organisation
	TicketPurge       store.DueKind = "purge-ticket"       // the target is the ticket, whose DueAt is the same time

	CorrespondentPurge store.DueKind = "purge-correspondent" // the target is who has only written to PixelTrack
)

// AccountDue is the due row of a deleted account. Deleting an account sets Deleted and DueAt of the user's gate and arms
// this; restoring it clears both and disarms this. From the due time on the gate is gone for every reader but the
// sweep, so nothing can be restored any more.
func AccountDue(user id.User, at time.Time) *store.Due {
	return store.NewDue(AccountPurge, at, access.UserGateKey(user))
}

// OrganizationDue is the due row of a closed organisation: its gate has Status Closed and DueAt at the same time.
func OrganizationDue(org id.Organization, at time.Time) *store.Due {
	return store.NewDue(OrganizationPurge, at, access.OrganizationGateKey(org))
}
