package usage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/usage"
)

const day = "2026-03-02" // on which the clock of a new world stands

// crowd lets people use things: export all of them, help all but one, and one of them the search without an end.
func (w *world) crowd(n int) []apitest.Caller {
	w.T.Helper()
	var all []apitest.Caller
	for i := range n {
		c := w.agreeing()
		w.told(c, used("export"), used("export"))
		if i > 0 {
			w.told(c, used("help"))
		}
		all = append(all, c)
	}
	for range 10 {
		often := make([]map[string]any, 0, usage.MaxEvents)
		for range usage.MaxEvents {
			often = append(often, used("export"))
		}
		w.told(all[0], often...)
	}
	return all
}

func TestTotalsAreOfTenPeopleOrMore(t *testing.T) {
	w := newWorld(t)
	w.crowd(usage.LeastGroup)
	w.Clock.Set(time.Date(2026, 3, 3, 0, 9, 59, 0, time.UTC))
	w.must(w.run(context.Background()))
	if w.totals(day) != nil || !w.salted(day) {
		t.Fatal("the day ended while calls that began in it may be under way")
	}
	w.Clock.Set(time.Date(2026, 3, 3, 0, 10, 0, 0, time.UTC))
	w.must(w.run(context.Background()))
	if w.salted(day) {
		t.Error("the salt is still there")
	}
	// Nine people counted with two events each, the tenth with a hundred of 502.
	want := map[usage.Cell]usage.Total{"feature_used/export/web": {Cell: "feature_used/export/web", People: 10, Events: 9*2 + 100}}
	if got := w.totals(day); !maps.Equal(got, want) {
		t.Errorf("totals = %v; want %v: nine who used help are too few", got, want)
	}
	if len(w.rows("DUE")) != 0 {
		t.Errorf("the clock of the day is left: %v", w.rows("DUE"))
	}
	for _, r := range w.rows("USAGE_TOTALS") {
		for person := range w.people() {
			if strings.Contains(fmt.Sprint(r), person) {
				t.Errorf("the totals lead to %s", person)
			}
		}
	}
	if len(w.rows("HEARTBEAT")) != 1 {
		t.Error("the job left no heartbeat")
	}
}

// However the job is run, a day ends the same.
func TestADayEndsTheSame(t *testing.T) {
	tests := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"once", func(_ *testing.T, w *world) { w.must(w.run(context.Background())) }},
		{"twice", func(_ *testing.T, w *world) {
			w.must(w.run(context.Background()))
			w.must(w.run(context.Background()))
		}},
		{"four at once", func(_ *testing.T, w *world) {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := w.run(context.Background()); err != nil {
						w.T.Error(err)
					}
				})
			}
			wg.Wait()
		}},
		{"killed when the salt has just gone", func(t *testing.T, w *world) {
			ctx, cancel := context.WithCancel(context.Background())
			w.vault.Before(func(string) { cancel() })
			if err := w.run(ctx); err == nil {
				t.Error("a run that was killed went well")
			}
			w.vault.Before(nil)
			w.must(w.run(context.Background()))
		}},
		{"without the vault", func(t *testing.T, w *world) {
			w.vault.Fail(errors.New("the vault is away"))
			if err := w.run(context.Background()); err == nil || w.totals(day) != nil {
				t.Errorf("the run ended with %v; want an error, and nothing counted while the salt is there", err)
			}
			w.vault.Fail(nil)
			w.must(w.run(context.Background()))
		}},
		{"three days late", func(_ *testing.T, w *world) {
			w.Clock.Advance(3 * 24 * time.Hour)
			w.must(w.run(context.Background()))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.crowd(usage.LeastGroup)
			w.Clock.Set(time.Date(2026, 3, 3, 1, 0, 0, 0, time.UTC))
			w.told(w.agreeing(), used("export")) // of the day that is not over
			tt.run(t, w)
			if got := w.totals(day)["feature_used/export/web"]; got.People != 10 || got.Events != 118 || len(w.totals(day)) != 1 {
				t.Errorf("totals = %v; want ten people and 118 events, and nothing else", w.totals(day))
			}
			if w.salted(day) {
				t.Error("the salt is still there")
			}
			if late := w.Clock.Now().After(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)); late == w.salted("2026-03-03") || late != (w.totals("2026-03-03") != nil) {
				t.Errorf("the day after: salt %v, totals %v; want it over: %v", w.salted("2026-03-03"), w.totals("2026-03-03"), late)
			}
		})
	}
}

func TestAnErasureLeavesTotalsAsTheyAre(t *testing.T) {
	w := newWorld(t)
	ada := w.crowd(usage.LeastGroup)[0]
	w.Clock.Advance(24 * time.Hour)
	w.must(w.run(context.Background()))
	before := fmt.Sprint(w.rows("USAGE_TOTALS"))
	engine := privacy.NewEngine(w.Store, nil, new(blobtest.Bucket), keystest.Envelope(w.Clock.Now), keys.Pseudonyms{Secret: "pseudonyms"}, w.Clock.Now)
	err := erasure.ErrSoon
	for errors.Is(err, erasure.ErrSoon) {
		_, err = engine.Account(context.Background(), store.Actor{Who: "test"}, ada.User, erasure.Cause{})
		w.Clock.Advance(time.Minute)
	}
	w.must(err)
	if after := fmt.Sprint(w.rows("USAGE_TOTALS")); after != before {
		t.Errorf("totals = %s; want them as before: %s", after, before)
	}
}

func TestTheRowsOfADayAreGoneAfterNinetyDays(t *testing.T) {
	w := newWorld(t)
	w.crowd(usage.LeastGroup)
	w.Clock.Set(time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC))
	w.must(w.run(context.Background()))
	if got := w.totals(day); got == nil || len(got) != 0 {
		t.Errorf("totals of rows past their end = %v; want none", got)
	}
}
