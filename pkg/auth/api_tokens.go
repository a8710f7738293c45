package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// APITokenBody is an API token as its holder sees it.
type APITokenBody struct {
	ID             string     `json:"id" example:"key_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	OrganizationID string     `json:"organization_id" doc:"Where it counts." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name           string     `json:"name" example:"Nightly import"`
	Scopes         []string   `json:"scopes" doc:"What it may do, as far as its member may." example:"[\"time:read:own\"]"`
	ExpiresAt      time.Time  `json:"expires_at"`
	CreatedAt      time.Time  `json:"created_at"`
	UsedAt         *time.Time `json:"used_at,omitempty" doc:"The hour of its last use; absent when it was never used."`
	Token          string     `json:"token,omitempty" doc:"The token, only in the answer that makes it: pt_live_, 30 random characters, and the CRC-32 of those in 6 digits of base 62 (0-9, A-Z, a-z)." example:"pt_live_…"`
}

func apiTokenBody(t *access.APIToken) APITokenBody {
	b := APITokenBody{ID: string(t.ID), OrganizationID: string(t.Organization), Name: t.Name, Scopes: make([]string, len(t.Scopes)),
		ExpiresAt: time.Unix(t.ExpiresAt, 0).UTC(), CreatedAt: time.Unix(t.Created, 0).UTC()}
	for n, p := range t.Scopes {
		b.Scopes[n] = string(p)
	}
	if t.Used != 0 {
		used := time.Unix(t.Used, 0).UTC()
		b.UsedAt = &used
	}
	return b
}

func exampleAPIToken() APITokenBody {
	made := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return APITokenBody{ID: "key_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", OrganizationID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Nightly import",
		Scopes: []string{string(access.TimeReadOwn)}, ExpiresAt: made.AddDate(0, 6, 0), CreatedAt: made}
}

// longestToken is how far away the end of an API token may be.
const longestToken = 365 * 24 * time.Hour

// CreateAPITokenIn is the input of create-api-token.
type CreateAPITokenIn struct{ Body CreateAPITokenBody }

// CreateAPITokenBody is a new API token.
type CreateAPITokenBody struct {
	Name      string    `json:"name" minLength:"1" maxLength:"100" example:"Nightly import"`
	Scopes    []string  `json:"scopes" minItems:"1" maxItems:"100" doc:"Permissions that you have; one that is named twice counts once." example:"[\"time:read:own\"]"`
	ExpiresAt time.Time `json:"expires_at" doc:"In the future, at most 365 days."`
}

// APITokenOut is the answer about one API token.
type APITokenOut struct{ Body APITokenBody }

// CreateAPIToken makes an API token for the organization that the caller works in.
func CreateAPIToken(st *store.Store) api.Operation {
	example := exampleAPIToken()
	shown := example
	shown.Token = "pt_live_…"
	return api.Replayable(api.Route{
		ID: "create-api-token", Area: "account", Method: http.MethodPost, Path: "/v1/me/api-tokens", Audience: api.Users, Audit: true, Status: http.StatusCreated,
		Summary: "Make an API token", Purpose: purpose.Authentication,
		Description: "It acts for you in the organization of your access token, on the routes that ask for a permission, within its scopes and your rights at that time. " +
			"It is shown once, here. Send it as Authorization: Bearer.",
		ExampleIn:  CreateAPITokenBody{Name: example.Name, Scopes: example.Scopes, ExpiresAt: example.ExpiresAt},
		ExampleOut: shown,
		Refusals:   []api.Refusal{{Kind: problem.Forbidden, Code: "organization_required", When: "The access token names no organization."}},
	}, func(ctx context.Context, c *api.Caller, in *CreateAPITokenIn) (*APITokenOut, error) {
		if c.Org == nil {
			return nil, problem.Of(problem.Forbidden, "organization_required", "Choose an organization first.")
		}
		end := in.Body.ExpiresAt
		if !end.After(c.Now) || end.After(c.Now.Add(longestToken)) {
			return nil, problem.InvalidField("body.expires_at", "in the future, at most 365 days")
		}
		token := keys.NewAPIToken()
		row := &access.APIToken{ID: api.NewID[id.APIToken](c), User: c.User, Organization: c.Org.ID, Member: c.Member, Name: in.Body.Name,
			Hash: keys.HashToken(token), Created: c.Now.Unix()}
		for _, scope := range in.Body.Scopes {
			if !c.May(access.Permission(scope)) {
				return nil, problem.InvalidField("body.scopes", "only permissions that you have")
			}
			row.Scopes = append(row.Scopes, access.Permission(scope))
		}
		slices.Sort(row.Scopes)
		row.Scopes = slices.Compact(row.Scopes)
		row.Expire(end)
		link := &access.APITokenLink{Token: row.ID, User: row.User, Organization: row.Organization, Member: row.Member, Hash: row.Hash}
		link.Expire(end)
		tx := st.Begin()
		tx.Create(c.Self, row)
		tx.Create(st.BindPlatform(c.Actor()), link)
		if err := c.Commit(ctx, tx, string(row.ID)); err != nil {
			return nil, err
		}
		out := &APITokenOut{Body: apiTokenBody(row)}
		out.Body.Token = token
		return out, nil
	}, func(ctx context.Context, c *api.Caller, made string) (*APITokenOut, error) {
		t, err := apiTokenOf(ctx, c, made)
		if err != nil {
			return nil, err
		}
		return &APITokenOut{Body: apiTokenBody(t)}, nil
	})
}

