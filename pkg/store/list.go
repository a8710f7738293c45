package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/guregu/dynamo/v2"
	"golang.org/x/sync/errgroup"
)

// Index is where a query runs.
type Index string

// The table itself and its two general indexes. An index lags behind the table; no invariant rests on one.
const (
	Table  Index = ""
	Index1 Index = "GSI1"
	Index2 Index = "GSI2"
)

// Query asks for rows of one partition in the order of their sort keys.
type Query struct {
	Index      Index
	Partition  string
	Prefix     string // sort keys that start so; excludes From and To
	From, To   string // sort keys from From to To, both included; empty leaves the side open
	Descending bool
	Limit      int    // rows wanted, at least 1
	Cursor     string // what the page before gave
	Tombstones bool   // also tombstones, where ListChanges reads
}

// List reads one page. It skips rows that have expired, are restricted, or are of another type, and reads on until the
// page is full or the partition ends; the cursor is empty at the end. A cursor of another list is ErrCursor.
func List[T any, P interface {
	*T
	Row
}](ctx context.Context, h Bound, q Query) (rows []P, cursor string, err error) {
	rows = make([]P, 0, q.Limit)
	cursor, err = list(ctx, h.handle(), q, func() P { return new(T) }, func(row P) { rows = append(rows, row) }, nil)
	if err != nil {
		return nil, "", err
	}
	return rows, cursor, nil
}

// All goes through every row of a query, page by page of the query's limit. An error ends it.
func All[T any, P interface {
	*T
	Row
}](ctx context.Context, h Bound, q Query) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		for {
			rows, cursor, err := List[T, P](ctx, h, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if q.Cursor = cursor; cursor == "" {
				return
			}
		}
	}
}

// ListChanges is List with, if the query asks for them, the tombstones among the rows. Both count towards the limit.
func ListChanges[T any, P interface {
	*T
	Row
}](ctx context.Context, h Bound, q Query) (rows []P, gone []*Tombstone, cursor string, err error) {
	rows = make([]P, 0, q.Limit)
	cursor, err = list(ctx, h.handle(), q, func() P { return new(T) }, func(row P) { rows = append(rows, row) }, func(t *Tombstone) { gone = append(gone, t) })
	if err != nil {
		return nil, nil, "", err
	}
	return rows, gone, cursor, nil
}

