package account

import (
	"strconv"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// RestorePurpose is what the token of a restore link is for.
const RestorePurpose = "restore_account"

// Deletion remembers how an account was deleted, to undo it within its 30 days.
type Deletion struct {
	store.Meta
	User          id.User                           `dynamo:"user"`
	At            int64                             `dynamo:"at"`                      // epoch seconds
	Due           int64                             `dynamo:"due"`                     // when it can no longer be undone
	TokenHash     string                            `dynamo:"token_hash"`              // of the link that undoes it
	Organizations map[id.Organization]access.Status `dynamo:"organizations,omitempty"` // those that close with it, and what they were
}

// Type is the row's type.
func (d *Deletion) Type() string { return "DELETION" }

// Keys puts the deletion into the user's scope.
func (d *Deletion) Keys() store.Keys { return store.Keys{Primary: DeletionKey(d.User)} }

// DeletionKey is where a user's deletion lies.
func DeletionKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyDeletion) }

// RestoreToken is the token that undoes the deletion of an account at a time; one that was undone before has another.
func RestoreToken(l keys.Links, u id.User, at int64) string {
	return l.Token(RestorePurpose, restoreID(u, at))
}

func restoreID(u id.User, at int64) string { return string(u) + "." + strconv.FormatInt(at, 10) }

// RestoreLink leads from the hash of a restore link's token to the user.
type RestoreLink struct {
	store.Meta
	User id.User `dynamo:"user"`
	Hash string  `dynamo:"-"`
}

// Type is the row's type.
func (l *RestoreLink) Type() string { return "RESTORE_LINK" }

// Keys puts the link under its token's hash.
func (l *RestoreLink) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.Hash)} }
