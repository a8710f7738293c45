package auth

import (
	"context"
	"errors"
	"net/http"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// LogOut ends the session of the token.
func LogOut(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "log-out", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/logout", Audience: api.Users, Rights: true, Audit: true, Status: http.StatusNoContent,
		Summary: "End this session", Purpose: purpose.Authentication,
		Description: "The access and refresh tokens of the session no longer count from the next call on. Cookies of it are taken off the browser.",
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		err := end(ctx, st, c.Self, c.Session, func(tx *store.Tx) { c.AuditFor(tx, c.Self, string(c.Session), "done") })
		if err == nil && c.ByCookie() {
			c.DropCookies()
		}
		return nil, err
	})
}

// SwitchIn is the input of switch-organization.
type SwitchIn struct{ Body SwitchBody }

// SwitchBody names an organization.
type SwitchBody struct {
	OrganizationID string `json:"organization_id" maxLength:"40" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// SwitchOrganization gives an access token for another organization of the user, in the same session.
func SwitchOrganization(st *store.Store, minter *Minter) api.Operation {
	example := exampleTokens()
	example.RefreshToken = ""
	return api.New(api.Route{
		ID: "switch-organization", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/organization", Audience: api.Users, Rights: true,
		Summary: "Work in another of your organizations", Purpose: purpose.Authentication,
		Description: "The session goes on in that organization: its next refresh gives tokens for it. The refresh token stays as it is.",
		ExampleIn:   SwitchBody{OrganizationID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, ExampleOut: example,
		Refusals: []api.Refusal{
			{Kind: problem.NotFound, Code: "organization_not_found", When: "There is no such organization, or the caller is not a member."},
			{Kind: problem.Unauthenticated, Code: "session_unsuited", When: "The organization sets limits to sessions that this one has passed since the person last showed who they are; POST /v1/auth/reauthenticate, or a new login, begins anew."},
			keysNotReady(),
		},
	}, func(ctx context.Context, c *api.Caller, in *SwitchIn) (*TokensOut, error) {
		org, err := id.Parse[id.Organization](in.Body.OrganizationID)
		if err != nil {
			return nil, problem.Missing("organization")
		}
		if err := minter.Ready(ctx); err != nil {
			return nil, err
		}
		for range meetings {
			s, b, err := into(ctx, st, c, org)
			if err != nil {
				return nil, err
			}
			s.use(c.Now)
			if !s.suits(b.Gate, c.Now) {
				return nil, problem.Of(problem.Unauthenticated, "session_unsuited", "This organization asks for a login that is younger, or was not left unused for so long; show who you are at /v1/auth/reauthenticate, or log in again.")
			}
			s.Organization, s.Member = b.Organization, b.Member
			tx := st.Begin()
			tx.Replace(c.Self, s)
			err = tx.Commit(ctx)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return minter.answer(ctx, c, s, b, "", c.ByCookie())
		}
		return nil, store.ErrConflict
	})
}

// into reads the caller's session and what they are worth in an organization.
func into(ctx context.Context, st *store.Store, c *api.Caller, org id.Organization) (*Session, *account.Belonging, error) {
	s, m := new(Session), new(account.Membership)
	fetches := []*store.Fetch{{Through: c.Self, Key: SessionKey(c.User, c.Session), Row: s}, {Through: c.Self, Key: account.MembershipKey(c.User, org), Row: m}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, nil, err
	}
	if errors.Is(fetches[0].Err, store.ErrMissing) {
		return nil, nil, sessionEnded()
	}
	if errors.Is(fetches[1].Err, store.ErrMissing) {
		return nil, nil, problem.Missing("organization")
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return nil, nil, err
	}
	all, err := account.Belongings(ctx, st, c.Actor(), []*account.Membership{m})
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, problem.Missing("organization")
	}
	return s, &all[0], nil
}
