package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
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

func apiTokenBody(t *access.APIToken, use *access.APITokenUse) APITokenBody {
	b := APITokenBody{ID: string(t.ID), OrganizationID: string(t.Organization), Name: t.Name, Scopes: make([]string, len(t.Scopes)),
		ExpiresAt: time.Unix(t.ExpiresAt, 0).UTC(), CreatedAt: time.Unix(t.Created, 0).UTC()}
	for n, p := range t.Scopes {
		b.Scopes[n] = string(p)
	}
	if use != nil {
		used := time.Unix(use.Hour, 0).UTC()
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
		ID: "create-api-token", Area: "account", Method: http.MethodPost, Path: "/v1/me/api-tokens", Audience: api.Users, Audit: true, Fresh: secondfactor.Fresh,
		Status: http.StatusCreated, Summary: "Make an API token", Purpose: purpose.Authentication,
		Description: "It acts for you in the organization of your access token, on the routes that ask for a permission, within its scopes and your rights at that time. " +
			"It is shown once, here. Send it as Authorization: Bearer. Its making is mailed to you, and its end seven days before. It lives until it expires or is ended, " +
			"also when the password changes or is reset, and counts for nothing once you are no longer a member.",
		ExampleIn:  CreateAPITokenBody{Name: example.Name, Scopes: example.Scopes, ExpiresAt: example.ExpiresAt},
		ExampleOut: shown,
		Refusals: []api.Refusal{{Kind: problem.Forbidden, Code: "organization_required", When: "The access token names no organization."},
			{Kind: problem.Conflict, Code: "too_many_tokens", When: "There are 50 already, in all organizations together."}},
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
		if err := makeToken(ctx, st, c, row, link); err != nil {
			return nil, err
		}
		out := &APITokenOut{Body: apiTokenBody(row, nil)}
		out.Body.Token = token
		return out, nil
	}, func(ctx context.Context, c *api.Caller, made string) (*APITokenOut, error) {
		return apiTokenOut(ctx, st, c, made)
	})
}

// makeToken writes a token that is not one too many, and arms the clock of the mail about its end.
func makeToken(ctx context.Context, st *store.Store, c *api.Caller, t *access.APIToken, link *access.APITokenLink) error {
	for range meetings {
		n, err := store.Get[access.APITokenCount](ctx, c.Self, access.APITokenCountKey(c.User))
		absent := errors.Is(err, store.ErrMissing)
		if err != nil && !absent {
			return err
		}
		if absent {
			n = &access.APITokenCount{User: c.User}
		}
		if !n.Admit(t, c.Now) {
			return problem.Of(problem.Conflict, "too_many_tokens", "You have %d API tokens; end one first.", access.MaxAPITokens)
		}
		t.Version, link.Version = 0, 0
		tx := st.Begin()
		tx.Create(c.Self, t)
		tx.Create(st.BindPlatform(c.Actor()), link)
		if absent {
			tx.Create(c.Self, n).Else(store.ErrStale)
		} else {
			tx.Replace(c.Self, n)
		}
		if d := t.Due(); d != nil {
			tx.Arm(c.Self, d)
		}
		outbox.Queue(tx, c.Self, MailTokenMade, store.Join(MailTokenMade, string(t.ID)), nil)
		if err := c.Commit(ctx, tx, string(t.ID)); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrConflict
}

// apiTokenOf reads one of the caller's tokens, and when it was used, nil when it never was.
func apiTokenOf(ctx context.Context, st *store.Store, c *api.Caller, text string) (*access.APIToken, *access.APITokenUse, error) {
	token, err := id.Parse[id.APIToken](text)
	if err != nil {
		return nil, nil, problem.Missing("token")
	}
	t, use := new(access.APIToken), new(access.APITokenUse)
	found := &store.Fetch{Through: c.Self, Key: access.APITokenKey(c.User, token), Row: t}
	used := &store.Fetch{Through: c.Self, Key: access.APITokenUseKey(c.User, token), Row: use}
	if err := st.FetchAll(ctx, found, used); err != nil {
		return nil, nil, err
	}
	if errors.Is(found.Err, store.ErrMissing) {
		return nil, nil, problem.Missing("token")
	}
	if used.Err != nil {
		use = nil
	}
	return t, use, found.Err
}

func apiTokenOut(ctx context.Context, st *store.Store, c *api.Caller, text string) (*APITokenOut, error) {
	t, use, err := apiTokenOf(ctx, st, c, text)
	if err != nil {
		return nil, err
	}
	return &APITokenOut{Body: apiTokenBody(t, use)}, nil
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
		var rows []*access.APIToken
		var next string
		uses := map[id.APIToken]*access.APITokenUse{}
		both, within := errgroup.WithContext(ctx)
		both.Go(func() (err error) {
			rows, next, err = store.List[access.APIToken](within, c.Self, store.Query{Partition: c.Self.Scope().Partition(access.FamilyAPIToken), Limit: in.Limit, Cursor: in.Cursor})
			return err
		})
		both.Go(func() error {
			q := store.Query{Partition: c.Self.Scope().Partition(access.FamilyAPITokenUse), Limit: 100}
			for use, err := range store.All[access.APITokenUse](within, c.Self, q) {
				if err != nil {
					return err
				}
				uses[use.Token] = use
			}
			return nil
		})
		if err := both.Wait(); err != nil {
			return nil, api.ListError(err)
		}
		out := &APITokenListOut{Body: api.List[APITokenBody]{Data: make([]APITokenBody, len(rows)), NextCursor: next}}
		for n, t := range rows {
			out.Body.Data[n] = apiTokenBody(t, uses[t.ID])
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
func GetAPIToken(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "get-api-token", Area: "account", Method: http.MethodGet, Path: "/v1/me/api-tokens/{id}", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "One of your API tokens", Purpose: purpose.Authentication, ExampleOut: exampleAPIToken(), Refusals: []api.Refusal{apiTokenMissing()},
	}, func(ctx context.Context, c *api.Caller, in *OneAPIToken) (*APITokenOut, error) {
		return apiTokenOut(ctx, st, c, in.ID)
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
			t, _, err := apiTokenOf(ctx, st, c, in.ID)
			if err != nil {
				return nil, err
			}
			n, err := store.Get[access.APITokenCount](ctx, c.Self, access.APITokenCountKey(c.User))
			if err != nil {
				return nil, err
			}
			n.Forget(t)
			tx := st.Begin()
			tx.Delete(c.Self, t)
			tx.DeleteKey(c.Self, access.APITokenUseKey(c.User, t.ID), "")
			tx.DeleteKey(st.BindPlatform(c.Actor()), store.TokenLookup(t.Hash), "")
			tx.Replace(c.Self, n)
			if d := t.Due(); d != nil {
				tx.Disarm(c.Self, d, false)
			}
			if err := c.Commit(ctx, tx, string(t.ID)); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}
