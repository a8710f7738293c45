package secondfactor

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the routes of second factors. They are of the area account.
func Routes() []api.Operation {
	return []api.Operation{GetSecondFactors(), CreateTotp(nil, nil), ConfirmTotp(nil), DeleteTotp(nil), CreateRecoveryCodes(nil, keys.Pseudonyms{})}
}

// Rows registers the rows of second factors.
func Rows() []registry.Row {
	inUser := []registry.Scope{registry.InUser}
	holder := registry.Personal("user", "user_id", "whose second factors they are", registry.EraseWithRow)
	seed := registry.Secret("totp", "the sealed seed of the person's authenticator app", registry.EraseWithRow)
	return []registry.Row{
		{Sample: Factors{}, Type: "SECOND_FACTOR", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassAccount, Export: "second_factors", Family: string(Family), Scopes: inUser, Fields: []registry.Field{
				holder, seed, registry.Plain("totp_since", "a time"), registry.Internal("step", "the number of half a minute"),
				registry.Plain("passkeys", "a count"), registry.Secret("recovery", "keyed hashes of the recovery codes that are left", registry.EraseWithRow),
			}},
		{Sample: Enrolment{}, Type: "ENROLMENT", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(FamilyEnrolment), Scopes: inUser, Fields: []registry.Field{
				registry.Secret("user", "whose app waits for its first code", registry.EraseWithRow), seed,
			}},
		{Sample: Challenge{}, Type: "CHALLENGE", Area: "auth", Subject: registry.SubjectUser, Purpose: purpose.Authentication, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(FamilyChallenge), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Secret("user", "whose login waits for its second factor, for five minutes", registry.EraseWithRow), registry.Internal("tries", "a count"),
				registry.Internal("credential", "a count"), registry.Internal("new_device", "a mark"),
			}},
	}
}
