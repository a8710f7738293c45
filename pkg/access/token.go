package access

import (
	"slices"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyAPIToken holds the API tokens of a user.
const FamilyAPIToken store.Family = "APIKEY"

// APIToken lets a program act for a member of one organisation, within scopes. It is gone when it expires.
type APIToken struct {
	store.Meta
	ID           id.APIToken     `dynamo:"id"`
	User         id.User         `dynamo:"user"`
	Organization id.Organization `dynamo:"org"`
	Member       id.Member       `dynamo:"member"`
	Name         string          `dynamo:"name"`
	Scopes       []Permission    `dynamo:"scopes"`
	Hash         string          `dynamo:"hash"` // of the token
	Created      int64           `dynamo:"created"`
	Used         int64           `dynamo:"used,omitempty"` // the hour of its last use, epoch seconds
}

// Type is the row's type.
func (t *APIToken) Type() string { return "API_TOKEN" }

// Keys puts tokens under their user, the oldest first.
func (t *APIToken) Keys() store.Keys { return store.Keys{Primary: APITokenKey(t.User, t.ID)} }

// APITokenKey is where a token lies.
func APITokenKey(u id.User, t id.APIToken) store.Key {
	return store.UserScope(u).Key(FamilyAPIToken, string(t))
}

// Covers says whether a token is for something at all. What its member may not do, it does not give.
func (t *APIToken) Covers(p Permission) bool { return slices.Contains(t.Scopes, p) }

// APITokenLink leads from the hash of an API token to it.
type APITokenLink struct {
	store.Meta
	Token        id.APIToken     `dynamo:"token"`
	User         id.User         `dynamo:"user"`
	Organization id.Organization `dynamo:"org"`
	Member       id.Member       `dynamo:"member"`
	Hash         string          `dynamo:"-"`
}

// Type is the row's type.
func (l *APITokenLink) Type() string { return "API_TOKEN_LINK" }

// Keys puts the link under its token's hash.
func (l *APITokenLink) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.Hash)} }
