package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ringLife is how long a minter believes the ring that it read. It is shorter than the time between a key's
// registration and its first signature.
const ringLife = 5 * time.Minute

// Minter makes access tokens with the newest key of the ring that it may sign with. It is safe for concurrent use.
type Minter struct {
	Issuer  string
	Store   *store.Store
	Signers map[string]keys.SignFunc // by the id of the key in KMS

	mu   sync.Mutex
	ring *keyring.Ring
	read time.Time
}

// Mint makes a token for a session, in the organization of the belonging when there is one.
func (m *Minter) Mint(ctx context.Context, s *Session, b *account.Belonging) (string, error) {
	now := m.Store.Now()
	key, err := m.key(ctx, now)
	if err != nil {
		return "", err
	}
	c := keys.Claims{User: s.User, Session: s.ID, Proved: s.proved(), ID: rand.Text()}
	if b != nil {
		c.Organization, c.Member, c.Role, c.GrantVersion = b.Organization, b.Member, string(b.Access.Role), b.Access.GrantVersion
		for _, g := range b.Access.Grants {
			c.Grants = append(c.Grants, string(g))
		}
	}
	minter := keys.Minter{Issuer: m.Issuer, KeyID: key.ID, Sign: m.Signers[key.KeyID]}
	return minter.Mint(ctx, c, now)
}

// Ready refuses when no key can sign yet. It is asked before anything is written.
func (m *Minter) Ready(ctx context.Context) error {
	_, err := m.key(ctx, m.Store.Now())
	return err
}

// key is the newest key that may sign at a time.
func (m *Minter) key(ctx context.Context, at time.Time) (keyring.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest, ok := m.newest(at)
	if ok && at.Sub(m.read) < ringLife {
		return newest, nil
	}
	ring, err := store.Get[keyring.Ring](ctx, m.Store.BindPlatform(store.Actor{}), keyring.RingKey())
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return keyring.Key{}, err
	}
	m.ring, m.read = ring, at
	if newest, ok = m.newest(at); ok {
		return newest, nil
	}
	e := problem.Of(problem.Unavailable, "keys_not_ready", "The service is being set up; try again in a minute.")
	e.After = time.Minute
	return keyring.Key{}, e
}

func (m *Minter) newest(at time.Time) (newest keyring.Key, ok bool) {
	if m.ring == nil {
		return keyring.Key{}, false
	}
	for _, k := range m.ring.PublicKeys {
		if m.Signers[k.KeyID] != nil && k.Retired == 0 && k.Since <= at.Unix() && (!ok || k.Since > newest.Since) {
			newest, ok = k, true
		}
	}
	return newest, ok
}

// Tokens is what a login and a refresh answer.
type Tokens struct {
	AccessToken    string `json:"access_token,omitempty" doc:"A JWT; send it as Authorization: Bearer. It lives 15 minutes. Absent where tokens go as cookies."`
	RefreshToken   string `json:"refresh_token,omitempty" doc:"Trade it once for fresh tokens. It ends after 30 days without use, and a year after the login."`
	TokenType      string `json:"token_type,omitempty" example:"Bearer"`
	ExpiresIn      int    `json:"expires_in,omitempty" doc:"Seconds that the access token lives." example:"900"`
	DeviceToken    string `json:"device_token,omitempty" doc:"Of a login: send it with the next one from this device, which is known by it for a year. Browsers have it as the cookie __Host-device." example:"dvt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.1772442000.…"`
	OrganizationID string `json:"organization_id,omitempty" doc:"The organization that the access token names; absent for a user without one." example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// TokensOut is the answer of log-in, refresh-token and switch-organization.
type TokensOut struct{ Body Tokens }

func exampleTokens() Tokens {
	return Tokens{AccessToken: "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ii4uLiJ9…", RefreshToken: "rft_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.01J8ZQ4M2V6TQ0Y7N3W5K9XDCC.1.…",
		TokenType: "Bearer", ExpiresIn: int(keys.TokenLife.Seconds()), OrganizationID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}
}

// answer mints the tokens of a session. They go into the body, or as cookies to a browser that keeps them so.
func (m *Minter) answer(ctx context.Context, c *api.Caller, s *Session, b *account.Belonging, refresh string, cookies bool) (*TokensOut, error) {
	token, err := m.Mint(ctx, s, b)
	if err != nil {
		return nil, err
	}
	out := Tokens{ExpiresIn: int(keys.TokenLife.Seconds())}
	if b != nil {
		out.OrganizationID = string(b.Organization)
	}
	if !cookies {
		out.AccessToken, out.RefreshToken, out.TokenType = token, refresh, "Bearer"
		return &TokensOut{Body: out}, nil
	}
	c.GiveAccess(token, keys.TokenLife)
	if refresh != "" {
		c.GiveRefresh(refresh, time.Unix(s.ExpiresAt, 0).Sub(c.Now))
	}
	return &TokensOut{Body: out}, nil
}

// Manner is how a login is answered.
type Manner struct {
	Cookies bool `json:"cookies,omitempty" doc:"Give the tokens as the cookies __Host-access and __Secure-refresh, which no script can read, and not in the body. For the web app's own pages: Origin must be one of theirs." example:"false"`
}

// OwnSite refuses to give cookies to a page of another site, which would log its visitors in as somebody else.
func (m Manner) OwnSite(c *api.Caller) error {
	if !m.Cookies {
		return nil
	}
	return c.OwnSite()
}

// CrossSite documents the refusal of cookies to another site's page.
func CrossSite() api.Refusal {
	return api.Refusal{Kind: problem.Forbidden, Code: "cross_site", When: "With cookies: the call does not come from a page of the web app."}
}
