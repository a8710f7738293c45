package members

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Status says whether somebody can act as a member.
type Status string

// The states of a member. A placeholder keeps the history of somebody who has left or was never there, and has no login.
const (
	Active      Status = "active"
	Placeholder Status = "placeholder"
	Merging     Status = "merging" // a placeholder whose history moves to another member
	Merged      Status = "merged"  // one whose history has moved
)

// MemberBody is a member as the organization sees them.
type MemberBody struct {
	ID         string              `json:"id" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Status     Status              `json:"status" enum:"active,placeholder,merging,merged" doc:"A placeholder keeps the history of somebody who has left or was never there, and has no login. One that is merged has given it to another member." example:"active"`
	Name       string              `json:"name,omitempty" doc:"From the person's own account; of a placeholder what the organization calls it. Absent when nothing is known, or when the person has processing restricted." example:"Ada Example"`
	Email      string              `json:"email,omitempty" doc:"Shown with the right members:contact." example:"ada@example.com"`
	Role       access.Role         `json:"role" example:"manager"`
	Grants     []access.Permission `json:"grants" doc:"What the member may do beyond the role."`
	JoinedAt   time.Time           `json:"joined_at"`
	RemovedAt  *time.Time          `json:"removed_at,omitempty"`
	MergedInto string              `json:"merged_into,omitempty" doc:"Of a placeholder that is merging or merged: whose its history becomes."`
}

func exampleBody() MemberBody {
	return MemberBody{ID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Status: Active, Name: "Ada Example", Email: "ada@example.com", Role: access.Manager,
		Grants: []access.Permission{access.RatesRead}, JoinedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// show is a member on the wire, with the profile that the link leads to, nil when it leads nowhere.
func show(c *api.Caller, a *access.Access, p *account.Profile) MemberBody {
	b := MemberBody{ID: string(a.Member), Status: Active, Role: a.Role, Grants: append([]access.Permission{}, a.Grants...), JoinedAt: time.Unix(a.Joined, 0).UTC()}
	if a.Removed != 0 {
		at := time.Unix(a.Removed, 0).UTC()
		b.RemovedAt = &at
	}
	switch {
	case !a.Live():
		b.Status, b.Name, b.MergedInto = Placeholder, a.Label, string(a.MergeInto)
		if a.MergeInto != "" {
			b.Status = Merging
		}
		if a.Merged != 0 {
			b.Status = Merged
		}
	case p != nil:
		b.Name = p.Name
		if c.May(access.MembersContact) {
			b.Email = p.Email
		}
	}
	return b
}

// profiles follows the links of members to their accounts, in one trip. Who is not there, or has processing restricted, is
// left out.
func profiles(ctx context.Context, c *api.Caller, all ...*access.Access) (map[id.User]*account.Profile, error) {
	var fetches []*store.Fetch
	for _, a := range all {
		if !a.Live() {
			continue
		}
		h := c.Org.Store().BindUser(a.User, c.Org.Actor())
		fetches = append(fetches, &store.Fetch{Through: h, Key: account.ProfileKey(a.User), Row: new(account.Profile)})
	}
	if len(fetches) == 0 {
		return nil, nil
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	found := map[id.User]*account.Profile{}
	for _, f := range fetches {
		if p := f.Row.(*account.Profile); f.Err == nil {
			found[p.User] = p
		}
	}
	return found, nil
}

// ByID names a member.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The member." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// ChangeIn names a member and the version that is meant.
type ChangeIn struct {
	ByID
	api.IfMatch
}

// Out is the answer of get-member and update-member.
type Out struct {
	api.Tagged
	Body MemberBody
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "member_not_found", When: "There is no such member in the organization."}
}

// read reads a member by the id in a path or body.
func read(ctx context.Context, c *api.Caller, name string) (*access.Access, error) {
	return api.Find[access.Access](ctx, c.Org, "member", name, func(m id.Member) store.Key { return access.AccessKey(c.Org.ID, m) })
}

func answer(ctx context.Context, c *api.Caller, a *access.Access) (*Out, error) {
	found, err := profiles(ctx, c, a)
	if err != nil {
		return nil, err
	}
	return &Out{Tagged: api.Tag(a.Version), Body: show(c, a, found[a.User])}, nil
}

// GetMember shows one member.
func GetMember() api.Operation {
	return api.New(api.Route{
		ID: "get-member", Area: "organization", Method: http.MethodGet, Path: "/v1/members/{id}", PureRead: true, Permission: access.MembersRead,
		Summary: "One member", Purpose: purpose.Collaboration, Refusals: []api.Refusal{missing()}, ExampleOut: exampleBody(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		a, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return answer(ctx, c, a)
	})
}

// ListOut is the answer of list-members.
type ListOut struct{ Body api.List[MemberBody] }

// ListMembers lists the organization's members and placeholders.
func ListMembers() api.Operation {
	return api.New(api.Route{
		ID: "list-members", Area: "organization", Method: http.MethodGet, Path: "/v1/members", PureRead: true, Permission: access.MembersRead,
		Summary: "The organization's members", Purpose: purpose.Collaboration,
		Description: "Placeholders are among them. A member's picture is at /v1/members/{id}/avatar. The order is that of the ids, which are random, and does not change.",
		ExampleOut:  api.List[MemberBody]{Data: []MemberBody{exampleBody()}},
	}, func(ctx context.Context, c *api.Caller, in *api.Page) (*ListOut, error) {
		rows, cursor, err := store.List[access.Access](ctx, c.Org, store.Query{Partition: c.Org.Scope().Partition(access.FamilyAccess), Limit: in.Limit, Cursor: in.Cursor})
		if err != nil {
			return nil, api.ListError(err)
		}
		found, err := profiles(ctx, c, rows...)
		if err != nil {
			return nil, err
		}
		page := api.List[MemberBody]{Data: make([]MemberBody, len(rows)), NextCursor: cursor}
		for i, a := range rows {
			page.Data[i] = show(c, a, found[a.User])
		}
		return &ListOut{page}, nil
	})
}
