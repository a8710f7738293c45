// Package store is the one table. Rows are reached through four handles, each bound to a scope: an organisation, a user,
// a case, or the platform. This package builds every key, and reads and writes by the rules of expiry, hold and
// restriction.
//
// # Access patterns
//
// Each route and job has a line: what it asks for, where, by which key, and the capacity units it reads and writes in the
// case that infra/ledger.yaml measures. A key is written as scope, family and division, then the sort key after a slash.
// What a signed-in caller needs (USER u USERGATE, ORG o ACCESS / member, ORG o ORGGATE, and IDEMPOTENCY for a key that is
// sent along) is read in one trip, and in no line. An audited route writes a row of AUDIT. A new route adds its line first.
//
//	operation | pattern | index | key | units
//	get-health | no data | - | - | -
//	get-openapi | no data | - | - | -
//	get-docs | no data | - | - | -
//	sign-up | whether an address is known; a pending sign-up and its mail | table | MAIL hash; CASE hash SIGNUP, OUTBOX, LETTERS | -
//	confirm-sign-up | a pending sign-up by its link; user and organisation made of it | table | CASE hash SIGNUP; USER u PROFILE, CREDENTIAL, ACCEPTANCE, MEMBERSHIP, USERGATE; ORG o ORGANIZATION, ORGGATE, ACCESS; MAIL hash | -
//	log-in | an account by its address; a session | table | MAIL hash; CASE hash ATTEMPTS; USER u CREDENTIAL, USERGATE, MEMBERSHIP, SESSION; ORG o ACCESS, ORGGATE | -
//	refresh-token | a session by the ids in its token | table | USER u SESSION / session; USERGATE; ORG o ACCESS, ORGGATE | -
//	log-out | a session, or all of a user | table | USER u USERGATE, SESSION | -
//	switch-organization | a session and one membership | table | USER u SESSION, MEMBERSHIP / org | -
//	restore-account | a deleted account by the link that was mailed | table | TOKEN hash; USER u USERGATE, DELETION, PROFILE, CREDENTIAL, MEMBERSHIP; ORG o ORGGATE | -
//	get-jwks | the public keys | table | PLATFORM KEYRING | -
//	rotate-keys | the public keys | table | PLATFORM KEYRING | -
//	get-account | a user's profile and memberships | table | USER u PROFILE, MEMBERSHIP | -
//	update-account | a user's profile | table | USER u PROFILE | -
//	delete-account | a user's gate, and those of the organisations that close | table | USER u USERGATE, DELETION, MEMBERSHIP; ORG o ORGGATE, ACCESS; MAIL hash; DUE, WAKE purge-account | -
//	get-organization | the settings of an organisation | table | ORG o ORGANIZATION | -
//	update-organization | the settings of an organisation | table | ORG o ORGANIZATION | -
//	close-organizations | closing organisations that are due, and their members to tell | table | DUE close-organization s; ORG o ORGGATE, ACCESS; USER u OUTBOX; DUE, WAKE purge-organization | -
//	create-client | a client with the next number | table | ORG o CLIENT / id, COUNTER, IDEMPOTENCY | -
//	list-clients | clients by id; by status; by time of change | table, GSI1, GSI2 | ORG o CLIENT; ORG o CLIENT status; ORG o CLIENT / time | -
//	get-client | a client by id | table | ORG o CLIENT / id | -
//	update-client | a client by id | table | ORG o CLIENT / id | -
//	archive-client | a client by id | table | ORG o CLIENT / id | -
//	restore-client | a client by id | table | ORG o CLIENT / id | -
//	delete-client | a client by id | table | ORG o CLIENT / id | -
//	create-project | a project with its key, counted at its client | table | ORG o PROJECT / id, PROJECTKEY / key, CLIENT / id, IDEMPOTENCY | -
//	list-projects | projects by id; by status and client; by time of change | table, GSI1, GSI2 | ORG o PROJECT; ORG o PROJECT status / client; ORG o PROJECT / time | -
//	get-project | a project by id | table | ORG o PROJECT / id | -
//	update-project | a project by id, and the clients it leaves and joins | table | ORG o PROJECT / id, CLIENT / id | -
//	archive-project | a project by id | table | ORG o PROJECT / id | -
//	restore-project | a project by id | table | ORG o PROJECT / id | -
//	delete-project | a project by id, and whether anything is booked on it | table | ORG o PROJECT / id, BOOKING project | -
//	close-projects | deleted projects that are due | table | DUE project_delete s; ORG o PROJECT / id | -
//	start-timer | a member's timer, the project it is for, the user's one mark | table | ORG o TIMER / member; USER u RUNNING; ORG o PROJECT / id, PROJECTTIME project, TIMEENTRY month; DUE timer_forgotten | -
//	get-timer | a member's timer | table | ORG o TIMER / member | -
//	stop-timer | a member's timer and the entry it becomes | table | ORG o TIMER / member; USER u RUNNING; ORG o TIMEENTRY month / id | -
//	discard-timer | a member's timer | table | ORG o TIMER / member; USER u RUNNING; ORG o PROJECTTIME project | -
//	create-time-entry | an entry, the project it is for | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTTIME project | -
//	list-time-entries | entries of a month by member and day; by time of change | GSI1, GSI2 | ORG o TIMEENTRY month / member, day; ORG o TIMEENTRY member / time | -
//	get-time-entry | an entry by id | table | ORG o TIMEENTRY month / id | -
//	update-time-entry | an entry by id, and the projects it leaves and joins | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTTIME project | -
//	delete-time-entry | an entry by id, and its project | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTTIME project | -
//	remind-timers | timers that have run for eight hours | table | DUE timer_forgotten s; ORG o TIMER / member, ACCESS / member; USER u OUTBOX | -
//	get-policy | no data | - | - | -
//	list-policy-versions | no data | - | - | -
//	get-policy-version | no data | - | - | -
//	get-data-map | no data | - | - | -
//	list-subprocessors | no data | - | - | -
//	list-purposes | no data | - | - | -
//	list-cookies | no data | - | - | -
//	get-gpc | no data | - | - | -
//	list-disclosures | what left the house about a user | table | USER u OUTBOX, REQUEST | -
//	list-consents | a user's consents, newest first | table | USER u CONSENT | -
//	create-consent | a user's last consent for a purpose, and the next | table | USER u CONSENT / purpose, sequence | -
//	withdraw-consent | a user's last consent for a purpose, and the next | table | USER u CONSENT / purpose, sequence | -
//	create-request | a user's recent requests, and a new one | table | USER u REQUEST / id; OUTBOX; DUE request | -
//	list-requests | a user's requests, newest first | table | USER u REQUEST | -
//	get-request | a user's request by id | table | USER u REQUEST / id | -
//	verify-request | a user's request by id | table | USER u REQUEST / id | -
//	withdraw-request | a user's request by id | table | USER u REQUEST / id | -
//	download-request | a user's request by id and its package | table | USER u REQUEST / id, PACKAGE / id | -
//	sweep-retention | accounts and organisations that are due to go, with all they have | table | DUE purge-account s, purge-organization s; every family of a user or organisation | -
//	cascade-expired | the due row of a wake row that TTL has deleted | stream, table | WAKE kind s; DUE kind s | -
//	work-requests | requests and packages that are due; a request by an event | table | DUE request s, package s; USER u REQUEST / id; CASE hash REQUEST / id | -
//	build-export | everything of a user or organisation | table, GSI1, GSI2 | USER u PACKAGE / id; every family of a user or organisation | -
//	dispatch-changes | changes of the types that somebody wants | stream | no row | -
//	send-outbox | mails that are due; a mail by an event | table | DUE outbox s; USER u, CASE hash, ORG o OUTBOX / dedupe; USER u PROFILE; PLATFORM SUPPRESSION, UNBOUND; EXT resend platform id | -
//	receive-resend | a mail by the provider's id | table | EXT resend platform id; USER u, CASE hash, ORG o OUTBOX / dedupe; PLATFORM SUPPRESSION, UNBOUND | -
package store
