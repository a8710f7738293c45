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
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyEmailChange holds a user's change of address that is under way, or was made not long ago.
const FamilyEmailChange store.Family = "EMAILCHANGE"

// emailChangeLife is how long a change of address waits for its two confirmations.
const emailChangeLife = 24 * time.Hour

// What the tokens of the two links are for.
const (
	OldEmailPurpose = "email_change_old"
	NewEmailPurpose = "email_change_new"
)

// EmailChange is a change of the address by which a person is known. It counts once both addresses have confirmed it. One
// to an address that has an account already waits as any other and is never confirmed there.
type EmailChange struct {
	store.Meta
	ID       id.SignUp `dynamo:"id"`
	User     id.User   `dynamo:"user"`
	Of       string    `dynamo:"of"` // new or old, as of a sign-up
	Email    string    `dynamo:"email"`
	MailHash string    `dynamo:"mail_hash"`
	Was      string    `dynamo:"was"`   // the address before
	Asked    int64     `dynamo:"asked"` // epoch seconds, as all that follow
	OldYes   int64     `dynamo:"old_confirmed,omitempty"`
	NewYes   int64     `dynamo:"new_confirmed,omitempty"`
	Done     int64     `dynamo:"done,omitempty"`
}

// Type is the row's type.
func (e *EmailChange) Type() string { return "EMAIL_CHANGE" }

// Keys puts the one change of a user into their scope.
func (e *EmailChange) Keys() store.Keys { return store.Keys{Primary: EmailChangeKey(e.User)} }

// EmailChangeKey is where a user's change of address lies.
func EmailChangeKey(u id.User) store.Key { return store.UserScope(u).Key(FamilyEmailChange) }

// EmailChangeBody is a change of address as its person sees it.
type EmailChangeBody struct {
	Email        string    `json:"email" doc:"The new address." example:"ada@example.org"`
	RequestedAt  time.Time `json:"requested_at"`
	ExpiresAt    time.Time `json:"expires_at" doc:"Until when both addresses can confirm: 24 hours."`
	OldConfirmed bool      `json:"old_confirmed" doc:"Whether the link in the mail to the present address was followed."`
	NewConfirmed bool      `json:"new_confirmed" doc:"Whether the link in the mail to the new address was."`
	Done         bool      `json:"done" doc:"Whether the address is changed."`
}

func emailChangeBody(e *EmailChange) EmailChangeBody {
	return EmailChangeBody{Email: e.Email, RequestedAt: time.Unix(e.Asked, 0).UTC(), ExpiresAt: time.Unix(e.ExpiresAt, 0).UTC(),
		OldConfirmed: e.OldYes != 0, NewConfirmed: e.NewYes != 0, Done: e.Done != 0}
}

func exampleEmailChange() EmailChangeBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return EmailChangeBody{Email: "ada@example.org", RequestedAt: at, ExpiresAt: at.Add(emailChangeLife)}
}

// EmailChangeIn is the input of create-email-change.
type EmailChangeIn struct{ Body EmailChangeRequest }

// EmailChangeRequest names a new address.
type EmailChangeRequest struct {
	Email string `json:"email" maxLength:"254" example:"ada@example.org"`
}

// EmailChangeOut is the answer of the routes about a change of address.
type EmailChangeOut struct{ Body EmailChangeBody }

// CreateEmailChange begins a change of the caller's address. It answers the same, after the same work, whether the new
// address has an account or not.
func CreateEmailChange(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-email-change", Area: "account", Method: http.MethodPost, Path: "/v1/me/email", Audience: api.Users, Audit: true, Fresh: secondfactor.Fresh,
		Status: http.StatusAccepted, Summary: "Begin to change your e-mail address", Purpose: purpose.AccountManagement,
		Description: "A link goes to the present address and one to the new; the address changes when both were followed within 24 hours. A further request takes the place of the one before. " +
			"One address is sent three such mails an hour at most.",
		ExampleIn: EmailChangeRequest{Email: "ada@example.org"}, ExampleOut: exampleEmailChange(),
		Refusals: []api.Refusal{{Kind: problem.Invalid, Code: "disposable_email", When: "The address lies in a domain of addresses that are thrown away."}},
	}, func(ctx context.Context, c *api.Caller, in *EmailChangeIn) (*EmailChangeOut, error) {
		if err := ownAddress(in.Body.Email); err != nil {
			return nil, err
		}
		e := &EmailChange{ID: api.NewID[id.SignUp](c), User: c.User, Email: in.Body.Email, MailHash: account.HashOf(pseudonyms, in.Body.Email), Asked: c.Now.Unix()}
		for range meetings {
			made, err := beginEmailChange(ctx, st, c, pseudonyms, e)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &EmailChangeOut{emailChangeBody(made)}, nil
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, _ string) (*EmailChangeOut, error) {
		return shownEmailChange(ctx, c)
	})
}

