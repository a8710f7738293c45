package members

import (
	"context"
	"net/http"
	"strings"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// CreateIn is the input of create-member.
type CreateIn struct{ Body CreateBody }

// CreateBody is a new placeholder.
type CreateBody struct {
	Label string `json:"label" minLength:"1" maxLength:"100" doc:"What the organization calls the person." example:"A former colleague"`
}

// CreateMember adds a placeholder: somebody whose history the organization has, and who has no login. People who are to
// work in the organization are invited.
func CreateMember(st *store.Store) api.Operation {
	shown := exampleBody()
	shown.Status, shown.Name, shown.Email, shown.Role, shown.Grants = Placeholder, "A former colleague", "", access.Guest, []access.Permission{}
	return api.Replayable(api.Route{
		ID: "create-member", Area: "organization", Method: http.MethodPost, Path: "/v1/members", Status: http.StatusCreated,
		Permission: access.MembersWrite, Audit: true, Summary: "Add a placeholder", Purpose: purpose.Collaboration,
		Description: "For somebody whose history the organization has and who has no login. Nobody can act as a placeholder, whatever its role. Who is to work in the organization is invited.",
		ExampleIn:   CreateBody{Label: shown.Name}, ExampleOut: shown,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		label := strings.TrimSpace(in.Body.Label)
		if label == "" {
			return nil, problem.InvalidField("body.label", "must not be blank")
		}
		a := &access.Access{Organization: c.Org.ID, Member: api.NewID[id.Member](c), Role: access.Guest, GrantVersion: 1, Joined: c.Now.Unix(), Label: label}
		tx := st.Begin()
		tx.Create(c.Org, a)
		if err := c.Commit(ctx, tx, string(a.Member)); err != nil {
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
