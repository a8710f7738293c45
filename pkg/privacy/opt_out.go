package privacy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// OptOutBody confirms an opt-out.
type OptOutBody struct {
	OptedOut bool      `json:"opted_out"`
	Scope    string    `json:"scope" enum:"account,browser" doc:"Of somebody who is signed in the account, on every device; otherwise this browser, by a cookie that says nothing else."`
	Purposes []string  `json:"purposes" doc:"What ends."`
	Since    time.Time `json:"since"`
	AskAgain time.Time `json:"ask_again_at" doc:"Nobody is asked to opt in again before."`
	Signal   bool      `json:"signal" doc:"Whether the browser sends Global Privacy Control, which is honored with every request by itself."`
	Request  string    `json:"request_id,omitempty" doc:"The request that it was filed as; absent of a browser, and when the account had opted out already." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Message  string    `json:"message" doc:"To be shown as it is."`
}

// OptOutOut is the answer of opt-out.
type OptOutOut struct{ Body OptOutBody }

const (
	optedOutAccount = "You have opted out. What you use in PixelTrack is not counted, and your data is not shared. It is not sold either, and never was. We ask you again in 12 months at the earliest."
	optedOutBrowser = "You have opted out in this browser. What you do here is not counted, and your data is not shared. It is not sold either, and never was. We ask you again in 12 months at the earliest. Sign in and opt out to have it count on every device."
)

// OptOut takes an opt-out in (CCPA §1798.135). It asks for no login and verifies nobody: of somebody who is signed in it is
// an objection, filed as a request that is answered at once; of a browser a cookie remembers it.
func OptOut(st *store.Store) api.Operation {
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return api.New(api.Route{
		ID: "opt-out", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/opt-out", Audience: api.Public, Recognizes: true, Rights: true, Audit: true,
		Summary: "Opt out of sale, sharing and analytics, with a login or without", Purpose: purpose.PrivacyRights,
		Description: "It counts from this call on, and again and again is the same. Global Privacy Control (Sec-GPC: 1) does the same for each request that carries it, without this call.",
		ExampleOut: OptOutBody{OptedOut: true, Scope: "account", Purposes: purpose.OptOut(), Since: seen, AskAgain: seen.AddDate(1, 0, 0),
			Request: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Message: optedOutAccount},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*OptOutOut, error) {
		b := OptOutBody{OptedOut: true, Scope: "browser", Purposes: purpose.OptOut(), Since: c.Now, Signal: c.Signals(), Message: optedOutBrowser}
		if c.Self != nil {
			b.Scope, b.Message = "account", optedOutAccount
			if err := b.file(ctx, st, c); err != nil {
				return nil, err
			}
		}
		b.AskAgain = clocks.AddMonths(b.Since, AskAgain)
		if c.Self == nil {
			c.RememberOptOut(b.AskAgain.Sub(c.Now))
		}
		return &OptOutOut{b}, nil
	})
}

// file makes the opt-out of an account, unless it has opted out already. Of two at once the second finds the first.
func (b *OptOutBody) file(ctx context.Context, st *store.Store, c *api.Caller) error {
	for range meetings {
		newest, err := newestActs(ctx, c.Self)
		if err != nil {
			return err
		}
		if since := optedOutSince(newest); !since.IsZero() {
			b.Since = since
			return nil
		}
		where, err := residence(ctx, c.Self)
		if err != nil {
			return err
		}
		r := newRequest(st, c.Self, c.Now, request.OptOut, where)
		if err := r.happen(request.Event{Type: request.IdentityClear, At: c.Now}); err != nil {
			return err
		}
		v, err := policies.InEffect(ctx, st.BindPlatform(c.Actor()), c.Now)
		if err != nil {
			return err
		}
		tx := st.Begin()
		object(tx, c.Self, r, newest, Consent{Source: "request", PolicyVersion: v.Number, IP: Truncate(c.Source)})
		if err := r.done(c.Now); err != nil {
			return err
		}
		r.open(tx, c.Self)
		if err := c.Commit(ctx, tx, string(r.ID)); !errors.Is(err, store.ErrStale) {
			b.Request = string(r.ID)
			return err
		}
	}
	return store.ErrConflict
}

// optedOutSince is since when an account objects to all that an opt-out is about, the zero time when it does not.
func optedOutSince(newest map[string]*Consent) time.Time {
	var since time.Time
	for _, p := range purpose.OptOut() {
		a := newest[p]
		if a == nil || a.Act != Objected {
			return time.Time{}
		}
		if t := clock.At(a.At); t.After(since) {
			since = t
		}
	}
	return since
}
