package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
)

// note is a row of these tests.
type note struct {
	store.Meta
	Org   id.Organization `dynamo:"org"`
	ID    string          `dynamo:"id"`
	Text  string          `dynamo:"text"`
	At    time.Time       `dynamo:"at,unixtime"`
	Shelf string          `dynamo:"shelf,omitempty"` // a division of the second index; empty for none
}

func (n *note) Type() string { return "NOTE" }

func (n *note) Keys() store.Keys {
	s := store.OrganizationScope(n.Org)
	k := store.Keys{Primary: s.Key("NOTE", n.ID), Index1: store.Key{PK: s.Partition("NOTE", "byText"), SK: store.Join(n.Text, n.ID)}, Index2: s.Updated("NOTE", n.At, n.ID)}
	if n.Shelf != "" {
		k.Index2 = s.Updated("NOTE", n.At, n.ID, n.Shelf)
	}
	return k
}

func bind(st *store.Store) *store.Organization {
	return st.BindOrganization(id.New[id.Organization](st.IDs()), store.Actor{Who: "mbr_test", Request: "req"})
}

func TestCreateGetReplaceDelete(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	n := &note{Org: h.ID, ID: "n1", Text: "hello", At: clock.Now()}
	n.Expire(clock.Now().Add(time.Hour))

	create := func(n *note) error {
		tx := st.Begin()
		tx.Create(h, n)
		return tx.Commit(ctx)
	}
	if err := create(n); err != nil {
		t.Fatalf("create: %v", err)
	}
	other := *n
	other.Text = "another"
	other.By = ""
	h2 := st.BindOrganization(h.ID, store.Actor{Who: "mbr_other", Request: "req2"})
	tx := st.Begin()
	tx.Create(h2, &other)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrExists) {
		t.Errorf("create again = %v; want ErrExists", err)
	}
	got, err := store.Get[note](ctx, h, n.Keys().Primary)
	if err != nil || got.Text != "hello" || got.Version != 1 {
		t.Fatalf("get = %+v, %v; want hello, version 1", got, err)
	}
	stale := *got
	got.Text = "changed"
	tx = st.Begin()
	tx.Replace(h, got)
	if err := tx.Commit(ctx); err != nil {
		t.Fatalf("replace: %v", err)
	}
	tx = st.Begin()
	tx.Replace(h2, &stale)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		t.Errorf("replace a stale row = %v; want ErrStale", err)
	}
	clock.Advance(time.Hour)
	if _, err := store.Get[note](ctx, h, n.Keys().Primary); !errors.Is(err, store.ErrMissing) {
		t.Errorf("get an expired row = %v; want ErrMissing", err)
	}
	tx = st.Begin()
	tx.Replace(h, got)
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
		t.Errorf("replace an expired row = %v; want ErrStale: it must not be revived", err)
	}
	if err := create(&note{Org: h.ID, ID: "n1", Text: "anew", At: clock.Now()}); err != nil {
		t.Errorf("create over an expired row = %v; want nil", err)
	}
}

