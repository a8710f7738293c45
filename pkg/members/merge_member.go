package members

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// DueMerge is the clock of a placeholder whose history moves to another member.
const DueMerge store.DueKind = "merge_member"

// Settle is how long a merge waits for writers that saw the placeholder before it.
const Settle = time.Minute

// MergeDue is the due row of a placeholder that is merging.
func MergeDue(a *access.Access) *store.Due {
	return store.NewDue(DueMerge, time.Unix(a.MergeAt, 0), access.AccessKey(a.Organization, a.Member))
}

// MergeIn is the input of merge-member.
type MergeIn struct {
	ChangeIn
	Body MergeBody
}

// MergeBody says whose history a placeholder's becomes.
type MergeBody struct {
	Into string `json:"into" maxLength:"64" doc:"Another member, or another placeholder." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
}

func inTheWay() error {
	return problem.Of(problem.Conflict, "member_merging", "One of the two is merging, or has been merged.")
}

// MergeMember gives the history of a placeholder to another member.
func MergeMember(st *store.Store) api.Operation {
	shown := exampleBody()
	shown.Status, shown.Name, shown.Email, shown.Role, shown.Grants = Merging, "A former colleague", "", access.Guest, []access.Permission{}
	shown.MergedInto = "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"
	return api.Replayable(api.Route{
		ID: "merge-member", Area: "organization", Method: http.MethodPost, Path: "/v1/members/{id}/merge", Status: http.StatusAccepted,
		Permission: access.MembersWrite, Audit: true, Summary: "Give a placeholder's history to a member", Purpose: purpose.Collaboration,
		Description: "Within minutes the placeholder's time entries, files and tickets are the other member's; what is locked stays locked, and what is on an invoice stays there. " +
			"The placeholder stays and says whom it was merged into: records of what was done and accepted keep naming it. It cannot be undone.",
		Refusals: []api.Refusal{missing(), {Kind: problem.Conflict, Code: "member_active", When: "It is no placeholder: somebody can act as the member."},
			{Kind: problem.Conflict, Code: "member_merging", When: "One of the two is merging, or has been merged."},
			{Kind: problem.Conflict, Code: "kept_by_law", When: "What one of the two did must be kept as it is for now."}},
		ExampleIn: MergeBody{Into: shown.MergedInto}, ExampleOut: shown,
	}, func(ctx context.Context, c *api.Caller, in *MergeIn) (*Out, error) {
		into, err := id.Parse[id.Member](in.Body.Into)
		if err != nil {
			return nil, problem.Missing("member")
		}
		a, err := read(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if a.Member == into {
			return nil, problem.InvalidField("body.into", "the placeholder itself")
		}
		if err := in.Matches(a.Version); err != nil {
			return nil, err
		}
		switch {
		case a.Live():
			return nil, problem.Of(problem.Conflict, "member_active", "Somebody can act as the member; remove them first.")
		case a.MergeInto != "" || a.Receiving != 0:
			return nil, inTheWay()
		case Frozen(c.Gate, a.Member, into):
			return nil, problem.Of(problem.Conflict, "kept_by_law", "It must be kept as it is for now.")
		}
		a.MergeInto, a.MergeAt = into, c.Now.Add(Settle).Unix()
		tx := st.Begin()
		tx.Change(c.Org, access.AccessKey(c.Org.ID, into), func(u *dynamo.Update) {
			u.Add("receiving", 1).If("'_type' = ? AND attribute_not_exists('merge_into')", a.Type())
		}).Else(errTarget)
		tx.Replace(c.Org, a)
		tx.Arm(c.Org, MergeDue(a))
		err = c.Commit(ctx, tx, string(a.Member))
		if errors.Is(err, errTarget) {
			if _, err := read(ctx, c, string(into)); err != nil {
				return nil, err
			}
			return nil, inTheWay()
		}
		if err != nil {
			return nil, err
		}
		return answer(ctx, c, a)
	}, func(ctx context.Context, c *api.Caller, made string) (*Out, error) {
		a, err := read(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return answer(ctx, c, a)
	})
}

var errTarget = errors.New("members: whom to merge into is missing, merging or merged")

// Frozen says whether a hold or a restriction forbids to change what one of some members did.
func Frozen(g *access.OrganizationGate, members ...id.Member) bool {
	return slices.ContainsFunc(members, func(m id.Member) bool {
		return slices.Contains(g.HeldMembers, m) || slices.Contains(g.RestrictedMembers, m)
	})
}
