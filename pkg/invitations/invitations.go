package invitations

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// ListOut is the answer of list-invitations.
type ListOut struct{ Body api.List[InvitationBody] }

// ListInvitations lists the invitations that stand.
func ListInvitations() api.Operation {
	return api.New(api.Route{
		ID: "list-invitations", Area: "organization", Method: http.MethodGet, Path: "/v1/invitations", PureRead: true, Permission: access.MembersInvite,
		Summary: "The invitations that stand", Purpose: purpose.Collaboration, Description: "Oldest first. What was accepted, revoked or is over is not among them.",
		ExampleOut: api.List[InvitationBody]{Data: []InvitationBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *api.Page) (*ListOut, error) {
		q := store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor}
		page, err := api.ListRows(ctx, c.Org, q, show)
		if err != nil {
			return nil, err
		}
		return &ListOut{page}, nil
	})
}

// ByID names an invitation.
type ByID struct {
	ID string `path:"id" maxLength:"64" doc:"The invitation." example:"ivt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Out is the answer of get-invitation and resend-invitation.
type Out struct{ Body InvitationBody }

func read(ctx context.Context, c *api.Caller, name string) (*Invitation, error) {
	i, err := id.Parse[id.Invitation](name)
	if err != nil {
		return nil, NotFound()
	}
	row, err := store.Get[Invitation](ctx, c.Org, Key(c.Org.ID, i))
	if errors.Is(err, store.ErrMissing) {
		return nil, NotFound()
	}
	return row, err
}

func again(ctx context.Context, c *api.Caller, name string) (*Out, error) {
	i, err := read(ctx, c, name)
	if err != nil {
		return nil, err
	}
	return &Out{show(i)}, nil
}

// GetInvitation shows one invitation.
func GetInvitation() api.Operation {
	return api.New(api.Route{
		ID: "get-invitation", Area: "organization", Method: http.MethodGet, Path: "/v1/invitations/{id}", PureRead: true, Permission: access.MembersInvite,
		Summary: "One invitation", Purpose: purpose.Collaboration, Refusals: []api.Refusal{Refusal()}, ExampleOut: example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) { return again(ctx, c, in.ID) })
}

// ResendInvitation mails an invitation once more, with a new link. The one before no longer works.
func ResendInvitation(st *store.Store, links keys.Links) api.Operation {
	return api.Replayable(api.Route{
		ID: "resend-invitation", Area: "organization", Method: http.MethodPost, Path: "/v1/invitations/{id}/resend", Permission: access.MembersInvite, Audit: true,
		Summary: "Send an invitation again", Purpose: purpose.Collaboration,
		Description: "With a new link and 7 days from now; the link before no longer works. Who sends it again is who invites, into its projects too: so one whose sender has left works again. An invitation is sent at most 5 times.",
		Refusals:    []api.Refusal{Refusal(), members.NotYoursRefusal(), tooMany(), {Kind: problem.Conflict, Code: "sent_enough", When: "It was sent 5 times."}},
		ExampleOut:  example(),
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*Out, error) {
		if err := reserve(ctx, st, c, 1); err != nil {
			return nil, err
		}
		var i *Invitation
		err := store.Again(ctx, store.ErrStale, func() (err error) {
			if i, err = read(ctx, c, in.ID); err != nil {
				return err
			}
			if !c.Rights().Gives(access.Rights{}, i.rights()) {
				return members.NotYours()
			}
			if err := i.hosted(ctx, projects.HostOf(c)); err != nil {
				return err
			}
			if i.Sent >= MostSent {
				return problem.Of(problem.Conflict, "sent_enough", "It was sent %d times; revoke it and invite anew.", MostSent)
			}
			platform := st.BindPlatform(c.Org.Actor())
			tx := st.Begin()
			tx.DeleteKey(platform, store.TokenLookup(i.TokenHash), "")
			i.By = c.Member
			tx.Create(platform, i.send(links, c.Now))
			mark := &Invitee{Invitation: i.ID, key: inviteeKey(i.Org, i.Mark)}
			mark.Expire(c.Now.Add(Life))
			tx.Put(c.Org, mark)
			tx.Replace(c.Org, i)
			post(tx, c.Org, i)
			return c.Commit(ctx, tx, string(i.ID))
		})
		if err != nil {
			return nil, err
		}
		return &Out{show(i)}, nil
	}, again)
}

// hosted refuses to send an invitation in the name of who could not let somebody into its projects. What is deleted or
// archived is passed over when it is accepted; who does not see all projects cannot know of any that it is.
func (i *Invitation) hosted(ctx context.Context, h projects.Host) error {
	openings, err := h.Openings(ctx, i.Projects...)
	if err != nil {
		return err
	}
	for _, o := range openings {
		if o == projects.NotYours || o == projects.NotFound && !h.SeesAll {
			return members.NotYours()
		}
	}
	return nil
}

// DeleteInvitation revokes an invitation. Its link no longer works.
func DeleteInvitation(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-invitation", Area: "organization", Method: http.MethodDelete, Path: "/v1/invitations/{id}", Permission: access.MembersInvite, Audit: true,
		Status: http.StatusNoContent, Summary: "Revoke an invitation", Purpose: purpose.Collaboration,
		Description: "Its link no longer works, and looks like one that never was.", Refusals: []api.Refusal{Refusal()},
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*struct{}, error) {
		return nil, store.Again(ctx, store.ErrStale, func() error {
			i, err := read(ctx, c, in.ID)
			if err != nil {
				return err
			}
			tx := st.Begin()
			i.Spend(tx, c.Org)
			return c.Commit(ctx, tx, string(i.ID))
		})
	})
}
