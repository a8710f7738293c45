package ceremony

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the routes of ceremonies. They are of the areas account and auth.
func Routes() []api.Operation {
	return []api.Operation{CreatePasskeyOptions(nil), CreatePasskey(nil), AskForPasskey(nil), LogInWithPasskey(nil, nil),
		ReauthenticateWithPasskey(nil, nil), RestoreAccountWithPasskey(nil)}
}

// Rows registers the rows of ceremonies.
func Rows() []registry.Row {
	return []registry.Row{
		{Sample: Ceremony{}, Type: "CEREMONY", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(Family), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Internal("for", "a fixed word"), registry.Secret("user", "whose passkey is awaited, for five minutes", registry.EraseWithRow),
			}},
	}
}