// MergeChanges is ListChanges of several partitions of one index as if they were one list, in the order of the sort keys of that
// index, which name each row. They are read at once, each from where the page before ended.
func MergeChanges[T any, P interface {
	*T
	Row
}](ctx context.Context, h Bound, q Query, partitions ...string) (rows []P, gone []*Tombstone, cursor string, err error) {
	q.Partition = strings.Join(partitions, "\n") // of no list but this
	from, err := q.after()
	if err != nil {
		return nil, nil, "", err
	}
	type entry struct {
		sort string
		row  P
		gone *Tombstone
	}
	parts, more := make([][]entry, len(partitions)), make([]bool, len(partitions))
	var all errgroup.Group // one partition does not stop another: what a call costs does not tell what is there
	for i, partition := range partitions {
		part := Query{Index: q.Index, Partition: partition, From: from, To: q.To, Limit: q.Limit, Tombstones: q.Tombstones}
		all.Go(func() error {
			next, err := list(ctx, h.handle(), part, func() P { return new(T) },
				func(row P) { parts[i] = append(parts[i], entry{sort: row.Head().sortIn(q.Index), row: row}) },
				func(t *Tombstone) { parts[i] = append(parts[i], entry{sort: t.Head().sortIn(q.Index), gone: t}) })
			more[i] = next != ""
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, nil, "", err
	}
	merged := slices.Concat(parts...)
	slices.SortFunc(merged, func(a, b entry) int { return strings.Compare(a.sort, b.sort) })
	if len(merged) > q.Limit || slices.Contains(more, true) {
		merged = merged[:q.Limit] // a partition with more to come has filled the page
		cursor = q.endedAt(place{Sort: merged[q.Limit-1].sort})
	}
	rows = make([]P, 0, len(merged))
	for _, e := range merged {
		if e.gone != nil {
			gone = append(gone, e.gone)
		} else {
			rows = append(rows, e.row)
		}
	}
	return rows, gone, cursor, nil
}

// after is where the page of a merged list begins.
func (q Query) after() (string, error) {
	if q.Cursor == "" {
		return q.From, nil
	}
	p, err := q.place()
	if err != nil || p.Sort < q.From {
		return "", ErrCursor
	}
	return p.Sort + "\x00", nil // the first key after that one
}

// list gives the rows of a page to take and its tombstones to bury, if that is there.
func list[P Row](ctx context.Context, h *Handle, q Query, empty func() P, take func(P), bury func(*Tombstone)) (cursor string, err error) {
	if err := h.allows(q.Partition); err != nil {
		return "", err
	}
	start, err := q.start()
	if err != nil {
		return "", err
	}
	for taken := 0; ; {
		items, next, err := h.page(ctx, q, start, q.Limit-taken+1)
		if err != nil {
			return "", err
		}
		for i, item := range items {
			row, stone := empty(), new(Tombstone)
			isRow, err := h.admit(item, row)
			if err != nil {
				return "", err
			}
			isStone := false
			if q.Tombstones && bury != nil && !isRow {
				if isStone, err = h.admit(item, stone); err != nil {
					return "", err
				}
			}
			if !isRow && !isStone {
				continue
			}
			if taken == q.Limit {
				return q.cursor(position(items[:i], start)), nil
			}
			taken++
			if isRow {
				take(row)
			} else {
				bury(stone)
			}
		}
		if next == nil {
			return "", nil
		}
		start = next
	}
}

// position is the key of the last item taken, or where the page began when none was.
func position(taken []dynamo.Item, start dynamo.PagingKey) dynamo.PagingKey {
	if len(taken) == 0 {
		return start
	}
	last := taken[len(taken)-1]
	key := dynamo.PagingKey{}
	for _, name := range []string{attrPK, attrSK, attrGSI1PK, attrGSI1SK, attrGSI2PK, attrGSI2SK} {
		if v, ok := last[name]; ok {
			key[name] = v
		}
	}
	return key
}

func (h *Handle) page(ctx context.Context, q Query, start dynamo.PagingKey, limit int) ([]dynamo.Item, dynamo.PagingKey, error) {
	spent, done := metered(ctx)
	defer done()
	pk, sk := q.attributes()
	dq := h.store.table.Get(pk, q.Partition).SearchLimit(limit).ConsumedCapacity(spent)
	switch {
	case q.Prefix != "":
		dq = dq.Range(sk, dynamo.BeginsWith, q.Prefix)
	case q.From != "" && q.To != "":
		dq = dq.Range(sk, dynamo.Between, q.From, q.To)
	case q.From != "":
		dq = dq.Range(sk, dynamo.GreaterOrEqual, q.From)
	case q.To != "":
		dq = dq.Range(sk, dynamo.LessOrEqual, q.To)
	}
	if q.Index != Table {
		dq = dq.Index(string(q.Index))
	} else {
		dq = dq.Consistent(true)
	}
	if q.Descending {
		dq = dq.Order(dynamo.Descending)
	}
	if start != nil {
		dq = dq.StartFrom(start)
	}
	var items []dynamo.Item
	next, err := dq.AllWithLastEvaluatedKey(ctx, &items)
	if err != nil {
		_, family := ScopeOf(q.Partition)
		return nil, nil, fmt.Errorf("list %s: %w", family, err)
	}
	return items, next, nil
}

// admit reads an item into a row, and says whether it is one of that type that the handle may see.
func (h *Handle) admit(item dynamo.Item, row Row) (bool, error) {
	if err := dynamo.UnmarshalItem(item, row); err != nil {
		return false, fmt.Errorf("list %s: %w", row.Type(), err)
	}
	m := row.Head()
	if !h.seesDue && !m.Alive(h.store.now()) || m.Restricted && !h.seesRestricted {
		return false, nil
	}
	return m.RowType == row.Type(), nil
}

func (q Query) attributes() (pk, sk string) {
	switch q.Index {
	case Index1:
		return attrGSI1PK, attrGSI1SK
	case Index2:
		return attrGSI2PK, attrGSI2SK
	}
	return attrPK, attrSK
}

// place is what a cursor holds: where the page ended, without the partition, and which list it belongs to.
type place struct {
	PK   string `json:"p,omitempty"` // the division of the row's own partition after the family, of an index query
	SK   string `json:"s,omitempty"` // absent of a merged list
	Sort string `json:"i,omitempty"` // the index's sort key
	Of   string `json:"o"`           // a hash of the query
}

func (q Query) cursor(key dynamo.PagingKey) string {
	var at struct {
		PK, SK, GSI1SK, GSI2SK string
	}
	if err := dynamo.UnmarshalItem(dynamo.Item(key), &at); err != nil {
		return ""
	}
	p := place{SK: at.SK}
	switch q.Index {
	case Index1:
		p.Sort = at.GSI1SK
	case Index2:
		p.Sort = at.GSI2SK
	}
	if q.Index != Table {
		p.PK = divisionOf(at.PK)
	}
	return q.endedAt(p)
}

// endedAt is the cursor of a list whose page ended at a place.
func (q Query) endedAt(p place) string {
	p.Of = q.fingerprint()
	text, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// place reads the cursor, which must be one of this list.
func (q Query) place() (p place, err error) {
	text, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return p, ErrCursor
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Of != q.fingerprint() {
		return p, ErrCursor
	}
	return p, nil
}

func (q Query) start() (dynamo.PagingKey, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	p, err := q.place()
	if err != nil || p.SK == "" {
		return nil, ErrCursor
	}
	key := map[string]string{attrPK: q.Partition, attrSK: p.SK}
	if q.Index != Table {
		if p.Sort == "" {
			return nil, ErrCursor
		}
		pk, sk := q.attributes()
		key[pk], key[sk] = q.Partition, p.Sort
		scope, family := ScopeOf(q.Partition)
		key[attrPK] = scope.Partition(family)
		if p.PK != "" {
			key[attrPK] = scope.Partition(family, p.PK)
		}
	}
	item, err := dynamo.MarshalItem(key)
	if err != nil {
		return nil, ErrCursor
	}
	return dynamo.PagingKey(item), nil
}

// fingerprint ties a cursor to its list.
func (q Query) fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(q.Index), q.Partition, q.Prefix, q.From, q.To, fmt.Sprint(q.Descending)}, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// divisionOf is what follows scope and family in a partition key.
func divisionOf(pk string) string {
	scope, family := ScopeOf(pk)
	rest := strings.TrimPrefix(pk, scope.Partition(family))
	return strings.TrimPrefix(rest, separator)
}
