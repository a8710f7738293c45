package privacy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/subprocessors"
	"pixeltrack.io/platform/pkg/transfers"
)

// Disclosure is one recipient of a person's data.
type Disclosure struct {
	Recipient string      `json:"recipient"`
	Basis     string      `json:"basis" enum:"consent,provider,portal,legal,transfer" doc:"Which of the five ways of policy section 4 it is."`
	What      []string    `json:"what"`
	Times     []time.Time `json:"times,omitempty" doc:"When, where it is a single act; kept for 30 days for mails."`
}

// DisclosuresOut is the answer of list-disclosures.
type DisclosuresOut struct{ Body api.List[Disclosure] }

// ListDisclosures shows who received the caller's data.
func ListDisclosures(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "list-disclosures", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/disclosures", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Who received your personal data", Purpose: purpose.PrivacyRights,
		ExampleOut: api.List[Disclosure]{Data: []Disclosure{{Recipient: "Resend (Plus Five Five, Inc.)", Basis: "provider", What: []string{"e-mail address"},
			Times: []time.Time{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*DisclosuresOut, error) {
		all, err := disclosures(ctx, c.Self, st.BindPlatform(c.Actor()), c.Now)
		if err != nil {
			return nil, err
		}
		return &DisclosuresOut{api.List[Disclosure]{Data: all}}, nil
	})
}

// FamilyDisclosed holds what of a person was handed to authorities.
const FamilyDisclosed store.Family = "DISCLOSED"

// LegalDisclosure is that something of a person was handed to an authority. The person sees it from a time on.
type LegalDisclosure struct {
	store.Meta
	Name      string   `dynamo:"name"` // the id of the demand, and the time
	Authority string   `dynamo:"authority"`
	What      []string `dynamo:"what"`
	At        int64    `dynamo:"at"`   // epoch seconds
	From      int64    `dynamo:"from"` // epoch seconds from which the person may know
	scope     store.Scope
}

// Type is the row's type.
func (d *LegalDisclosure) Type() string { return "DISCLOSED" }

// Keys puts what was handed over under the person.
func (d *LegalDisclosure) Keys() store.Keys {
	return store.Keys{Primary: d.scope.Key(FamilyDisclosed, d.Name)}
}

// Disclosed adds to a transaction that something of a person was handed to an authority. The person sees it when the gag is
// over.
func Disclosed(tx *store.Tx, h *store.User, name, authority string, what []string, now, gag time.Time) {
	d := &LegalDisclosure{Name: name, Authority: authority, What: what, At: now.Unix(), From: now.Unix(), scope: h.Scope()}
	if gag.After(now) {
		d.From = gag.Unix()
	}
	tx.Create(h, d)
}

// handedOver lists what was handed to authorities and the person may know of.
func handedOver(ctx context.Context, h record.Handle, now time.Time) ([]Disclosure, error) {
	var all []Disclosure
	err := each(ctx, h, FamilyDisclosed, func(d *LegalDisclosure) {
		if d.From <= now.Unix() {
			all = append(all, Disclosure{Recipient: d.Authority, Basis: "legal", What: d.What, Times: []time.Time{clock.At(d.At)}})
		}
	})
	return all, err
}

// disclosures lists the providers that store or carry a person's data, with the mails that went out, and what was handed to
// authorities, which is read at the same time.
func disclosures(ctx context.Context, h record.Handle, p *store.Platform, now time.Time) ([]Disclosure, error) {
	var legal []Disclosure
	var mails []time.Time
	var passed []Disclosure
	var failed, unread, unknown error
	var beside sync.WaitGroup
	beside.Go(func() { legal, failed = handedOver(ctx, h, now) })
	beside.Go(func() { mails, unread = sent(ctx, h) })
	beside.Go(func() { passed, unknown = passedOn(ctx, h, p) })
	providers, err := subprocessors.All(ctx, p, now)
	beside.Wait()
	return slices.Concat(provided(providers, mails, now), legal, passed), errors.Join(err, failed, unread, unknown)
}

// passedOn lists the companies that a person's data has passed to with the business, of which they had a notice.
func passedOn(ctx context.Context, h record.Handle, p *store.Platform) ([]Disclosure, error) {
	var about []string
	err := each(ctx, h, notices.FamilyNotice, func(n *notices.Notice) {
		if n.Kind == notices.BusinessTransfer {
			about = append(about, n.Object)
		}
	})
	if err != nil {
		return nil, err
	}
	var all []Disclosure
	for _, name := range about {
		t, err := store.Get[transfers.Transfer](ctx, p, transfers.Key(id.Transfer(name)))
		if err != nil {
			return nil, err
		}
		if t.State == transfers.Started {
			all = append(all, Disclosure{Recipient: t.Acquirer, Basis: "transfer", What: []string{"everything in your account"}, Times: []time.Time{clock.At(t.Started)}})
		}
	}
	return all, nil
}

// sent lists when mails to a person left the house.
func sent(ctx context.Context, h record.Handle) ([]time.Time, error) {
	var times []time.Time
	err := each(ctx, h, outbox.Family, func(m *outbox.Mail) {
		if m.SentAt != 0 {
			times = append(times, clock.At(m.SentAt))
		}
	})
	return times, err
}

// provided lists the providers that store a person's data, and the one that carried mails.
func provided(providers []subprocessors.Provider, mails []time.Time, now time.Time) []Disclosure {
	all := []Disclosure{}
	for _, p := range providers {
		d := Disclosure{Recipient: p.Name, Basis: "provider", What: p.Categories}
		switch {
		case p.ID == "aws" && p.Receives(now): // it holds the table, and so everything
		case p.ID == "resend":
			if len(mails) == 0 {
				continue
			}
			d.What, d.Times = []string{"name", "e-mail address", "text of the mail"}, mails
		default:
			continue
		}
		all = append(all, d)
	}
	return all
}

func each[T any, P interface {
	*T
	store.Row
}](ctx context.Context, h record.Handle, f store.Family, yield func(P)) error {
	for r, err := range store.All[T, P](ctx, h, store.Query{Partition: h.Scope().Partition(f), Limit: 200}) {
		if err != nil {
			return err
		}
		yield(r)
	}
	return nil
}
