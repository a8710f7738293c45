package ceremony

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// RestoreIn is the input of restore-account-with-passkey.
type RestoreIn struct{ Body RestoreBody }

// RestoreBody is what restores a deleted account whose second factor is a passkey.
type RestoreBody struct {
	Token      string          `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail about the deletion." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password   string          `json:"password" maxLength:"1024" doc:"The password of the account." example:"a phrase that nobody else uses"`
	Credential json.RawMessage `json:"credential" doc:"What navigator.credentials.get gave to the options of /v1/auth/passkeys/options, as its toJSON writes it."`
}

// RestoreAccountWithPasskey undoes the deletion of an account as auth.RestoreAccount does, by a passkey in the place of a
// code.
func RestoreAccountWithPasskey(d *Desk) api.Operation {
	return api.New(api.Route{
		ID: "restore-account-with-passkey", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/passkeys/restore", Audience: api.Public, Audit: true,
		Summary: "Restore a deleted account, by a passkey", Purpose: purpose.AccountManagement,
		Description: "As /v1/auth/restore does by a code: the token of the mailed link and the password, and as the second factor one of the account's passkeys, whose device makes sure who holds it.",
		ExampleIn:   RestoreBody{"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", "a phrase that nobody else uses", exampleCredential()},
		ExampleOut:  auth.Restored{User: auth.Named{ID: "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}},
		Refusals:    append(auth.RestoreRefusals(), refusedPasskey()),
	}, func(ctx context.Context, c *api.Caller, in *RestoreIn) (*auth.RestoreOut, error) {
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
		return auth.Restoring{Store: d.Store, Pseudonyms: d.Pseudonyms}.Undo(ctx, c, in.Body.Token, in.Body.Password, func(ctx context.Context, tx *store.Tx, h *store.User, _ *secondfactor.Factors) error {
			if link.User != h.ID {
				return invalid()
			}
			return d.accept(ctx, tx, h, c, link, at, parsed)
		})
	})
}
