// Package chain ties audit records together, those of each organization and those of PixelTrack's own people, so that none
// can be edited, dropped, added or moved unnoticed. Records are written one by one, unchained, by whoever acts; a while later the sealer takes them in order into
// seals, each of which holds the hash of every record in it and the hash of the seal before.
package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of the chain.
const (
	FamilySeal store.Family = "AUDITSEAL"
	FamilyHead store.Family = "AUDITHEAD"
)

const (
	// DueSeal is the clock of records that are to be sealed.
	DueSeal store.DueKind = "seal_audit"

	// Settle is how long after their time records are sealed: by then every writer of that time is through.
	Settle = 2 * time.Minute

	// DueWatch is the clock of a chain that is looked at every day, whether anybody told of its records or not.
	DueWatch store.DueKind = "watch_audit"

	// every is how often the records of a chain are sealed.
	every = 15 * time.Minute

	// watched is how often a chain is looked at whose records nobody told of.
	watched = 24 * time.Hour

	// life is how long a seal is kept from the time of what it is of: a day longer than the last of its records.
	life = api.AuditLife + 24*time.Hour

	// perSeal is how many records a seal holds at most.
	perSeal = 100
)

// Holder is a handle of what has a chain: an organisation, or the platform.
type Holder interface {
	store.Bound
	Scope() store.Scope
	Store() *store.Store
}

// owner is whose chain a holder has: an organisation's, or with no id the platform's.
func owner(h Holder) id.Organization {
	org, _ := h.Scope().Organization()
	return org
}

// scope is where the chain of an owner lies.
func scope(of id.Organization) store.Scope {
	if of == "" {
		return store.PlatformScope()
	}
	return store.OrganizationScope(of)
}

// bound gives the handle of the chain that a scope has, false when it has none.
func bound(st *store.Store, actor store.Actor, s store.Scope) (Holder, bool) {
	if s == store.PlatformScope() {
		return st.BindPlatform(actor), true
	}
	org, ok := s.Organization()
	if !ok {
		return nil, false
	}
	h := st.BindOrganization(org, actor)
	h.SeeRestricted()
	return h, true
}

// Mark is a record in a seal: where it lies and what it says, as a hash.
type Mark struct {
	Key  string `dynamo:"key"`
	Hash string `dynamo:"sha256"`
}

// Seal is a link of the chain.
type Seal struct {
	store.Meta
	Organization id.Organization `dynamo:"org"`                // empty for the platform's
	Sequence     int64           `dynamo:"sequence"`           // from 1, without a gap but before a restoration seal
	At           int64           `dynamo:"at"`                 // epoch seconds it was made at
	Records      []Mark          `dynamo:"records"`            // in the order of their keys, which is that of their time
	Previous     string          `dynamo:"previous"`           // the hash of the seal before, empty for the first
	Since        int64           `dynamo:"since"`              // when what the seal before is of was, by which it is known when that seal goes; 0 for the first
	Restored     *Restoration    `dynamo:"restored,omitempty"` // of a restoration seal, which has no records
	Hash         string          `dynamo:"sha256"`             // of all of this
}

// Restoration is what a restoration seal says: that the table was taken back to a backup, and which chain was left there.
// The seal lies behind both chains, and its Previous is that of the table's own.
type Restoration struct {
	At       int64  `dynamo:"at"`       // epoch seconds at which the restored table was admitted
	Sequence int64  `dynamo:"sequence"` // of the signed head that was left
	SHA256   string `dynamo:"sha256"`   // of that head
	Kept     int64  `dynamo:"kept"`     // the newest signed seal that the table's own chain follows from; 0 for none
	After    int64  `dynamo:"after"`    // the table's own last seal; 0 for none
	Last     string `dynamo:"last"`     // the key of the last record that was sealed in it
}

// Type is the row's type.
func (s *Seal) Type() string { return "AUDIT_SEAL" }

// Keys puts seals in their order.
func (s *Seal) Keys() store.Keys {
	return store.Keys{Primary: scope(s.Organization).Key(FamilySeal, number(s.Sequence))}
}

// number writes a sequence so that it sorts.
func number(n int64) string { return fmt.Sprintf("%012d", n) }

// sum is the hash that a seal must have.
func (s *Seal) sum() string {
	records := s.Records
	if len(records) == 0 {
		records = nil // as it is read, whatever it was written as
	}
	return hashOf(struct {
		Organization        id.Organization
		Sequence, At, Since int64
		Records             []Mark
		Previous            string
		Restored            *Restoration `json:",omitempty"`
	}{s.Organization, s.Sequence, s.At, s.Since, records, s.Previous, s.Restored})
}

