// Package registry is where every field of every row and event says what it is: personal, and then whose, what for, on
// which basis, how long and how it goes; or not personal, with the reason. Access, portability, erasure, retention and
// the public data map read it. What is not registered is exported to nobody and fails the build.
package registry

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Class is a class of retention.
type Class string

// The classes of retention.
const (
	ClassAccount  Class = "account"         // while the account lives, and 30 days after its deletion
	ClassSecurity Class = "security"        // sessions, codes, links: their own expiry
	ClassProject  Class = "project_data"    // by the organisation's setting
	ClassFinance  Class = "financial"       // 7 years
	ClassSupport  Class = "support"         // 2 years from the last close
	ClassConsent  Class = "consent_proof"   // while relied on, and 36 months
	ClassRequest  Class = "privacy_request" // 36 months from the close
	ClassExport   Class = "export_package"  // 7 days
	ClassAudit    Class = "audit"           // 7 years
	ClassActivity Class = "activity"        // 365 days
	ClassUsage    Class = "usage"           // 90 days
	ClassLedger   Class = "erasure_ledger"  // while a backup older than the erasure may exist, longer than the recovery window
	ClassRegister Class = "register"        // 5 years from the close of an entry
	ClassPlatform Class = "platform"        // no person's: registers, keys, policies
	ClassWork     Class = "work_queue"      // until the work it stands for is done
)

// Subject is whose data a field is.
type Subject string

// The subjects.
const (
	SubjectUser    Subject = "user"    // the account's holder
	SubjectMember  Subject = "member"  // a person inside an organisation, by member id
	SubjectContact Subject = "contact" // a client or its contact; the organisation is controller
	SubjectInvitee Subject = "invitee"

	SubjectCorrespondent Subject = "correspondent" // who has only written to PixelTrack
	SubjectNobody        Subject = ""
)

// Erasure is what becomes of a personal field when its subject is erased.
type Erasure string

// The ways a field goes.
const (
	EraseWithRow   Erasure = "row"        // the row is deleted
	EraseBlank     Erasure = "blank"      // the field is removed, the row stays
	EraseUnlink    Erasure = "unlink"     // a member or user id whose link to the person is deleted
	KeepForDuty    Erasure = "duty"       // kept under a legal duty until its class ends
	KeepController Erasure = "controller" // the organisation's text; it decides
)

// Basis is the legal basis of GDPR Art. 6 that a row is processed on.
type Basis string

// The four bases.
const (
	Contract   Basis = "contract"
	Interest   Basis = "legitimate_interests"
	Consent    Basis = "consent"
	Obligation Basis = "legal_obligation"
)

// Scope is in whose partitions rows lie.
type Scope string

// The scopes, named after the handles of the store.
const (
	InOrganization Scope = "organization"
	InUser         Scope = "user"
	InCase         Scope = "case"
	InPlatform     Scope = "platform"
	InLookup       Scope = "lookup" // MAIL, TOKEN, EXT, DUE, WAKE
)

// Divisions of a family's partitions: what stands after the family. A family divided by the objects of another, as
// tasks are by projects, names that family (ByObject("PROJECT")).
const (
	Undivided = ""
	ByMember  = "member"
	ByMonth   = "month" // 2026-11, in which the id of the row was made
)

// ByObject says that a family is divided by the ids of the rows of another family of the same scope.
func ByObject(family string) string { return "object:" + family }

// Indexes that list the rows of one member under scope, family and member id; see Row.MemberIndex.
const (
	TableItself = "table"
	Index1      = "GSI1"
	Index2      = "GSI2"
)

// Bucket is where objects lie that rows stand for.
type Bucket string

// The buckets whose objects go into exports.
const (
	FilesBucket     Bucket = "files"
	DocumentsBucket Bucket = "documents" // of invoices
)

// Field is one attribute of a row or event.
type Field struct {
	Name     string // the attribute's name
	Personal bool
	Why      string  // why it is not personal, or what it is for
	Export   string  // its name in an export; empty leaves it out
	Erase    Erasure // of a personal field
	Secret   bool    // never exported: a hash, a key, a token
	Sealed   bool    // encrypted by envelope for its place, bytes; an export shows it opened
	Object   Bucket  // it holds the key of an object in this bucket, named by the row's name, that an export holds beside the row
	Lookup   string  // LookupMail, LookupToken or LineOf when it holds the hash, hashes or name of lookup rows that lead to the subject
}

// Kinds of lookup rows that a field may hold the hash of. Erasure deletes those rows while they still lead to the
// subject.
const (
	LookupMail  = "MAIL"
	LookupToken = "TOKEN"
)

// LineOf is the kind of lookup row that a field holds the name of when it has a line on a list of the platform's own, by
// the family of the list.
func LineOf(family string) string { return lines + family }

// Line is the family of the list that a kind of lookup row is a line of, false for another kind.
func Line(lookup string) (string, bool) { return strings.CutPrefix(lookup, lines) }

const lines = "LINE "

// Leading says of a field that it holds the hashes of lookup rows.
func Leading(f Field, lookup string) Field {
	f.Lookup = lookup
	return f
}

