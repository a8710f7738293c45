package privacy

import (
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyPackage holds export packages.
const FamilyPackage store.Family = "PACKAGE"

// PackageDue is the clock of packages that are not built yet, for those whose event was lost.
const PackageDue store.DueKind = "package"

// PackageState is how far a package is.
type PackageState string

// The states of a package. Only a ready one can be fetched.
const (
	PackageQueued   PackageState = "queued"
	PackageBuilding PackageState = "building" // claimed until ClaimedUntil
	PackageReady    PackageState = "ready"
)

// Package is one export: a zip in the exports bucket under the scope it is of. A row that becomes queued makes the
// event ExportRequested, which builds it.
type Package struct {
	store.Meta
	ID           id.Export    `dynamo:"id"`
	Kind         request.Kind `dynamo:"kind"`              // empty for an organisation's own export
	Request      id.Case      `dynamo:"request,omitempty"` // whose answer it is
	State        PackageState `dynamo:"state"`
	Asked        int64        `dynamo:"asked"` // epoch seconds
	ClaimedUntil int64        `dynamo:"claimed_until,omitempty"`
	Attempts     int          `dynamo:"attempts,omitempty"`
	Object       string       `dynamo:"object,omitempty"` // the key in the bucket
	Size         int64        `dynamo:"size,omitempty"`
	SHA256       string       `dynamo:"sha256,omitempty"`
	Records      int          `dynamo:"records,omitempty"`
	Ready        int64        `dynamo:"ready,omitempty"`     // epoch seconds
	Until        int64        `dynamo:"until,omitempty"`     // no link is given from then on
	Fetched      []int64      `dynamo:"fetched,omitempty"`   // when links were given
	LinkHash     string       `dynamo:"link_hash,omitempty"` // of the token that opens an organisation's own export
	scope        store.Scope
}

// Type is the row's type.
func (p *Package) Type() string { return "PACKAGE" }

// Keys puts packages under whom they are of.
func (p *Package) Keys() store.Keys {
	if p.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: p.PK, SK: p.SK}}
	}
	return store.Keys{Primary: PackageKey(p.scope, p.ID)}
}

// PackageKey is where a package's row lies.
func PackageKey(s store.Scope, e id.Export) store.Key { return s.Key(FamilyPackage, string(e)) }

// patience is how long the schedule leaves a package to its event.
const patience = 10 * time.Minute

func (p *Package) due() *store.Due {
	return store.NewDue(PackageDue, clock.At(p.Asked).Add(patience), p.Keys().Primary)
}

// objectKey is where a package is stored: a name of its own for each attempt, so that a builder that was taken for dead
// cannot overwrite what its successor has finished.
func (p *Package) objectKey() string {
	s, _ := store.ScopeOf(p.Keys().Primary.PK)
	return blob.KeyPrefix(s) + string(p.ID) + "/" + itoa(p.Attempts) + ".zip"
}

// AskForPackage adds a package to a transaction, to be built after it. The kind and request are empty for an
// organisation's own export.
func AskForPackage(tx *store.Tx, h holder, kind request.Kind, of id.Case) id.Export {
	return newPackage(tx, h, kind, of).ID
}

func newPackage(tx *store.Tx, h holder, kind request.Kind, of id.Case) *Package {
	p := &Package{ID: id.New[id.Export](h.Store().IDs()), Kind: kind, Request: of, State: PackageQueued, Asked: h.Now().Unix(), scope: h.Scope()}
	tx.Create(h, p)
	tx.Arm(h, p.due())
	return p
}

// keep sets how long a finished package and its row are there.
func (p *Package) keep(now time.Time) {
	p.State, p.Ready, p.Until, p.ClaimedUntil = PackageReady, now.Unix(), now.Add(retention.Export).Unix(), 0
	p.Expire(now.Add(retention.Export))
}
