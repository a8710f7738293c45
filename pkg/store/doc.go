// Package store is the one table. Rows are reached through four handles, each bound to a scope: an organisation, a user,
// a case, or the platform. This package builds every key, and reads and writes by the rules of expiry, hold and
// restriction.
//
// # Access patterns
//
// Each route and job has a line: what it asks for, where, by which key, and the capacity units it reads and writes in the
// case that infra/ledger.yaml measures. A key is written as scope, family and division, then the sort key after a slash.
// What a signed-in caller needs (USER u USERGATE, ORG o ACCESS / member, ORG o ORGGATE, USER u STAFF of staff, and
// IDEMPOTENCY for a key that is sent along) is read in one trip, and in no line. An audited route writes a row of AUDIT. A new route adds its line first.
//
//	operation | pattern | index | key | units
//	get-health | no data | - | - | 0 / 0
//	get-openapi | no data | - | - | 0 / 0
//	get-docs | no data | - | - | 0 / 0
//	sign-up | whether an address is known; a pending sign-up and its mail | table, GSI1 | MAIL hash; PLATFORM POLICY / time; CASE hash ATTEMPTS, SIGNUP, OUTBOX, LETTERS | 2.5 / 9
//	confirm-sign-up | a pending sign-up by its link; user and organisation made of it | table | CASE hash SIGNUP; USER u PROFILE, CREDENTIAL, ACCEPTANCE, MEMBERSHIP, USERGATE; ORG o ORGANIZATION, ORGGATE, ACCESS; MAIL hash; PLATFORM SUBJECT s / user | 1 / 25
//	log-in | an account by its address; a session | table | MAIL hash; CASE hash ATTEMPTS; USER u CREDENTIAL, USERGATE, MEMBERSHIP, SESSION, OUTBOX, ACK; DUE outbox; ORG o ACCESS, ORGGATE; CASE hash ATTEMPTS, CHALLENGE; USER u CREDENTIAL, USERGATE, MEMBERSHIP, SESSION, SECONDFACTOR | 6 / 16
//	refresh-token | a session by the ids in its token | table | USER u SESSION / session; USERGATE, ACK; ORG o ACCESS, ORGGATE | 4 / 1
//	log-out | a session, or all of a user | table | USER u USERGATE, SESSION | 4 / 6
//	switch-organization | a session and one membership | table | USER u SESSION, MEMBERSHIP / org | 8 / 1
//	restore-account | a deleted account by the link that was mailed | table | TOKEN hash; USER u USERGATE, DELETION, PROFILE, CREDENTIAL, MEMBERSHIP, SECONDFACTOR, OUTBOX; ORG o ORGGATE; DUE outbox; USER u USERGATE, DELETION, PROFILE, CREDENTIAL, MEMBERSHIP; CASE hash ATTEMPTS | 8 / 25
//	resend-sign-up | the last sign-up of an address, and a further mail about it | table | CASE hash LETTERS, OUTBOX | 1 / 6
//	forgot-password | whether an address is known; a link that sets a new password, and its mail | table | MAIL hash; CASE hash PASSWORDRESET, OUTBOX, LETTERS | 2 / 8
//	reset-password | a link that sets a new password; the account that it is for | table | CASE hash PASSWORDRESET; USER u USERGATE, PROFILE, CREDENTIAL, SESSION / session, OUTBOX; DUE outbox | 4 / 14
//	accept-invitation | an invitation by its link, its projects, and the account of its address or a new one | table, GSI1 | TOKEN hash; CASE hash ATTEMPTS; ORG o INVITATION / id, INVITEE / hash, ORGGATE, ACCESS, PROJECT / id, PROJECTMEMBER project / member; MAIL hash; PLATFORM POLICY / time, SUBJECT s / user; USER u PROFILE, CREDENTIAL, ACCEPTANCE, MEMBERSHIP, USERGATE | 5.5 / 32
//	join-organization | an invitation by its link, and its projects | table | TOKEN hash; ORG o INVITATION / id, INVITEE / hash, ORGGATE, ACCESS, PROJECT / id, PROJECTMEMBER project / member; USER u PROFILE, MEMBERSHIP | 9 / 17
//	log-in-second-factor | a login by its challenge, and a user's second factors | table | CASE hash CHALLENGE, ATTEMPTS; USER u SECONDFACTOR, USERGATE, ACK, MEMBERSHIP, SESSION, CREDENTIAL, OUTBOX; ORG o ACCESS, ORGGATE; DUE outbox | 7 / 24
//	reauthenticate | what proves a user, and their session | table | CASE hash ATTEMPTS; USER u CREDENTIAL, USERGATE, SECONDFACTOR, SESSION / session, OUTBOX; ORG o ACCESS, ORGGATE; DUE outbox | 10 / 16
//	ask-for-passkey | a challenge for a passkey, and the passkeys of a login that waits | table | CASE hash CHALLENGE, CEREMONY; USER u PASSKEY | 2 / 1
//	log-in-with-passkey | a passkey by the hash of its id, and the challenge that it signed | table | CASE hash CEREMONY, CHALLENGE; TOKEN hash; USER u PASSKEY / id, PROFILE, SECONDFACTOR, USERGATE, ACK, MEMBERSHIP, SESSION, CREDENTIAL, OUTBOX; ORG o ACCESS, ORGGATE; DUE outbox | 10 / 19
//	reauthenticate-with-passkey | a passkey by the hash of its id, and the session of its user | table | CASE hash CEREMONY; TOKEN hash; USER u PASSKEY / id, SECONDFACTOR, SESSION / session; ORG o ACCESS, ORGGATE | 11 / 8
//	restore-account-with-passkey | a deleted account by the link that was mailed, and a passkey by the hash of its id | table | TOKEN hash; CASE hash CEREMONY, ATTEMPTS; USER u PASSKEY / id, USERGATE, DELETION, PROFILE, CREDENTIAL, MEMBERSHIP, SECONDFACTOR; ORG o ORGGATE | 11 / 29
//	get-jwks | the public keys | table | PLATFORM KEYRING | 1 / 0
//	rotate-keys | the public keys | table | PLATFORM KEYRING | 1 / 0
//	get-account | a user's profile and memberships | table | USER u PROFILE, MEMBERSHIP | 5 / 0
//	update-account | a user's profile | table | USER u PROFILE | 4 / 1
//	get-avatar | a user's picture | table | USER u PICTURE | 4 / 0
//	put-avatar | a user's picture | table | USER u PICTURE; DUE picture | 4 / 4
//	confirm-avatar | a user's picture | table | USER u PICTURE; DUE picture | 5 / 8
//	delete-avatar | a user's picture | table | USER u PICTURE; DUE picture | 4 / 4
//	list-sessions | the sessions of a user | table | USER u SESSION | 4 / 0
//	rename-session | a session by its id | table | USER u SESSION / id | 4 / 1
//	end-session | a session of a user | table | USER u USERGATE, SESSION / id | 4 / 6
//	end-other-sessions | all sessions of a user but one | table | USER u USERGATE, SESSION | 4 / 6
//	list-api-tokens | the API tokens of a user | table | USER u APIKEY, TOKENUSE | 5 / 0
//	create-api-token | an API token with its lookup | table | USER u APIKEY / id, TOKENUSE / id, TOKENCOUNT, OUTBOX; TOKEN hash; DUE api_token_ends, outbox | 5 / 16
//	get-api-token | an API token by its id | table | USER u APIKEY / id, TOKENUSE / id | 5 / 0
//	delete-api-token | an API token by its id | table | USER u APIKEY / id, TOKENUSE / id, TOKENCOUNT; TOKEN hash; DUE api_token_ends | 6 / 12
//	get-notification-choices | which mails a user wants | table | USER u NOTIFYCHOICE | 4 / 0
//	update-notification-choices | which mails a user wants | table | USER u NOTIFYCHOICE | 4 / 1
//	list-my-organizations | a user's memberships, and what each is worth | table | USER u MEMBERSHIP; ORG o ACCESS / member, ORGGATE, ORGANIZATION | 7 / 0
//	create-email-change | a user's change of address, and who has the new one | table | USER u EMAILCHANGE, PROFILE, OUTBOX; MAIL hash; CASE hash LETTERS; DUE outbox | 8 / 16
//	get-email-change | a user's change of address | table | USER u EMAILCHANGE | 4 / 0
//	delete-email-change | a user's change of address | table | USER u EMAILCHANGE | 4 / 4
//	confirm-email-change | a user's change of address, with the account | table | USER u EMAILCHANGE, PROFILE, CREDENTIAL, USERGATE, SESSION, OUTBOX; MAIL hash; DUE outbox | 8 / 20
//	remind-api-tokens | API tokens that end within seven days | table | DUE api_token_ends s; USER u APIKEY / id, USERGATE, OUTBOX; DUE outbox | 4 / 0
//	delete-account | a user's gate, and those of the organisations that close | table | USER u USERGATE, DELETION, MEMBERSHIP; ORG o ORGGATE, ACCESS; MAIL hash; DUE, WAKE purge-account; CASE hash ATTEMPTS; USER u CREDENTIAL, OUTBOX, PROFILE | 9 / 25
//	change-password | a user's credential, and their sessions | table | USER u USERGATE, PROFILE, CREDENTIAL, SESSION / session, OUTBOX; CASE hash ATTEMPTS; DUE outbox | 6 / 15
//	get-second-factors | a user's second factors | table | USER u SECONDFACTOR | 4 / 0
//	create-totp | a user's second factors, and an app that waits for its first code | table | USER u SECONDFACTOR, PROFILE, ENROLMENT | 6 / 6
//	confirm-totp | a user's second factors, and an app that waits for its first code | table | USER u SECONDFACTOR, ENROLMENT, USERGATE, OUTBOX; DUE outbox | 6 / 14
//	delete-totp | a user's second factors | table | CASE hash ATTEMPTS; USER u SECONDFACTOR, USERGATE, CREDENTIAL, OUTBOX; DUE outbox | 4 / 19
//	create-recovery-codes | a user's second factors | table | USER u SECONDFACTOR, OUTBOX; DUE outbox | 5 / 10
//	list-passkeys | a user's passkeys | table | USER u PASSKEY | 4 / 0
//	create-passkey-options | a challenge for a new passkey, and those that are there | table | USER u PROFILE, PASSKEY; CASE hash CEREMONY | 6 / 4
//	create-passkey | a challenge, and the passkey that signed it | table | CASE hash CEREMONY; TOKEN hash; USER u PASSKEY / id, SECONDFACTOR, USERGATE, OUTBOX; DUE outbox | 6 / 18
//	update-passkey | a user's passkey by id | table | USER u PASSKEY / id | 4 / 1
//	delete-passkey | a user's passkey by id | table | USER u PASSKEY / id, SECONDFACTOR, USERGATE, CREDENTIAL, OUTBOX; TOKEN hash; DUE outbox | 5 / 16
//	get-staff | a user as staff | table | USER u STAFF | 2 / 1
//	list-staff-roles | a user as staff | table | USER u STAFF | 2 / 1
//	list-staff-audit | what staff did, newest first | table | USER u STAFF; PLATFORM AUDIT | 3 / 1
//	verify-staff-audit | the chain of what staff did, and when the table was restored | table | USER u STAFF; PLATFORM AUDITSEAL, AUDIT, AUDITHEAD, KEYRING | 0 / 0
//	create-support-access | an organisation that is there, and a ticket of its; a visit with its pass | table | USER u STAFF; ORG o ORGGATE, TICKET / id, VISIT / id, OUTBOX, AUDIT; PLATFORM VISITPASS / org, staff; DUE outbox | 3 / 16
//	list-active-support-access | the passes of all visits | table | USER u STAFF; PLATFORM VISITPASS | 3 / 1
//	end-support-access | a visit by its pass | table | USER u STAFF; PLATFORM VISITPASS / org, staff; ORG o VISIT / id, AUDIT | 5 / 10
//	get-supported-organization | a pass; the settings of its organisation | table | USER u STAFF; PLATFORM VISITPASS / org, staff; ORG o AUDIT, ORGANIZATION, ORGGATE | 5 / 6
//	list-supported-members | a pass; the members of its organisation | table | USER u STAFF; PLATFORM VISITPASS / org, staff; ORG o AUDIT, ACCESS | 4 / 6
//	list-supported-projects | a pass; the projects of its organisation | table | USER u STAFF; PLATFORM VISITPASS / org, staff; ORG o AUDIT, PROJECT | 4 / 6
//	list-supported-invoices | a pass; the invoices of its organisation | table | USER u STAFF; PLATFORM VISITPASS / org, staff; ORG o AUDIT, INVOICE | 4 / 6
//	list-support-tickets | tickets of a state by the time of their change | GSI1 | USER u STAFF; PLATFORM SUPPORTQUEUE status / time | 2.5 / 1
//	get-support-ticket | a ticket by its line, with its messages | table | USER u STAFF; PLATFORM SUPPORTQUEUE / id; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket; ORG o AUDIT | 5 / 4
//	answer-ticket | a ticket by its line, and one message more | table | USER u STAFF; PLATFORM SUPPORTQUEUE / id; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket / id; ORG o AUDIT; ORG o, CASE hash OUTBOX; DUE outbox | 6 / 18
//	assign-ticket | a ticket by its line, with its messages | table | USER u STAFF; PLATFORM SUPPORTQUEUE / id; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket; ORG o AUDIT | 6 / 9
//	close-support-ticket | a ticket by its line, with its messages | table | USER u STAFF; PLATFORM SUPPORTQUEUE / id; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket; ORG o AUDIT; ORG o, CASE hash OUTBOX; DUE outbox; DUE, WAKE purge-ticket | 6 / 20
//	create-abuse-flag | the one flag of an account or organisation, and its gate | table | USER u STAFF; USER u USERGATE, ABUSEFLAG, OUTBOX; ORG o ORGGATE, ABUSEFLAG, OUTBOX; PLATFORM FLAGLIST / id; DUE outbox | 3 / 15
//	list-abuse-flags | flags by their end | GSI1 | USER u STAFF; PLATFORM FLAGLIST active / end | 2.5 / 1
//	get-abuse-flag | a flag by its line | table | USER u STAFF; PLATFORM FLAGLIST / id; USER u, ORG o ABUSEFLAG | 4 / 1
//	review-abuse-flag | a flag by its line, and the gate | table | USER u STAFF; PLATFORM FLAGLIST / id; USER u USERGATE, ABUSEFLAG, OUTBOX; ORG o ORGGATE, ABUSEFLAG, OUTBOX; DUE outbox | 5 / 16
//	lift-abuse-flag | a flag by its line, and the gate | table | USER u STAFF; PLATFORM FLAGLIST / id; USER u USERGATE, ABUSEFLAG; ORG o ORGGATE, ABUSEFLAG | 5 / 11
//	queue-ticket | a ticket by an event, and its line | table | ORG o, CASE hash TICKET / id; PLATFORM SUPPORTQUEUE / id | 2 / 5
//	list-cases | privacy requests by the date of their answer; of one state | GSI2, GSI1 | USER u STAFF; PLATFORM DOCKET open / due; PLATFORM DOCKET state / due | 2.5 / 1
//	get-case | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id | 4 / 1
//	assign-case | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id | 5 / 10
//	decide-case | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id; DUE request | 5 / 15
//	deny-case | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id, OUTBOX; CASE hash CHILDREPORT; USER u USERGATE; DUE request, outbox | 5 / 17
//	attribute-case | a privacy request by id, who sent it, and who has an address | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id, OUTBOX; USER u PROFILE; CASE hash CORRESPONDENT; MAIL hash; DUE request, outbox, purge-correspondent; WAKE purge-correspondent | 8 / 34
//	extend-case | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id, OUTBOX; DUE outbox | 5 / 16
//	report-case-step | a privacy request by id | table | USER u STAFF; PLATFORM DOCKET / id; USER u, CASE hash REQUEST / id, OUTBOX; DUE request, outbox | 5 / 17
//	place-hold | one thing by its id, and what holds it | table | USER u STAFF; PLATFORM HOLD / id, CUSTODY / id; USER u USERGATE; ORG o ORGGATE, CLIENT / id, PROJECT / id, INVOICE / id, STOREDFILE / id; DUE, WAKE purge-account, purge-organization, purge-invoice, purge-project; DUE hold-review | 5 / 19
//	list-holds | legal holds of a state by the date of their review | GSI1 | USER u STAFF; PLATFORM HOLD state / review | 2.5 / 1
//	get-hold | a legal hold by id | table | USER u STAFF; PLATFORM HOLD / id | 3 / 1
//	review-hold | a legal hold by id | table | USER u STAFF; PLATFORM HOLD / id; DUE hold-review | 4 / 12
//	lift-hold | a legal hold by id, and what it holds | table | USER u STAFF; PLATFORM HOLD / id, CUSTODY / id, DOCKET / id; USER u USERGATE; ORG o ORGGATE, CLIENT / id, PROJECT / id, INVOICE / id, STOREDFILE / id; USER u REQUEST; DUE, WAKE purge-account, purge-organization, purge-invoice, purge-project; DUE hold-review, request | 6 / 20
//	get-processing-record | the register of sub-processors | table | USER u STAFF; PLATFORM SUBPROCESSOR | 3 / 1
//	create-breach | a breach, and who must be told of it by when | table | USER u STAFF; PLATFORM BREACH / id, DEADLINE / entry, what; DUE deadline | 3 / 11
//	list-breaches | breaches of a state by when they were known | GSI1 | USER u STAFF; PLATFORM BREACH state / time | 2.5 / 1
//	get-breach | a breach by id | table | USER u STAFF; PLATFORM BREACH / id | 3 / 1
//	update-breach | a breach by id | table | USER u STAFF; PLATFORM BREACH / id, DEADLINE / entry, what; DUE deadline | 3 / 17
//	report-breach-notice | a breach by id | table | USER u STAFF; PLATFORM BREACH / id, DEADLINE / entry, what; DUE deadline | 4 / 17
//	close-breach | a breach by id | table | USER u STAFF; PLATFORM BREACH / id, DEADLINE / entry, what | 4 / 18
//	watch-deadlines | what is to be done about entries of registers | table | DUE deadline s; PLATFORM DEADLINE / entry, what; PLATFORM HEARTBEAT / job | 4 / 1
//	get-privacy-health | requests and reviews that are late, the oldest due row of each clock, heartbeats | table, GSI1, GSI2 | USER u STAFF; PLATFORM DOCKET open / due, HOLD active / review, HEARTBEAT / job; DUE purge-account s, purge-organization s, purge-invoice s, purge-project s | 23 / 1
//	create-legal-request | a demand of an authority, and whom it is about | table | USER u STAFF, USERGATE; PLATFORM DEMAND / id, DEADLINE / entry, what; DUE deadline | 3 / 13
//	list-legal-requests | demands of a state by when they came | GSI1 | USER u STAFF; PLATFORM DEMAND state / time | 2.5 / 1
//	get-legal-request | a demand by id | table | USER u STAFF; PLATFORM DEMAND / id | 3 / 1
//	review-legal-request | a demand by id | table | USER u STAFF; PLATFORM DEMAND / id, DEADLINE / entry, what; DUE deadline | 4 / 14
//	approve-legal-request | a demand by id | table | USER u STAFF; PLATFORM DEMAND / id, DEADLINE / entry, what; DUE deadline | 4 / 14
//	record-legal-disclosure | a demand by id, and what was handed over of a user | table | USER u STAFF; PLATFORM DEMAND / id, DEADLINE / entry, what; DUE deadline; USER u USERGATE, DISCLOSED / demand, time | 4 / 17
//	notify-legal-request | a demand by id, and a mail | table | USER u STAFF; PLATFORM DEMAND / id, DEADLINE / entry, what; USER u OUTBOX; DUE outbox | 4 / 15
//	close-legal-request | a demand by id | table | USER u STAFF; PLATFORM DEMAND / id, DEADLINE / entry, what | 4 / 12
//	list-assurance | audit reports, by provider and standard | table | USER u STAFF; PLATFORM ASSURANCE, SUBPROCESSOR | 4 / 1
//	record-assurance | an audit report of a provider by a standard | table | USER u STAFF; PLATFORM ASSURANCE / provider, standard, DEADLINE / entry, what, SUBPROCESSOR; DUE deadline | 4 / 10
//	create-policy | the newest version of the policy; another, and its announcement | table | USER u STAFF; PLATFORM POLICY / number, POLICYBODY / number, ANNOUNCEMENT / id, ROUND / announcement, shard, DEADLINE / entry, what; DUE notices, deadline | 4 / 9
//	create-subprocessor | the register of sub-processors; a company in it, and its announcement | table | USER u STAFF; PLATFORM SUBPROCESSOR / company, ANNOUNCEMENT / id, ROUND / announcement, shard, DEADLINE / entry, what; DUE notices, deadline | 4 / 30
//	get-subprocessor | a company of the register by id | table | USER u STAFF; PLATFORM SUBPROCESSOR / company | 3 / 1
//	update-subprocessor | the register of sub-processors; a company in it, and its announcements | table | USER u STAFF; PLATFORM SUBPROCESSOR / company, ANNOUNCEMENT / id, ROUND / announcement, shard, DEADLINE / entry, what; DUE notices, deadline | 5 / 32
//	end-subprocessor | a company of the register by id, and its announcement | table | USER u STAFF; PLATFORM SUBPROCESSOR / company, ANNOUNCEMENT / id, DEADLINE / entry, what; DUE deadline | 5 / 12
//	create-business-transfer | a transfer of the business, and its announcement | table | USER u STAFF; PLATFORM TRANSFER / id, ANNOUNCEMENT / id, ROUND / announcement, shard, DEADLINE / entry, what; DUE notices, deadline | 3 / 28
//	list-business-transfers | transfers of the business, newest first | table | USER u STAFF; PLATFORM TRANSFER / id | 3 / 1
//	get-business-transfer | a transfer of the business by id, and how many were told | table | USER u STAFF; PLATFORM TRANSFER / id, ANNOUNCEMENT / id, ROUND / announcement | 5 / 1
//	start-business-transfer | a transfer of the business by id, and how many were told | table | USER u STAFF; PLATFORM TRANSFER / id, ANNOUNCEMENT / id, ROUND / announcement | 6 / 6
//	cancel-business-transfer | a transfer of the business by id, and how many were told | table | USER u STAFF; PLATFORM TRANSFER / id, ANNOUNCEMENT / id, ROUND / announcement, DEADLINE / entry, what | 6 / 10
//	get-organization | the settings of an organisation | table | ORG o ORGANIZATION | 4 / 0
//	update-organization | the settings of an organisation | table | ORG o ORGANIZATION, ORGGATE; DUE, WAKE project-setting | 4 / 4
//	create-organization-export | an organisation's package, and the last order of one | table | ORG o PACKAGE / id, EXPORTORDER, IDEMPOTENCY; DUE package | 4 / 10
//	preview-retention | projects by id, and the last booking of each | table | ORG o PROJECT; ORG o PROJECTTIME project | 5 / 0
//	get-logo | an organisation's logo | table | ORG o PICTURE | 4 / 0
//	put-logo | an organisation's logo | table | ORG o PICTURE; DUE picture | 4 / 6
//	confirm-logo | an organisation's logo | table | ORG o PICTURE; DUE picture | 5 / 10
//	delete-logo | an organisation's logo | table | ORG o PICTURE; DUE picture | 4 / 6
//	close-organizations | closing organisations that are due, and their members to tell | table | DUE close-organization s; ORG o ORGGATE, ACCESS; USER u OUTBOX; ORG o PACKAGE / id; DUE package; DUE, WAKE purge-organization | 4 / 0
//	list-agreements | what an organisation has accepted | table | ORG o AGREEMENT | 4 / 0
//	get-agreement | no data but the caller's | - | - | 3 / 0
//	create-agreement | a text that is accepted for an organisation | table | ORG o AGREEMENT / document, version | 4 / 6
//	seal-audit | audit records that are in no chain yet; once a day of a chain, when the table was restored | table | DUE seal_audit s, watch_audit s; ORG o AUDIT, AUDITHEAD, AUDITSEAL, ORGGATE; PLATFORM AUDIT, AUDITHEAD, AUDITSEAL, KEYRING; DUE sign_audit_head | 8 / 0
//	create-organization | a user's memberships; an organisation with its owner | table | USER u MEMBERSHIP, IDEMPOTENCY; ORG o ORGANIZATION, ORGGATE, ACCESS | 5 / 12
//	close-organization | an organisation's gate | table | USER u CREDENTIAL; CASE hash ATTEMPTS; ORG o ORGGATE; DUE close-organization | 5 / 11
//	reopen-organization | the gate of a closed organisation of the user's own | table | USER u CREDENTIAL, MEMBERSHIP; CASE hash ATTEMPTS; ORG o ACCESS / member, ORGGATE; DUE close-organization, purge-organization; WAKE purge-organization | 8 / 15
//	list-roles | no data | - | - | 3 / 0
//	list-members | members by id, and the profiles that they lead to | table | ORG o ACCESS; USER u PROFILE | 5 / 0
//	create-member | a member by id | table | ORG o ACCESS / member, IDEMPOTENCY | 4 / 6
//	get-member | a member by id, and the profile that it leads to | table | ORG o ACCESS / member; USER u PROFILE | 5 / 0
//	get-member-avatar | a member by id, and the picture that it leads to | table | ORG o ACCESS / member; USER u PICTURE | 5 / 0
//	update-member | a member by id, and the profile that it leads to | table | ORG o ACCESS / member; USER u PROFILE | 5 / 4
//	merge-member | two members by id | table | ORG o ACCESS / member, IDEMPOTENCY; DUE merge_member | 5 / 10
//	merge-members | placeholders that are merging and due; what is listed by a member | table, GSI1, GSI2 | DUE merge_member s; ORG o ACCESS / member, ORGGATE; ORG o TIMEENTRY member / time; ORG o STOREDFILE member / id, TICKET member / status, TICKETMESSAGE member / id, PROJECTMEMBER member / project; ORG o PROJECTMEMBER project / member, TIMEENTRY month / id, INVOICEENTRY invoice / entry, STOREDFILE / id, TICKET / id, TICKETMESSAGE ticket / id | 4 / 0
//	remove-member | a member by id, their membership, and the timer that runs | table | ORG o ACCESS / member, TIMER / member, TIMEENTRY month; USER u MEMBERSHIP, RUNNING; DUE timer_forgotten | 6 / 17
//	leave-organization | the caller's membership, and the timer that runs | table | ORG o ACCESS / member, TIMER / member, TIMEENTRY month; USER u MEMBERSHIP, RUNNING; DUE timer_forgotten | 6 / 17
//	create-ownership-offer | the one offer of an organisation, and whom it is to | table | USER u CREDENTIAL, OUTBOX; CASE hash ATTEMPTS; ORG o OWNERSHIP, ACCESS / member, IDEMPOTENCY | 6 / 13
//	list-ownership-offers | the one offer of an organisation | table | ORG o OWNERSHIP | 4 / 0
//	accept-ownership-offer | the one offer of an organisation, and both members | table | USER u CREDENTIAL, OUTBOX; CASE hash ATTEMPTS; ORG o OWNERSHIP, ACCESS / member, IDEMPOTENCY | 8 / 17
//	delete-ownership-offer | the one offer of an organisation | table | ORG o OWNERSHIP | 4 / 4
//	create-invitations | invitations, once for each address, their projects, and how many a day has | table | ORG o INVITING / day, INVITEE / hash, INVITATION / id, OUTBOX, PROJECT / id, PROJECTMEMBER project / member, IDEMPOTENCY; TOKEN hash | 4 / 16
//	sign-audit-heads | chains that have grown since their head was signed; of one that does not follow from it, when the table was restored | table | DUE sign_audit_head s; ORG o AUDITHEAD, AUDITSEAL / number; PLATFORM AUDITHEAD, AUDITSEAL / number, KEYRING; ORG o ORGGATE; DUE watch_audit | 4 / 0
//	list-audit | what was done in an organisation, newest first | table | ORG o AUDIT | 4 / 0
//	export-audit | an organisation's audit records by time | table | ORG o AUDIT | 4 / 1
//	verify-audit | an organisation's chain of audit records, and when the table was restored | table | ORG o AUDITSEAL, AUDIT, AUDITHEAD; PLATFORM KEYRING | 7 / 0
//	list-activity | what people did in an organisation, newest first | table | ORG o ACTIVITY month / time, id | 4 / 0
//	export-activity | the same by time | table | ORG o ACTIVITY month / time, id; AUDIT | 4 / 1
//	list-support-access | visits to an organisation, newest first | table | ORG o VISIT | 4 / 0
//	revoke-support-access | a visit by id, and its pass | table | ORG o VISIT / id, IDEMPOTENCY; PLATFORM VISITPASS / org, staff | 5 / 8
//	list-data-requests | the requests that were forwarded to an organisation, newest first; those that wait for an answer, by when it is due | table, GSI1 | ORG o REFERRAL; ORG o REFERRAL open / due, id | 4 / 0
//	answer-data-request | a request that was forwarded to an organisation, by id | table | ORG o REFERRAL / id, IDEMPOTENCY | 5 / 7
//	list-invitations | invitations by id | table | ORG o INVITATION | 4 / 0
//	get-invitation | an invitation by id | table | ORG o INVITATION / id | 4 / 0
//	resend-invitation | an invitation by id, its projects, and its links | table | ORG o INVITING / day, INVITEE / hash, INVITATION / id, OUTBOX, PROJECT / id, PROJECTMEMBER project / member, IDEMPOTENCY; TOKEN hash | 5 / 18
//	delete-invitation | an invitation by id, its mark and its link | table | ORG o INVITATION / id, INVITEE / hash; TOKEN hash | 4 / 9
//	decline-invitation | an invitation by its link, and its mark | table | TOKEN hash; ORG o INVITATION / id, INVITEE / hash | 2 / 7
//	create-client | a client with the next number | table | ORG o CLIENT / id, COUNTER, IDEMPOTENCY | 5 / 8
//	list-clients | clients by id; by status, in the order of change; all by time of change | table, GSI2 | ORG o CLIENT; ORG o CLIENT status / time | 4 / 0
//	get-client | a client by id | table | ORG o CLIENT / id | 4 / 0
//	update-client | a client by id | table | ORG o CLIENT / id | 4 / 4
//	archive-client | a client by id | table | ORG o CLIENT / id | 4 / 3
//	restore-client | a client by id | table | ORG o CLIENT / id | 4 / 3
//	erase-client | a client by id | table | ORG o CLIENT / id; DUE erasure s | 5 / 10
//	create-contact | a contact of a client, counted there | table | ORG o CONTACT client / id, CLIENT / id, IDEMPOTENCY | 4 / 7
//	list-contacts | the contacts of a client | table | ORG o CONTACT client, CLIENT / id | 5 / 0
//	get-contact | a contact of a client by id | table | ORG o CONTACT client / id, CLIENT / id | 5 / 0
//	update-contact | a contact of a client by id | table | ORG o CONTACT client / id, CLIENT / id | 5 / 4
//	delete-contact | a contact of a client by id, counted there | table | ORG o CONTACT client / id, CLIENT / id | 5 / 7
//	export-client | a client by id, its contacts, its invoices and their rows, its files | table, GSI1, GSI2 | ORG o CLIENT / id, CONTACT client; ORG o INVOICE status / client; ORG o INVOICEPAYER / id, INVOICELINE invoice, INVOICEPDF / id; ORG o PAYMENT invoice; ORG o STOREDFILE client / time | 11.5 / 1
//	delete-client | a client by id, and its contacts | table | ORG o CLIENT / id, CONTACT client | 4 / 3
//	create-project | a project with its key, counted at its client | table | ORG o PROJECT / id, PROJECTMEMBER project / member, PROJECTKEY / key, CLIENT / id, IDEMPOTENCY; DUE, WAKE purge-project | 4 / 11
//	list-projects | projects by id; by status and client; by time of change | table, GSI1, GSI2 | ORG o PROJECT; ORG o PROJECT status / client; ORG o PROJECT / time; ORG o PROJECTMEMBER member / project | 4 / 0
//	get-project | a project by id, and whether a guest works on it | table | ORG o PROJECT / id, PROJECTMEMBER project / member | 4 / 0
//	update-project | a project by id, and the clients it leaves and joins | table | ORG o PROJECT / id, PROJECTMEMBER project / member, CLIENT / id; DUE, WAKE purge-project | 4 / 4
//	archive-project | a project by id | table | ORG o PROJECT / id, PROJECTMEMBER project / member; DUE, WAKE purge-project | 4 / 5
//	restore-project | a project by id | table | ORG o PROJECT / id, PROJECTMEMBER project / member; DUE, WAKE purge-project | 4 / 5
//	delete-project | a project by id, and whether anything is booked on it | table | ORG o PROJECT / id, PROJECTMEMBER project / member, BOOKING project | 5 / 8
//	list-project-members | who works on a project | table | ORG o PROJECT / id; ORG o PROJECTMEMBER project | 5 / 0
//	create-project-member | a project by id, what the caller is on it, and a member of it | table | ORG o PROJECT / id, ACCESS / member, PROJECTMEMBER project / member, IDEMPOTENCY | 5 / 7
//	update-project-member | a member of a project, and what the caller is on it | table | ORG o PROJECTMEMBER project / member | 4 / 2
//	delete-project-member | a member of a project, and what the caller is on it | table | ORG o PROJECTMEMBER project / member; AUDIT | 4 / 5
//	close-projects | deleted projects that are due | table | DUE project_delete s; ORG o PROJECT / id; ORG o CLIENT / id, PROJECTKEY / key, PROJECTMEMBER project; DUE, WAKE purge-project | 4 / 0
//	start-timer | a member's timer, the project it is for, the user's one mark | table | ORG o TIMER / member; USER u RUNNING; ORG o PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project, TIMEENTRY month; DUE timer_forgotten | 7 / 11
//	get-timer | a member's timer | table | ORG o TIMER / member | 4 / 0
//	stop-timer | a member's timer and the entry it becomes | table | ORG o TIMER / member; USER u RUNNING; ORG o TIMEENTRY month / id | 6 / 13
//	discard-timer | a member's timer | table | ORG o TIMER / member; USER u RUNNING; ORG o PROJECTTIME project | 5 / 9
//	create-time-entry | an entry, the project it is for | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project | 5 / 8
//	list-time-entries | entries of a month by member and day; by time of change; of a project in the order of their numbers | GSI1, GSI2, table | ORG o TIMEENTRY month / member, day; ORG o TIMEENTRY member / time; ORG o PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project, TIMEENTRY month / id | 3.5 / 0
//	get-time-entry | an entry by id, and whether the caller leads its project | table | ORG o TIMEENTRY month / id, PROJECTMEMBER project / member | 4 / 0
//	update-time-entry | an entry by id, and the projects it leaves and joins | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project | 5 / 4
//	delete-time-entry | an entry by id, and its project | table | ORG o TIMEENTRY month / id, PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project | 5 / 7
//	remind-timers | timers that have run for eight hours | table | DUE timer_forgotten s; ORG o TIMER / member, ACCESS / member; USER u OUTBOX | 4 / 0
//	create-file | a file that is announced, and what it hangs on | table | ORG o STOREDFILE / id, PROJECT / id, PROJECTMEMBER project / member, PROJECTTIME project, CLIENT / id, IDEMPOTENCY; DUE upload; ORG o TICKET / id | 5 / 10
//	list-files | files by id; under a project or client by time of change | table, GSI2 | ORG o STOREDFILE; ORG o STOREDFILE parent / time; ORG o PROJECTMEMBER project / member; ORG o TICKET / id | 4 / 0
//	get-file | a file by id | table | ORG o STOREDFILE / id, PROJECTMEMBER project / member; ORG o TICKET / id | 4 / 0
//	confirm-file | a file by id | table | ORG o STOREDFILE / id, PROJECTMEMBER project / member; DUE upload; ORG o TICKET / id | 5 / 11
//	download-file | a file by id | table | ORG o STOREDFILE / id, PROJECTMEMBER project / member; ORG o TICKET / id | 4 / 0
//	update-file | a file by id | table | ORG o STOREDFILE / id, PROJECTMEMBER project / member; ORG o TICKET / id | 4 / 4
//	delete-file | a file by id, and what it hangs on | table | ORG o STOREDFILE / id, PROJECTMEMBER project / member, PROJECTTIME project, CLIENT / id; DUE upload; ORG o TICKET / id | 4 / 7
//	sweep-uploads | files and pictures that did not come, places of uploads and objects of what was deleted that are due | table | DUE upload s, picture s; ORG o STOREDFILE / id, PROJECTTIME project, CLIENT / id; ORG o TICKET / id; USER u, ORG o PICTURE | 8 / 0
//	create-ticket | a ticket with its first message | table | ORG o TICKET / id, TICKETMESSAGE ticket / id, IDEMPOTENCY | 4 / 9
//	list-tickets | tickets by id; of a member by state; by state and time of change | table, GSI1, GSI2 | ORG o TICKET; ORG o TICKET member / status, id; ORG o TICKET status / time | 4 / 0
//	get-ticket | a ticket by id, with its messages | table | ORG o TICKET / id, TICKETMESSAGE ticket | 5 / 0
//	update-ticket | a ticket by id | table | ORG o TICKET / id | 4 / 4
//	create-ticket-message | a ticket by id, and one message more | table | ORG o TICKET / id, TICKETMESSAGE ticket / id, IDEMPOTENCY | 5 / 10
//	close-ticket | a ticket by id | table | ORG o TICKET / id, OUTBOX / dedupe; DUE, WAKE purge-ticket; DUE outbox | 4 / 10
//	reopen-ticket | a ticket by id | table | ORG o TICKET / id; DUE, WAKE purge-ticket | 4 / 10
//	rate-ticket | a ticket by id | table | ORG o TICKET / id | 4 / 3
//	rate-mail-ticket | a correspondent's ticket by its pass | table | CASE hash TICKET / id | 1 / 1
//	take-in-mail | a mail that came in, who sent it, and the ticket that it answers | table | DUE arrival s; PLATFORM ARRIVAL id; MAIL hash; USER u USERGATE, MEMBERSHIP; ORG o ACCESS / member, ORGGATE; CASE hash CORRESPONDENT, MAILCOUNT; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket / id, OUTBOX / dedupe; USER u, CASE hash REQUEST / id; USER u OUTBOX / dedupe; PLATFORM DOCKET / id; DUE, WAKE purge-ticket, purge-correspondent; DUE outbox, request; at its start PLATFORM SUBPROCESSOR | 4 / 0
//	create-invoice | a draft with its payer and lines, counted at its client | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice / part, CLIENT / id, ORGANIZATION, PROJECT / id, PROJECTMEMBER project / member, IDEMPOTENCY; DUE, WAKE purge-invoice; DUE assembly; ORG o OUTBOX / dedupe | 6 / 18
//	list-invoices | invoices by id; by status and client; what is overdue; of a client in all states; by time of change | table, GSI1, GSI2 | ORG o INVOICE; ORG o INVOICE status / client, id; ORG o INVOICE status overdue / client, id; ORG o INVOICE / time | 4 / 0
//	get-invoice | an invoice by id, with its payer, its lines and its mail | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe | 7 / 0
//	update-invoice | a draft by id, with its payer and lines | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe | 7 / 4
//	delete-invoice | a draft by id, with its payer and lines | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe, CLIENT / id; DUE, WAKE purge-invoice | 7 / 19
//	send-invoice | a draft by id, its client, the logo, the next number, a public link, and a mail | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe, ORGANIZATION, PICTURE, CLIENT / id, COUNTER, INVOICENUMBER / number, IDEMPOTENCY; TOKEN hash; DUE outbox, purge-invoice, overdue; WAKE purge-invoice | 12 / 24
//	void-invoice | an invoice by id, with its payer and lines | table | ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe | 8 / 10
//	get-public-invoice | an invoice by the hash of its public link, and its first view | table | TOKEN hash; ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe, ORGGATE, ORGANIZATION, CONNECTED, CHECKOUT / invoice | 9 / 5
//	get-invoice-pdf | an invoice by id, and its document | table | ORG o INVOICE / id, INVOICEPDF / id | 5 / 0
//	get-public-invoice-pdf | an invoice by the hash of its public link, and its document | table | TOKEN hash; ORG o INVOICE / id, INVOICEPDF / id, ORGGATE | 4 / 0
//	render-invoice | invoices that were sent and have no document yet; one by an event | table | DUE document s; ORG o INVOICE / id, INVOICEPDF / id, INVOICEPAYER / id, INVOICELINE invoice, OUTBOX / dedupe | 4 / 0
//	erase-recipients | clients and invoices that persons are to be taken off; one client by an event | table, GSI1 | DUE erasure s; PLATFORM ERASURE / hash; ORG o CLIENT / id, CONTACT client, INVOICEPAYER / id, INVOICEPDF / id, INVOICE / id, INVOICELINE invoice, PAYMENT / id; ORG o INVOICE status / client, PAYMENT invoice; ORG o OUTBOX / dedupe | 4 / 0
//	assemble-invoice | invoices that take time or give it up; one by an event | table, GSI1 | DUE assembly s; ORG o INVOICE / id, INVOICEENTRY invoice / entry, INVOICELINE invoice / part, TIMEENTRY month / id, PROJECT / id, ORGGATE; ORG o TIMEENTRY month / member, day | 4 / 0
//	mark-overdue | invoices that were sent and whose day is over | table | DUE overdue s; ORG o INVOICE / id | 4 / 0
//	create-payment | an invoice by id, and what was paid of it | table | ORG o INVOICE / id, PAYMENT / id, IDEMPOTENCY; DUE, WAKE purge-invoice | 5 / 14
//	list-payments | payments by id; by invoice; by time of change | table, GSI1, GSI2 | ORG o PAYMENT; ORG o PAYMENT invoice / id; ORG o PAYMENT / time | 4 / 0
//	delete-payment | a payment by id, and its invoice | table | ORG o PAYMENT / id, INVOICE / id | 5 / 13
//	get-payment | a payment by id, with its refunds and disputes | table | ORG o PAYMENT / id | 4 / 0
//	get-payment-account | an organisation's account at Stripe | table | ORG o CONNECTED | 4 / 0
//	create-payment-account | an organisation's account at Stripe, and whose it is | table | ORG o CONNECTED, ORGANIZATION, IDEMPOTENCY; EXT stripe account account; DUE reconcile; at its start PLATFORM SUBPROCESSOR | 6 / 11
//	delete-payment-account | an organisation's account at Stripe, its checkouts, and payments that came meanwhile | table | ORG o CONNECTED, CHECKOUT, INVOICE / id, PAYMENT / id; EXT stripe account object; DUE reconcile; at its start PLATFORM SUBPROCESSOR | 8 / 9
//	create-checkout | an invoice by the hash of its public link, and its one checkout | table | TOKEN hash; ORG o INVOICE / id, ORGGATE, ORGANIZATION, CONNECTED, CHECKOUT / invoice; EXT stripe account session; at its start PLATFORM SUBPROCESSOR | 6 / 8
//	create-refund | a payment by id, its invoice, and what goes back | table | ORG o PAYMENT / id, INVOICE / id, IDEMPOTENCY; EXT stripe account object; DUE refund, purge-invoice; WAKE purge-invoice; at its start PLATFORM SUBPROCESSOR | 11 / 25
//	apply-stripe-event | what an event of Stripe's is about | table | PLATFORM STRIPEEVENT account / id; EXT stripe account object; ORG o CONNECTED, CHECKOUT / invoice, INVOICE / id, PAYMENT / id; DUE reconcile, refund, purge-invoice; WAKE purge-invoice; at its start PLATFORM SUBPROCESSOR | 3 / 2
//	reconcile-payments | accounts that are to be asked again, refunds that Stripe was not told of | table | DUE reconcile s, refund s; EXT stripe account object; ORG o CONNECTED, CHECKOUT, INVOICE / id, PAYMENT / id; at its start PLATFORM SUBPROCESSOR | 8 / 0
//	expire-checkouts | the checkouts of an invoice or an organisation | table | ORG o CHECKOUT / invoice, INVOICE / id; at its start PLATFORM SUBPROCESSOR | 2 / 1
//	receive-stripe | an event by account and id | table | PLATFORM STRIPEEVENT platform / id | 0 / 1
//	receive-stripe-connect | an event by account and id | table | PLATFORM STRIPEEVENT account / id | 0 / 1
//	get-policy | the version of the policy that is in effect; its text | GSI1, table | PLATFORM POLICY / time; POLICY / number, POLICYBODY / number | 0.5 / 0
//	list-policy-versions | the versions of the policy | table | PLATFORM POLICY | 1 / 0
//	get-policy-version | a version of the policy by number, with its text | table | PLATFORM POLICY / number, POLICYBODY / number | 0 / 0
//	get-data-map | no data | - | - | 0 / 0
//	list-subprocessors | the register of sub-processors | table | PLATFORM SUBPROCESSOR | 1 / 0
//	list-purposes | no data | - | - | 0 / 0
//	list-cookies | no data | - | - | 0 / 0
//	get-gpc | no data | - | - | 0 / 0
//	list-disclosures | what left the house about a user | table | USER u OUTBOX, DISCLOSED, NOTICE; PLATFORM SUBPROCESSOR, TRANSFER / id | 7 / 0
//	list-consents | a user's consents, newest first | table | USER u CONSENT | 4 / 0
//	create-consent | a user's last consent for a purpose, and the next | table, GSI1 | USER u CONSENT / purpose, sequence; PLATFORM POLICY / time | 5.5 / 6
//	withdraw-consent | a user's last consent for a purpose, and the next | table, GSI1 | USER u CONSENT / purpose, sequence; PLATFORM POLICY / time | 4.5 / 6
//	list-objections | a user's consents and objections | table | USER u CONSENT | 4 / 0
//	create-objection | a user's last act about a purpose, their recent requests, and the next of both | table, GSI1 | USER u CONSENT / purpose, sequence; USER u REQUEST / id; OUTBOX; DUE request; USER u PROFILE; PLATFORM DOCKET / id, POLICY / time | 7.5 / 17
//	opt-out | nothing without a login; a user's last consents, and a new request | table | USER u CONSENT, PROFILE, REQUEST / id, OUTBOX; DUE outbox; PLATFORM DOCKET / id, POLICY / time | 5.5 / 15
//	create-event | a user's last consent for a purpose, and what they did | table | USER u CONSENT / purpose, sequence; DUE usage_day; PLATFORM USAGEEVENT day, shard / pseudonym, random; USER u IDEMPOTENCY | 5 / 4
//	list-notices | what a user was told of, newest first, and what they did then | table | USER u NOTICE, ACK | 5 / 0
//	acknowledge-notice | a notice of a user by id | table | USER u NOTICE / id, ACK / id, act | 6 / 6
//	create-request | a user's recent requests, and a new one | table, GSI1 | USER u REQUEST / id; OUTBOX; DUE request; USER u PROFILE, CONSENT; PLATFORM DOCKET / id, POLICY / time | 6 / 16
//	create-mail-request | who has an address, and a new request of theirs | table | CASE hash ATTEMPTS, MAILCOUNT, CORRESPONDENT; MAIL hash; USER u, CASE hash REQUEST / id, OUTBOX; PLATFORM DOCKET / id; DUE request, outbox, purge-correspondent; WAKE purge-correspondent | 3 / 21
//	create-request-code | a correspondent's request by its pass, and a mail with its code | table | CASE hash REQUEST / id, MAILEDCODE / id, OUTBOX; DUE outbox | 2 / 6
//	open-mail-request | a correspondent's request by its pass and code, and its package; a mail to its agent | table | CASE hash REQUEST / id, MAILEDCODE / id, PACKAGE / id, OUTBOX; DUE outbox; PLATFORM DOCKET / id; DUE request | 2 / 13
//	list-requests | a user's requests, newest first | table | USER u REQUEST | 4 / 0
//	get-request | a user's request by id | table | USER u REQUEST / id | 4 / 0
//	verify-request | a user's request by id; a mail to its agent | table | USER u REQUEST / id, OUTBOX; DUE outbox; PLATFORM DOCKET / id | 5 / 15
//	withdraw-request | a user's request by id | table | USER u REQUEST / id; PLATFORM DOCKET / id; DUE request | 4 / 11
//	send-notices | announcements that not everybody has been told of; all accounts | table | DUE notices s; PLATFORM ANNOUNCEMENT / id, ROUND / announcement, shard, SUBJECT s, DEADLINE / entry, what, SUBPROCESSOR / company; USER u USERGATE, NOTICE / id, MEMBERSHIP, OUTBOX; ORG o ACCESS / member, ORGGATE; DUE outbox | 4 / 0
//	download-request | a user's request by id and its package | table | USER u REQUEST / id, PACKAGE / id | 5 / 4
//	download-export | an organisation's package by the link that was mailed, and its owner's password | table | TOKEN hash; CASE hash ATTEMPTS; ORG o ACCESS / member, PACKAGE / id; USER u CREDENTIAL | 4 / 7
//	create-child-report | how many reports there were; a report with its mail | table | CASE hash ATTEMPTS, CHILDREPORT, OUTBOX; DUE outbox | 0 / 8
//	confirm-child-report | a report by its link, and the account that it is about | table | CASE hash CHILDREPORT, REQUEST / id, OUTBOX; MAIL hash; USER u USERGATE, OUTBOX; PLATFORM DOCKET / id; DUE request, outbox | 3 / 20
//	sweep-retention | accounts and organisations that are due to go, with all they have | table, GSI1 | DUE purge-account s, purge-organization s; every family of a user or organisation; NAMED hash / org, id; DUE purge-invoice s, purge-ticket s, purge-correspondent s, purge-project s, project-setting s; ORG o PROJECT / id, PROJECTTIME project, PROJECTMEMBER project, PROJECTKEY / key, TIMER, TIMEENTRY month / id, STOREDFILE / id, ORGGATE, ACCESS; USER u OUTBOX; DUE timer_forgotten, upload; ORG o INVOICE / id, INVOICEPAYER / id, INVOICELINE invoice, INVOICEENTRY invoice, INVOICENUMBER / number, INVOICEPDF / id, CHECKOUT / invoice, PAYMENT invoice, CLIENT / id; TOKEN hash; EXT stripe account object; PLATFORM DOCKET / id, SUPPORTQUEUE / id, FLAGLIST / id, SUBJECT s / user; PLATFORM HEARTBEAT / job | 28 / 1
//	cascade-expired | the due row of a wake row that TTL has deleted | stream, table, GSI1 | WAKE kind s; DUE kind s; every family of a user or organisation; NAMED hash / org, id; PLATFORM DOCKET / id, SUBJECT s / user | 0 / 0
//	replay-ledger | which table the ring names; in a restored one everybody whom the vault's ledger names, and all that is due | table, GSI1 | PLATFORM KEYRING; PLATFORM ERASURE / hash, HOLD / id, CUSTODY / id, DOCKET / id, SUPPORTQUEUE / id, FLAGLIST / id, SUBJECT s / user; every family of a user or organisation; NAMED hash / org, id; DUE erasure s, purge-account s, purge-organization s, purge-invoice s, purge-ticket s, hold-review, request | 1 / 0
//	record-accounts | what an account is, and what is on record of it; by an event | table | USER u USERGATE, COMMITMENT; PLATFORM AUDIT | 2 / 4
//	work-requests | requests and packages that are due; a request by an event; what names an address | table, GSI1 | DUE request s, package s; USER u REQUEST / id; CASE hash REQUEST / id, UNINVITED; every family of a user or organisation; PLATFORM DOCKET / id, HOLD / id, SUPPORTQUEUE / id, FLAGLIST / id, SUBJECT s / user, POLICY / time; DUE hold-review s; PLATFORM HEARTBEAT / job; NAMED hash / org, id; ORG o ORGANIZATION, ACCESS, REFERRAL / id, OUTBOX | 12 / 1
//	aggregate-events | days that are over, and what people did on them | table | DUE usage_day s; PLATFORM USAGEEVENT day, shard / pseudonym, random; USAGETOTAL / day; PLATFORM HEARTBEAT / job | 4 / 1
//	build-export | everything of a user or organisation | table, GSI1, GSI2 | USER u PACKAGE / id; ORG o PACKAGE / id; TOKEN hash; every family of a user or organisation, what a correspondent wrote, and what names an address: NAMED hash / org, id; PLATFORM DOCKET / id, POLICY / time, SUBPROCESSOR, TRANSFER / id | 82.5 / 21
//	dispatch-changes | changes of the types that somebody wants, and an act for each that tells of one | stream, table | ORG o ACTIVITY month / time, id | 0 / 0
//	send-outbox | mails that are due; a mail by an event | table | DUE outbox s; USER u, CASE hash, ORG o OUTBOX / dedupe; USER u PROFILE, APIKEY / id, EMAILCHANGE, NOTIFYCHOICE; PLATFORM SUPPRESSION, UNBOUND; EXT resend platform id; CASE hash SIGNUP, PASSWORDRESET, CHILDREPORT; USER u, CASE hash REQUEST / id; ORG o INVOICE / id, INVOICEPAYER / id, ORGANIZATION; USER u DELETION, NOTICE / id; ORG o OWNERSHIP, INVITATION / id, VISIT / id, REFERRAL / id; ORG o, CASE hash TICKET / id, TICKETMESSAGE ticket; ORG o ACCESS / member; CASE hash CORRESPONDENT, UNINVITED; at its start PLATFORM SUBPROCESSOR | 4 / 0
//	receive-resend | a mail by the provider's id | table | EXT resend platform id; USER u, CASE hash, ORG o OUTBOX / dedupe; PLATFORM SUPPRESSION, UNBOUND | 2 / 1
//	receive-inbound-mail | a mail by the provider's id | table | PLATFORM ARRIVAL id; DUE arrival | 0 / 4
package store
