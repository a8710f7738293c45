package e2e_test

import (
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
)

func apiTokenBody(scopes ...string) map[string]any {
	return map[string]any{"name": "Nightly import " + unique(), "scopes": scopes, "expires_at": cloud.Clock.Now().Add(90 * 24 * time.Hour).UTC().Format(time.RFC3339)}
}

// newAPIToken makes an API token and gives its id and the token.
func (c *caller) newAPIToken(scopes ...string) (id, token string) {
	c.t.Helper()
	a := c.must(201, journey.Call{Method: "POST", Path: "/v1/me/api-tokens", Body: apiTokenBody(scopes...)})
	return a.Text("id"), a.Text("token")
}

// TestEveryMembersRouteTakesAPITokens calls each route of members with a token that was never used: its function has to
// find the token, and to keep when it was used. No other route takes one.
func TestEveryMembersRouteTakesAPITokens(t *testing.T) {
	p := signUp(t)
	var scopes []string
	for _, s := range access.Permissions(access.Owner) {
		scopes = append(scopes, string(s))
	}
	for _, op := range catalog.Routes() {
		if op.Audience == api.Public {
			continue
		}
		id, token := p.newAPIToken(scopes...)
		a := p.call(journey.Call{Method: op.Method, Path: pathOf(op.Path), Token: token})
		used := p.must(200, journey.Call{Method: "GET", Path: "/v1/me/api-tokens/" + id}).Text("used_at")
		switch taken := op.Audience == api.Members; {
		case taken && (a.Status == 401 || a.Status == 403 || a.Status >= 500 || used == ""):
			t.Errorf("%s with an API token = %d %s, used %q; want it taken, and its use kept", op.ID, a.Status, a.Body, used)
		case !taken && (a.Status != 403 || a.Code() != "token_not_allowed" || used != ""):
			t.Errorf("%s with an API token = %d %s, used %q; want 403 token_not_allowed", op.ID, a.Status, a.Body, used)
		}
	}
}
