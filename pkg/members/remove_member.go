package members

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/timetracking"
)

func ownerStays() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "owner_stays", When: "The member is the owner: hand the organization over first, or close it."}
}

func refuseOwner() error {
	return problem.Of(problem.Conflict, "owner_stays", "The owner cannot leave; hand the organization over first, or close it.")
}

// RemoveMember takes a member out of the organization. Their history stays under a placeholder.
func RemoveMember(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "remove-member", Area: "organization", Method: http.MethodDelete, Path: "/v1/members/{id}", Permission: access.MembersWrite, Audit: true,
		Status: http.StatusNoContent, Summary: "Remove a member", Purpose: purpose.Collaboration,
		Description: "The member's very next call in the organization is refused. What they did stays, under a placeholder that leads to nobody; a timer of theirs that runs is stopped and becomes an entry.",
		Refusals:    []api.Refusal{missing(), NotYoursRefusal(), ownerStays(), {Kind: problem.Conflict, Code: "member_gone", When: "It is a placeholder: there is nobody to remove."}},
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		a, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if err := in.Matches(a.Version); err != nil {
			return nil, err
		}
		switch {
		case a.Role == access.Owner && a.Live():
			return nil, refuseOwner()
		case a.Role == access.Admin && a.Member != c.Member && !c.May(access.AdminsWrite):
			return nil, NotYours()
		case !a.Live():
			return nil, problem.Of(problem.Conflict, "member_gone", "It is a placeholder already.")
		}
		return nil, part(ctx, st, c, a)
	})
}

// LeaveOrganization takes the caller out of the organization.
func LeaveOrganization(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "leave-organization", Area: "organization", Method: http.MethodDelete, Path: "/v1/members/me", Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "Leave the organization", Purpose: purpose.Collaboration,
		Description: "The organization of the token is left at once; your account and your other organizations stay as they are. What you did stays there, under a placeholder that no longer leads to you.",
		Refusals:    []api.Refusal{ownerStays()},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		err := store.Again(ctx, store.ErrStale, func() error {
			a, err := read(ctx, c, string(c.Member))
			switch {
			case err != nil:
				return err
			case !a.Live():
				return problem.Of(problem.Unauthenticated, "membership_ended", "You are no longer a member of this organization; log in again.")
			case a.Role == access.Owner:
				return refuseOwner()
			}
			return part(ctx, st, c, a)
		})
		return nil, err
	})
}

// part cuts the link between a member and their account, in one transaction with the end of their running timer. An
// ownership that was offered to them or by them meanwhile fails by the version of the row.
func part(ctx context.Context, st *store.Store, c *api.Caller, a *access.Access) error {
	user := a.User
	was := *a
	self := st.BindUser(user, c.Org.Actor())
	self.SeeRestricted()
	stays := false // the membership's row: it is under a legal hold, or of another member by now
	return store.Again(ctx, timetracking.ErrMoved, func() error {
		*a = was
		tx := st.Begin()
		if err := timetracking.EndOf(ctx, tx, c.Org, self, a.Member, c.Now); err != nil {
			return err
		}
		a.User, a.Removed = "", c.Now.Unix()
		a.GrantVersion++
		tx.Replace(c.Org, a)
		if !stays {
			tx.DeleteKey(self, account.MembershipKey(user, c.Org.ID), "attribute_not_exists('PK') OR 'member' = ?", a.Member).Else(errStays)
		}
		err := c.Commit(ctx, tx, string(a.Member))
		if errors.Is(err, errStays) { // without the link back it is worth nothing
			stays = true
			return timetracking.ErrMoved
		}
		return err
	})
}

var errStays = errors.New("members: the membership's row cannot go")
