package catalog

import (
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// shared registers the rows that belong to no area: gates, records of calls, mails, and the store's own.
func shared() []registry.Row {
	both := []registry.Scope{registry.InUser, registry.InOrganization}
	due := []registry.Field{registry.Internal("kind", "a fixed word"), registry.Internal("at", "a time"),
		registry.Secret("target", "the key of the row that falls due: ids only", registry.EraseWithRow)}
	return []registry.Row{
		{Sample: access.UserGate{}, Type: "USERGATE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication,
			Basis: registry.Contract, Class: registry.ClassAccount, Export: "account", Family: string(access.FamilyUserGate),
			Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Personal("user", "user_id", "the id of the account", registry.EraseWithRow),
				registry.Personal("sessions", "sessions", "live sessions and when each ends, in epoch seconds", registry.EraseWithRow),
				registry.Plain("deleted", "when the account was deleted"), registry.Plain("restrict", "whether processing is restricted"),
				registry.Internal("restricted_by", "the random id of a request"),
				registry.Plain("hold", "whether a legal hold is in place"),
				registry.Personal("too_young", "too_young_to_consent", "that the person may not yet agree for themself to what rests on consent; no date is kept", registry.EraseWithRow),
				registry.Plain("second_factor", "whether a second factor is enrolled"),
				registry.Plain("second_factor_at", "since when there has been one"),
				registry.Plain("paused_until", "until when no changes are taken"), registry.Plain("frozen", "since when it is looked at whether the account is a child's"),
				registry.Plain("age_cleared", "when it was found to be no child's"),
				registry.Internal("changes", "random ids and times: changes of the policy that the person was told of"),
			}},
		{Sample: access.Subject{}, Type: "SUBJECT", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights,
			Basis: registry.Obligation, Class: registry.ClassAccount, Family: string(access.FamilySubject), Scopes: []registry.Scope{registry.InPlatform},
			Fields: []registry.Field{registry.Secret("user", "the id of the account, in the list of all accounts", registry.EraseWithRow)}},
		{Sample: access.APIToken{}, Type: "API_TOKEN", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication,
			Basis: registry.Contract, Class: registry.ClassSecurity, Export: "api_tokens", Family: string(access.FamilyAPIToken),
			Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Personal("user", "user_id", "whose token it is", registry.EraseWithRow),
				registry.Personal("org", "organization_id", "where the token counts", registry.EraseWithRow),
				registry.Personal("member", "member_id", "who the person is there", registry.EraseWithRow),
				registry.Personal("name", "name", "what the person calls it", registry.EraseWithRow), registry.Plain("scopes", "fixed words"),
				registry.Leading(registry.Secret("hash", "the hash of the token", registry.EraseWithRow), registry.LookupToken),
				registry.Plain("created", "a time"),
			}},
		{Sample: access.APITokenUse{}, Type: "API_TOKEN_USE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Security,
			Basis: registry.Interest, Class: registry.ClassSecurity, Export: "api_tokens", Family: string(access.FamilyAPITokenUse),
			Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Personal("user", "user_id", "whose token it is", registry.EraseWithRow), registry.Plain("token", "a random id"), registry.Plain("hour", "a time"),
			}},
		{Sample: access.APITokenCount{}, Type: "API_TOKEN_COUNT", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication,
			Basis: registry.Contract, Class: registry.ClassSecurity, Family: string(access.FamilyAPITokenCount), Scopes: []registry.Scope{registry.InUser},
			Fields: []registry.Field{
				registry.Secret("user", "whose tokens they are", registry.EraseWithRow), registry.Internal("live", "random ids and times"),
			}},
		{Sample: access.APITokenLink{}, Type: "API_TOKEN_LINK", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.Authentication,
			Basis: registry.Contract, Class: registry.ClassSecurity, Family: "TOKEN", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Internal("token", "a random id"), registry.Secret("user", "whose token it is", registry.EraseWithRow),
				registry.Secret("org", "where the token counts", registry.EraseWithRow), registry.Secret("member", "who the person is there", registry.EraseWithRow),
			}},
		{Sample: access.Staff{}, Type: "STAFF", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassAccount, Export: "staff", Family: string(access.FamilyStaff), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Personal("id", "staff_id", "the id that acts of staff are recorded under; this row is the one link to it", registry.EraseWithRow),
				registry.Personal("user", "user_id", "which account works for PixelTrack", registry.EraseWithRow),
				registry.Plain("role", "a fixed word"), registry.Plain("since", "a time"),
			}},
		{Sample: access.Access{}, Type: "ACCESS", Area: "organization", Subject: registry.SubjectMember, Purpose: purpose.Collaboration,
			Basis: registry.Contract, Class: registry.ClassAccount, Export: "members", Family: string(access.FamilyAccess),
			Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Plain("org", "the id of the organization"), registry.Plain("member", "a random id of a person in the organization"),
				registry.Secret("user", "which account the member is; the one link between them", registry.EraseUnlink),
				registry.Plain("role", "a fixed word"), registry.Plain("grants", "fixed words"), registry.Internal("grant_version", "a count"),
				registry.Plain("removed", "when the member left"), registry.Plain("joined", "when the member joined"),
				registry.Personal("label", "label", "what the organization calls a member without an account", registry.KeepController),
				registry.Plain("merge_into", "a random id of another member"), registry.Internal("merge_at", "a time"), registry.Plain("merged", "a time"), registry.Internal("receiving", "a count"),
			}},
		{Sample: access.OrganizationGate{}, Type: "ORGGATE", Area: "organization", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassAccount, Family: string(access.FamilyOrganizationGate), Scopes: []registry.Scope{registry.InOrganization},
			Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Internal("status", "a fixed word"), registry.Internal("plan", "a fixed word"),
				{Name: "restricted_members", Personal: true, Why: "members whose processing is restricted, by random id", Erase: registry.EraseUnlink},
				{Name: "held_members", Personal: true, Why: "members under a legal hold, by random id", Erase: registry.EraseUnlink},
				registry.Internal("purged_at", "a time"), registry.Internal("closing_at", "a time"), registry.Internal("paused_until", "a time"),
				registry.Internal("was", "a fixed word"), registry.Internal("require_second_factor", "a setting"),
				registry.Internal("session_idle_hours", "a setting"), registry.Internal("session_max_days", "a setting"),
				registry.Internal("retention_days", "a setting"), registry.Internal("retention_event", "a setting"),
			}},
		{Sample: api.Audit{}, Type: "AUDIT", Area: "organization", Subject: registry.SubjectUser, Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassAudit, Export: "audit", Family: string(api.FamilyAudit), Scopes: append([]registry.Scope{registry.InCase, registry.InPlatform}, both...),
			Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Plain("at", "a time"),
				registry.Personal("actor", "actor", "who acted: a member id, a staff id, the user's own id, or a hash under a key that an erasure destroys", registry.EraseUnlink),
				registry.Plain("action", "the id of an operation"),
				registry.Personal("object", "object", "the id of what was acted on", registry.EraseUnlink),
				registry.Plain("outcome", "a fixed word"), registry.Internal("request", "the id of a request"), registry.Plain("purpose", "from the register of purposes"),
			}},
		{Sample: api.Idempotency{}, Type: "IDEMPOTENCY", Area: "meta", Subject: registry.SubjectUser, Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(api.FamilyIdempotency), Scopes: both, Fields: []registry.Field{
				registry.Internal("body", "a hash of a request, for a day"), registry.Internal("status", "an HTTP status"), registry.Internal("object", "the id of what was made"),
			}},
		{Sample: outbox.Mail{}, Type: "MAIL_OUT", Area: "notifications", Subject: registry.SubjectUser, Purpose: purpose.ServiceNotices, Basis: registry.Contract,
			Class: registry.ClassWork, Export: "mails", Family: string(outbox.Family), Scopes: append([]registry.Scope{registry.InCase, registry.InPlatform}, both...),
			Fields: []registry.Field{
				registry.Plain("id", "a random id"),
				registry.Secret("scope", "whom the mail is for", registry.EraseWithRow),
				registry.Plain("template", "a fixed word"), registry.Internal("dedupe", "ids and fixed words"), registry.Internal("ids", "ids and dates"),
				registry.Plain("state", "a fixed word"), registry.Plain("queued", "a time"), registry.Internal("claimed_until", "a time"),
				registry.Internal("attempts", "a count"), registry.Internal("unsure", "a time"), registry.Internal("next", "a time"),
				registry.Secret("recipient", "a keyed hash of the address, to know it again when it bounces", registry.EraseWithRow),
				registry.Internal("provider", "Resend's id of the mail"), registry.Plain("sent_at", "a time"),
				registry.Plain("settled_at", "a time"),
			}},
		{Sample: keyring.Ring{}, Type: "KEYRING", Area: "auth", Purpose: purpose.Authentication, Basis: registry.Contract, Class: registry.ClassPlatform,
			Family: string(keyring.Family), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("public_keys", "public keys"), registry.Internal("table", "the name of the table"), registry.Internal("table_id", "the id of the table"),
				registry.Internal("restored", "a time"),
			}},
		{Sample: store.Due{}, Type: "DUE", Area: "meta", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassWork, Family: "DUE", Scopes: []registry.Scope{registry.InLookup}, Fields: due},
		{Sample: store.Wake{}, Type: "WAKE", Area: "meta", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassWork, Family: "WAKE", Scopes: []registry.Scope{registry.InLookup}, Fields: due},
		{Sample: store.Tombstone{}, Type: store.TombstoneType, Area: "meta", Purpose: purpose.ServiceDelivery, Basis: registry.Contract,
			Class: registry.ClassWork, Family: "TOMBSTONE", Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Internal("of", "a fixed word"), registry.Internal("id", "a random id"), registry.Internal("deleted", "a time"),
			}},
	}
}
