package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// apiToken is the API token that a call is made with.
type apiToken struct {
	id    id.APIToken
	row   *access.APIToken
	found *store.Fetch
}

// TakesTokens says whether an API token reaches a route: one of members that asks for a permission, which its scopes give.
func (r Route) TakesTokens() bool { return r.Audience == Members && r.Permission != "" }

// lookUp knows the caller by an API token, where the route takes one. A text without the right checksum is no
// token, and nobody is asked about it.
func (s *Server) lookUp(ctx context.Context, c *Caller, token string) error {
	if !keys.IsAPIToken(token) {
		return tokenInvalid()
	}
	if !s.operation.TakesTokens() {
		return problem.Of(problem.Forbidden, "token_not_allowed", "An API token does not reach this; log in.")
	}
	link := &access.APITokenLink{Hash: keys.HashToken(token)}
	found := &store.Fetch{Through: s.store.BindPlatform(store.Actor{Request: c.Request}), Key: link.Keys().Primary, Row: link}
	if err := s.store.FetchAll(ctx, found); err != nil {
		return err
	}
	if found.Err != nil {
		return tokenInvalid()
	}
	c.User, c.Member, c.token = link.User, link.Member, &apiToken{id: link.Token, row: new(access.APIToken)}
	c.Self = s.store.BindUser(c.User, store.Actor{Who: string(c.User), Request: c.Request})
	c.Self.SeeRestricted()
	c.Org = s.store.BindOrganization(link.Organization, store.Actor{Who: string(c.Member), Request: c.Request})
	return nil
}

func tokenInvalid() error {
	return unauthenticated("token_invalid", "The access token is not valid.")
}

func (t *apiToken) fetch(c *Caller) *store.Fetch {
	t.found = &store.Fetch{Through: c.Self, Key: access.APITokenKey(c.User, t.id), Row: t.row}
	return t.found
}

// admit judges the token and its user; whether they are still a member is judged as for any caller.
func (t *apiToken) admit(s *session) error {
	if t.found.Err != nil || s.user.Err != nil || s.gate.Deleted != 0 {
		return tokenInvalid()
	}
	return nil
}

// byToken runs the request of a caller with an API token: after the check, never beside it.
func (s *Server) byToken(ctx context.Context, c *Caller, sess *session, r *http.Request, body []byte) *held {
	if err := s.check(ctx, c, sess, sess.fetches()); err != nil {
		return refused(ctx, err)
	}
	if err := c.token.used(ctx, c); err != nil {
		return refused(ctx, err)
	}
	return s.checked(c, r, body)
}

// used keeps the hour of the token's last use. It is written by the first call of an hour, so that calls cost no write;
// of two at once one writes.
func (t *apiToken) used(ctx context.Context, c *Caller) error {
	hour := c.Now.Truncate(time.Hour).Unix()
	if t.row.Used >= hour {
		return nil
	}
	errTold := errors.New("api: the hour is told already")
	tx := c.store.Begin()
	tx.Change(c.Self, access.APITokenKey(c.User, t.id), func(u *dynamo.Update) {
		u.Set("used", hour).If("attribute_not_exists('used') OR 'used' < ?", hour)
	}).Else(errTold)
	err := tx.Commit(ctx)
	if errors.Is(err, errTold) {
		return nil
	}
	return err
}
