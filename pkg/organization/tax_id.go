package organization

import (
	"context"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/taxid"
)

// TaxIDPlace is where the sealed tax id of an organization belongs.
func TaxIDPlace(org id.Organization) keys.Place {
	return taxid.Place(store.OrganizationScope(org), Family, Key(org).SK, "tax_id")
}

// show answers the settings with the tax id as the caller may see it.
func show(ctx context.Context, c *api.Caller, k keys.DataKeys, o *Organization) (*Out, error) {
	out := &Out{Tagged: api.Tag(o.Version), Body: bodyOf(o)}
	var err error
	out.Body.TaxID, err = taxid.Show(ctx, c, k, TaxIDPlace(o.ID), o.TaxID)
	return out, err
}