// TestAHandleReachesNothingOutsideItsScope tries every way into the table with the keys of every other scope, and of rows
// that point from one scope into another.
func TestAHandleReachesNothingOutsideItsScope(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	mine, theirs := bind(st), bind(st)
	user := st.BindUser(id.New[id.User](st.IDs()), store.Actor{Who: "test"})
	handles := map[string]store.Bound{"another organization": mine, "a user": user, "a case": st.BindCase("0123456789abcdef", store.Actor{}), "the platform": st.BindPlatform(store.Actor{})}
	row := &note{Org: theirs.ID, ID: "n1", Text: "x", At: clock.Now()}
	tx := st.Begin()
	tx.Create(theirs, row)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	key := row.Keys().Primary
	writes := map[string]func(*store.Tx, store.Bound){
		"create": func(tx *store.Tx, h store.Bound) { tx.Create(h, &note{Org: theirs.ID, ID: "n2"}) },
		"put":    func(tx *store.Tx, h store.Bound) { tx.Put(h, &note{Org: theirs.ID, ID: "n2"}) },
		"replace": func(tx *store.Tx, h store.Bound) {
			with := *row
			with.Text = "mine"
			tx.Replace(h, &with)
		},
		"rewrite": func(tx *store.Tx, h store.Bound) {
			with := *row
			with.Text = "mine"
			tx.Rewrite(h, &with)
		},
		"delete":     func(tx *store.Tx, h store.Bound) { tx.Delete(h, row) },
		"delete key": func(tx *store.Tx, h store.Bound) { tx.DeleteKey(h, key, "") },
		"change":     func(tx *store.Tx, h store.Bound) { tx.Change(h, key, func(u *dynamo.Update) { u.Set("text", "mine") }) },
		"check":      func(tx *store.Tx, h store.Bound) { tx.Check(h, key, "attribute_exists('PK')") },
		"bury":       func(tx *store.Tx, h store.Bound) { tx.Bury(h, row, row.ID) },
		"a write of its own beside it": func(tx *store.Tx, h store.Bound) {
			if h == store.Bound(mine) {
				tx.Create(h, &note{Org: mine.ID, ID: "n3"})
			}
			tx.Delete(h, row)
		},
	}
	for who, h := range handles {
		for what, write := range writes {
			tx := st.Begin()
			write(tx, h)
			if err := tx.Commit(ctx); !errors.Is(err, store.ErrBound) {
				t.Errorf("%s by %s = %v; want ErrBound", what, who, err)
			}
		}
		if _, err := store.Get[note](ctx, h, key); !errors.Is(err, store.ErrBound) {
			t.Errorf("get by %s = %v; want ErrBound", who, err)
		}
		fetch := &store.Fetch{Through: h, Key: key, Row: new(note)}
		if err := st.FetchAll(ctx, fetch); !errors.Is(err, store.ErrBound) && !errors.Is(fetch.Err, store.ErrBound) {
			t.Errorf("fetch by %s = %v, %v; want ErrBound", who, err, fetch.Err)
		}
		for index, partition := range map[store.Index]string{store.Table: key.PK, store.Index1: row.Keys().Index1.PK, store.Index2: row.Keys().Index2.PK} {
			q := store.Query{Partition: partition, Index: index, Limit: 1}
			if _, _, err := store.List[note](ctx, h, q); !errors.Is(err, store.ErrBound) {
				t.Errorf("list of index %q by %s = %v; want ErrBound", index, who, err)
			}
			for _, err := range store.All[note](ctx, h, q) {
				if !errors.Is(err, store.ErrBound) {
					t.Errorf("all of index %q by %s = %v; want ErrBound", index, who, err)
				}
			}
		}
	}
	got, err := store.Get[note](ctx, theirs, key)
	if err != nil || got.Text != "x" || got.Version != 1 {
		t.Errorf("the row afterwards = %+v, %v; want it as it was", got, err)
	}
	if _, err := store.Get[note](ctx, mine, (&note{Org: mine.ID, ID: "n3"}).Keys().Primary); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a write beside a refused one = %v; want it missing", err)
	}
	for _, lookup := range []store.Key{store.MailLookup("h"), store.TokenLookup("h")} {
		for who, h := range map[string]store.Bound{"an organization": mine, "a user": user} {
			if _, err := store.Get[store.Due](ctx, h, lookup); !errors.Is(err, store.ErrBound) {
				t.Errorf("get %s by %s = %v; want ErrBound", lookup.PK, who, err)
			}
		}
	}
}

// stray is a row that lies in one organization and is listed in another.
type stray struct {
	note
	listed store.Key
	second bool
}

func (s *stray) Keys() store.Keys {
	k := s.note.Keys()
	if s.second {
		k.Index2 = s.listed
	} else {
		k.Index1 = s.listed
	}
	return k
}