// beginEmailChange writes a change in the place of the one before, with its mails. The new address gets none when it has
// had its mails for now.
func beginEmailChange(ctx context.Context, st *store.Store, c *api.Caller, pseudonyms keys.Pseudonyms, e *EmailChange) (*EmailChange, error) {
	place := st.BindCase(pseudonyms.Of("email-change-letters", e.MailHash), store.Actor{Who: string(e.ID), Request: c.Request})
	before, profile := new(EmailChange), new(account.Profile)
	marker, count := new(account.Address), &Letters{key: place.Scope().Key(FamilyLetters)}
	pending := &store.Fetch{Through: c.Self, Key: EmailChangeKey(c.User), Row: before}
	mine := &store.Fetch{Through: c.Self, Key: account.ProfileKey(c.User), Row: profile}
	markers := &store.Fetch{Through: st.BindPlatform(c.Actor()), Key: store.MailLookup(e.MailHash), Row: marker}
	counts := &store.Fetch{Through: place, Key: count.key, Row: count}
	if err := st.FetchAll(ctx, pending, mine, markers, counts); err != nil {
		return nil, err
	}
	if mine.Err != nil {
		return nil, problem.Missing("account")
	}
	if profile.MailHash == e.MailHash {
		return nil, problem.InvalidField("body.email", "the address that you have")
	}
	row := *e
	row.Was, row.Of = profile.Email, fresh
	if markers.Err == nil {
		row.Of = known
	}
	row.Expire(c.Now.Add(emailChangeLife))
	tx := st.Begin()
	if pending.Err == nil {
		row.Version = before.Version
		tx.Replace(c.Self, &row)
	} else {
		tx.Create(c.Self, &row).Else(store.ErrStale)
	}
	outbox.Queue(tx, c.Self, MailOldEmail, store.Join(MailOldEmail, string(row.ID)), map[string]string{"change": string(row.ID)})
	if count.next(tx, place, counts.Err, c.Now) {
		outbox.Queue(tx, c.Self, MailNewEmail, store.Join(MailNewEmail, string(row.ID)), map[string]string{"change": string(row.ID)})
	}
	return &row, c.Commit(ctx, tx, string(row.ID))
}

func shownEmailChange(ctx context.Context, c *api.Caller) (*EmailChangeOut, error) {
	e, err := store.Get[EmailChange](ctx, c.Self, EmailChangeKey(c.User))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("email_change")
	}
	if err != nil {
		return nil, err
	}
	return &EmailChangeOut{emailChangeBody(e)}, nil
}

func noEmailChange() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "email_change_not_found", When: "No change of address is under way, or it was not confirmed in time."}
}

// GetEmailChange shows the caller's change of address.
func GetEmailChange() api.Operation {
	return api.New(api.Route{
		ID: "get-email-change", Area: "account", Method: http.MethodGet, Path: "/v1/me/email", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your change of e-mail address", Purpose: purpose.AccountManagement, ExampleOut: exampleEmailChange(), Refusals: []api.Refusal{noEmailChange()},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*EmailChangeOut, error) {
		return shownEmailChange(ctx, c)
	})
}

