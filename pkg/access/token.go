package access

import (
	"maps"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// The families of a user's API tokens.
const (
	FamilyAPIToken      store.Family = "APIKEY"
	FamilyAPITokenUse   store.Family = "TOKENUSE"
	FamilyAPITokenCount store.Family = "TOKENCOUNT"
)

const (
	// MaxAPITokens is how many API tokens one person may have at once, in all organisations together.
	MaxAPITokens = 50

	// TokenNotice is how long before an API token ends its person is told.
	TokenNotice = 7 * 24 * time.Hour

	// DueAPIToken is the clock of the mail about the end of an API token.
	DueAPIToken store.DueKind = "api_token_ends"
)

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
func (t *APIToken) Covers(p Permission) bool { return within(t.Scopes, p) }

// Due is the clock of the mail about the token's end, nil for one that lives no longer than the notice.
func (t *APIToken) Due() *store.Due {
	at := time.Unix(t.ExpiresAt, 0).Add(-TokenNotice)
	if at.Unix() <= t.Created {
		return nil
	}
	return store.NewDue(DueAPIToken, at, APITokenKey(t.User, t.ID))
}

// APITokenUse is the hour in which an API token was last used. It is a row of its own, so that whoever writes it cannot
// write the token's scopes.
type APITokenUse struct {
	store.Meta
	User  id.User     `dynamo:"user"`
	Token id.APIToken `dynamo:"token"`
	Hour  int64       `dynamo:"hour"` // epoch seconds
}

// Type is the row's type.
func (u *APITokenUse) Type() string { return "API_TOKEN_USE" }

// Keys puts the use of each token under its user.
func (u *APITokenUse) Keys() store.Keys { return store.Keys{Primary: APITokenUseKey(u.User, u.Token)} }

// APITokenUseKey is where the use of a token lies.
func APITokenUseKey(u id.User, t id.APIToken) store.Key {
	return store.UserScope(u).Key(FamilyAPITokenUse, string(t))
}

// APITokenCount says which API tokens a user has. Who makes one writes it, so that no two together make one too many.
type APITokenCount struct {
	store.Meta
	User id.User          `dynamo:"user"`
	Live map[string]int64 `dynamo:"live,omitempty"` // ids, and the epoch second each ends at
}

// Type is the row's type.
func (n *APITokenCount) Type() string { return "API_TOKEN_COUNT" }

// Keys puts the count under its user.
func (n *APITokenCount) Keys() store.Keys { return store.Keys{Primary: APITokenCountKey(n.User)} }

// APITokenCountKey is where the count of a user's tokens lies.
func APITokenCountKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyAPITokenCount) }

// Admit counts a token in, false when there are too many that live at a time.
func (n *APITokenCount) Admit(t *APIToken, at time.Time) bool {
	live := map[string]int64{}
	for name, end := range n.Live {
		if end > at.Unix() {
			live[name] = end
		}
	}
	if len(live) >= MaxAPITokens {
		return false
	}
	live[string(t.ID)] = t.ExpiresAt
	n.Live = live
	n.end()
	return true
}

// Forget counts a token out.
func (n *APITokenCount) Forget(t *APIToken) {
	delete(n.Live, string(t.ID))
	n.end()
}

// end makes the count go with the last of its tokens.
func (n *APITokenCount) end() {
	last := int64(0)
	for end := range maps.Values(n.Live) {
		last = max(last, end)
	}
	if last != 0 {
		n.Expire(time.Unix(last, 0))
	}
}

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