func apiTokenOf(ctx context.Context, c *api.Caller, text string) (*access.APIToken, error) {
	token, err := id.Parse[id.APIToken](text)
	if err != nil {
		return nil, problem.Missing("token")
	}
	t, err := store.Get[access.APIToken](ctx, c.Self, access.APITokenKey(c.User, token))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("token")
	}
	return t, err
}

// APITokenListOut is the answer of list-api-tokens.
type APITokenListOut struct{ Body api.List[APITokenBody] }

// ListAPITokens lists the caller's API tokens, of all organizations.
func ListAPITokens() api.Operation {
	return api.New(api.Route{
		ID: "list-api-tokens", Area: "account", Method: http.MethodGet, Path: "/v1/me/api-tokens", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your API tokens", Purpose: purpose.Authentication, Description: "Those of all your organizations that have not expired, the oldest first.",
		ExampleOut: api.List[APITokenBody]{Data: []APITokenBody{exampleAPIToken()}},
	}, func(ctx context.Context, c *api.Caller, in *api.Page) (*APITokenListOut, error) {
		rows, next, err := store.List[access.APIToken](ctx, c.Self, store.Query{Partition: c.Self.Scope().Partition(access.FamilyAPIToken), Limit: in.Limit, Cursor: in.Cursor})
		if err != nil {
			return nil, api.ListError(err)
		}
		out := &APITokenListOut{Body: api.List[APITokenBody]{Data: make([]APITokenBody, len(rows)), NextCursor: next}}
		for n, t := range rows {
			out.Body.Data[n] = apiTokenBody(t)
		}
		return out, nil
	})
}

// OneAPIToken names an API token in the path.
type OneAPIToken struct {
	ID string `path:"id" maxLength:"40" example:"key_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func apiTokenMissing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "token_not_found", When: "You have no such token, or it has expired."}
}

// GetAPIToken shows an API token of the caller.
func GetAPIToken() api.Operation {
	return api.New(api.Route{
		ID: "get-api-token", Area: "account", Method: http.MethodGet, Path: "/v1/me/api-tokens/{id}", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "One of your API tokens", Purpose: purpose.Authentication, ExampleOut: exampleAPIToken(), Refusals: []api.Refusal{apiTokenMissing()},
	}, func(ctx context.Context, c *api.Caller, in *OneAPIToken) (*APITokenOut, error) {
		t, err := apiTokenOf(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &APITokenOut{Body: apiTokenBody(t)}, nil
	})
}

// DeleteAPIToken ends an API token of the caller.
func DeleteAPIToken(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-api-token", Area: "account", Method: http.MethodDelete, Path: "/v1/me/api-tokens/{id}", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "End an API token", Purpose: purpose.Authentication, Description: "It no longer counts from its next call on.",
		Refusals: []api.Refusal{apiTokenMissing()},
	}, func(ctx context.Context, c *api.Caller, in *OneAPIToken) (*struct{}, error) {
		for range meetings {
			t, err := apiTokenOf(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			tx := st.Begin()
			tx.Delete(c.Self, t)
			tx.DeleteKey(st.BindPlatform(c.Actor()), store.TokenLookup(t.Hash), "")
			if err := c.Commit(ctx, tx, string(t.ID)); !errors.Is(err, store.ErrStale) { // stale when it was used for the first time in an hour
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}
