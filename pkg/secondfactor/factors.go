// Package secondfactor is what a person shows besides their password: the code of an authenticator app, or one of ten
// recovery codes. It knows of passkeys only how many there are; package passkeys has them.
package secondfactor

import (
	"context"
	"errors"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// The families of this package's rows.
const (
	Family          store.Family = "SECONDFACTOR"
	FamilyEnrolment store.Family = "ENROLMENT"
	FamilyChallenge store.Family = "CHALLENGE"
)

// Fresh is how recently a person must have shown who they are to change their second factors.
const Fresh = 10 * time.Minute

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

// Factors is the second factors of a user. Every use and every change writes it by its version, so that a code works once
// however many try it at once.
type Factors struct {
	store.Meta
	User     id.User  `dynamo:"user"`
	TOTP     []byte   `dynamo:"totp,omitempty"`       // the app's seed, sealed
	Since    int64    `dynamo:"totp_since,omitempty"` // epoch seconds the app was confirmed at
	Step     int64    `dynamo:"step,omitempty"`       // the last step whose code was used; it stays when the app goes
	Passkeys int      `dynamo:"passkeys,omitempty"`   // how many there are
	Recovery []string `dynamo:"recovery,omitempty"`   // keyed hashes of the recovery codes that are left
}

// Type is the row's type.
func (f *Factors) Type() string { return "SECOND_FACTOR" }

// Keys puts the factors into the user's scope.
func (f *Factors) Keys() store.Keys { return store.Keys{Primary: Key(f.User)} }

// Key is where a user's factors lie.
func Key(u id.User) store.Key { return store.UserScope(u).Key(Family) }

// Enrolled says whether there is a second factor.
func (f *Factors) Enrolled() bool { return f.TOTP != nil || f.Passkeys > 0 }

// Methods are the ways to show the second factor.
func (f *Factors) Methods() []string {
	var all []string
	if f.TOTP != nil {
		all = append(all, MethodTOTP)
	}
	if f.Passkeys > 0 {
		all = append(all, MethodPasskey)
	}
	if len(f.Recovery) > 0 {
		all = append(all, MethodRecovery)
	}
	return all
}

// The ways to show a second factor.
const (
	MethodTOTP     = "totp"
	MethodPasskey  = "passkey"
	MethodRecovery = "recovery_code"
)

// Of reads the factors of a user; of one without any they are empty.
func Of(ctx context.Context, h *store.User) (*Factors, error) {
	f, err := store.Get[Factors](ctx, h, Key(h.ID))
	if errors.Is(err, store.ErrMissing) {
		return &Factors{User: h.ID}, nil
	}
	return f, err
}

// Write adds to a transaction the factors as they are now. Another writer since they were read is store.ErrStale.
func (f *Factors) Write(tx *store.Tx, h *store.User) {
	if f.Version == 0 {
		tx.Create(h, f).Else(store.ErrStale)
		return
	}
	tx.Replace(h, f)
}

// Begin adds to a transaction that the user has a second factor now.
func Begin(tx *store.Tx, h *store.User) {
	tx.Change(h, access.UserGateKey(h.ID), func(u *dynamo.Update) {
		u.Set("second_factor", true).SetIfNotExists("second_factor_at", h.Now().Unix()).If("attribute_not_exists('deleted')")
	}).Else(sessionEnded())
}

// End adds to a transaction that the user has no second factor any more. It refuses that while the password is one that
// needs a second factor.
func (f *Factors) End(tx *store.Tx, h *store.User) {
	f.Recovery = nil
	tx.Change(h, access.UserGateKey(h.ID), func(u *dynamo.Update) {
		u.Remove("second_factor", "second_factor_at").If("attribute_not_exists('deleted')")
	}).Else(sessionEnded())
	tx.Check(h, account.CredentialKey(h.ID), "attribute_not_exists('short')").
		Else(problem.Of(problem.Conflict, "password_too_short", "Your password counts only beside a second factor; choose one of at least 15 characters first."))
}

// sealing is an envelope for one use. Each seed has a data key of its own, which no function remembers.
func sealing(k keys.DataKeys, now time.Time) *keys.Envelope {
	return keys.NewEnvelope(k, func() time.Time { return now })
}

// place is where the sealed seed of a user's app belongs.
func place(u id.User) keys.Place {
	k := Key(u)
	return keys.Place{Tenant: store.UserScope(u).String(), Row: store.Join(string(Family), k.SK), Field: "totp"}
}

func sessionEnded() error {
	return problem.Of(problem.Unauthenticated, "session_ended", "The session has ended; log in again.")
}
