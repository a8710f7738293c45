// Package reminder mails people whose timer runs on long after their work.
package reminder

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account/choices"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/timetracking"
)

// MailForgotten is the template of the mail about a forgotten timer.
const MailForgotten = "timer_forgotten"

// Jobs lists the job of this package.
func Jobs() []job.Job { return []job.Job{RemindTimers()} }

// Templates lists the mail of this package.
func Templates() []compose.Template {
	return []compose.Template{choices.Optional(compose.Template{Kind: MailForgotten, Compose: forgotten})}
}

func forgotten(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
	to, err := c.Recipient(ctx, m)
	if err != nil {
		return mail.Message{}, err
	}
	return c.Write(to, compose.Letter{
		Subject: "Did you forget your timer?",
		Paragraphs: []string{"A timer that you started has been running for eight hours.",
			"If your work ended earlier, stop the timer and put the end of the entry right. We write about each timer once; if you are still working, there is nothing to do. You can turn these mails off in your account."},
		Link: mail.Link{Label: "See your timer", URL: c.Page("/timer")},
	}), nil
}

// RemindTimers mails, once, each person whose timer has run for eight hours.
func RemindTimers() job.Job {
	return job.Job{
		ID: "remind-timers", Area: "time", Summary: "Mail people whose timer runs on after eight hours", Purpose: purpose.ServiceNotices, Triggers: []string{"schedule"},
		Run: func(ctx context.Context, r *job.Run) error {
			return r.EachDue(ctx, timetracking.DueForgotten, r.Event.At, func(ctx context.Context, d *store.Due) error { return remind(ctx, r, d) })
		},
	}
}

// remind settles one clock. Whoever stops the timer takes the clock off, so what is found moved is settled already.
func remind(ctx context.Context, r *job.Run, d *store.Due) error {
	tx := r.Store.Begin()
	tx.Disarm(r.Platform(), d, false)
	timer, user, err := who(ctx, r, d)
	if err != nil {
		return err
	}
	if user != nil {
		org := r.Store.BindOrganization(timer.Org, r.Actor)
		tx.Check(org, d.Target, "'id' = ?", timer.ID)
		outbox.Queue(tx, user, MailForgotten, store.Join(string(timer.ID), "forgotten"), map[string]string{"timer": string(timer.ID)})
	}
	err = tx.Commit(ctx)
	switch {
	case errors.Is(err, store.ErrCondition):
		return nil
	case errors.Is(err, store.ErrExists): // the mail was queued by a run before this one
		return store.Forget(ctx, r.Platform(), d)
	}
	return err
}

// who finds the timer that a clock is of and the person to write to, nobody when the timer has ended or the person is
// not there to be written to.
func who(ctx context.Context, r *job.Run, d *store.Due) (*timetracking.Timer, *store.User, error) {
	scope, _ := store.ScopeOf(d.Target.PK)
	id, ok := scope.Organization()
	if !ok {
		return nil, nil, nil
	}
	org := r.Store.BindOrganization(id, r.Actor)
	timer, err := store.Get[timetracking.Timer](ctx, org, d.Target)
	if err != nil || timer.Due().At != d.At {
		return nil, nil, store.Except(err, store.ErrMissing, store.ErrRestricted)
	}
	gate, err := store.Get[access.OrganizationGate](ctx, org, access.OrganizationGateKey(id))
	if err != nil || gate.Status != access.Active {
		return nil, nil, store.Except(err, store.ErrMissing, store.ErrRestricted)
	}
	member, err := store.Get[access.Access](ctx, org, access.AccessKey(id, timer.Member))
	if err != nil || member.User == "" || member.Removed != 0 {
		return nil, nil, store.Except(err, store.ErrMissing, store.ErrRestricted)
	}
	user := r.Store.BindUser(member.User, r.Actor)
	account, err := store.Get[access.UserGate](ctx, user, access.UserGateKey(member.User))
	if err != nil || account.Deleted != 0 {
		return nil, nil, store.Except(err, store.ErrMissing, store.ErrRestricted)
	}
	return timer, user, nil
}
