// Package privacy makes the privacy policy executable: its versions and registers, consents, data subject requests,
// export packages, retention and erasure. The rules are in its sub-packages, which know no row and no route; here are
// the rows, the routes and the jobs.
package privacy

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{
		GetPolicy(nil), ListPolicyVersions(nil), GetPolicyVersion(nil), GetDataMap(), ListSubprocessors(nil), ListPurposes(), ListCookies(), GetGpc(),
		ListDisclosures(nil), ListConsents(), CreateConsent(nil), WithdrawConsent(nil), ListObjections(), CreateObjection(nil), OptOut(nil),
		CreateMailRequest(nil, keys.Pseudonyms{}, keys.Links{}), CreateRequestCode(nil, keys.Links{}), OpenMailRequest(nil, nil, keys.Links{}),
		CreateRequest(nil), ListRequests(), GetRequest(), VerifyRequest(nil), WithdrawRequest(nil), DownloadRequest(nil, nil),
		CreateOrganizationExport(nil), DownloadExport(nil, nil, keys.Pseudonyms{}), CreateChildReport(nil, keys.Pseudonyms{}, keys.Links{}), ConfirmChildReport(nil),
	}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job {
	return []job.Job{SweepRetention(nil), CascadeExpired(nil), ReplayLedger(Replay{}), WorkRequests(nil), BuildExport(nil, nil, keys.Links{}, keys.Pseudonyms{}, nil, datamap.Map{})}
}

