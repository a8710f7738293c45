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

// TestAnAPITokenGivesNoMoreThanItHas lets an owner's token that may invite and nothing else invite people into more: it
// once gave what its member has.
func TestAnAPITokenGivesNoMoreThanItHas(t *testing.T) {
	p := signUp(t)
	scopes := []string{"members:invite"}
	for _, s := range access.Permissions(access.Guest) {
		scopes = append(scopes, string(s))
	}
	_, token := p.newAPIToken(scopes...)
	for role, want := range map[string]string{"admin": "", "manager": "", "guest": "invited"} {
		a := p.must(200, journey.Call{Method: "POST", Path: "/v1/invitations", Token: token,
			Body: map[string]any{"invitations": []map[string]any{{"email": journey.NewPerson().Email, "role": role}}}})
		if got := a.Text("data.0.status"); (got == "invited") != (want == "invited") {
			t.Errorf("an invitation as %s by a token without its rights = %s", role, a.Body)
		}
	}
	if a := p.call(journey.Call{Method: "DELETE", Path: "/v1/members/me", Token: token}); a.Status != 403 || a.Code() != "token_not_allowed" {
		t.Errorf("a token leaves the organization: %d %s; want 403 token_not_allowed", a.Status, a.Body)
	}
}

// TestEveryMembersRouteTakesAPITokens calls each route of members that asks for a permission with a token that was never used: its function has to
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
		switch taken := op.TakesTokens(); {
		case taken && (a.Status == 401 || a.Status == 403 || a.Status >= 500 || used == ""):
			t.Errorf("%s with an API token = %d %s, used %q; want it taken, and its use kept", op.ID, a.Status, a.Body, used)
		case !taken && (a.Status != 403 || a.Code() != "token_not_allowed" || used != ""):
			t.Errorf("%s with an API token = %d %s, used %q; want 403 token_not_allowed", op.ID, a.Status, a.Body, used)
		}
		p.must(204, journey.Call{Method: "DELETE", Path: "/v1/me/api-tokens/" + id})
	}
}
