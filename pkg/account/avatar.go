package account

import (
	"context"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// avatar is the picture of a person, as they want to be seen by those they work with.
func avatar() picture.Kind {
	return picture.Kind{Name: "avatar", What: "your picture", Path: "/v1/me/avatar", Area: "account", Audience: api.Users, Purpose: purpose.AccountManagement,
		Style: picture.Style{Square: true, Large: 512, Small: 64}, Of: func(c *api.Caller) picture.Owner { return c.Self }}
}

// GetAvatar shows the picture of the caller's account.
func GetAvatar(pictures picture.Linker) api.Operation { return avatar().Get(pictures) }

// PutAvatar announces a picture for the caller's account.
func PutAvatar(st *store.Store, incoming picture.Granter) api.Operation {
	return avatar().Put(st, incoming)
}

// ConfirmAvatar draws an upload that becomes the picture of the caller's account.
func ConfirmAvatar(st *store.Store, incoming picture.Incoming, pictures picture.Keeper, scale picture.Scaler) api.Operation {
	return avatar().Confirm(st, incoming, pictures, scale)
}

// DeleteAvatar removes the picture of the caller's account.
func DeleteAvatar(st *store.Store, incoming, pictures picture.Remover) api.Operation {
	return avatar().Delete(st, incoming, pictures)
}

// AvatarOf shows the picture of somebody's account to those they work with; avatar_not_found when there is none.
func AvatarOf(ctx context.Context, pictures picture.Opener, h *store.User, s picture.Size) (*picture.ImageOut, error) {
	return avatar().Image(ctx, pictures, h, s)
}
