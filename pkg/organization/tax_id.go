package organization

import (
	"context"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// Masked stands for a tax id before those who may not read it. It has the same length for every tax id.
const Masked = "••••••••"

// taxIDPlace is where the sealed tax id of an organization belongs.
func taxIDPlace(org id.Organization) keys.Place {
	return keys.Place{Tenant: store.OrganizationScope(org).String(), Row: store.Join(string(Family), Key(org).SK), Field: "tax_id"}
}

// envelope is for one use: each tax id has a data key of its own, which no function remembers.
func envelope(k keys.DataKeys, now time.Time) *keys.Envelope {
	return keys.NewEnvelope(k, func() time.Time { return now })
}

// setTaxID seals a tax id into the settings, or removes the one that is there when the text is empty.
func (o *Organization) setTaxID(ctx context.Context, k keys.DataKeys, text string, now time.Time) error {
	o.TaxID = nil
	if text == "" {
		return nil
	}
	sealed, err := envelope(k, now).Seal(ctx, taxIDPlace(o.ID), []byte(text))
	if err != nil {
		return fmt.Errorf("seal the tax id: %w", err)
	}
	o.TaxID = sealed
	return nil
}

// show answers the settings with the tax id as the caller may see it.
func show(ctx context.Context, c *api.Caller, k keys.DataKeys, o *Organization) (*Out, error) {
	out := &Out{Tagged: api.Tag(o.Version), Body: bodyOf(o)}
	if len(o.TaxID) == 0 {
		return out, nil
	}
	if !c.May(access.TaxIDRead) {
		out.Body.TaxID = Masked
		return out, nil
	}
	plain, err := envelope(k, c.Now).Open(ctx, taxIDPlace(o.ID), o.TaxID)
	if err != nil {
		return nil, fmt.Errorf("open the tax id: %w", err)
	}
	out.Body.TaxID = string(plain)
	return out, nil
}