// sound says whether a seal is as it was made. The sequence jumps before a restoration seal alone, and just over the longer
// of both chains.
func (s *Seal) sound() bool {
	if r := s.Restored; r != nil && (len(s.Records) > 0 || s.Sequence != max(r.After, r.Sequence)+1) {
		return false
	}
	return s.Hash == s.sum()
}

// before is the sequence of the seal before, 0 of the first.
func (s *Seal) before() int64 {
	if s.Restored != nil {
		return s.Restored.After
	}
	return s.Sequence - 1
}

// last is where the last record lies that is in a seal or before it.
func (s *Seal) last() string {
	switch {
	case s.Restored != nil:
		return s.Restored.Last
	case len(s.Records) == 0:
		return ""
	}
	return s.Records[len(s.Records)-1].Key
}

// when is the time of what a seal is of, in epoch seconds, from which it is kept: that of its last record, or when it was
// made to seal a restoration.
func (s *Seal) when() int64 {
	if s.Restored != nil {
		return s.At
	}
	return instant(s.last())
}

// Head is the end of the chain. Whoever appends writes it, so that no two append at one place.
type Head struct {
	store.Meta
	Organization id.Organization `dynamo:"org"`
	Sequence     int64           `dynamo:"sequence"`
	Hash         string          `dynamo:"sha256"`
	Last         string          `dynamo:"last"`               // the key of the last record that was sealed
	Count        int64           `dynamo:"count"`              // of the records that were ever sealed
	Restored     int64           `dynamo:"restored,omitempty"` // epoch seconds at which the last seal was made, if it is a restoration seal
}

// take makes a seal the end of the chain.
func (h *Head) take(s *Seal) {
	h.Sequence, h.Hash, h.Last, h.Count, h.Restored = s.Sequence, s.Hash, s.last(), h.Count+int64(len(s.Records)), 0
	if s.Restored != nil {
		h.Restored = s.At
	}
}

// when is the time of what the last seal is of, in epoch seconds.
func (h *Head) when() int64 {
	if h.Restored != 0 {
		return h.Restored
	}
	return instant(h.Last)
}

// Type is the row's type.
func (h *Head) Type() string { return "AUDIT_HEAD" }

// Keys puts the one head into its scope.
func (h *Head) Keys() store.Keys { return store.Keys{Primary: HeadKey(h.Organization)} }

// HeadKey is where the head of an organisation's chain lies, or with no id that of the platform's.
func HeadKey(of id.Organization) store.Key { return scope(of).Key(FamilyHead) }

// markOf is the mark of a record as it is.
func markOf(a *api.Audit) Mark {
	return Mark{Key: a.SK, Hash: hashOf(struct {
		ID                                       id.Record
		At                                       int64
		Actor, Action, Object, Outcome, Req, Why string
	}{a.ID, a.At, a.Actor, a.Action, a.Object, a.Outcome, a.Request, a.Purpose})}
}

// hashOf hashes a value by its JSON, which is the same for the same value.
func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("chain: %v", err)) // structs of texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	in := []registry.Scope{registry.InOrganization, registry.InPlatform}
	return []registry.Row{
		{Sample: Seal{}, Type: "AUDIT_SEAL", Area: "organization", Purpose: purpose.Security, Basis: registry.Interest, Class: registry.ClassAudit, Family: string(FamilySeal), Scopes: in,
			Fields: []registry.Field{
				registry.Internal("org", "the id of the organization, if it is one's"), registry.Internal("sequence", "a count"), registry.Internal("at", "a time"),
				registry.Internal("records", "random ids, times and hashes of audit records"), registry.Internal("previous", "a hash"), registry.Internal("since", "a time"), registry.Internal("sha256", "a hash"),
				registry.Internal("restored", "counts, a hash, times and a random id of a record"),
			}},
		{Sample: Head{}, Type: "AUDIT_HEAD", Area: "organization", Purpose: purpose.Security, Basis: registry.Interest, Class: registry.ClassAudit, Family: string(FamilyHead), Scopes: in,
			Fields: []registry.Field{
				registry.Internal("org", "the id of the organization, if it is one's"), registry.Internal("sequence", "a count"), registry.Internal("sha256", "a hash"),
				registry.Internal("last", "a random id and a time"), registry.Internal("count", "a count"), registry.Internal("restored", "a time"),
			}},
	}
}