// Rows registers the area's rows.
func Rows() []registry.Row {
	user := []registry.Scope{registry.InUser, registry.InCase}
	return []registry.Row{
		{Sample: Consent{}, Type: "CONSENT", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassConsent, Export: "consents", Family: string(FamilyConsent), Scopes: user, Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Plain("purpose", "from the register of purposes"), registry.Plain("act", "a fixed word"),
				registry.Internal("sequence", "a count"), registry.Plain("at", "a time"), registry.Plain("policy_version", "a number"),
				registry.Plain("text_sha256", "the hash of a public text"), registry.Plain("text_version", "a number"), registry.Plain("locale", "a language"),
				registry.Plain("source", "a fixed word"),
				registry.Personal("ip", "ip", "where the act came from, shortened to a network", registry.EraseBlank),
				registry.Plain("previous", "a random id"),
			}},
		{Sample: Request{}, Type: "REQUEST", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassRequest, Export: "privacy_requests", Family: string(FamilyRequest), Scopes: user, Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Plain("kind", "a fixed word"), registry.Plain("state", "a fixed word"), registry.Plain("channel", "a fixed word"),
				registry.Personal("description", "description", "what the person wrote", registry.EraseBlank),
				registry.Plain("purpose", "from the register of purposes"), registry.Plain("at_once", "a choice"),
				registry.Personal("country", "country", "where the person said to live, for the clocks", registry.EraseBlank),
				registry.Personal("region", "region", "where the person said to live, for the clocks", registry.EraseBlank),
				registry.Plain("received", "a time"), registry.Plain("due", "a time"), registry.Plain("steps", "laws and dates"), registry.Plain("acknowledge", "laws and dates"),
				registry.Plain("extended", "a mark"), registry.Plain("acknowledged", "a time"), registry.Plain("ack_failed", "a time"),
				registry.Plain("items", "names of classes, decisions and counts"), registry.Plain("ledger_written", "a mark"), registry.Plain("destroying", "a mark"),
				registry.Plain("decided", "a time"), registry.Plain("closed", "a time"), registry.Plain("denial", "a code"), registry.Plain("evidence", "a mark"),
				registry.Plain("package", "a random id"), registry.Plain("package_until", "a time"), registry.Plain("package_size", "a count of bytes"),
				registry.Internal("package_sha256", "the hash of a package that is gone after 7 days"),
				registry.Internal("next", "a time"), registry.Internal("attempts", "a count"), registry.Internal("alarmed", "a time"),
				registry.Plain("history", "times and fixed words"),
				registry.Internal("assignee", "the id of one of PixelTrack's own people"),
				registry.Personal("explanation", "explanation", "what the person was told of the decision", registry.EraseBlank),
				registry.Plain("extended_for", "a code"),
				registry.Personal("extended_why", "extension_explanation", "what the person was told of the extension", registry.EraseBlank),
				registry.Plain("processor", "a mark"), registry.Personal("controllers", "controllers", "which organizations have the person among their clients or the contacts of those, and what they answered", registry.EraseBlank),
				registry.Personal("agent_name", "agent_name", "who made the request for the person", registry.EraseBlank), registry.Personal("agent_email", "agent_email", "where who made it for the person is told of it", registry.EraseBlank),
				registry.Plain("agent_signed", "a mark"), registry.Plain("agent_may", "a choice"), registry.Internal("agent_heard", "a mark"), registry.Internal("agent_told", "a mark"),
				registry.Plain("linked", "a random id"), registry.Internal("sought", "a mark"),
			}},
		{Sample: ChildReport{}, Type: "CHILDREPORT", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassSecurity, Family: string(FamilyChildReport), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Secret("of", "a keyed hash of the address that is reported", registry.EraseWithRow),
				registry.Secret("reporter", "where the reporter is told what became of the report; the reported person must not learn it", registry.EraseWithRow),
				registry.Internal("relation", "a fixed word"), registry.Secret("explanation", "what the reporter wrote, until it is on the request", registry.EraseWithRow),
				registry.Secret("user", "whose account is reported, until it is erased", registry.EraseWithRow), registry.Internal("case", "a random id"),
			}},
		{Sample: Code{}, Type: "MAILED_CODE", Area: "privacy", Subject: registry.SubjectCorrespondent, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassSecurity, Family: string(FamilyCode), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Internal("case", "a random id"), registry.Secret("seed", "a random id that a code is derived from with a secret, for ten minutes", registry.EraseWithRow),
				registry.Internal("until", "a time"), registry.Internal("tries", "a count"), registry.Internal("sent", "a count"),
			}},
		{Sample: Docket{}, Type: "DOCKET", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassRequest, Family: string(FamilyDocket), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("kind", "a fixed word"), registry.Internal("state", "a fixed word"),
				registry.Internal("received", "a time"), registry.Internal("due", "a time"), registry.Internal("extended", "a mark"),
				registry.Internal("closed", "a time"), registry.Internal("assignee", "the id of one of PixelTrack's own people"),
				registry.Secret("target", "the key of the request: ids only, and the keyed hash once its person has been erased", registry.EraseUnlink),
			}},
		{Sample: LegalDisclosure{}, Type: "DISCLOSED", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
			Class: registry.ClassAccount, Family: string(FamilyDisclosed), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
				registry.Internal("name", "a random id and a time"), registry.Secret("authority", "who demanded it; the person may not know before the gag ends", registry.EraseWithRow),
				registry.Internal("what", "fixed words"), registry.Internal("at", "a time"), registry.Internal("from", "a time"),
			}},
		{Sample: Hold{}, Type: "HOLD", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
			Class: registry.ClassAudit, Family: string(FamilyHold), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("matter", "the file number of a legal matter"), registry.Internal("kind", "a fixed word"),
				registry.Secret("object", "the id of what is held; that of an account goes when the hold is lifted", registry.EraseBlank),
				registry.Internal("org", "the id of an organization"), registry.Internal("state", "a fixed word"),
				registry.Internal("placed", "a time"), registry.Internal("placed_by", "the id of one of PixelTrack's own people"),
				registry.Internal("reviewed", "a time"), registry.Internal("reviewed_by", "the id of one of PixelTrack's own people"),
				registry.Internal("review", "a time"), registry.Internal("next", "a time"),
				registry.Internal("lifted", "a time"), registry.Internal("lifted_by", "the id of one of PixelTrack's own people"),
			}},
		{Sample: Custody{}, Type: "CUSTODY", Area: "admin", Subject: registry.SubjectUser, Purpose: purpose.LegalCompliance, Basis: registry.Obligation,
			Class: registry.ClassWork, Family: string(FamilyCustody), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Secret("object", "the id of what is held", registry.EraseWithRow), registry.Internal("kind", "a fixed word"),
				registry.Secret("target", "the key of what is held: ids only", registry.EraseWithRow), registry.Internal("holds", "random ids"),
				registry.Internal("expires_was", "a time"), registry.Internal("due_was", "a time"),
			}},
		{Sample: Package{}, Type: "PACKAGE", Area: "privacy", Subject: registry.SubjectUser, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassExport, Export: "export_packages", Family: string(FamilyPackage), Scopes: []registry.Scope{registry.InUser, registry.InOrganization, registry.InCase},
			Fields: []registry.Field{
				registry.Plain("id", "a random id"), registry.Plain("kind", "a fixed word"), registry.Plain("request", "a random id"), registry.Plain("state", "a fixed word"),
				registry.Plain("asked", "a time"), registry.Internal("claimed_until", "a time"), registry.Internal("attempts", "a count"),
				registry.Secret("object", "where the package is stored; it starts with whom it is of", registry.EraseWithRow),
				registry.Plain("size", "a count of bytes"), registry.Internal("sha256", "the hash of a package"), registry.Plain("records", "a count"),
				registry.Plain("ready", "a time"), registry.Plain("until", "a time"), registry.Plain("fetched", "times"),
				registry.Leading(registry.Secret("link_hash", "the hash of the link to the package", registry.EraseWithRow), registry.LookupToken),
			}},
		{Sample: ExportOrder{}, Type: "EXPORTORDER", Area: "privacy", Purpose: purpose.PrivacyRights, Basis: registry.Obligation, Class: registry.ClassExport,
			Family: string(FamilyExportOrder), Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Internal("export", "a random id"),
			}},
		{Sample: ExportLink{}, Type: "EXPORT_LINK", Area: "privacy", Subject: registry.SubjectMember, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassExport, Family: "TOKEN", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Secret("org", "whose export the link opens", registry.EraseWithRow), registry.Secret("member", "who may open it", registry.EraseWithRow),
				registry.Secret("export", "a random id", registry.EraseWithRow),
			}},
		{Sample: Purge{}, Type: "PURGE", Area: "privacy", Purpose: purpose.PrivacyRights, Basis: registry.Obligation, Class: registry.ClassAudit,
			Family: string(FamilyPurge), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Internal("id", "a random id"), registry.Internal("rule", "a fixed word"), registry.Internal("at", "a time"),
				registry.Internal("count", "a count"), registry.Internal("kept", "a count"), registry.Internal("lag", "seconds"),
			}},
		{Sample: erasure.Entry{}, Type: "ERASURE", Area: "privacy", Purpose: purpose.PrivacyRights, Basis: registry.Obligation, Class: registry.ClassLedger,
			Family: string(erasure.FamilyErasure), Scopes: []registry.Scope{registry.InPlatform}, Fields: []registry.Field{
				registry.Secret("subject", "a keyed hash of whom was erased, to repeat the erasure over a restored backup", registry.KeepForDuty),
				registry.Internal("of", "a fixed word"), registry.Internal("case", "a random id"), registry.Internal("begun", "a time"), registry.Internal("closed", "a time"),
				registry.Internal("done", "a time"), registry.Internal("table", "the name of the table"), registry.Internal("claimed_until", "a time"),
				registry.Internal("steps", "fixed words and times"), registry.Internal("count", "a count"), registry.Internal("kept", "a count"),
			}},
	}
}
