package record

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Handle is a bound handle that knows its scope and time.
type Handle interface {
	store.Bound
	Scope() store.Scope
	Now() time.Time
	Store() *store.Store
}

// Walk gives every row of a query in order, whatever its type. It stops at the first error of yield.
func Walk(ctx context.Context, h store.Bound, q store.Query, yield func(*Row) error) error {
	q.Limit = 200
	for r, err := range store.All[Row](ctx, h, q) {
		if err == nil {
			err = yield(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Partitions lists the partitions of a family in a handle's scope. A family that is divided by months has its rows in
// those in which they were made: it is looked for from the month in which the scope began to this one, and a month
// further on both sides, for machines whose clocks differ.
func Partitions(ctx context.Context, h Handle, m datamap.Map, scope registry.Scope, family string) ([]string, error) {
	var divisions []string
	for _, r := range m.In(scope) {
		if r.Family == family && !slices.Contains(divisions, r.Division) {
			divisions = append(divisions, r.Division)
		}
	}
	slices.Sort(divisions)
	var all []string
	for _, d := range divisions {
		p, err := divided(ctx, h, m, scope, family, d)
		if err != nil {
			return nil, err
		}
		all = append(all, p...)
	}
	return all, nil
}

func divided(ctx context.Context, h Handle, m datamap.Map, scope registry.Scope, family, division string) ([]string, error) {
	f := store.Family(family)
	switch {
	case division == registry.Undivided:
		return []string{h.Scope().Partition(f)}, nil
	case division == registry.ByMonth:
		var all []string
		now := h.Now()
		last := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		for month := began(h).AddDate(0, -1, 0); !month.After(last); month = month.AddDate(0, 1, 0) {
			all = append(all, h.Scope().Partition(f, month.Format("2006-01")))
		}
		return all, nil
	}
	of, attribute := "ACCESS", "member"
	if parent, ok := strings.CutPrefix(division, registry.ByObject("")); ok {
		of, attribute = parent, "id"
	} else if division != registry.ByMember {
		return nil, fmt.Errorf("record: family %s has an unknown division %q", family, division)
	}
	if of == family {
		return nil, fmt.Errorf("record: family %s is divided by itself", family)
	}
	parents, err := Partitions(ctx, h, m, scope, of)
	if err != nil {
		return nil, err
	}
	var all []string
	seen := map[string]bool{}
	for _, p := range parents {
		err := Walk(ctx, h, store.Query{Partition: p}, func(r *Row) error {
			if name := r.Text(attribute); name != "" && !seen[name] {
				seen[name] = true
				all = append(all, h.Scope().Partition(f, name))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// began is the first day of the month in which the scope's id was made.
func began(h Handle) time.Time {
	text := h.Scope().String()
	if i := strings.LastIndex(text, "_"); i >= 0 {
		if u, err := ulid.ParseStrict(text[i+1:]); err == nil {
			t := ulid.Time(u.Time()).UTC()
			return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		}
	}
	now := h.Now()
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
}
