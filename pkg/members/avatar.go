package members

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
)

// AvatarIn is the input of get-member-avatar.
type AvatarIn struct {
	ByID
	Size picture.Size `query:"size" enum:"small,large" default:"small" doc:"64 or 512 dots wide, and as high."`
}

// GetMemberAvatar shows the picture of a member's account to the organization. It is read through the one link from the
// member to the person, and is gone with that.
func GetMemberAvatar(pictures picture.Opener) api.Operation {
	return api.New(api.Route{
		ID: "get-member-avatar", Area: "organization", Method: http.MethodGet, Path: "/v1/members/{id}/avatar", PureRead: true, Permission: access.MembersRead,
		Summary: "A member's picture", Purpose: purpose.Collaboration, Produces: "image/jpeg",
		Description: "The bytes, to be kept for five minutes; the address stays the same when the picture changes. A placeholder has none, so that of who was removed is not shown.",
		Refusals:    []api.Refusal{missing(), {Kind: problem.NotFound, Code: "avatar_not_found", When: "The member has no picture, is a placeholder, or has processing restricted."}},
		ExampleOut:  "…",
	}, func(ctx context.Context, c *api.Caller, in *AvatarIn) (*picture.ImageOut, error) {
		a, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if !a.Live() {
			return nil, problem.Missing("avatar")
		}
		return account.AvatarOf(ctx, pictures, c.Org.Store().BindUser(a.User, c.Org.Actor()), in.Size)
	})
}
