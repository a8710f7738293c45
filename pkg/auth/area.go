// Package auth lets people in, and only them: sign-up, login with its second factor, sessions and their tokens, the keys that
// sign them, and the way back into a deleted account.
package auth

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{
		SignUp(nil, keys.Pseudonyms{}, keys.Links{}, nil), ConfirmSignUp(nil), LogIn(nil, keys.Pseudonyms{}, keys.Links{}, nil),
		RefreshToken(nil, keys.Links{}, nil), LogOut(nil), SwitchOrganization(nil, nil), RestoreAccount(nil), GetJwks(nil),
		LogInSecondFactor(nil, keys.Links{}, nil), Reauthenticate(nil, nil),
		AcceptInvitation(nil, keys.Pseudonyms{}), JoinOrganization(nil),
		ResendSignUp(nil, keys.Pseudonyms{}, keys.Links{}), ForgotPassword(nil, keys.Pseudonyms{}, keys.Links{}), ResetPassword(nil), ChangePassword(nil, keys.Pseudonyms{}),
		ListSessions(), RenameSession(nil), EndSession(nil), EndOtherSessions(nil),
		ListAPITokens(), CreateAPIToken(nil), GetAPIToken(nil), DeleteAPIToken(nil),
		CreateEmailChange(nil, keys.Pseudonyms{}), GetEmailChange(), DeleteEmailChange(nil), ConfirmEmailChange(nil, keys.Links{}),
	}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{RotateKeys(nil, nil)} }

// Rows registers the area's rows.
func Rows() []registry.Row {
	own := func(name, why string) registry.Field {
		return registry.Personal(name, name, why, registry.EraseWithRow)
	}
	hidden := func(name, why string) registry.Field { return registry.Secret(name, why, registry.EraseWithRow) }
	inCase := []registry.Scope{registry.InCase}
	return []registry.Row{
		{Sample: SignUpRequest{}, Type: "SIGNUP", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(FamilySignUp), Scopes: inCase, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("of", "a fixed word"),
				hidden("name", "what the person is called, for half an hour"), hidden("email", "where the confirmation is mailed to"),
				hidden("mail_hash", "a keyed hash of the address"), hidden("password_hash", "a salted hash of the password"),
				hidden("country", "where the person lives"), hidden("region", "where the person lives"), hidden("organization_name", "what the person's organization is called"),
				registry.Internal("policy_version", "a number"), registry.Internal("policy_sha256", "the hash of a public text"), registry.Internal("accepted", "a time"),
				hidden("ip", "where it came from, shortened to a network"),
				hidden("too_young", "that the person may not yet agree for themself to what rests on consent"), registry.Internal("attempts", "a count"),
			}},
		{Sample: PasswordReset{}, Type: "PASSWORD_RESET", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(FamilyReset), Scopes: inCase, Fields: []registry.Field{
				registry.Internal("id", "a random id"), hidden("user", "whose password the link replaces, for half an hour"),
				registry.Internal("of", "a fixed word"), registry.Internal("asked", "a time"),
			}},
		{Sample: EmailChange{}, Type: "EMAIL_CHANGE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
			Class: registry.ClassSecurity, Export: "email_changes", Family: string(FamilyEmailChange), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Personal("user", "user_id", "whose address changes", registry.EraseWithRow), registry.Internal("of", "a fixed word"),
				own("email", "the new address"), hidden("mail_hash", "a keyed hash of the new address"), own("was", "the address before"),
				registry.Plain("asked", "a time"), registry.Plain("old_confirmed", "a time"), registry.Plain("new_confirmed", "a time"), registry.Plain("done", "a time"),
			}},
		{Sample: Letters{}, Type: "LETTERS", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassSecurity, Family: string(FamilyLetters), Scopes: inCase, Fields: []registry.Field{registry.Internal("count", "a count"), registry.Internal("last", "a random id")}},
		{Sample: guard.Attempts{}, Type: "ATTEMPTS", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassSecurity, Family: string(guard.Family), Scopes: inCase, Fields: []registry.Field{registry.Internal("count", "a count")}},
		{Sample: Session{}, Type: "SESSION", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassSecurity, Export: "sessions", Family: string(FamilySession), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Personal("user", "user_id", "whose session it is", registry.EraseWithRow),
				own("name", "what the person calls it"),
				registry.Internal("counter", "a count"), registry.Internal("rotated", "a time"),
				own("org", "the organization that the session works in"), own("member", "who the person is there"),
				registry.Plain("began", "a time"), registry.Plain("used", "a time"), registry.Plain("proved", "a time"), registry.Internal("gap", "seconds"),
				own("ip", "where the login came from, shortened to a network"), own("browser", "the family of the browser"),
			}},
	}
}