// DeleteEmailChange ends a change of address that is under way.
func DeleteEmailChange(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-email-change", Area: "account", Method: http.MethodDelete, Path: "/v1/me/email", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "Take back a change of your e-mail address", Purpose: purpose.AccountManagement,
		Description: "Its links no longer count. One that was made stays.", Refusals: []api.Refusal{noEmailChange()},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		for range meetings {
			e, err := store.Get[EmailChange](ctx, c.Self, EmailChangeKey(c.User))
			if errors.Is(err, store.ErrMissing) || err == nil && e.Done != 0 {
				return nil, problem.Missing("email_change")
			}
			if err != nil {
				return nil, err
			}
			tx := st.Begin()
			tx.Delete(c.Self, e)
			if err := c.Commit(ctx, tx, string(e.ID)); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}

// ConfirmEmailIn is the input of confirm-email-change.
type ConfirmEmailIn struct{ Body ConfirmEmailBody }

// ConfirmEmailBody is the token of one of the two links.
type ConfirmEmailBody struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in one of the mails." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// ConfirmEmailChange takes the confirmation of one address, and changes the address with the second.
func ConfirmEmailChange(st *store.Store, links keys.Links) api.Operation {
	example := exampleEmailChange()
	example.OldConfirmed = true
	return api.New(api.Route{
		ID: "confirm-email-change", Area: "account", Method: http.MethodPost, Path: "/v1/me/email/confirm", Audience: api.Users, Audit: true,
		Summary: "Confirm a change of your e-mail address", Purpose: purpose.AccountManagement,
		Description: "By the token of each of the two links, in any order, logged in as the person. With the second the address changes: all other sessions end, links to reset the password die, and the address before is told. " +
			"A token that is sent again changes nothing.",
		ExampleIn: ConfirmEmailBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"}, ExampleOut: example,
		Refusals: []api.Refusal{noEmailChange(),
			{Kind: problem.Forbidden, Code: "link_invalid", When: "The token is not one of this change's links."},
			{Kind: problem.Conflict, Code: "address_taken", When: "There is an account with the new address by now."}},
	}, func(ctx context.Context, c *api.Caller, in *ConfirmEmailIn) (*EmailChangeOut, error) {
		for range meetings {
			e, err := confirmEmail(ctx, st, c, links, in.Body.Token)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if errors.Is(err, errUsed) {
				return nil, problem.Of(problem.Conflict, "address_taken", "There is an account with this address by now.")
			}
			if err != nil {
				return nil, err
			}
			return &EmailChangeOut{emailChangeBody(e)}, nil
		}
		return nil, store.ErrConflict
	})
}

// confirmEmail notes one confirmation. A writer who was first is store.ErrStale.
func confirmEmail(ctx context.Context, st *store.Store, c *api.Caller, links keys.Links, token string) (*EmailChange, error) {
	e := new(EmailChange)
	pending := &store.Fetch{Through: c.Self, Key: EmailChangeKey(c.User), Row: e}
	o := &owner{h: c.Self, gate: new(access.UserGate), profile: new(account.Profile), cred: new(account.Credential)}
	fetches := []*store.Fetch{pending, {Through: o.h, Key: account.ProfileKey(c.User), Row: o.profile}, {Through: o.h, Key: account.CredentialKey(c.User), Row: o.cred},
		{Through: o.h, Key: access.UserGateKey(c.User), Row: o.gate}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	if errors.Is(pending.Err, store.ErrMissing) {
		return nil, problem.Missing("email_change")
	}
	if err := errors.Join(pending.Err, fetches[1].Err, fetches[2].Err, fetches[3].Err); err != nil {
		return nil, err
	}
	yes := &e.OldYes
	switch {
	case links.Check(token, OldEmailPurpose, string(e.ID)):
	case links.Check(token, NewEmailPurpose, string(e.ID)) && e.Of == fresh:
		yes = &e.NewYes
	default:
		return nil, problem.Of(problem.Forbidden, "link_invalid", "This link is of no change of address that is under way.")
	}
	if *yes != 0 {
		return e, nil
	}
	*yes = c.Now.Unix()
	tx := st.Begin()
	if e.OldYes != 0 && e.NewYes != 0 {
		e.Done = c.Now.Unix()
		o.rename(tx, st, c, e)
	}
	tx.Replace(c.Self, e)
	return e, c.Commit(ctx, tx, string(e.ID))
}

// rename adds to a transaction that the account has another address: its marker, the profile, the end of other sessions
// and of links that reset the password, and the mail to the address before.
func (o *owner) rename(tx *store.Tx, st *store.Store, c *api.Caller, e *EmailChange) {
	platform := st.BindPlatform(c.Actor())
	tx.Create(platform, &account.Address{User: c.User, Hash: e.MailHash}).Else(errUsed)
	tx.DeleteKey(platform, store.MailLookup(o.profile.MailHash), "'user' = ?", c.User).Else(store.ErrStale)
	o.profile.Email, o.profile.MailHash = e.Email, e.MailHash
	tx.Replace(o.h, o.profile)
	o.endOthers(tx, c)
	o.cred.Since = c.Now.Unix() + 1 // links of this very second end, too
	tx.Replace(o.h, o.cred)
	outbox.Queue(tx, o.h, MailEmailChanged, store.Join(MailEmailChanged, string(e.ID)), map[string]string{"change": string(e.ID)})
}
