package auth

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
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// RefreshIn is the input of refresh-token.
type RefreshIn struct{ Body RefreshBody }

// RefreshBody is a refresh token.
type RefreshBody struct {
	RefreshToken string `json:"refresh_token,omitempty" minLength:"1" maxLength:"4096" doc:"Left out by a browser that has it as the cookie __Secure-refresh; the fresh tokens then are cookies, too." example:"rft_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.01J8ZQ4M2V6TQ0Y7N3W5K9XDCC.1.…"`
}

// RefreshToken trades a refresh token for its successor and a fresh access token.
func RefreshToken(st *store.Store, secret keys.Links, minter *Minter) api.Operation {
	return api.New(api.Route{
		ID: "refresh-token", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/refresh", Audience: api.Public, Audit: true,
		Summary: "Trade a refresh token for fresh tokens", Purpose: purpose.Authentication,
		Description: "A refresh token is spent by its use. For 30 seconds the one just spent gives the same successor again, for an answer that was lost; " +
			"any other use of a spent one ends the session, because somebody has a copy.",
		ExampleIn: RefreshBody{RefreshToken: exampleTokens().RefreshToken}, ExampleOut: exampleTokens(),
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "refresh_token_invalid", When: "It is not a refresh token of this service, or there is none."},
			{Kind: problem.Unauthenticated, Code: "session_ended", When: "The session was ended, was unused for 30 days, or is a year old; or for less, where the session works in an organization that says so."},
			{Kind: problem.Unauthenticated, Code: "token_reused", When: "It was spent before. The session ends."},
			{Kind: problem.Malformed, Code: "two_credentials", When: "There is a refresh token in the body and one in a cookie."},
			CrossSite(), keysNotReady(),
		},
	}, func(ctx context.Context, c *api.Caller, in *RefreshIn) (*TokensOut, error) {
		token, cookie := in.Body.RefreshToken, c.Cookies[api.RefreshCookie]
		how := Manner{Cookies: cookie != ""}
		if how.Cookies {
			if token != "" {
				return nil, problem.Of(problem.Malformed, "two_credentials", "Send the refresh token in the body or as a cookie, not both.")
			}
			if err := how.OwnSite(c); err != nil {
				return nil, err
			}
			token = cookie
		}
		user, session, n, ok := readRefreshToken(secret, token)
		if !ok {
			how.drop(c)
			return nil, problem.Of(problem.Unauthenticated, "refresh_token_invalid", "It is not a refresh token; log in again.")
		}
		if err := minter.Ready(ctx); err != nil {
			return nil, err
		}
		h := st.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
		h.SeeRestricted()
		s, err := rotate(ctx, st, c, h, session, n)
		if err != nil {
			if ended := new(problem.Error); errors.As(err, &ended) {
				how.drop(c)
			}
			return nil, err
		}
		b, err := within(ctx, st, h, s)
		if err != nil {
			return nil, err
		}
		if b != nil && !s.suits(b.Gate, c.Now) {
			if err := end(ctx, st, h, session, func(tx *store.Tx) { c.AuditFor(tx, h, string(session), "session_unsuited") }); err != nil {
				return nil, err
			}
			how.drop(c)
			return nil, sessionEnded()
		}
		return minter.answer(ctx, c, s, b, refreshToken(secret, user, session, s.Counter), how.Cookies)
	})
}

// drop takes cookies that are worth nothing any more off the browser.
func (m Manner) drop(c *api.Caller) {
	if m.Cookies {
		c.DropCookies()
	}
}

func sessionEnded() error {
	return problem.Of(problem.Unauthenticated, "session_ended", "The session has ended; log in again.")
}

// rotate spends the nth refresh token of a session, by one conditional write however many try at once.
func rotate(ctx context.Context, st *store.Store, c *api.Caller, h *store.User, session id.Session, n int64) (*Session, error) {
	now := c.Now
	for range meetings {
		s, gate := new(Session), new(access.UserGate)
		fetches := []*store.Fetch{{Through: h, Key: SessionKey(h.ID, session), Row: s}, {Through: h, Key: access.UserGateKey(h.ID), Row: gate}}
		if err := st.FetchAll(ctx, fetches...); err != nil {
			return nil, err
		}
		for _, f := range fetches {
			if errors.Is(f.Err, store.ErrMissing) {
				return nil, sessionEnded()
			}
			if f.Err != nil {
				return nil, f.Err
			}
		}
		switch {
		case !gate.Live(session, now) || n > s.Counter:
			return nil, sessionEnded()
		case n == s.Counter-1 && now.Sub(time.Unix(s.Rotated, 0)) <= grace:
			return s, nil
		case n < s.Counter:
			if err := end(ctx, st, h, session, func(tx *store.Tx) { c.AuditFor(tx, h, string(session), "token_reused") }); err != nil {
				return nil, err
			}
			return nil, problem.Of(problem.Unauthenticated, "token_reused", "This refresh token was used before, so somebody may have a copy; log in again.")
		}
		s.Counter++
		s.Rotated = now.Unix()
		s.use(now)
		tx := st.Begin()
		tx.Replace(h, s)
		if notices.FirstUse(tx, h, gate, now) {
			tx.Replace(h, gate)
		}
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return s, err
		}
	}
	return nil, store.ErrConflict
}

// within is what the organization of a session is worth, nil when there is none any more.
func within(ctx context.Context, st *store.Store, h *store.User, s *Session) (*account.Belonging, error) {
	if s.Organization == "" {
		return nil, nil
	}
	all, err := account.Belongings(ctx, st, h.Actor(), []*account.Membership{{User: s.User, Organization: s.Organization, Member: s.Member}})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}
