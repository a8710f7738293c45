// Package transfers is the register of mergers, acquisitions and sales of assets by which personal data passes to another
// company (policy 4.5). Nothing may pass before everybody was told and the time to object, to take one's data along, or to
// leave is over.
package transfers

import (
	"fmt"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the register.
const Family store.Family = "TRANSFER"

// State is how far a transfer has come.
type State string

// The states.
const (
	Announced State = "announced" // people are told, and may object or leave
	Started   State = "started"   // data may pass
	Cancelled State = "cancelled"
)

// Transfer is one transfer of the business.
type Transfer struct {
	store.Meta
	ID           id.Transfer     `dynamo:"id"`
	State        State           `dynamo:"state"`
	Kind         string          `dynamo:"kind"`
	Acquirer     string          `dynamo:"acquirer"` // a company
	Country      string          `dynamo:"country"`
	Description  string          `dynamo:"description"`
	From         int64           `dynamo:"from"` // epoch seconds, as all times here
	Announcement id.Announcement `dynamo:"announcement"`
	Made         int64           `dynamo:"made"`
	By           id.Staff        `dynamo:"by"`
	Started      int64           `dynamo:"started,omitempty"`
	StartedBy    id.Staff        `dynamo:"started_by,omitempty"`
	Cancelled    int64           `dynamo:"cancelled,omitempty"`
	CancelledBy  id.Staff        `dynamo:"cancelled_by,omitempty"`
}

// Type is the row's type.
func (t *Transfer) Type() string { return "TRANSFER" }

// Keys puts transfers under their id, in the order in which they were entered.
func (t *Transfer) Keys() store.Keys { return store.Keys{Primary: Key(t.ID)} }

// Key is where a transfer lies.
func Key(t id.Transfer) store.Key { return store.PlatformScope().Key(Family, string(t)) }

// announcement is what everybody is told.
func (t *Transfer) announcement() *notices.Announcement {
	return &notices.Announcement{ID: t.Announcement, Kind: notices.BusinessTransfer, Object: string(t.ID), Audience: notices.Everybody,
		Title: "Your data may pass to " + t.Acquirer,
		Text: fmt.Sprintf("%s (%s): %s Your data may pass to %s from the day below on, and this privacy policy goes on to apply to it. Until then you can object, export your data, or delete your account.",
			t.Acquirer, t.Country, t.Description, t.Acquirer),
		Effective: t.From, By: t.By}
}

// Rows registers the row.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Transfer{}, Type: "TRANSFER", Area: "admin", Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
		Class: registry.ClassPlatform, Family: string(Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
			registry.Internal("id", "a random id"), registry.Internal("state", "a fixed word"), registry.Internal("kind", "a fixed word"),
			registry.Internal("acquirer", "a company"), registry.Internal("country", "a country"), registry.Internal("description", "a text for everybody"),
			registry.Internal("from", "a time"), registry.Internal("announcement", "a random id"), registry.Internal("made", "a time"),
			registry.Internal("by", "the id of one of PixelTrack's own people"), registry.Internal("started", "a time"),
			registry.Internal("started_by", "the id of one of PixelTrack's own people"), registry.Internal("cancelled", "a time"),
			registry.Internal("cancelled_by", "the id of one of PixelTrack's own people"),
		}}}
}
