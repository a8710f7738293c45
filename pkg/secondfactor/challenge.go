package secondfactor

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

const (
	// ChallengeLife is how long a login waits for its second factor.
	ChallengeLife = 5 * time.Minute
	// challengeTries is how often the second factor of one login may be tried.
	challengeTries = 5
)

// Challenge is a login whose password was right and whose second factor is awaited. It lies under the hash of its token.
type Challenge struct {
	store.Meta
	User       id.User `dynamo:"user"`
	Credential int64   `dynamo:"credential"`           // the version of the credential that the password was judged by
	NewDevice  bool    `dynamo:"new_device,omitempty"` // the login comes from a device that is not known
	Tries      int     `dynamo:"tries"`
	key        store.Key
}

// Type is the row's type.
func (ch *Challenge) Type() string { return "CHALLENGE" }

// Keys puts a challenge into the scope of its token.
func (ch *Challenge) Keys() store.Keys { return store.Keys{Primary: ch.key} }

// Pending is a login that waits for its second factor, as who shows its token reaches it.
type Pending struct {
	User       id.User
	NewDevice  bool
	credential int64
	h          *store.Case
	key        store.Key
}

// Ask adds to a transaction that a login waits, and gives the token that continues it.
func Ask(tx *store.Tx, st *store.Store, c *api.Caller, ch *Challenge) (token string) {
	token = rand.Text()
	p := pending(st, c, token)
	ch.key = p.key
	ch.Expire(c.Now.Add(ChallengeLife))
	tx.Create(p.h, ch)
	return token
}

func pending(st *store.Store, c *api.Caller, token string) *Pending {
	h := st.BindCase(keys.HashToken(token), store.Actor{Who: "second-factor", Request: c.Request})
	return &Pending{h: h, key: h.Scope().Key(FamilyChallenge)}
}

// Find gives the login that a token continues. It counts no try.
func Find(ctx context.Context, st *store.Store, c *api.Caller, token string) (*Pending, error) {
	p := pending(st, c, token)
	ch, err := store.Get[Challenge](ctx, p.h, p.key)
	if errors.Is(err, store.ErrMissing) || err == nil && ch.Tries >= challengeTries {
		return nil, errChallenge()
	}
	if err != nil {
		return nil, err
	}
	p.User, p.NewDevice, p.credential = ch.User, ch.NewDevice, ch.Credential
	return p, nil
}

// Try counts a try before it is made, so that many at once cannot be more than are let through.
func (p *Pending) Try(ctx context.Context) error {
	tx := p.h.Store().Begin()
	tx.Change(p.h, p.key, func(u *dynamo.Update) { u.Add("tries", 1).If("'tries' < ?", challengeTries) }).Else(errChallenge())
	return tx.Commit(ctx)
}

// Done adds to a transaction that the login has been continued; a token does so once, and only while the credential, which
// lies under a key, is the one that the password was judged by.
func (p *Pending) Done(tx *store.Tx, h *store.User, credential store.Key) {
	tx.Check(h, credential, "'_v' = ?", p.credential).Else(errChallenge())
	tx.DeleteKey(p.h, p.key, "attribute_exists('PK')").Else(errChallenge())
}

// ChallengeRefusal documents the refusal of a token.
func ChallengeRefusal() api.Refusal {
	return api.Refusal{Kind: problem.Unauthenticated, Code: "challenge_invalid", When: "The challenge is unknown, used, older than five minutes, or was tried five times, or the password has changed since; log in again."}
}

func errChallenge() error {
	return problem.Of(problem.Unauthenticated, "challenge_invalid", "This login is over; begin it again with your password.")
}
