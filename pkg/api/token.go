package api

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// apiToken is the API token that a call is made with.
type apiToken struct {
	id    id.APIToken
	row   *access.APIToken
	use   *access.APITokenUse
	found *store.Fetch
	last  *store.Fetch
}

// TakesTokens says whether an API token reaches a route: one of members that asks for a permission, which its scopes give,
// and for no fresh proof of who acts, which no program can give.
func (r Route) TakesTokens() bool {
	return r.Audience == Members && r.Permission != "" && r.Fresh == 0
}

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
	c.User, c.Member, c.token = link.User, link.Member, &apiToken{id: link.Token, row: new(access.APIToken), use: new(access.APITokenUse)}
	c.Self = s.store.BindUser(c.User, store.Actor{Who: string(c.User), Request: c.Request})
	c.Self.SeeRestricted()
	c.Org = s.store.BindOrganization(link.Organization, store.Actor{Who: string(c.Member), Request: c.Request})
	return nil
}

func tokenInvalid() error {
	return unauthenticated("token_invalid", "The access token is not valid.")
}

func (t *apiToken) fetches(c *Caller) []*store.Fetch {
	t.found = &store.Fetch{Through: c.Self, Key: access.APITokenKey(c.User, t.id), Row: t.row}
	t.last = &store.Fetch{Through: c.Self, Key: access.APITokenUseKey(c.User, t.id), Row: t.use}
	return []*store.Fetch{t.found, t.last}
}

// admit judges the token and its user; whether they are still a member is judged as for any caller.
func (t *apiToken) admit(s *session) error {
	if t.found.Err != nil || s.user.Err != nil || s.gate.Deleted != 0 {
		return tokenInvalid()
	}
	return nil
}

// byToken runs the request of a caller with an API token: after the check, never beside it. That the token is used is
// written beside the request.
func (s *Server) byToken(ctx context.Context, c *Caller, sess *session, r *http.Request, body []byte) *held {
	if err := s.check(ctx, c, sess, sess.fetches()); err != nil {
		return refused(ctx, err)
	}
	told := c.token.used(ctx, c, s.log)
	defer told()
	return s.checked(c, r, body)
}

// used keeps the hour of the token's last use, and gives what waits until that is done. It is written by the first call of
// an hour, so that calls cost no write; of two at once both write the same. When it fails the call goes on: the next one
// writes it.
func (t *apiToken) used(ctx context.Context, c *Caller, log *telemetry.Log) (wait func()) {
	hour := c.Now.Truncate(time.Hour).Unix()
	if t.last.Err == nil && t.use.Hour >= hour {
		return func() {}
	}
	use := &access.APITokenUse{User: c.User, Token: t.id, Hour: hour}
	use.ExpiresAt = t.row.ExpiresAt
	done := make(chan struct{})
	go func() {
		defer close(done)
		tx := c.store.Begin()
		tx.Put(c.Self, use)
		if err := tx.Commit(ctx); err != nil {
			log.Warn("token_use_not_told", telemetry.Cause(err))
		}
	}()
	return func() { <-done }
}
