package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyReset holds the links by which a forgotten password is replaced.
const FamilyReset store.Family = "PASSWORDRESET"

// resetLife is how long the link of a reset counts.
const resetLife = 30 * time.Minute

// PasswordReset is a link that was asked for to replace a password. It lies under the hash of the link's token and ends
// after half an hour. That of an address without an account is as large, names a user who is not there, and is mailed to
// nobody.
type PasswordReset struct {
	store.Meta
	ID    id.Reset `dynamo:"id"`
	User  id.User  `dynamo:"user"`
	Of    string   `dynamo:"of"`    // new or old, as of a sign-up
	Asked int64    `dynamo:"asked"` // epoch seconds; a password set later ends the link
	scope store.Scope
}

// Type is the row's type.
func (r *PasswordReset) Type() string { return "PASSWORD_RESET" }

// Keys puts a reset into the scope of its link.
func (r *PasswordReset) Keys() store.Keys {
	if r.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: r.PK, SK: r.SK}}
	}
	return store.Keys{Primary: r.scope.Key(FamilyReset)}
}

// ForgotIn is the input of forgot-password.
type ForgotIn struct{ Body ForgotBody }

// ForgotBody names the account whose password was forgotten.
type ForgotBody struct {
	Email string `json:"email" maxLength:"254" example:"ada@example.com"`
}

// ForgotPassword mails a link that replaces a forgotten password. It answers the same, after the same work, for every
// address; one of a deleted account gets the link, too, as its restoration needs a password.
func ForgotPassword(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	return api.New(api.Route{
		ID: "forgot-password", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/password/forgot", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Ask for a link that sets a new password", Purpose: purpose.Authentication,
		Description: "The link is mailed to the address, works once, and lives 30 minutes. The answer is the same whether the address has an account or not; " +
			"one address is sent three such mails an hour at most.",
		ExampleIn: ForgotBody{Email: "ada@example.com"}, ExampleOut: Empty{},
	}, func(ctx context.Context, c *api.Caller, in *ForgotIn) (*EmptyOut, error) {
		if account.Normal(in.Body.Email) == "" {
			return nil, problem.InvalidField("body.email", "not an e-mail address")
		}
		if err := promise(ctx, st, c, account.HashOf(pseudonyms, in.Body.Email), pseudonyms, links); err != nil {
			return nil, err
		}
		return &EmptyOut{}, nil
	})
}

// promise writes a reset with its mail, unless the address has had its mails for now.
func promise(ctx context.Context, st *store.Store, c *api.Caller, hash string, pseudonyms keys.Pseudonyms, links keys.Links) error {
	r := &PasswordReset{ID: api.NewID[id.Reset](c), Asked: c.Now.Unix()}
	h := st.BindCase(keys.HashToken(links.Token(ResetPurpose, string(r.ID))), store.Actor{Who: string(r.ID), Request: c.Request})
	address := st.BindCase(pseudonyms.Of("reset-letters", hash), h.Actor())
	r.scope = h.Scope()
	r.Expire(c.Now.Add(resetLife))
	for range meetings {
		marker, count := new(account.Address), &Letters{key: address.Scope().Key(FamilyLetters)}
		markers := &store.Fetch{Through: st.BindPlatform(h.Actor()), Key: store.MailLookup(hash), Row: marker}
		counts := &store.Fetch{Through: address, Key: count.key, Row: count}
		if err := st.FetchAll(ctx, markers, counts); err != nil {
			return err
		}
		r.User, r.Of, r.Version = marker.User, known, 0
		if markers.Err != nil {
			r.User, r.Of = api.NewID[id.User](c), fresh
		}
		tx := st.Begin()
		if !count.next(tx, address, counts.Err, c.Now) {
			return nil
		}
		tx.Create(h, r)
		outbox.Queue(tx, h, MailReset, string(r.ID), nil)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrConflict
}
