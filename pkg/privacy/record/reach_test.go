package record_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
)

// A row lies in the month in which it was made, by a clock that may differ from the one that made the scope.
func TestPartitionsOfMonthsHoldEveryRowThatCanBe(t *testing.T) {
	st, clock := storetest.New(t)
	m := datamap.Map{Rows: []datamap.Row{{Type: "ENTRY", Family: "ENTRY", Scopes: []registry.Scope{registry.InOrganization}, Division: registry.ByMonth}}}
	for _, tt := range []struct {
		name        string
		began, made string
		now         string
		want        int
	}{
		{"at once", "2026-03-02T09:00:00Z", "2026-03-02T09:00:01Z", "2026-03-02T09:00:01Z", 3},
		{"by a clock behind that of the scope", "2026-03-01T00:00:01Z", "2026-02-28T23:59:59Z", "2026-03-01T00:00:02Z", 3},
		{"by a clock ahead of the purge's", "2026-03-02T09:00:00Z", "2026-04-01T00:00:01Z", "2026-03-31T23:59:59Z", 3},
		{"on the 31st before a short month", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z", "2026-01-31T23:59:59Z", 3},
		{"over the turn of a year", "2026-11-30T09:00:00Z", "2027-01-31T23:00:00Z", "2027-01-31T23:30:00Z", 5},
		{"years later", "2026-03-02T09:00:00Z", "2036-03-02T09:00:00Z", "2036-03-02T09:00:00Z", 123},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := func(text string) time.Time {
				v, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			clock.Set(at(tt.began))
			h := st.BindOrganization(id.New[id.Organization](st.IDs()), store.Actor{Who: "test"})
			clock.Set(at(tt.made))
			entry := id.New[id.Entry](st.IDs())
			clock.Set(at(tt.now))
			got, err := record.Partitions(context.Background(), h, m, registry.InOrganization, "ENTRY")
			if want := h.Scope().Partition("ENTRY", id.Made(entry).Format("2006-01")); err != nil || !slices.Contains(got, want) || len(got) != tt.want {
				t.Errorf("Partitions = %d, %v: %v; want %d with %s", len(got), err, got, tt.want, want)
			}
		})
	}
}
