package ceremony

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/passkeys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// AskIn is the input of ask-for-passkey.
type AskIn struct{ Body AskBody }

// AskBody says what the passkey is for.
type AskBody struct {
	Challenge string `json:"challenge,omitempty" maxLength:"200" doc:"From the answer of log-in, when the passkey is the second factor. Without it the passkey logs in alone." example:"X5N2ZK7QW3HT6YB4RJ9DMCVGAE"`
}

// AskForPasskey begins a login by a passkey.
func AskForPasskey(d *Desk) api.Operation {
	return api.New(api.Route{
		ID: "ask-for-passkey", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/passkeys/options", Audience: api.Public,
		Summary: "Begin to log in by a passkey", Purpose: purpose.Authentication,
		Description: "Alone, any passkey of the person does that their device finds, and the device makes sure that it is they. As the second factor of a login that log-in answered with a challenge, it is one of those of the account.",
		ExampleIn:   AskBody{}, ExampleOut: exampleOptions(),
		Refusals: []api.Refusal{secondfactor.ChallengeRefusal(),
			{Kind: problem.NotFound, Code: "passkey_not_found", When: "The account has no passkey."}},
	}, func(ctx context.Context, c *api.Caller, in *AskIn) (*OptionsOut, error) {
		what, user := toLogIn, id.User("")
		var asked *protocol.CredentialAssertion
		var session *webauthn.SessionData
		if in.Body.Challenge == "" {
			var err error
			if asked, session, err = d.Party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired)); err != nil {
				return nil, err
			}
		} else {
			login, err := secondfactor.Find(ctx, d.Store, c, in.Body.Challenge)
			if err != nil {
				return nil, err
			}
			what, user = toProve, login.User
			all, err := passkeys.Of(ctx, d.user(c, user))
			if err != nil {
				return nil, err
			}
			if len(all) == 0 {
				return nil, problem.Missing("passkey")
			}
			if asked, session, err = d.Party.BeginLogin(holder{user: user, passkeys: all}, webauthn.WithUserVerification(protocol.VerificationPreferred)); err != nil {
				return nil, err
			}
		}
		tx := d.Store.Begin()
		d.open(tx, session.Challenge, c.Request, c.Now, what, user)
		if err := tx.Commit(ctx); err != nil {
			return nil, err
		}
		return optionsOf(asked.Response)
	})
}

func (d *Desk) user(c *api.Caller, user id.User) *store.User {
	h := d.Store.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	h.SeeRestricted()
	return h
}

// LogInIn is the input of log-in-with-passkey.
type LogInIn struct{ Body LogInBody }

// LogInBody is what an authenticator signed.
type LogInBody struct {
	Credential json.RawMessage `json:"credential" doc:"What navigator.credentials.get gave, as its toJSON writes it."`
	Challenge  string          `json:"challenge,omitempty" maxLength:"200" doc:"From the answer of log-in, when the passkey is the second factor." example:"X5N2ZK7QW3HT6YB4RJ9DMCVGAE"`
	Device     string          `json:"device_token,omitempty" maxLength:"200" doc:"From an earlier login on this device, unless the cookie __Host-device is sent. With a challenge, log-in has seen the device already." example:"dvt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB.1772442000.…"`
	auth.Manner
}

// LogInWithPasskey begins a session by what an authenticator signed.
func LogInWithPasskey(d *Desk, e *auth.Entry) api.Operation {
	return api.New(api.Route{
		ID: "log-in-with-passkey", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/passkeys/login", Audience: api.Public, Audit: true,
		Summary: "Log in by a passkey", Purpose: purpose.Authentication,
		Description: "Begins a session. A login from a device that is not known is mailed. A passkey whose count of signatures did not go up is refused: there may be a copy of it.",
		ExampleIn:   LogInBody{Credential: exampleCredential()}, ExampleOut: auth.ExampleTokens(),
		Refusals: append(auth.EntryRefusals(), refusedPasskey(), secondfactor.ChallengeRefusal()),
	}, func(ctx context.Context, c *api.Caller, in *LogInIn) (*auth.TokensOut, error) {
		if err := in.Body.OwnSite(c); err != nil {
			return nil, err
		}
		if err := e.Minter.Ready(ctx); err != nil {
			return nil, err
		}
		parsed, err := protocol.ParseCredentialRequestResponseBytes(in.Body.Credential)
		if err != nil {
			return nil, malformed()
		}
		at, login, err := d.wanted(ctx, c, in.Body.Challenge, parsed)
		if err != nil {
			return nil, err
		}
		link, err := d.link(ctx, c, parsed)
		if err != nil {
			return nil, err
		}
		if login != nil && link.User != login.User {
			return nil, invalid()
		}
		prove := func(ctx context.Context, tx *store.Tx, h *store.User, _ *secondfactor.Factors) error {
			if err := d.accept(ctx, tx, h, c, link, at, parsed); err != nil {
				return err
			}
			if login != nil {
				login.Done(tx, h, account.CredentialKey(h.ID))
			}
			return nil
		}
		if login != nil {
			return e.Enter(ctx, c, link.User, in.Body.Manner, login.NewDevice, prove)
		}
		from, err := e.Device(ctx, c, link.User, in.Body.Device)
		if err != nil {
			return nil, err
		}
		out, err := e.Enter(ctx, c, link.User, in.Body.Manner, !from.Known(), prove)
		if err != nil {
			return nil, err
		}
		e.Remember(c, from, out, in.Body.Manner)
		return out, nil
	})
}

