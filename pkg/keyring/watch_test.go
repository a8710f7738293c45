package keyring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
)

func TestATableIsServedWhenTheRingIsItsOwn(t *testing.T) {
	tests := []struct {
		name  string
		table func(st *store.Store) string
		want  error
	}{
		{"its own", func(st *store.Store) string { return st.Name() }, nil},
		{"of the table that it was restored from", func(st *store.Store) string { return st.Name() + "-before" }, store.ErrRestored},
		{"of no table", func(*store.Store) string { return "" }, store.ErrRestored},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, _ := storetest.New(t)
			write(t, st, tt.table(st))
			w := keyring.NewWatch(st)
			if err := w.Open(context.Background()); !errors.Is(err, tt.want) {
				t.Errorf("Open() = %v; want %v", err, tt.want)
			}
			set, err := w.PublicKeys(context.Background())
			if err != nil || (len(set) == 1) != (tt.want == nil) {
				t.Errorf("PublicKeys() = %v, %v; want a key only of its own ring", set, err)
			}
		})
	}
}

func TestANewTableIsServed(t *testing.T) {
	st, _ := storetest.New(t)
	if err := keyring.NewWatch(st).Open(context.Background()); err != nil {
		t.Errorf("Open() of a table without a ring = %v", err)
	}
}

// A restored table that was admitted is served by the functions that run, without a start.
func TestAWatchSeesTheAdmission(t *testing.T) {
	st, clock := storetest.New(t)
	ctx := context.Background()
	ring := write(t, st, "another")
	w := keyring.NewWatch(st)
	if err := w.Open(ctx); !errors.Is(err, store.ErrRestored) {
		t.Fatalf("Open() = %v; want it shut", err)
	}
	ring.Table = st.Name()
	tx := st.Begin()
	tx.Replace(st.BindPlatform(store.Actor{Who: "test"}), ring)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.Open(ctx); !errors.Is(err, store.ErrRestored) {
		t.Errorf("Open() within a second = %v; want what was read", err)
	}
	clock.Advance(time.Second)
	for range 2 {
		counted, meter := store.WithMeter(ctx)
		if err := w.Open(counted); err != nil {
			t.Errorf("Open() after the admission = %v", err)
		}
		if _, _, calls := meter.Units(); calls > 1 {
			t.Errorf("Open() made %d calls", calls)
		}
	}
	counted, meter := store.WithMeter(ctx)
	if err := w.Open(counted); err != nil {
		t.Error(err)
	}
	if _, _, calls := meter.Units(); calls != 0 {
		t.Errorf("Open() of a table that is served made %d calls; want none", calls)
	}
}

func write(t *testing.T, st *store.Store, table string) *keyring.Ring {
	t.Helper()
	ring := &keyring.Ring{Table: table, PublicKeys: []keyring.Key{{ID: "one", Public: make([]byte, 32)}}}
	tx := st.Begin()
	tx.Create(st.BindPlatform(store.Actor{Who: "test"}), ring)
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	return ring
}
