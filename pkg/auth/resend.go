package auth

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ResendIn is the input of resend-sign-up.
type ResendIn struct{ Body ResendBody }

// ResendBody names the address whose confirmation did not arrive.
type ResendBody struct {
	Email string `json:"email" maxLength:"254" example:"ada@example.com"`
}

// ResendSignUp mails the confirmation of the last sign-up of an address again. It answers the same, after the same work,
// for an address that is not signing up; the mail of such a one has nothing to say and is dropped.
func ResendSignUp(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	return api.New(api.Route{
		ID: "resend-sign-up", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/signup/resend", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Mail the confirmation of a sign-up again", Purpose: purpose.AccountManagement,
		Description: "The link is the one that was mailed before, and lives no longer for it. The answer is the same for every address; the mail counts into the three " +
			"an hour that one address is sent of this kind.",
		ExampleIn: ResendBody{Email: "ada@example.com"}, ExampleOut: Empty{},
	}, func(ctx context.Context, c *api.Caller, in *ResendIn) (*EmptyOut, error) {
		if account.Normal(in.Body.Email) == "" {
			return nil, problem.InvalidField("body.email", "not an e-mail address")
		}
		if err := again(ctx, st, c, account.HashOf(pseudonyms, in.Body.Email), links); err != nil {
			return nil, err
		}
		return &EmptyOut{}, nil
	})
}

// again writes a further mail about the last sign-up of an address, unless the address has had its mails for now.
func again(ctx context.Context, st *store.Store, c *api.Caller, hash string, links keys.Links) error {
	nobody := api.NewID[id.SignUp](c)
	address := st.BindCase(hash, store.Actor{Who: "resend-sign-up", Request: c.Request})
	for range meetings {
		count := &Letters{key: address.Scope().Key(FamilyLetters)}
		counts := &store.Fetch{Through: address, Key: count.key, Row: count}
		if err := st.FetchAll(ctx, counts); err != nil {
			return err
		}
		if counts.Err != nil || count.Last == "" {
			count.Last = nobody
		}
		tx := st.Begin()
		if !count.next(tx, address, counts.Err, c.Now) {
			return nil
		}
		h := st.BindCase(keys.HashToken(links.Token(ConfirmPurpose, string(count.Last))), store.Actor{Who: string(count.Last), Request: c.Request})
		outbox.Queue(tx, h, MailConfirm, store.Join(string(count.Last), strconv.FormatInt(count.Version, 10)), nil)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return store.ErrConflict
}
