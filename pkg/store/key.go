package store

import (
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/id"
)

// separator stands between the parts of a key. Ids, families and dates never contain it, and no other package
// writes it.
const separator = "#"

// Names of the key attributes.
const (
	attrPK     = "PK"
	attrSK     = "SK"
	attrGSI1PK = "GSI1PK"
	attrGSI1SK = "GSI1SK"
	attrGSI2PK = "GSI2PK"
	attrGSI2SK = "GSI2SK"
)

// Family names a kind of row inside a tenant's or person's partitions, CLIENT for example. Family names are unique and
// none ends another, because a role's leading-key patterns end in them.
type Family string

// Only is the sort key of a row that is alone in its partition.
const Only = "ONLY"

// Key names one row.
type Key struct{ PK, SK string }

// IsZero says whether the key names nothing.
func (k Key) IsZero() bool { return k == Key{} }

// Scope is whom a partition belongs to: an organisation, a user, a case, or the platform.
type Scope struct{ prefix string }

// OrganizationScope is the scope of one organisation.
func OrganizationScope(org id.Organization) Scope { return Scope{join("ORG", string(org))} }

// UserScope is the scope of one user.
func UserScope(user id.User) Scope { return Scope{join("USER", string(user))} }

// CaseScope is the scope of a request or link, found by the hash of its secret.
func CaseScope(hash string) Scope { return Scope{join("CASE", hash)} }

// PlatformScope holds registers, policies and keys.
func PlatformScope() Scope { return Scope{"PLATFORM"} }

// Partition is the partition key of a family, with an optional division (a member, a month).
func (s Scope) Partition(f Family, division ...string) string {
	return join(append([]string{s.prefix, string(f)}, division...)...)
}

// Key is the key of a row of a family: the parts make the sort key.
func (s Scope) Key(f Family, parts ...string) Key {
	if len(parts) == 0 {
		parts = []string{Only}
	}
	return Key{PK: s.Partition(f), SK: join(parts...)}
}

// KeyIn is the key of a row in a division of a family.
func (s Scope) KeyIn(f Family, division string, parts ...string) Key {
	return Key{PK: s.Partition(f, division), SK: join(parts...)}
}

// Updated is a key of the second index that lists a family, or a division of it, by time of change, for updated_since.
func (s Scope) Updated(f Family, at time.Time, rowID string, division ...string) Key {
	return Key{PK: s.Partition(f, division...), SK: join(Instant(at), rowID)}
}

// String is the scope's prefix, ORG#org_….
func (s Scope) String() string { return s.prefix }

// owns says whether a partition key lies inside the scope.
func (s Scope) owns(pk string) bool { return strings.HasPrefix(pk, s.prefix+separator) }

// Lookup rows hold ids only and belong to nobody: a marker for an e-mail's keyed hash, a token's hash, or a provider's
// object.
func MailLookup(hash string) Key  { return Key{PK: join("MAIL", hash), SK: Only} }
func TokenLookup(hash string) Key { return Key{PK: join("TOKEN", hash), SK: Only} }
func ExternalLookup(provider, account, object string) Key {
	return Key{PK: join("EXT", provider, account, object), SK: Only}
}

// NamedLookup is a key of an index under which a row is listed that names somebody by an address, by the address's keyed hash.
// A row of any scope may be listed so; the list belongs to nobody, and the platform's handle alone reads it.
func NamedLookup(hash string, parts ...string) Key {
	return Key{PK: join(named, hash), SK: join(parts...)}
}

const named = "NAMED"

// ScopeOf reads the scope and family out of a partition key that this package made.
func ScopeOf(pk string) (Scope, Family) {
	parts := strings.Split(pk, separator)
	switch {
	case len(parts) >= 3 && (parts[0] == "ORG" || parts[0] == "USER" || parts[0] == "CASE"):
		return Scope{join(parts[0], parts[1])}, Family(parts[2])
	case len(parts) >= 2:
		return Scope{parts[0]}, Family(parts[1])
	}
	return Scope{pk}, ""
}

// Organization gives the organisation of a scope, false when the scope is not one.
func (s Scope) Organization() (id.Organization, bool) {
	rest, ok := strings.CutPrefix(s.prefix, join("ORG", ""))
	if !ok {
		return "", false
	}
	org, err := id.Parse[id.Organization](rest)
	return org, err == nil
}

// User gives the user of a scope, false when the scope is not one.
func (s Scope) User() (id.User, bool) {
	rest, ok := strings.CutPrefix(s.prefix, join("USER", ""))
	if !ok {
		return "", false
	}
	user, err := id.Parse[id.User](rest)
	return user, err == nil
}

// Case gives the hash that a case's scope is found by, false when the scope is not one.
func (s Scope) Case() (string, bool) { return strings.CutPrefix(s.prefix, join("CASE", "")) }

// Parts splits a sort key that this package made.
func Parts(sk string) []string { return strings.Split(sk, separator) }

// Join makes a sort key of several parts, for ranges and prefixes of a query.
func Join(parts ...string) string { return join(parts...) }

// Instant writes a time so that texts sort as times do: UTC, milliseconds, fixed width, years 0 to 9999.
func Instant(t time.Time) string { return t.UTC().Format(instant) }

// ParseInstant reads what Instant wrote.
func ParseInstant(text string) (time.Time, error) { return time.Parse(instant, text) }

const instant = "2006-01-02T15:04:05.000Z"

func join(parts ...string) string { return strings.Join(parts, separator) }
