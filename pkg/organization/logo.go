package organization

import (
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// logo is the mark of an organization. On paper 600 dots are 50 mm at 300 to the inch.
func logo() picture.Kind {
	return picture.Kind{Name: "logo", What: "the organization's logo", Path: "/v1/org/logo", Area: "organization",
		Read: access.OrganizationRead, Write: access.OrganizationWrite, Purpose: purpose.AccountManagement, Audit: true,
		Style: picture.Style{Large: 600, Small: 120}, Remains: " Invoices keep the logo that they were sent with.", Of: func(c *api.Caller) picture.Owner { return c.Org }}
}

// GetLogo shows the organization's logo.
func GetLogo(pictures picture.Linker) api.Operation { return logo().Get(pictures) }

// PutLogo announces a logo.
func PutLogo(st *store.Store, incoming picture.Granter) api.Operation {
	return logo().Put(st, incoming)
}

// ConfirmLogo draws an upload that becomes the organization's logo.
func ConfirmLogo(st *store.Store, incoming picture.Incoming, pictures picture.Keeper, scale picture.Scaler) api.Operation {
	return logo().Confirm(st, incoming, pictures, scale)
}

// DeleteLogo removes the organization's logo.
func DeleteLogo(st *store.Store, incoming, pictures picture.Remover) api.Operation {
	return logo().Delete(st, incoming, pictures)
}
