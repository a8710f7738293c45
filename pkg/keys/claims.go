package keys

import (
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/id"
)

// Claims are what an access token says. They are a claim only: the gate rows decide.
type Claims struct {
	User         id.User
	Organization id.Organization // empty for a user without an organisation
	Member       id.Member       // likewise
	Session      id.Session
	Role         string
	Grants       []string
	GrantVersion int64     // version of the member's role and grants when the token was made
	Proved       time.Time // auth_time: when the person last showed their password or passkey; zero when the token does not say
	IssuedAt     time.Time
	ExpiresAt    time.Time
	ID           string // jti
}

// What a token is refused for.
var (
	ErrInvalid = errors.New("keys: not a valid access token")
	ErrExpired = errors.New("keys: the access token has expired")
)
