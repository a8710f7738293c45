package erasure

import (
	"context"
	"errors"
	"slices"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// lookups deletes the markers and tokens that lead to the subject, as long as they still are the subject's.
func (r *run) lookups(ctx context.Context) (int, error) {
	n := 0
	for _, t := range r.Map.In(r.scope) {
		for _, f := range t.Fields {
			if f.Lookup == "" {
				continue
			}
			err := r.walk(ctx, t.Family, func(row *record.Row) error {
				for _, hash := range row.Texts(f.Name) {
					key, ok := lookup(f.Lookup, hash)
					if !ok {
						continue
					}
					gone, err := r.removeLookup(ctx, key)
					if err != nil {
						return err
					}
					n += gone
				}
				return nil
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func lookup(kind, hash string) (store.Key, bool) {
	if family, ok := registry.Line(kind); ok {
		return store.PlatformScope().Key(store.Family(family), hash), true
	}
	switch kind {
	case registry.LookupMail:
		return store.MailLookup(hash), true
	case registry.LookupToken:
		return store.TokenLookup(hash), true
	}
	return store.Key{}, false
}

// removeLookup deletes a lookup row that names the subject.
func (r *run) removeLookup(ctx context.Context, key store.Key) (int, error) {
	row, err := store.Get[record.Row](ctx, r.seeingAll(), key)
	if errors.Is(err, store.ErrMissing) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !row.Mentions(r.name) {
		return 0, nil // somebody else's by now
	}
	tx := r.Store.Begin()
	tx.Delete(r.platform, row).Else(store.ErrStale)
	return 1, tx.Commit(ctx)
}

func (r *run) seeingAll() *store.Platform {
	p := r.Store.BindPlatform(r.actor)
	p.SeeDue()
	p.SeeRestricted()
	return p
}

// clocks stops the clocks of what is about to go.
func (r *run) clocks(ctx context.Context) (int, error) {
	if r.Clocks == nil {
		return 0, nil
	}
	all, err := r.Clocks(ctx, r.home)
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(all, store.MaxWrites/2) {
		tx := r.Store.Begin()
		for _, d := range part {
			tx.Disarm(r.platform, d, false)
		}
		if err := tx.Commit(ctx); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// proofs moves what must be kept as proof out of the subject's scope, under its keyed hash and without what leads to
// the person.
func (r *run) proofs(ctx context.Context) (int, error) {
	n := 0
	for _, t := range r.Map.In(r.scope) {
		if !proof(t.Class) {
			continue
		}
		rule, _ := retention.Of(t.Class)
		err := r.walk(ctx, t.Family, func(row *record.Row) error {
			if row.Type() != t.Type {
				return nil
			}
			r.entry.Kept++
			n++
			return r.move(ctx, row, t, rule)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// proof says whether rows of a class outlive the person.
func proof(c registry.Class) bool {
	return c == registry.ClassConsent || c == registry.ClassRequest || c == registry.ClassAudit
}

func (r *run) move(ctx context.Context, row *record.Row, t datamap.Row, rule retention.Rule) error {
	_, family := store.ScopeOf(row.PK)
	to := store.Key{PK: store.CaseScope(r.subject).Partition(family), SK: row.SK}
	moved := row.MoveTo(to)
	for _, f := range t.Fields {
		if f.Personal && (f.Erase == registry.EraseBlank || f.Erase == registry.EraseWithRow) {
			moved.Remove(f.Name)
		}
	}
	moved.ReplaceText(r.name, r.subject)
	if end, ok := rule.Due(r.Store.Now()); ok && (moved.ExpiresAt == 0 || moved.ExpiresAt > end.Unix()) {
		moved.ExpiresAt = end.Unix()
	}
	moved.DueAt = 0
	if moved.Held {
		moved.ExpiresAt = 0
	}
	moved.Version = 0
	tx := r.Store.Begin()
	tx.Put(r.Store.BindCase(r.subject, r.actor), moved)
	tx.DeleteKey(r.home, row.Key(), "'_v' = ?", row.Version).Else(store.ErrStale)
	return tx.Commit(ctx) // a row that changed meanwhile fails the step; the next run sees it as it is
}

// strip takes persons off what a duty keeps.
func (r *run) strip(ctx context.Context, org *store.Organization) (int, error) {
	if r.Strip == nil {
		return 0, nil
	}
	n, err := r.Strip(ctx, org)
	return n, kept(err)
}

// objects deletes every version of every object of the subject.
func (r *run) objects(ctx context.Context) (int, error) {
	n := 0
	for _, o := range r.Objects {
		gone, err := o.Purge(ctx, blob.KeyPrefix(r.home.Scope()))
		if err != nil {
			return n, err
		}
		n += gone
	}
	return n, nil
}

// rows deletes all rows of the subject but the gate and what a duty keeps. Families that others are divided by go
// after those, so that an interrupted run still finds every partition.
func (r *run) rows(ctx context.Context) (int, error) {
	n := 0
	for _, family := range order(r.Map, r.scope) {
		if r.stays(family) {
			continue
		}
		parts, err := record.Partitions(ctx, r.home, r.Map, r.scope, family)
		if err != nil {
			return n, err
		}
		for _, p := range parts {
			gone, kept, err := store.Purge(ctx, r.home, p)
			n += gone
			r.entry.Kept += kept
			if err != nil {
				return n, err
			}
			if kept > 0 {
				return n, ErrHeld
			}
		}
	}
	return n, nil
}

// stays says whether a family is kept under a duty, or goes last.
func (r *run) stays(family string) bool {
	if family == string(access.FamilyUserGate) || family == string(access.FamilyOrganizationGate) {
		return true
	}
	for _, t := range r.Map.In(r.scope) {
		if t.Family == family && (t.Class == registry.ClassFinance || t.Class == registry.ClassLedger ||
			r.scope == registry.InOrganization && proof(t.Class)) {
			return true
		}
	}
	return false
}

// order lists the families of a scope, divided ones before those that divide them.
func order(m datamap.Map, scope registry.Scope) []string {
	depth := map[string]int{}
	var of func(family string, seen int) int
	of = func(family string, seen int) int {
		deepest := 0
		for _, r := range m.In(scope) {
			if r.Family != family || r.Division == registry.Undivided || r.Division == registry.ByMonth || seen > 8 {
				continue
			}
			parent := string(access.FamilyAccess)
			if r.Division != registry.ByMember {
				parent = r.Division[len(registry.ByObject("")):]
			}
			deepest = max(deepest, 1+of(parent, seen+1))
		}
		return deepest
	}
	families := m.Families(scope)
	for _, f := range families {
		depth[f] = of(f, 0)
	}
	slices.SortStableFunc(families, func(a, b string) int { return depth[b] - depth[a] })
	return families
}

func (r *run) walk(ctx context.Context, family string, yield func(*record.Row) error) error {
	parts, err := record.Partitions(ctx, r.home, r.Map, r.scope, family)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := record.Walk(ctx, r.home, store.Query{Partition: p}, yield); err != nil {
			return err
		}
	}
	return nil
}
