// Package ceremony adds passkeys and logs people in by them: it gives authenticators their challenges and checks what
// they signed. It alone links the library that does so.
package ceremony

import (
	"context"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds challenges of authenticators.
const Family store.Family = "CEREMONY"

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

// Desk is what the routes of passkeys work with.
type Desk struct {
	Store      *store.Store
	Pseudonyms keys.Pseudonyms
	Party      *webauthn.WebAuthn
}

// NewParty is the service as authenticators know it: the domain that passkeys belong to, and the origins of the web app
// at which they may be used, exactly.
func NewParty(domain string, origins []string) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{RPID: domain, RPDisplayName: "PixelTrack", RPOrigins: origins,
		AttestationPreference: protocol.PreferNoAttestation})
}

// credentialOf is a passkey in the library's terms.
func credentialOf(p *passkeys.Passkey) webauthn.Credential {
	c := webauthn.Credential{ID: p.Credential, PublicKey: p.PublicKey, Authenticator: webauthn.Authenticator{SignCount: p.SignCount},
		Flags: webauthn.CredentialFlags{BackupEligible: p.Eligible, BackupState: p.BackedUp}}
	for _, t := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// holder is a user in the library's terms.
type holder struct {
	user        id.User
	email, name string
	passkeys    []*passkeys.Passkey
}

// WebAuthnID is what an authenticator keeps of the user: a random id that says nothing.
func (h holder) WebAuthnID() []byte { return []byte(h.user) }

// WebAuthnName and WebAuthnDisplayName are what the person sees when they choose a passkey.
func (h holder) WebAuthnName() string { return h.email }

// WebAuthnDisplayName is the person's name.
func (h holder) WebAuthnDisplayName() string { return h.name }

// WebAuthnCredentials are the person's passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.passkeys))
	for i, p := range h.passkeys {
		all[i] = credentialOf(p)
	}
	return all
}

// ceremonyLife is how long a challenge waits for what an authenticator signs of it.
const ceremonyLife = 5 * time.Minute

// What a challenge is for.
const (
	toRegister = "register"
	toLogIn    = "log_in"        // by the passkey alone, which verifies its user
	toProve    = "second_factor" // beside the password
)

// Ceremony is a challenge that waits for an authenticator's signature. It lies under the hash of the challenge, and works
// once.
type Ceremony struct {
	store.Meta
	For  string  `dynamo:"for"`
	User id.User `dynamo:"user,omitempty"` // empty when it is not known who logs in
	key  store.Key
}

// Type is the row's type.
func (c *Ceremony) Type() string { return "CEREMONY" }

// Keys puts a ceremony into the scope of its challenge.
func (c *Ceremony) Keys() store.Keys { return store.Keys{Primary: c.key} }

// opened is a ceremony as who shows its challenge reaches it.
type opened struct {
	*Ceremony
	h         *store.Case
	challenge string
}

func (d *Desk) bind(challenge, request string) *store.Case {
	return d.Store.BindCase(keys.HashToken(challenge), store.Actor{Who: "passkey", Request: request})
}

// open writes a challenge that was made.
func (d *Desk) open(tx *store.Tx, challenge, request string, now time.Time, what string, user id.User) {
	h := d.bind(challenge, request)
	c := &Ceremony{For: what, User: user, key: h.Scope().Key(Family)}
	c.Expire(now.Add(ceremonyLife))
	tx.Create(h, c)
}

// find gives the ceremony of a challenge that an authenticator has signed. One that is for something else is not there.
func (d *Desk) find(ctx context.Context, challenge, request string, what ...string) (*opened, error) {
	h := d.bind(challenge, request)
	key := h.Scope().Key(Family)
	c, err := store.Get[Ceremony](ctx, h, key)
	if errors.Is(err, store.ErrMissing) {
		return nil, invalid()
	}
	if err != nil {
		return nil, err
	}
	for _, w := range what {
		if c.For == w {
			c.key = key
			return &opened{c, h, challenge}, nil
		}
	}
	return nil, invalid()
}

// done adds to a transaction that the challenge is used.
func (o *opened) done(tx *store.Tx) {
	tx.DeleteKey(o.h, o.key, "attribute_exists('PK')").Else(invalid())
}
