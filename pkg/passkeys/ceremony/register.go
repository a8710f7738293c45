package ceremony

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// Options is what a browser gives an authenticator.
type Options struct {
	PublicKey json.RawMessage `json:"public_key" doc:"For PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON. Its challenge works once, within five minutes."`
}

// OptionsOut is an answer with options.
type OptionsOut struct{ Body Options }

func exampleOptions() Options {
	return Options{json.RawMessage(`{"challenge":"3q2-7w…","rpId":"app.pixeltrack.io","timeout":300000,"userVerification":"required"}`)}
}

func exampleCredential() json.RawMessage {
	return json.RawMessage(`{"id":"…","rawId":"…","type":"public-key","response":{"clientDataJSON":"…"}}`)
}

func optionsOf(v any) (*OptionsOut, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return &OptionsOut{Body: Options{text}}, nil
}

func invalid() error {
	return problem.Of(problem.Unauthenticated, "passkey_invalid", "The passkey was not accepted; begin again.")
}

func refusedPasskey() api.Refusal {
	return api.Refusal{Kind: problem.Unauthenticated, Code: "passkey_invalid", When: "The passkey or its challenge is unknown, used, older than five minutes or for another origin, the signature does not fit, or a copy of the passkey seems to be in use."}
}

func malformed() error {
	return problem.InvalidField("body.credential", "not what a browser gives of a passkey")
}

// CreatePasskeyOptions begins to add a passkey.
func CreatePasskeyOptions(d *Desk) api.Operation {
	return api.New(api.Route{
		ID: "create-passkey-options", Area: "account", Method: http.MethodPost, Path: "/v1/me/passkeys/options", Audience: api.Users, Rights: true,
		Fresh: secondfactor.Fresh, Summary: "Begin to add a passkey", Purpose: purpose.Authentication, ExampleOut: exampleOptions(),
		Refusals: []api.Refusal{{Kind: problem.Conflict, Code: "too_many_passkeys", When: "There are 20 passkeys already."}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*OptionsOut, error) {
		p, err := store.Get[account.Profile](ctx, c.Self, account.ProfileKey(c.User))
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("account")
		}
		if err != nil {
			return nil, err
		}
		all, err := passkeys.Of(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		if len(all) >= passkeys.Most {
			return nil, tooMany()
		}
		who := holder{c.User, p.Email, p.Name, all}
		creation, session, err := d.Party.BeginRegistration(who, webauthn.WithExclusions(webauthn.Credentials(who.WebAuthnCredentials()).CredentialDescriptors()),
			webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred}))
		if err != nil {
			return nil, err
		}
		tx := d.Store.Begin()
		d.open(tx, session.Challenge, c.Request, c.Now, toRegister, c.User)
		if err := c.Commit(ctx, tx, string(c.User)); err != nil {
			return nil, err
		}
		return optionsOf(creation.Response)
	})
}

func tooMany() error {
	return problem.Of(problem.Conflict, "too_many_passkeys", "You have %d passkeys; remove one first.", passkeys.Most)
}

// CreateIn is the input of create-passkey.
type CreateIn struct{ Body CreateBody }

// CreateBody is a new passkey.
type CreateBody struct {
	Name       string          `json:"name" minLength:"1" maxLength:"60" doc:"What the person calls it." example:"Laptop"`
	Credential json.RawMessage `json:"credential" doc:"What navigator.credentials.create gave, as its toJSON writes it."`
}

// Created is a passkey that was added.
type Created struct {
	Passkey       passkeys.Body `json:"passkey"`
	RecoveryCodes []string      `json:"recovery_codes,omitempty" doc:"With the first second factor of the account: ten codes, each of which stands in for it once. They are not shown again."`
}

// CreatedOut is the answer of create-passkey.
type CreatedOut struct{ Body Created }

// CreatePasskey adds a passkey.
func CreatePasskey(d *Desk) api.Operation {
	return api.New(api.Route{
		ID: "create-passkey", Area: "account", Method: http.MethodPost, Path: "/v1/me/passkeys", Audience: api.Users, Rights: true, Audit: true,
		Fresh: secondfactor.Fresh, Status: http.StatusCreated, Summary: "Add a passkey", Purpose: purpose.Authentication,
		Description: "From now on it logs the person in, and a login by the password takes a second factor: this is one. A mail tells the person.",
		ExampleIn:   CreateBody{"Laptop", exampleCredential()}, ExampleOut: Created{Passkey: passkeys.ExampleBody()},
		Refusals: []api.Refusal{refusedPasskey(),
			{Kind: problem.Conflict, Code: "too_many_passkeys", When: "There are 20 passkeys already."},
			{Kind: problem.Conflict, Code: "passkey_taken", When: "The passkey is registered already."}},
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*CreatedOut, error) {
		parsed, err := protocol.ParseCredentialCreationResponseBytes(in.Body.Credential)
		if err != nil {
			return nil, malformed()
		}
		at, err := d.find(ctx, parsed.Response.CollectedClientData.Challenge, c.Request, toRegister)
		if err != nil {
			return nil, err
		}
		if at.User != c.User {
			return nil, invalid()
		}
		made, err := d.Party.CreateCredential(holder{user: c.User}, d.session(at, protocol.VerificationPreferred), parsed)
		if err != nil {
			return nil, invalid()
		}
		p := &passkeys.Passkey{ID: api.NewID[id.Passkey](c), User: c.User, Name: in.Body.Name, Credential: made.ID, Hash: passkeys.HashOf(made.ID), PublicKey: made.PublicKey,
			SignCount: made.Authenticator.SignCount, Eligible: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState, Created: c.Now.Unix()}
		for _, t := range made.Transport {
			p.Transports = append(p.Transports, string(t))
		}
		for range meetings {
			codes, err := d.add(ctx, c, p, at)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &CreatedOut{Body: Created{passkeys.BodyOf(p), codes}}, nil
		}
		return nil, store.ErrConflict
	})
}

// session is what the library has to know of a challenge.
func (d *Desk) session(at *opened, verification protocol.UserVerificationRequirement) webauthn.SessionData {
	s := webauthn.SessionData{Challenge: at.challenge, RelyingPartyID: d.Party.Config.RPID, UserVerification: verification}
	if at.For != toLogIn {
		s.UserID = []byte(at.User)
	}
	if at.For == toRegister {
		s.CredParams = webauthn.CredentialParametersDefault()
	}
	return s
}

// add makes a passkey the caller's, and gives the recovery codes that come with the first second factor.
func (d *Desk) add(ctx context.Context, c *api.Caller, p *passkeys.Passkey, at *opened) (codes []string, err error) {
	f, err := secondfactor.Of(ctx, c.Self)
	if err != nil {
		return nil, err
	}
	if f.Passkeys >= passkeys.Most {
		return nil, tooMany()
	}
	tx := d.Store.Begin()
	if !f.Enrolled() {
		codes = f.Renew(d.Pseudonyms)
		secondfactor.Begin(tx, c.Self)
	}
	f.Passkeys++
	f.Write(tx, c.Self)
	p.Version = 0
	tx.Create(c.Self, p)
	tx.Create(d.Store.BindPlatform(c.Actor()), &passkeys.Link{User: c.User, Passkey: p.ID, Hash: p.Hash}).
		Else(problem.Of(problem.Conflict, "passkey_taken", "This passkey is registered already."))
	at.done(tx)
	secondfactor.Tell(tx, c.Self, secondfactor.PasskeyAdded, nil)
	return codes, c.Commit(ctx, tx, string(p.ID))
}
