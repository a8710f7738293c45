// Package retention is the schedule of policy section 7: how long data of each class is kept, counted from what, and
// what happens then. The registry gives every row a class; this package gives the class its length.
package retention

import (
	"time"

	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/registry"
)

// Lengths that the policy states, and of what it does not name ours.
const (
	Account       = 30 * 24 * time.Hour // after deletion, restorable meanwhile
	Organization  = 30 * 24 * time.Hour // after closing
	Usage         = 90 * 24 * time.Hour
	Activity      = 365 * 24 * time.Hour // ours, for the policy names none; package feed says the same
	Export        = 7 * 24 * time.Hour
	Log           = 30 * 24 * time.Hour
	Mail          = 30 * 24 * time.Hour
	Backup        = 35 * 24 * time.Hour // the longest recovery window
	Ledger        = 90 * 24 * time.Hour // the erasure ledger; the vault's lifecycle says the same
	FinanceYears  = 7
	AuditYears    = 7
	SupportYears  = 2
	RegisterYears = 5  // after an entry is closed; of breaches Canada requires 24 months
	RequestMonths = 36 // after a request is closed
	RequestFloor  = 24 // months that California requires (CCPA regulations §7101)
	ConsentMonths = 36 // after a consent is superseded or the account has gone
	ExportOffer   = 14 * 24 * time.Hour
)

// Least and most that an organisation may set for project data.
const (
	ProjectLeast = 30 * 24 * time.Hour
	ProjectMost  = 10 * 366 * 24 * time.Hour
)

// Action is what happens when the time has come.
type Action string

// The actions.
const (
	Delete       Action = "delete"
	Pseudonymise Action = "pseudonymise" // what leads to the person goes, the proof stays until its own end
	DropKey      Action = "destroy_key"  // the key of the subject's commitments goes; the chain stays whole
	Keep         Action = "keep"         // it is nobody's data
)

// Mechanism is what carries the action out.
type Mechanism string

// The mechanisms.
const (
	ByTTL       Mechanism = "ttl"       // leaf rows without side effects
	ByWorker    Mechanism = "worker"    // a due row, its wake row, and the hourly sweep
	ByLifecycle Mechanism = "lifecycle" // of a bucket
	ByParent    Mechanism = "parent"    // goes with what it belongs to
)

// Rule is one line of the schedule.
type Rule struct {
	Class     registry.Class
	Start     string // the event that starts the clock
	Length    string // in words
	Action    Action
	Mechanism Mechanism
	Stays     string // what is left afterwards
	due       func(start time.Time) time.Time
}

// Due is when data whose clock started at a time is due, and false for a class that has no clock of its own.
func (r Rule) Due(start time.Time) (time.Time, bool) {
	if r.due == nil {
		return time.Time{}, false
	}
	return r.due(start.UTC()), true
}

// Schedule lists a rule for every class of the registry.
func Schedule() []Rule {
	return []Rule{
		{registry.ClassAccount, "confirmed deletion of the account, or closing of the organization", "30 days, restorable meanwhile; on erasure at once, or at the latest when the answer is due",
			Delete, ByWorker, "a row of the erasure ledger without a profile", span(Account)},
		{registry.ClassSecurity, "issue", "their own expiry: minutes for codes and links, 30 idle days and a year at most for sessions",
			Delete, ByTTL, "", nil},
		{registry.ClassProject, "the organization's setting, or its closing", "the organization's setting; without one, the life of the organization and 30 days",
			Delete, ByWorker, "counts in totals", span(Organization)},
		{registry.ClassFinance, "the later of issue and settlement", "7 years; 29 February counts as 28 February",
			Delete, ByWorker, "anonymous yearly totals", years(FinanceYears)},
		{registry.ClassSupport, "the last close of the ticket", "2 years; reopening starts it anew",
			Delete, ByWorker, "", years(SupportYears)},
		{registry.ClassConsent, "superseded, or the account has gone", "36 months",
			Pseudonymise, ByTTL, "version, hash, time and source of the text", months(ConsentMonths)},
		{registry.ClassRequest, "the request is closed", "36 months, at least the 24 that California requires",
			Delete, ByTTL, "counts", months(RequestMonths)},
		{registry.ClassExport, "the package is ready", "7 days",
			Delete, ByLifecycle, "the record that it was made and fetched", span(Export)},
		{registry.ClassAudit, "the record is written", "7 years",
			Delete, ByTTL, "heads of the chain, which hold hashes only", years(AuditYears)},
		{registry.ClassActivity, "the act", "365 days",
			Delete, ByTTL, "", span(Activity)},
		{registry.ClassUsage, "the event", "90 days",
			Delete, ByTTL, "totals over ten people or more", span(Usage)},
		{registry.ClassLedger, "the erasure", "until every backup that is older has gone",
			Delete, ByLifecycle, "", span(Ledger)},
		{registry.ClassWork, "the work is queued", "until it is done; mails 30 days, what was forwarded to an organization 90 days after it was due",
			Delete, ByWorker, "", nil},
		{registry.ClassRegister, "the entry of the register is closed", "5 years",
			Delete, ByTTL, "", years(RegisterYears)},
		{registry.ClassPlatform, "", "no limit", Keep, ByParent, "it is nobody's data", nil},
	}
}

// Of finds the rule of a class, false for a class without one.
func Of(c registry.Class) (Rule, bool) {
	for _, r := range Schedule() {
		if r.Class == c {
			return r, true
		}
	}
	return Rule{}, false
}

// PurgeAt is when a deleted account goes: 30 days after its deletion, or earlier when the answer to an erasure request
// is due before. Nothing makes it later.
func PurgeAt(deleted time.Time, answerDue time.Time) time.Time {
	at := deleted.Add(Account)
	if !answerDue.IsZero() && answerDue.Before(at) {
		return answerDue
	}
	return at
}

func span(d time.Duration) func(time.Time) time.Time {
	return func(start time.Time) time.Time { return start.Add(d) }
}

func years(n int) func(time.Time) time.Time {
	return func(start time.Time) time.Time { return clocks.AddYears(start, n) }
}

func months(n int) func(time.Time) time.Time {
	return func(start time.Time) time.Time { return clocks.AddMonths(start, n) }
}
