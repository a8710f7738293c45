// Package members is the people of an organization: who belongs to it, what each may do, and how they leave. Inside an
// organization a person is a member id; their name is read through the one link from there to their account.
package members

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// Routes lists the routes about members.
func Routes() []api.Operation {
	return []api.Operation{ListRoles(), ListMembers(), CreateMember(nil), GetMember(), GetMemberAvatar(nil), UpdateMember(nil), RemoveMember(nil), MergeMember(nil), LeaveOrganization(nil)}
}

// RoleBody is a role with what it may do.
type RoleBody struct {
	Role        access.Role         `json:"role" example:"manager"`
	Permissions []access.Permission `json:"permissions" doc:"What a member of the role may do, resource:action."`
	Grantable   []access.Permission `json:"grantable" doc:"What a member of the role may be given besides."`
}

// RolesBody is the table of rights.
type RolesBody struct {
	Data []RoleBody `json:"data" doc:"From the most to the least."`
}

// RolesOut is the answer of list-roles.
type RolesOut struct{ Body RolesBody }

// ListRoles shows the table of rights that every route is judged by.
func ListRoles() api.Operation {
	return api.New(api.Route{
		ID: "list-roles", Area: "organization", Method: http.MethodGet, Path: "/v1/roles", PureRead: true,
		Summary: "The roles and their permissions", Purpose: purpose.Collaboration,
		Description: "What is not listed is refused. A permission that ends in :own is about what is the member's own, or the projects that they work on; one that ends in :led about the projects that they lead, and counts there alone. An organization has exactly one owner.",
		ExampleOut:  RolesBody{Data: []RoleBody{roleBody(access.Guest)}},
	}, func(context.Context, *api.Caller, *struct{}) (*RolesOut, error) {
		out := new(RolesOut)
		for _, r := range access.Roles() {
			out.Body.Data = append(out.Body.Data, roleBody(r))
		}
		return out, nil
	})
}

func roleBody(r access.Role) RoleBody {
	b := RoleBody{Role: r, Permissions: access.Permissions(r), Grantable: []access.Permission{}}
	for _, p := range access.Grantable() {
		if !access.Allows(r, nil, p) {
			b.Grantable = append(b.Grantable, p)
		}
	}
	return b
}