// Row is one row type with its fields.
type Row struct {
	Sample  any // a zero value of the row's struct
	Type    string
	Area    string
	Subject Subject
	Purpose string // from the register of purposes
	Basis   Basis
	Class   Class
	Export  string // the file it goes to in an export, "clients"; empty for rows that are no one's to have
	Family  string // the key family

	Scopes      []Scope // in whose partitions it lies
	Division    string  // what divides the family's partitions: Undivided, ByMember, ByMonth, ByObject
	MemberIndex string  // where a member's rows are listed under scope, family and member id; empty when nowhere
	Fields      []Field
}

// Personal registers a personal field that is exported under a name.
func Personal(name, export, why string, erase Erasure) Field {
	return Field{Name: name, Personal: true, Why: why, Export: export, Erase: erase}
}

// Secret registers a personal field that no export shows: a password's hash, a token's hash.
func Secret(name, why string, erase Erasure) Field {
	return Field{Name: name, Personal: true, Why: why, Erase: erase, Secret: true}
}

// Sealed registers a personal field that lies encrypted by envelope, bound to its scope, row and name. An export shows
// what it says.
func Sealed(name, export, why string, erase Erasure) Field {
	return Field{Name: name, Personal: true, Why: why, Export: export, Erase: erase, Sealed: true}
}

// Stored registers a field that holds the key of an object in a bucket. An export holds the object beside the row, whose
// sort key and name say where, and not the key.
func Stored(name string, in Bucket, why string, erase Erasure) Field {
	return Field{Name: name, Personal: true, Why: why, Erase: erase, Secret: true, Object: in}
}

// Plain registers a field that is not personal, with the reason. It is exported under its own name where the row is.
func Plain(name, why string) Field { return Field{Name: name, Why: why, Export: name} }

// Internal registers a field that is not personal and not exported.
func Internal(name, why string) Field { return Field{Name: name, Why: why} }

// Meta registers what every row carries.
func Meta() []Field {
	return []Field{
		Internal("PK", "ids and a family"), Internal("SK", "ids, dates and fixed words"),
		Internal("GSI1PK", "ids and a family, or a keyed hash of an address"), Internal("GSI1SK", "ids, dates and fixed words"),
		Internal("GSI2PK", "ids and a family"), Internal("GSI2SK", "ids, dates and fixed words"),
		Internal("_type", "a fixed word"), Internal("_v", "a count of writes"),
		{Name: "_by", Personal: true, Why: "who wrote the row last: a member id, a user id, or a job, and the request", Erase: EraseUnlink},
		Internal("expires_at", "a time of retention"), Internal("due_at", "a time of retention"),
		Internal("held", "a mark of a legal hold"), Internal("restricted", "a mark of Art. 18"),
	}
}

// Attributes lists the attribute names of a row's struct, its embedded parts included.
func Attributes(sample any) []string {
	t := reflect.TypeOf(sample)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("dynamo"), ",")
		switch {
		case f.Anonymous:
			names = append(names, Attributes(reflect.Zero(f.Type).Interface())...)
		case !f.IsExported() || tag == "-":
		case tag != "":
			names = append(names, tag)
		default:
			names = append(names, f.Name)
		}
	}
	return names
}

// Check compares rows with what is registered of them, and says what is missing, unknown, or without a reason.
func Check(rows []Row) []string {
	var findings []string
	families := map[string]bool{}
	for _, r := range rows {
		families[r.Family] = true
		registered := map[string]Field{}
		for _, f := range append(Meta(), r.Fields...) {
			if f.Why == "" {
				findings = append(findings, fmt.Sprintf("%s.%s: no reason", r.Type, f.Name))
			}
			if f.Personal && f.Erase == "" {
				findings = append(findings, fmt.Sprintf("%s.%s: personal, but nothing says how it goes", r.Type, f.Name))
			}
			if f.Object != "" && !slices.ContainsFunc(r.Fields, func(n Field) bool { return n.Name == "name" && n.Export != "" }) {
				findings = append(findings, fmt.Sprintf("%s.%s: a stored object, but the row has no name to export it by", r.Type, f.Name))
			}
			registered[f.Name] = f
		}
		there := Attributes(r.Sample)
		for _, name := range there {
			if _, ok := registered[name]; !ok {
				findings = append(findings, fmt.Sprintf("%s.%s: not registered", r.Type, name))
			}
		}
		for _, f := range r.Fields {
			if !slices.Contains(there, f.Name) {
				findings = append(findings, fmt.Sprintf("%s.%s: registered, but the row has no such field", r.Type, f.Name))
			}
		}
		if r.Class == "" || r.Purpose == "" || r.Area == "" || r.Family == "" || len(r.Scopes) == 0 {
			findings = append(findings, fmt.Sprintf("%s: class, purpose, area, family and scopes are needed", r.Type))
		}
	}
	for a := range families {
		for b := range families {
			if a != b && a != "" && strings.HasSuffix(b, a) {
				findings = append(findings, fmt.Sprintf("family %s ends in family %s", b, a))
			}
		}
	}
	slices.Sort(findings)
	return findings
}
