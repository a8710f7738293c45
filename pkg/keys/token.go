// Package keys makes and checks what proves something: access tokens, links, pseudonyms.
package keys

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/id"
)

// Audience is whom access tokens are for.
const Audience = "pixeltrack-api"

// TokenLife is how long an access token counts.
const TokenLife = 15 * time.Minute

// tokenType is the typ header of access tokens (RFC 9068).
const tokenType = "at+jwt"

// maxToken is the longest token in bytes that is looked at.
const maxToken = 4096

// leeway is how far the clocks of two functions may differ.
const leeway = 5 * time.Second

type header struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
}

type payload struct {
	Issuer       string   `json:"iss"`
	Audience     string   `json:"aud"`
	Subject      string   `json:"sub"`
	Organization string   `json:"org,omitempty"`
	Member       string   `json:"mbr,omitempty"`
	Session      string   `json:"sid"`
	Role         string   `json:"role,omitempty"`
	Grants       []string `json:"grants,omitempty"`
	Version      int64    `json:"sv"`
	Proved       int64    `json:"auth_time,omitempty"`
	IssuedAt     int64    `json:"iat"`
	NotBefore    int64    `json:"nbf"`
	ExpiresAt    int64    `json:"exp"`
	ID           string   `json:"jti"`
}

// SignFunc signs a message with the private half of a key.
type SignFunc func(ctx context.Context, message []byte) ([]byte, error)

// Minter makes access tokens.
type Minter struct {
	Issuer string
	KeyID  string // the kid
	Sign   SignFunc
}

// Mint makes a token that lives TokenLife from now.
func (m *Minter) Mint(ctx context.Context, c Claims, now time.Time) (string, error) {
	head, err := segment(header{Algorithm: "EdDSA", Type: tokenType, KeyID: m.KeyID})
	if err != nil {
		return "", err
	}
	var proved int64
	if !c.Proved.IsZero() {
		proved = c.Proved.Unix()
	}
	body, err := segment(payload{Issuer: m.Issuer, Audience: Audience, Subject: string(c.User),
		Organization: string(c.Organization), Member: string(c.Member), Session: string(c.Session), Role: c.Role,
		Grants: c.Grants, Version: c.GrantVersion, Proved: proved, IssuedAt: now.Unix(), NotBefore: now.Unix(),
		ExpiresAt: now.Add(TokenLife).Unix(), ID: c.ID})
	if err != nil {
		return "", err
	}
	signature, err := m.Sign(ctx, []byte(head+"."+body))
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	return head + "." + body + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// KeySet gives the public key of a kid, nil when there is none.
type KeySet interface {
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
}

// Verifier checks access tokens offline.
type Verifier struct {
	Keys     KeySet
	Issuer   string
	Audience string
	Now      func() time.Time
}

// Verify gives the claims of a token. It is ErrExpired for one that was good and no longer is, ErrInvalid for any
// other that does not count: another algorithm or type, unknown header fields, a key that is not ours, a bad
// signature, another issuer or audience, a time ahead. Any other error is of the key set.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, ErrInvalid
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, ErrInvalid
	}
	var h header
	if !decode(parts[0], &h) || h.Algorithm != "EdDSA" || h.Type != tokenType || h.KeyID == "" || len(h.KeyID) > 128 {
		return Claims{}, ErrInvalid
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(signature) != ed25519.SignatureSize {
		return Claims{}, ErrInvalid
	}
	key, err := v.Keys.Key(ctx, h.KeyID)
	if err != nil {
		return Claims{}, err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return Claims{}, ErrInvalid
	}
	var p payload
	if !decode(parts[1], &p) {
		return Claims{}, ErrInvalid
	}
	return v.judge(p)
}

// judge reads the claims of a token whose signature is good.
func (v *Verifier) judge(p payload) (Claims, error) {
	now := v.Now()
	if p.Issuer != v.Issuer || p.Audience != v.Audience || p.IssuedAt < 0 || p.ExpiresAt < 0 || p.ExpiresAt-p.IssuedAt > int64(TokenLife.Seconds()) {
		return Claims{}, ErrInvalid
	}
	ahead := now.Add(leeway).Unix()
	if p.IssuedAt > ahead || p.NotBefore > ahead || p.Proved > ahead || p.Proved < 0 {
		return Claims{}, ErrInvalid
	}
	c := Claims{Role: p.Role, Grants: p.Grants, GrantVersion: p.Version, ID: p.ID,
		IssuedAt: time.Unix(p.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(p.ExpiresAt, 0).UTC()}
	if p.Proved != 0 {
		c.Proved = time.Unix(p.Proved, 0).UTC()
	}
	var err error
	if c.User, err = id.Parse[id.User](p.Subject); err != nil {
		return Claims{}, ErrInvalid
	}
	if c.Session, err = id.Parse[id.Session](p.Session); err != nil {
		return Claims{}, ErrInvalid
	}
	if p.Organization != "" || p.Member != "" {
		if c.Organization, err = id.Parse[id.Organization](p.Organization); err != nil {
			return Claims{}, ErrInvalid
		}
		if c.Member, err = id.Parse[id.Member](p.Member); err != nil {
			return Claims{}, ErrInvalid
		}
	}
	if p.ExpiresAt <= now.Unix() {
		return Claims{}, ErrExpired
	}
	return c, nil
}

func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("keys: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// decode reads one part of a token strictly: it must be the very text that Mint writes for what it says, so that
// unknown or repeated members, other spellings of their names and anything behind are refused.
func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || json.Unmarshal(text, into) != nil {
		return false
	}
	canonical, err := json.Marshal(into)
	return err == nil && bytes.Equal(canonical, text)
}

// How long a cached set believes what it read.
const (
	setLife     = 5 * time.Minute
	unknownLife = time.Minute
)

// CachedSet keeps the public keys of a ring for five minutes. An unknown kid makes it read again, at most once a
// minute, so that a new key counts soon and made-up ones cost nothing.
type CachedSet struct {
	fetch func(context.Context) (map[string]ed25519.PublicKey, error)
	now   func() time.Time
	mu    sync.Mutex
	keys  map[string]ed25519.PublicKey
	read  time.Time
}

// NewCachedSet makes a set over a function that reads the ring.
func NewCachedSet(fetch func(context.Context) (map[string]ed25519.PublicKey, error), now func() time.Time) *CachedSet {
	return &CachedSet{fetch: fetch, now: now}
}

// Load reads the ring now.
func (s *CachedSet) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(ctx)
}

func (s *CachedSet) load(ctx context.Context) error {
	keys, err := s.fetch(ctx)
	if err != nil {
		return fmt.Errorf("keys: read the ring: %w", err)
	}
	s.keys, s.read = keys, s.now()
	return nil
}

// Key gives the public key of a kid, nil when the ring has none.
func (s *CachedSet) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.now().Sub(s.read)
	key, known := s.keys[kid]
	if known && age < setLife || !known && !s.read.IsZero() && age < unknownLife && len(s.keys) > 0 {
		return key, nil
	}
	if err := s.load(ctx); err != nil {
		if known {
			return key, nil // the ring cannot be read now; the key was good five minutes ago
		}
		return nil, err
	}
	return s.keys[kid], nil
}
