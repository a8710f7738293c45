package privacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/erasure"
)

// HoldBook writes down outside the table which legal holds were placed and lifted, so that a table that was restored from
// before deletes nothing that is held by now, and keeps nothing that no longer is.
type HoldBook struct {
	Vault erasure.Vault
	Seals erasure.Sealer
}

// written is one entry of the book.
type written struct {
	Hold   id.Hold   `json:"hold"`
	At     time.Time `json:"at"`
	By     id.Staff  `json:"by"`
	Matter string    `json:"matter,omitempty"` // of a hold that was placed
	Sealed []byte    `json:"sealed,omitempty"` // likewise: what is held
}

// placedObject and liftedObject are where the book has a hold.
func placedObject(h id.Hold) string { return erasure.HoldsPrefix + string(h) + "/placed.json" }
func liftedObject(h id.Hold) string { return erasure.HoldsPrefix + string(h) + "/lifted.json" }

// placed is written before the hold itself: one too many is seen and lifted, one too few deletes what is held.
func (b HoldBook) placed(ctx context.Context, h *Hold) error {
	what, err := json.Marshal(HeldBody{Kind: h.Kind, ID: h.Object, Organization: h.Organization})
	if err != nil {
		return fmt.Errorf("book of holds: %w", err)
	}
	object := placedObject(h.ID)
	sealed, err := b.Seals.Seal(ctx, erasure.Sealed(object), what)
	if err != nil {
		return fmt.Errorf("book of holds: %w", err)
	}
	return b.write(ctx, object, written{Hold: h.ID, At: clock.At(h.Placed), By: h.PlacedBy, Matter: h.Matter, Sealed: sealed})
}

// lifted is written after the hold was lifted, for the same reason.
func (b HoldBook) lifted(ctx context.Context, h *Hold) error {
	return b.write(ctx, liftedObject(h.ID), written{Hold: h.ID, At: clock.At(h.Lifted), By: h.LiftedBy})
}

func (b HoldBook) write(ctx context.Context, object string, w written) error {
	text, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("book of holds: %w", err)
	}
	err = b.Vault.Create(ctx, object, "application/json", bytes.NewReader(text))
	if errors.Is(err, blob.ErrExists) {
		return nil
	}
	return err
}
