package ownership

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// CloseIn is the input of close-organization.
type CloseIn struct{ Body AcceptBody }

// Closing says until when a closing can be undone.
type Closing struct {
	ReopenableUntil time.Time `json:"reopenable_until" doc:"Until then the owner can open the organization again; at that time it is deleted."`
}

// CloseOut is the answer of close-organization.
type CloseOut struct{ Body Closing }

func closingOf(at int64) *CloseOut {
	return &CloseOut{Closing{time.Unix(at, 0).UTC().Add(retention.Organization)}}
}

// CloseOrganization closes the organization of the token.
func CloseOrganization(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "close-organization", Area: "organization", Method: http.MethodPost, Path: "/v1/org/close", Permission: access.OrganizationClose, Rights: true, Audit: true,
		Status: http.StatusAccepted, Summary: "Close your organization", Purpose: purpose.AccountManagement,
		Description: "It takes no changes from now on, and a minute later no calls. Its members are told, and its owner is mailed a link to an export of everything in it. After 30 days it is deleted; until then its owner can open it again.",
		ExampleIn:   AcceptBody{Password: "a phrase that nobody else uses"}, ExampleOut: Closing{time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)},
		Refusals: append(account.ReauthenticateRefusals(), api.Refusal{Kind: problem.Conflict, Code: "organization_closing", When: "It is closing already."}),
	}, func(ctx context.Context, c *api.Caller, in *CloseIn) (*CloseOut, error) {
		attempts, err := account.Reauthenticate(ctx, st, c, pseudonyms, "close-organization", in.Body.Password)
		if err != nil {
			return nil, err
		}
		if c.Gate.Status == access.Closing {
			return nil, problem.Of(problem.Conflict, "organization_closing", "The organization is closing already.")
		}
		tx := st.Begin()
		organization.Close(tx, c.Org, c.Gate, c.Now)
		attempts.Forget(tx)
		if err := c.Commit(ctx, tx, string(c.Org.ID)); errors.Is(err, store.ErrStale) {
			return nil, store.ErrConflict
		} else if err != nil {
			return nil, err
		}
		return closingOf(c.Gate.ClosingAt), nil
	}, func(_ context.Context, c *api.Caller, _ string) (*CloseOut, error) {
		if c.Gate.ClosingAt == 0 {
			return nil, problem.Missing("closing")
		}
		return closingOf(c.Gate.ClosingAt), nil
	})
}

// ReopenIn is the input of reopen-organization.
type ReopenIn struct{ Body ReopenBody }

// ReopenBody names a closed organization and proves who opens it.
type ReopenBody struct {
	OrganizationID string `json:"organization_id" maxLength:"40" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Password       string `json:"password" maxLength:"1024" doc:"Your password, again." example:"a phrase that nobody else uses"`
}

// ReopenOrganization opens an organization again that its owner has closed, within its 30 days.
func ReopenOrganization(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "reopen-organization", Area: "organization", Method: http.MethodPost, Path: "/v1/org/reopen", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "Open a closed organization again", Purpose: purpose.AccountManagement,
		Description: "By its owner, within 30 days of its closing, with a token of another organization or of none: who logs in after a closing has one.",
		ExampleIn:   ReopenBody{OrganizationID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Password: "a phrase that nobody else uses"},
		Refusals: append(account.ReauthenticateRefusals(),
			api.Refusal{Kind: problem.NotFound, Code: "organization_not_found", When: "There is no such organization that is closing, or the caller does not own it."}),
	}, func(ctx context.Context, c *api.Caller, in *ReopenIn) (*struct{}, error) {
		attempts, err := account.Reauthenticate(ctx, st, c, pseudonyms, "reopen-organization", in.Body.Password)
		if err != nil {
			return nil, err
		}
		org, err := id.Parse[id.Organization](in.Body.OrganizationID)
		if err != nil {
			return nil, problem.Missing("organization")
		}
		m, err := store.Get[account.Membership](ctx, c.Self, account.MembershipKey(c.User, org))
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("organization")
		}
		if err != nil {
			return nil, err
		}
		h := st.BindOrganization(org, store.Actor{Who: string(m.Member), Request: c.Request})
		own, gate := new(access.Access), new(access.OrganizationGate)
		fetches := []*store.Fetch{{Through: h, Key: access.AccessKey(org, m.Member), Row: own}, {Through: h, Key: access.OrganizationGateKey(org), Row: gate}}
		if err := st.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		if fetches[0].Err != nil || fetches[1].Err != nil || own.User != c.User || own.Removed != 0 || own.Role != access.Owner || gate.ClosingAt == 0 {
			return nil, problem.Missing("organization")
		}
		tx := st.Begin()
		organization.Reopen(tx, h, gate.ClosingAt, gate.Was).Else(problem.Missing("organization"))
		attempts.Forget(tx)
		return nil, c.Commit(ctx, tx, string(org))
	}, func(context.Context, *api.Caller, string) (*struct{}, error) { return nil, nil })
}