// ProveIn is the input of reauthenticate-with-passkey.
type ProveIn struct{ Body ProveBody }

// ProveBody is what an authenticator signed.
type ProveBody struct {
	Credential json.RawMessage `json:"credential" doc:"What navigator.credentials.get gave to the options of /v1/auth/passkeys/options, as its toJSON writes it."`
}

// ReauthenticateWithPasskey lets the person of a session show again who they are, by a passkey that verifies them.
func ReauthenticateWithPasskey(d *Desk, e *auth.Entry) api.Operation {
	example := auth.ExampleTokens()
	example.RefreshToken = ""
	return api.New(api.Route{
		ID: "reauthenticate-with-passkey", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/passkeys/reauthenticate", Audience: api.Users, Rights: true, Audit: true,
		Summary: "Show again who you are, by a passkey", Purpose: purpose.Authentication,
		Description: "As reauthenticate does by password and second factor. The passkey is one of the person's, and their device makes sure that it is they.",
		ExampleIn:   ProveBody{exampleCredential()}, ExampleOut: example,
		Refusals: append(auth.ProofRefusals(), refusedPasskey()),
	}, func(ctx context.Context, c *api.Caller, in *ProveIn) (*auth.TokensOut, error) {
		if err := e.Minter.Ready(ctx); err != nil {
			return nil, err
		}
		parsed, err := protocol.ParseCredentialRequestResponseBytes(in.Body.Credential)
		if err != nil {
			return nil, malformed()
		}
		at, err := d.find(ctx, parsed.Response.CollectedClientData.Challenge, c.Request, toLogIn)
		if err != nil {
			return nil, err
		}
		link, err := d.link(ctx, c, parsed)
		if err != nil {
			return nil, err
		}
		if link.User != c.User {
			return nil, invalid()
		}
		return e.ProveAgain(ctx, c, func(ctx context.Context, tx *store.Tx, _ *secondfactor.Factors) error {
			return d.accept(ctx, tx, c.Self, c, link, at, parsed)
		})
	})
}

// link finds whose passkey signed something, by the id that its authenticator names.
func (d *Desk) link(ctx context.Context, c *api.Caller, parsed *protocol.ParsedCredentialAssertionData) (*passkeys.Link, error) {
	link, err := store.Get[passkeys.Link](ctx, d.Store.BindPlatform(c.Actor()), store.TokenLookup(passkeys.HashOf(parsed.RawID)))
	if errors.Is(err, store.ErrMissing) {
		return nil, invalid()
	}
	return link, err
}

// accept checks what a passkey signed, and adds to a transaction what was seen of it and that its challenge is used.
func (d *Desk) accept(ctx context.Context, tx *store.Tx, h *store.User, c *api.Caller, link *passkeys.Link, at *opened, parsed *protocol.ParsedCredentialAssertionData) error {
	p, err := store.Get[passkeys.Passkey](ctx, h, passkeys.KeyOf(link.User, link.Passkey))
	if errors.Is(err, store.ErrMissing) {
		return invalid()
	}
	if err != nil {
		return err
	}
	if err := d.judge(p, at, parsed); err != nil {
		return err
	}
	p.Used = c.Now.Unix()
	tx.Replace(h, p)
	at.done(tx)
	return nil
}

// wanted gives the ceremony that something was signed for, and the login that waits for it when it is a second factor.
func (d *Desk) wanted(ctx context.Context, c *api.Caller, challenge string, parsed *protocol.ParsedCredentialAssertionData) (*opened, *secondfactor.Pending, error) {
	what := toLogIn
	var login *secondfactor.Pending
	if challenge != "" {
		var err error
		if login, err = secondfactor.Find(ctx, d.Store, c, challenge); err != nil {
			return nil, nil, err
		}
		if err := login.Try(ctx); err != nil {
			return nil, nil, err
		}
		what = toProve
	}
	at, err := d.find(ctx, parsed.Response.CollectedClientData.Challenge, c.Request, what)
	if err != nil {
		return nil, nil, err
	}
	if login != nil && at.User != login.User {
		return nil, nil, invalid()
	}
	return at, login, nil
}

// judge checks what a passkey signed, and notes in its row what was seen of it.
func (d *Desk) judge(p *passkeys.Passkey, at *opened, parsed *protocol.ParsedCredentialAssertionData) error {
	who := holder{user: p.User, passkeys: []*passkeys.Passkey{p}}
	var seen *webauthn.Credential
	var err error
	if at.For == toProve {
		seen, err = d.Party.ValidateLogin(who, d.session(at, protocol.VerificationPreferred), parsed)
	} else {
		_, seen, err = d.Party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
			if !bytes.Equal(handle, who.WebAuthnID()) {
				return nil, invalid()
			}
			return who, nil
		}, d.session(at, protocol.VerificationRequired), parsed)
	}
	if err != nil || seen.Authenticator.CloneWarning {
		return invalid()
	}
	p.SignCount, p.BackedUp = seen.Authenticator.SignCount, seen.Flags.BackupState
	return nil
}
