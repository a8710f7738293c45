// Package taxid keeps tax ids: sealed where they lie, each under a data key of its own that no function remembers, and shown
// to those alone who have the right tax_id:read.
package taxid

import (
	"context"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// Masked stands for a tax id before those who may not read it. It has the same length for every tax id.
const Masked = "••••••••"

// Place is where the tax id belongs that a row holds in a field. It opens there alone.
func Place(s store.Scope, family store.Family, sk, field string) keys.Place {
	return keys.Place{Tenant: s.String(), Row: store.Join(string(family), sk), Field: field}
}

// Seal seals a tax id for a place; an empty text is none.
func Seal(ctx context.Context, k keys.DataKeys, at keys.Place, text string, now time.Time) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sealed, err := envelope(k, now).Seal(ctx, at, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("seal the tax id: %w", err)
	}
	return sealed, nil
}

// Open gives the tax id that was sealed for a place, empty when there is none.
func Open(ctx context.Context, k keys.DataKeys, at keys.Place, sealed []byte, now time.Time) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := envelope(k, now).Open(ctx, at, sealed)
	if err != nil {
		return "", fmt.Errorf("open the tax id: %w", err)
	}
	return string(plain), nil
}

// Mask says that there is a tax id, and nothing of it.
func Mask(sealed []byte) string {
	if len(sealed) == 0 {
		return ""
	}
	return Masked
}

// Show gives a tax id as the caller may see it.
func Show(ctx context.Context, c *api.Caller, k keys.DataKeys, at keys.Place, sealed []byte) (string, error) {
	if !c.May(access.TaxIDRead) {
		return Mask(sealed), nil
	}
	return Open(ctx, k, at, sealed, c.Now)
}

// envelope is for one use.
func envelope(k keys.DataKeys, now time.Time) *keys.Envelope {
	return keys.NewEnvelope(k, func() time.Time { return now })
}
