// Package account is a person's account: who they are, what proves it, where they are members, and how it is deleted.
package account

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{GetAccount(), UpdateAccount(nil), GetAvatar(nil), PutAvatar(nil, nil), ConfirmAvatar(nil, nil, nil, nil), DeleteAvatar(nil, nil, nil),
		ListMyOrganizations(nil), DeleteAccount(nil, keys.Pseudonyms{}, keys.Links{})}
}

// Jobs lists the area's jobs; there are none.
func Jobs() []job.Job { return nil }

// Rows registers the area's rows.
func Rows() []registry.Row {
	inUser := []registry.Scope{registry.InUser}
	holder := registry.Personal("user", "user_id", "whose account it is", registry.EraseWithRow)
	own := func(name, why string) registry.Field {
		return registry.Personal(name, name, why, registry.EraseWithRow)
	}
	return []registry.Row{
		{Sample: Profile{}, Type: "PROFILE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "profile", Family: string(FamilyProfile), Scopes: inUser, Fields: []registry.Field{
				holder, own("name", "what the person is called"), own("email", "where the person is reached, and logs in"),
				registry.Leading(registry.Secret("mail_hash", "a keyed hash of the address, which finds the account at a login", registry.EraseWithRow), registry.LookupMail),
				own("country", "where the person lives, for the laws that count"), own("region", "where the person lives, for the laws that count"),
				own("job_title", "what the person does"), own("phone", "where the person is reached"),
				own("locale", "the language of texts"), own("time_zone", "when the person's days begin"), own("week_start", "how calendars are shown"),
				own("age_passed", "that the person is 13 or older; the date of birth is not kept"), registry.Plain("created", "a time"),
			}},
		{Sample: Credential{}, Type: "CREDENTIAL", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "credentials", Family: string(FamilyCredential), Scopes: inUser, Fields: []registry.Field{
				holder, registry.Secret("password_hash", "a salted hash of the password", registry.EraseWithRow), registry.Plain("since", "a time"),
				registry.Internal("short", "whether the password needs a second factor beside it"),
			}},
		{Sample: Membership{}, Type: "MEMBERSHIP", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Collaboration, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "memberships", Family: string(FamilyMembership), Scopes: inUser, Fields: []registry.Field{
				holder, own("org", "where the person is a member"), own("member", "who the person is there"), registry.Plain("joined", "a time"),
			}},
		{Sample: Acceptance{}, Type: "ACCEPTANCE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
			Class: registry.ClassConsent, Export: "policy_acceptances", Family: string(FamilyAcceptance),
			Scopes: []registry.Scope{registry.InUser, registry.InCase}, Fields: []registry.Field{
				registry.Personal("user", "user_id", "who agreed", registry.EraseUnlink), registry.Plain("policy_version", "a number"),
				registry.Plain("policy_sha256", "the hash of a public text"), registry.Plain("at", "a time"),
				registry.Personal("ip", "ip", "where it came from, shortened to a network", registry.EraseBlank),
			}},
		{Sample: Deletion{}, Type: "DELETION", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "deletions", Family: string(FamilyDeletion), Scopes: inUser, Fields: []registry.Field{
				holder, registry.Plain("at", "a time"), registry.Plain("due", "a time"),
				registry.Leading(registry.Secret("token_hash", "the hash of the link that undoes the deletion", registry.EraseWithRow), registry.LookupToken),
				own("organizations", "which organizations close with the account"),
			}},
		{Sample: Address{}, Type: "ADDRESS", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassAccount, Family: "MAIL", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Secret("user", "whose address the keyed hash stands for", registry.EraseWithRow),
			}},
		{Sample: RestoreLink{}, Type: "RESTORE_LINK", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: "TOKEN", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Secret("user", "whose account the link restores", registry.EraseWithRow),
			}},
	}
}
