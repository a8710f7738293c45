package invitations

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// DeclineIn is the input of decline-invitation.
type DeclineIn struct{ Body DeclineBody }

// DeclineBody is an invitation's token.
type DeclineBody struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// DeclineInvitation deletes an invitation for whoever has its link: the address and its hashes are gone at once, not only
// when the week is over. It works whatever became of the organization and of who invited.
func DeclineInvitation(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "decline-invitation", Area: "organization", Method: http.MethodPost, Path: "/v1/invitations/decline", Audience: api.Public, Status: http.StatusNoContent,
		Summary: "Decline an invitation", Purpose: purpose.PrivacyRights,
		Description: "By the token of the mailed link. The address is deleted at once, and nothing keeps that it was invited or who declined. The organization no longer sees the invitation.",
		Refusals:    []api.Refusal{Refusal()},
		ExampleIn:   DeclineBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"},
	}, func(ctx context.Context, c *api.Caller, in *DeclineIn) (*struct{}, error) {
		actor := store.Actor{Who: "decline-invitation", Request: c.Request}
		return nil, store.Again(ctx, store.ErrStale, func() error {
			l, err := follow(ctx, st, actor, in.Body.Token)
			if err != nil {
				return err
			}
			org := st.BindOrganization(l.Org, actor)
			i, err := store.Get[Invitation](ctx, org, Key(l.Org, l.Invitation))
			if errors.Is(err, store.ErrMissing) || err == nil && i.TokenHash != keys.HashToken(in.Body.Token) {
				return NotFound()
			}
			if err != nil {
				return err
			}
			tx := st.Begin()
			i.Spend(tx, org)
			return tx.Commit(ctx)
		})
	})
}
