package passkeys

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the routes of passkeys that are there. They are of the area account.
func Routes() []api.Operation {
	return []api.Operation{ListPasskeys(), UpdatePasskey(nil), DeletePasskey(nil)}
}

// Rows registers the rows of passkeys.
func Rows() []registry.Row {
	own := func(name, why string) registry.Field {
		return registry.Personal(name, name, why, registry.EraseWithRow)
	}
	return []registry.Row{
		{Sample: Passkey{}, Type: "PASSKEY", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "passkeys", Family: string(Family), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Personal("user", "user_id", "whose passkey it is", registry.EraseWithRow), own("name", "what the person calls it"),
				registry.Secret("credential", "the id that an authenticator knows it by", registry.EraseWithRow),
				registry.Leading(registry.Secret("hash", "the hash of that id, by which it is found at a login", registry.EraseWithRow), registry.LookupToken),
				registry.Secret("public_key", "checks what it signs", registry.EraseWithRow), registry.Internal("sign_count", "a count"),
				own("transports", "how a browser reaches it"), own("backup_eligible", "whether it may be kept in several devices"), own("backed_up", "whether it is"),
				registry.Plain("created", "a time"), registry.Plain("used", "a time"),
			}},
		{Sample: Link{}, Type: "PASSKEY_LINK", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassAccount, Family: "TOKEN", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Secret("user", "whose passkey the hash leads to", registry.EraseWithRow), registry.Internal("passkey", "a random id"),
			}},
	}
}
