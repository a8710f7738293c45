package privacy

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyConsent holds acts of consent.
const FamilyConsent store.Family = "CONSENT"

// Act is what a person did about a purpose.
type Act string

// The acts.
const (
	Given     Act = "given"
	Refused   Act = "refused"
	TakenBack Act = "withdrawn"
	Objected  Act = "objected" // Art. 21, or an opt-out: for purposes with or without consent
)

// Consent is one act about one purpose. Acts are appended and never changed; the newest of a purpose counts. Each
// carries the number after the one before, so two acts at once cannot both be the next.
type Consent struct {
	store.Meta
	ID            id.Consent `dynamo:"id"`
	Purpose       string     `dynamo:"purpose"`
	Act           Act        `dynamo:"act"`
	Sequence      int        `dynamo:"sequence"`
	At            int64      `dynamo:"at"` // epoch seconds, by the server
	PolicyVersion int        `dynamo:"policy_version"`
	TextHash      string     `dynamo:"text_sha256,omitempty"` // of the text as served
	TextVersion   int        `dynamo:"text_version,omitempty"`
	Locale        string     `dynamo:"locale,omitempty"`
	Source        string     `dynamo:"source"`       // screen, api, mail, gpc, request
	IP            string     `dynamo:"ip,omitempty"` // truncated: /24 of IPv4, /48 of IPv6
	Previous      id.Consent `dynamo:"previous,omitempty"`
	scope         store.Scope
}

// Type is the row's type.
func (c *Consent) Type() string { return "CONSENT" }

// Keys puts acts under their person by purpose and number.
func (c *Consent) Keys() store.Keys {
	if c.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: c.PK, SK: c.SK}}
	}
	return store.Keys{Primary: c.scope.Key(FamilyConsent, c.Purpose, fmt.Sprintf("%08d", c.Sequence))}
}

// Live says whether the act lets the purpose go on.
func (c *Consent) Live() bool { return c != nil && c.Act == Given }

// holder is a person's handle: a user's, or that of somebody who has only a case.
type holder interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
	Actor() store.Actor
}

// Choice is the newest act of a person about a purpose, nil when there is none.
func Choice(ctx context.Context, h holder, id string) (*Consent, error) {
	acts, _, err := store.List[Consent](ctx, h, store.Query{Partition: h.Scope().Partition(FamilyConsent),
		Prefix: store.Join(id, ""), Descending: true, Limit: 1})
	if err != nil || len(acts) == 0 {
		return nil, err
	}
	return acts[0], nil
}

// Agreed says whether a person's newest act about a purpose that rests on consent allows it: without an act the answer is
// no. For a caller Stopped says more.
func Agreed(ctx context.Context, h holder, id string) (bool, error) {
	act, err := Choice(ctx, h, id)
	return act.Live(), err
}

// AskAgain is how many months nobody is asked again who has refused, taken consent back, objected or opted out (CCPA
// regulations §7028).
const AskAgain = 12

// askAgainAt is when a person may be asked again who has said no, the zero time when they have not.
func (c *Consent) askAgainAt() time.Time {
	if c == nil || c.Live() {
		return time.Time{}
	}
	return clocks.AddMonths(clock.At(c.At), AskAgain)
}

// Stop is why a purpose that rests on consent does not go on.
type Stop string

// The reasons.
const (
	NotAgreed Stop = "not_agreed" // they have not agreed, or no longer
	OptedOut  Stop = "opted_out"  // their browser says so: Global Privacy Control, or the cookie of an opt-out
	TooYoung  Stop = "too_young"  // to agree for themself
)

// Stopped is the guard of every purpose that rests on consent, by a person's newest act about it, for a caller who is
// confirmed. It is empty when nothing stops the purpose.
func Stopped(c *api.Caller, id string, newest *Consent) Stop {
	switch {
	case c.OptedOut && slices.Contains(purpose.OptOut(), id):
		return OptedOut
	case c.Account.TooYoung:
		return TooYoung
	case !newest.Live():
		return NotAgreed
	}
	return ""
}

// appendAct adds an act to a transaction. The act before is kept as proof for its time. If another act was first, the
// transaction fails with store.ErrStale.
func appendAct(tx *store.Tx, h holder, act *Consent, before *Consent) {
	now := h.Now()
	act.ID, act.At, act.Sequence, act.scope = id.New[id.Consent](h.Store().IDs()), now.Unix(), 1, h.Scope()
	if before != nil {
		act.Sequence, act.Previous = before.Sequence+1, before.ID
		before.Expire(clocks.AddMonths(now, retention.ConsentMonths))
		tx.Replace(h, before)
	}
	tx.Create(h, act).Else(store.ErrStale)
}

// Truncate shortens an address so that it no longer points at one household: /24 of IPv4, /48 of IPv6. It is empty for
// what is no address.
func Truncate(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