// TestARowIsListedInItsScopeAlone writes rows whose index keys lie in another organization.
func TestARowIsListedInItsScopeAlone(t *testing.T) {
	st, clock := storetest.New(t)
	mine, theirs := bind(st), bind(st)
	for _, second := range []bool{false, true} {
		row := &stray{note: note{Org: mine.ID, ID: "n1", Text: "x", At: clock.Now()}, listed: (&note{Org: theirs.ID, ID: "n1"}).Keys().Index1, second: second}
		for what, write := range map[string]func(*store.Tx){"create": func(tx *store.Tx) { tx.Create(mine, row) }, "put": func(tx *store.Tx) { tx.Put(mine, row) }} {
			tx := st.Begin()
			write(tx)
			if err := tx.Commit(context.Background()); !errors.Is(err, store.ErrBound) {
				t.Errorf("%s with an index key of another organization (second: %t) = %v; want ErrBound", what, second, err)
			}
		}
	}
}

func TestListPagesEveryRowOnce(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	for i := range 25 {
		n := &note{Org: h.ID, ID: fmt.Sprintf("n%02d", i), Text: fmt.Sprintf("t%02d", 25-i), At: clock.Now()}
		if i%5 == 0 {
			n.Expire(clock.Now().Add(time.Minute))
		}
		tx := st.Begin()
		tx.Create(h, n)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Hour)
	queries := map[string]store.Query{
		"table":      {Partition: h.Scope().Partition("NOTE")},
		"descending": {Partition: h.Scope().Partition("NOTE"), Descending: true},
		"index":      {Index: store.Index1, Partition: h.Scope().Partition("NOTE", "byText")},
		"updated":    {Index: store.Index2, Partition: h.Scope().Partition("NOTE")},
	}
	for name, q := range queries {
		for _, limit := range []int{1, 3, 20, 21, 100} {
			t.Run(fmt.Sprintf("%s by %d", name, limit), func(t *testing.T) {
				q := q
				q.Limit = limit
				seen := map[string]bool{}
				for {
					rows, cursor, err := store.List[note](ctx, h, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range rows {
						if seen[r.ID] {
							t.Errorf("%s came twice", r.ID)
						}
						seen[r.ID] = true
					}
					if cursor == "" {
						break
					}
					if len(rows) != limit {
						t.Errorf("a page before the last has %d rows; want %d", len(rows), limit)
					}
					q.Cursor = cursor
				}
				if len(seen) != 20 {
					t.Errorf("saw %d rows; want the 20 that have not expired", len(seen))
				}
			})
		}
	}
}

func TestTransactionsOfManyWritersAllHappen(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	var wg sync.WaitGroup
	wins := make(chan bool, 50)
	for i := range 50 {
		wg.Go(func() {
			tx := st.Begin()
			tx.Create(st.BindOrganization(h.ID, store.Actor{Who: fmt.Sprint("mbr", i)}), &note{Org: h.ID, ID: "one", Text: "x", At: clock.Now()})
			tx.Create(h, &note{Org: h.ID, ID: fmt.Sprint("other", i), Text: "x", At: clock.Now()})
			err := tx.Commit(ctx)
			if err != nil && !errors.Is(err, store.ErrExists) {
				t.Errorf("commit = %v", err)
			}
			wins <- err == nil
		})
	}
	wg.Wait()
	close(wins)
	n := 0
	for w := range wins {
		if w {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of 50 writers created the same row; want 1", n)
	}
}

func TestBuriedRowsShowAsTombstones(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	n := &note{Org: h.ID, ID: "n1", Text: "secret", At: clock.Now()}
	tx := st.Begin()
	tx.Create(h, n)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	tx = st.Begin()
	tx.Bury(h, n, "n1")
	if err := tx.Commit(ctx); err != nil {
		t.Fatalf("bury: %v", err)
	}
	if _, err := store.Get[note](ctx, h, n.Keys().Primary); !errors.Is(err, store.ErrMissing) {
		t.Errorf("get a buried row = %v; want ErrMissing", err)
	}
	q := store.Query{Index: store.Index2, Partition: h.Scope().Partition("NOTE"), Limit: 5, Tombstones: true}
	rows, gone, _, err := store.ListChanges[note](ctx, h, q)
	if err != nil || len(rows) != 0 || len(gone) != 1 || gone[0].ID != "n1" || gone[0].Deleted != clock.Now().Unix() || gone[0].By != "" {
		t.Errorf("list with tombstones = %+v, %+v, %v; want the one tombstone, without actor", rows, gone, err)
	}
	if rows, _, err := store.List[note](ctx, h, q); err != nil || len(rows) != 0 {
		t.Errorf("list of rows alone = %d rows, %v; want none", len(rows), err)
	}
	q.Tombstones = false
	if rows, gone, _, err := store.ListChanges[note](ctx, h, q); err != nil || len(rows)+len(gone) != 0 {
		t.Errorf("list without tombstones = %d rows, %d tombstones, %v; want none", len(rows), len(gone), err)
	}
	q.Tombstones = true
	clock.Advance(store.TombstoneLife)
	if _, gone, _, err := store.ListChanges[note](ctx, h, q); err != nil || len(gone) != 0 {
		t.Errorf("list after 30 days = %d tombstones, %v; want none", len(gone), err)
	}
}

func TestMergedPartitionsAreOneList(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	from := clock.Now()
	var want []string
	for i, shelf := range []string{"a", "b", "b", "a", "b", "b", "b", "a", "c"} {
		clock.Advance(time.Second)
		n := &note{Org: h.ID, ID: fmt.Sprint("n", i), Text: "x", At: clock.Now(), Shelf: shelf}
		tx := st.Begin()
		tx.Create(h, n)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		switch {
		case i == 4:
			tx = st.Begin()
			tx.Bury(h, n, n.ID)
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			want = append(want, n.ID+" buried")
		case i > 0 && shelf != "c":
			want = append(want, n.ID)
		}
	}
	a, b := h.Scope().Partition("NOTE", "a"), h.Scope().Partition("NOTE", "b")
	q := store.Query{Index: store.Index2, From: store.Instant(from.Add(2 * time.Second)), Tombstones: true}
	for q.Limit = 1; q.Limit < len(want)+2; q.Limit++ {
		var got []string
		for q.Cursor = ""; ; {
			rows, gone, cursor, err := store.MergeChanges[note](ctx, h, q, a, b)
			if err != nil || len(rows)+len(gone) > q.Limit {
				t.Fatalf("a page of %d = %d rows, %d tombstones, %v", q.Limit, len(rows), len(gone), err)
			}
			for _, n := range rows {
				got = append(got, n.ID)
			}
			for _, g := range gone {
				got = append(got, g.ID+" buried")
			}
			if q.Cursor = cursor; cursor == "" {
				break
			}
		}
		slices.Sort(got) // a page tells rows and tombstones apart, and thereby not their order
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v; want %v", q.Limit, got, want)
		}
	}
	q.Limit = 2
	rows, _, cursor, err := store.MergeChanges[note](ctx, h, q, a, b)
	if err != nil || len(rows) != 2 || rows[0].ID != "n1" || rows[1].ID != "n2" {
		t.Errorf("the first page = %+v, %v; want the two oldest", rows, err)
	}
	alone := q
	alone.Partition, alone.Cursor = b, cursor
	if _, _, _, err := store.ListChanges[note](ctx, h, alone); !errors.Is(err, store.ErrCursor) {
		t.Errorf("the cursor in another list = %v; want ErrCursor", err)
	}
	for _, cursor := range []string{"x", "e30", cursor + "x"} {
		q.Cursor = cursor
		if _, _, _, err := store.MergeChanges[note](ctx, h, q, a, b); !errors.Is(err, store.ErrCursor) {
			t.Errorf("the cursor %q = %v; want ErrCursor", cursor, err)
		}
	}
	q.Cursor = cursor
	if _, _, _, err := store.MergeChanges[note](ctx, h, q, b, a); !errors.Is(err, store.ErrCursor) {
		t.Errorf("the cursor in the partitions the other way round = %v; want ErrCursor", err)
	}
	if _, _, _, err := store.MergeChanges[note](ctx, bind(st), store.Query{Index: store.Index2, Limit: 2}, a, b); !errors.Is(err, store.ErrBound) {
		t.Errorf("another organization's partitions = %v; want ErrBound", err)
	}
}

func TestAllDueGoesThroughEachOnceWhileRowsComeAndGo(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h, p := bind(st), st.BindPlatform(store.Actor{Who: "job:test"})
	arm := func(n int, at time.Time) *store.Due {
		d := store.NewDue("account", at, h.Scope().Key("NOTE", fmt.Sprint(n)))
		tx := st.Begin()
		tx.Arm(h, d)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const n = 130 // more than a page in each shard
	for i := range n {
		arm(i, clock.Now().Add(-time.Duration(i)*time.Minute))
	}
	arm(n, clock.Now().Add(time.Second))
	times := map[store.Key]int{}
	for d, err := range store.AllDue(ctx, p, "account", clock.Now()) {
		if err != nil {
			t.Fatal(err)
		}
		times[d.Target]++
		switch len(times) % 3 {
		case 0: // done
			tx := st.Begin()
			tx.Disarm(p, d, false)
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		case 1: // one that others have armed meanwhile, before those that were there
			arm(n+len(times), clock.Now().AddDate(-1, 0, 0))
		}
	}
	for i := range n {
		if got := times[h.Scope().Key("NOTE", fmt.Sprint(i))]; got != 1 {
			t.Errorf("due row %d came %d times; want once", i, got)
		}
	}
	if times[h.Scope().Key("NOTE", fmt.Sprint(n))] != 0 {
		t.Error("a row came that is not due yet")
	}
}

func TestADueRowIsForgotten(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	p := st.BindPlatform(store.Actor{Who: "job:test"})
	d := store.NewDue("account", clock.Now(), h.Scope().Key("NOTE", "1"))
	other := store.NewDue("account", clock.Now(), h.Scope().Key("NOTE", "2"))
	tx := st.Begin()
	tx.Arm(h, d)
	tx.Arm(h, other)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*store.Due{nil, d, d} { // none, one that is there, and one that is not
		if err := store.Forget(ctx, p, d); err != nil {
			t.Errorf("Forget(%v) = %v; want nil", d, err)
		}
	}
	for d, want := range map[*store.Due]bool{d: false, other: true} {
		if there, err := store.Remaining(ctx, p, d); err != nil || there != want {
			t.Errorf("remaining = %v, %v; want %v", there, err, want)
		}
	}
}

func TestDueRowsComeInOrderAndWakeTheirTwin(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	h := bind(st)
	p := st.BindPlatform(store.Actor{Who: "job:test"})
	for i := range 6 {
		tx := st.Begin()
		tx.ArmWake(h, store.NewDue("account", clock.Now().Add(time.Duration(i)*time.Hour), h.Scope().Key("NOTE", fmt.Sprint(i))))
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var found []*store.Due
	for shard := range store.Shards {
		due, err := store.DueBy(ctx, p, "account", shard, clock.Now().Add(2*time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, due...)
	}
	if len(found) != 3 {
		t.Fatalf("due within two hours = %d rows; want 3", len(found))
	}
	for _, d := range found {
		tx := st.Begin()
		tx.Disarm(p, d, true)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if there, err := store.Remaining(ctx, p, d); err != nil || there {
			t.Errorf("remaining after disarm = %v, %v; want false", there, err)
		}
	}
}

// forgetful is a connection that loses the first answer after it is told to.
type forgetful struct{ lose atomic.Bool }

func (f *forgetful) Do(r *http.Request) (*http.Response, error) {
	a, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && f.lose.CompareAndSwap(true, false) {
		a.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return a, err
}

// TestADeletionWhoseAnswerIsLost deletes a row and hears nothing of it: what is tried again was once told that somebody
// else had taken the row.
func TestADeletionWhoseAnswerIsLost(t *testing.T) {
	cfg, table := storetest.Table(t)
	line := new(forgetful)
	cfg.HTTPClient = line
	st := store.New(cfg, table, func() time.Time { return storetest.Start })
	h, ctx := bind(st), t.Context()
	for name, remove := range map[string]func(*store.Tx, *note){
		"a version": func(tx *store.Tx, n *note) { tx.Delete(h, n) },
		"what a condition holds of": func(tx *store.Tx, n *note) {
			tx.DeleteKey(h, n.Keys().Primary, "'text' = ?", "hello")
		},
		"whatever is there": func(tx *store.Tx, n *note) { tx.DeleteKey(h, n.Keys().Primary, "") },
	} {
		n := &note{Org: h.ID, ID: name, Text: "hello", At: storetest.Start}
		tx := st.Begin()
		tx.Create(h, n)
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		tx = st.Begin()
		remove(tx, n)
		line.lose.Store(true)
		if err := tx.Commit(ctx); err != nil {
			t.Errorf("delete %s = %v; want nil", name, err)
		}
		if line.lose.Load() {
			t.Errorf("delete %s lost no answer", name)
		}
	}
}

// guest is a row that names somebody by an address.
type guest struct {
	store.Meta
	Org  id.Organization `dynamo:"org"`
	hash string
}

func (g *guest) Type() string { return "GUEST" }
func (g *guest) Keys() store.Keys {
	return store.Keys{Primary: store.OrganizationScope(g.Org).Key("GUEST", "g1"), Index1: store.NamedLookup(g.hash, string(g.Org))}
}

func TestWhatNamesAnAddressIsListedForThePlatformAlone(t *testing.T) {
	st, _ := storetest.New(t)
	ctx, p := t.Context(), st.BindPlatform(store.Actor{Who: "test"})
	org := st.BindOrganization(id.New[id.Organization](st.IDs()), store.Actor{Who: "test"})
	tx := st.Begin()
	tx.Create(org, &guest{Org: org.ID, hash: "h"})
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	q := store.Query{Index: store.Index1, Partition: store.NamedLookup("h").PK, Limit: 10}
	for who, h := range map[string]store.Bound{"its organization": org, "a case": st.BindCase("h", store.Actor{Who: "test"})} {
		if _, _, err := store.List[guest](ctx, h, q); !errors.Is(err, store.ErrBound) {
			t.Errorf("the list read by %s = %v; want ErrBound", who, err)
		}
	}
	rows, _, err := store.List[guest](ctx, p, q)
	if err != nil || len(rows) != 1 || rows[0].Org != org.ID {
		t.Errorf("the list = %v, %v; want the row", rows, err)
	}
	q.Partition = store.NamedLookup("other").PK
	if rows, _, err := store.List[guest](ctx, p, q); err != nil || len(rows) != 0 {
		t.Errorf("the list of another = %v, %v; want nothing", rows, err)
	}
}

// charging answers each query that nothing is there and what it cost, as AWS does: by index, too.
type charging struct{}

func (charging) Do(*http.Request) (*http.Response, error) {
	const nothing = `{"Items":[],"Count":0,"ScannedCount":0,"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5,"GlobalSecondaryIndexes":{"GSI1":{"CapacityUnits":0.5}}}}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(nothing))}, nil
}

// TestCallsBesideEachOtherShareAMeter reads an index many times at once under one meter: all calls are counted. They once wrote
// into one map, which ended the program now and then.
func TestCallsBesideEachOtherShareAMeter(t *testing.T) {
	cfg := aws.Config{Region: "us-east-1", HTTPClient: charging{}, Credentials: aws.AnonymousCredentials{}}
	st := store.New(cfg, "t", func() time.Time { return storetest.Start })
	h := bind(st)
	ctx, meter := store.WithMeter(t.Context())
	const at, each = 16, 500
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			for range each {
				if _, _, err := store.List[note](ctx, h, store.Query{Index: store.Index1, Partition: h.Scope().Partition("NOTE", "byText"), Limit: 10}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, _, calls := meter.Units(); calls != at*each {
		t.Errorf("%d calls were counted; want %d", calls, at*each)
	}
}
