// Package expiry mails people whose API tokens end soon, so that no program of theirs stops unannounced.
package expiry

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// MailTokenEnds is the template of the mail about a token that ends soon.
const MailTokenEnds = "api_token_ends"

// Jobs lists the job of this package.
func Jobs() []job.Job { return []job.Job{RemindAPITokens()} }

// Templates lists the mail of this package.
func Templates() []compose.Template {
	return []compose.Template{{Kind: MailTokenEnds, Compose: tokenEnds}}
}

// tokenEnds writes the mail about a token that is still there. It does not say what the token is called: names are read by
// who is logged in.
func tokenEnds(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	h, err := c.User(m)
	if err != nil {
		return mail.Message{}, err
	}
	t, err := store.Get[access.APIToken](ctx, h, access.APITokenKey(h.ID, id.APIToken(m.Ids["token"])))
	if err != nil {
		return mail.Message{}, compose.Gone(err)
	}
	to, err := c.People(ctx, h)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "One of your API tokens ends soon",
		Paragraphs: []string{"An API token of your PixelTrack account, " + string(t.ID) + ", ends on " +
			time.Unix(t.ExpiresAt, 0).UTC().Format("2 January 2006, 15:04 UTC") + ". Programs that use it stop working then.",
			"Make a new one in time if you still need it; if not, there is nothing to do."},
		Link: mail.Link{Label: "See your API tokens", URL: c.Page("/account/api-tokens")},
	}), nil
}

// RemindAPITokens mails, once, each person one of whose API tokens ends within seven days.
func RemindAPITokens() job.Job {
	return job.Job{
		ID: "remind-api-tokens", Area: "account", Summary: "Mail people whose API tokens end within seven days", Purpose: purpose.ServiceNotices, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, access.DueAPIToken, r.Event.At, func(ctx context.Context, d *store.Due) error { return remind(ctx, r, d) })
		},
	}
}

// remind settles one clock. A token that was ended has taken its clock off; of one that has expired meanwhile, or whose
// person is leaving, nothing is said.
func remind(ctx context.Context, r *job.Run, d *store.Due) error {
	scope, _ := store.ScopeOf(d.Target.PK)
	user, ok := scope.User()
	if !ok {
		return store.Forget(ctx, r.Platform(), d)
	}
	h := r.Store.BindUser(user, r.Actor)
	h.SeeRestricted()
	t, gate := new(access.APIToken), new(access.UserGate)
	token := &store.Fetch{Through: h, Key: d.Target, Row: t}
	account := &store.Fetch{Through: h, Key: access.UserGateKey(user), Row: gate}
	if err := r.Store.FetchAll(ctx, token, account); err != nil {
		return err
	}
	if token.Err != nil || account.Err != nil || gate.Deleted != 0 {
		if err := errors.Join(store.Except(token.Err, store.ErrMissing), store.Except(account.Err, store.ErrMissing)); err != nil {
			return err
		}
		return store.Forget(ctx, r.Platform(), d)
	}
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	tx.Check(h, d.Target, "attribute_exists('PK')")
	outbox.Queue(tx, h, MailTokenEnds, store.Join(MailTokenEnds, string(t.ID)), map[string]string{"token": string(t.ID)})
	err := tx.Commit(ctx)
	switch {
	case errors.Is(err, store.ErrCondition):
		return nil // ended just now, with its clock
	case errors.Is(err, store.ErrExists): // the mail was queued by a run before this one
		return store.Forget(ctx, r.Platform(), d)
	}
	return err
}
