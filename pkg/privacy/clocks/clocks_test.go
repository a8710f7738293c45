package clocks_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/request"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", s+"T15:04")
	if err != nil {
		panic(err)
	}
	return t
}

func date(t time.Time) string { return t.Format(time.DateOnly) }

func due(d clocks.Derivation, r clocks.Regime) string {
	for _, s := range d.Steps {
		if s.Regime == r {
			return date(s.Due)
		}
	}
	return ""
}

func TestDerive(t *testing.T) {
	tests := []struct {
		name, received string
		kind           request.Kind
		regime         clocks.Regime
		want           string
	}{
		{"GDPR month", "2026-11-23", request.Access, clocks.GDPR, "2026-12-23"},
		{"policy 30 days", "2026-11-23", request.Access, clocks.Policy, "2026-12-23"},
		{"CCPA 45 days", "2026-11-23", request.Erasure, clocks.CCPA, "2027-01-07"},
		{"CCPA opt-out, 15 business days", "2026-11-23", request.OptOut, clocks.CCPA, "2026-12-14"},
		{"CCPA limit, 15 business days", "2026-11-23", request.Limit, clocks.CCPA, "2026-12-14"},
		{"PIPEDA 30 days", "2026-11-23", request.Access, clocks.PIPEDA, "2026-12-23"},
		{"CCPA has no clock for restriction", "2026-11-23", request.Restriction, clocks.CCPA, ""},
		{"policy, 31-day month", "2027-03-10", request.Access, clocks.Policy, "2027-04-09"},
		{"GDPR, 31-day month", "2027-03-10", request.Access, clocks.GDPR, "2027-04-10"},
		{"GDPR, February", "2027-02-10", request.Access, clocks.GDPR, "2027-03-10"},
		{"policy, February", "2027-02-10", request.Access, clocks.Policy, "2027-03-12"},
		{"month end before a short month", "2027-01-31", request.Access, clocks.GDPR, "2027-02-28"},
		{"month end before a leap February", "2028-01-31", request.Access, clocks.GDPR, "2028-02-29"},
		{"policy over a leap day", "2028-01-31", request.Access, clocks.Policy, "2028-03-01"},
		{"leap day itself", "2028-02-29", request.Access, clocks.GDPR, "2028-03-29"},
		{"end of a short month is not the end of the next", "2027-02-28", request.Access, clocks.GDPR, "2027-03-28"},
		{"turn of the year", "2026-12-31", request.Access, clocks.GDPR, "2027-01-31"},
		{"business days from a Saturday", "2026-11-28", request.OptOut, clocks.CCPA, "2026-12-18"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := clocks.Derive(clocks.Intake{Kind: tt.kind, Received: at(tt.received), Regimes: clocks.All()})
			if got := due(d, tt.regime); got != tt.want {
				t.Errorf("Derive(%s, %s) by %s = %q; want %q", tt.kind, tt.received, tt.regime, got, tt.want)
			}
		})
	}
}

func TestEarliestWins(t *testing.T) {
	tests := []struct {
		name, received string
		regimes        []clocks.Regime
		kind           request.Kind
		want           string
		wins           clocks.Regime
	}{
		{"policy beats a month of 31 days", "2027-03-10", clocks.All(), request.Access, "2027-04-09", clocks.Policy},
		{"the month beats policy in February", "2027-02-10", clocks.All(), request.Access, "2027-03-10", clocks.GDPR},
		{"the month beats policy in a leap year", "2028-01-31", clocks.All(), request.Access, "2028-02-29", clocks.GDPR},
		{"business days beat both for an opt-out", "2026-11-23", clocks.All(), request.OptOut, "2026-12-14", clocks.CCPA},
		{"policy counts without being named", "2026-11-23", []clocks.Regime{clocks.CCPA}, request.Erasure, "2026-12-23", clocks.Policy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := clocks.Derive(clocks.Intake{Kind: tt.kind, Received: at(tt.received), Regimes: tt.regimes})
			if date(d.Due) != tt.want || d.Regime != tt.wins {
				t.Errorf("Derive = %s by %s; want %s by %s", date(d.Due), d.Regime, tt.want, tt.wins)
			}
		})
	}
}

func TestAcknowledge(t *testing.T) {
	d := clocks.Derive(clocks.Intake{Kind: request.Erasure, Received: at("2026-11-23"), Regimes: clocks.All()})
	if len(d.Acknowledge) != 1 || date(d.Acknowledge[0].Due) != "2026-12-07" {
		t.Errorf("Acknowledge = %v; want one by 2026-12-07", d.Acknowledge)
	}
	d = clocks.Derive(clocks.Intake{Kind: request.Erasure, Received: at("2026-11-23"), Regimes: []clocks.Regime{clocks.GDPR}})
	if len(d.Acknowledge) != 0 {
		t.Errorf("Acknowledge under GDPR = %v; want none", d.Acknowledge)
	}
}

func TestExtend(t *testing.T) {
	tests := []struct {
		name, received, told string
		kind                 request.Kind
		regimes              []clocks.Regime
		want                 string
		err                  error
	}{
		{"CCPA to 90 days", "2026-11-23", "2026-12-20", request.Erasure, []clocks.Regime{clocks.CCPA}, "2027-02-21", nil},
		{"GDPR to three months", "2026-11-30", "2026-12-20", request.Access, []clocks.Regime{clocks.GDPR}, "2027-02-28", nil},
		{"PIPEDA to 60 days", "2026-11-23", "2026-12-20", request.Access, []clocks.Regime{clocks.PIPEDA}, "2027-01-22", nil},
		{"the earliest maximum of all", "2026-11-23", "2026-12-20", request.Access, clocks.All(), "2027-01-22", nil},
		{"no law allows it", "2026-11-23", "2026-12-01", request.Access, []clocks.Regime{clocks.Policy}, "", clocks.ErrNoExtension},
		{"an opt-out has no extension", "2026-11-23", "2026-12-01", request.OptOut, clocks.All(), "", clocks.ErrNoExtension},
		{"told after our promise has passed", "2026-11-23", "2026-12-24", request.Erasure, []clocks.Regime{clocks.CCPA}, "", clocks.ErrLate},
		{"told after February's month has passed", "2027-02-10", "2027-03-11", request.Access, []clocks.Regime{clocks.GDPR}, "", clocks.ErrLate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := clocks.Extend(clocks.Intake{Kind: tt.kind, Received: at(tt.received), Regimes: tt.regimes}, at(tt.told))
			if !errors.Is(err, tt.err) {
				t.Fatalf("Extend = %v; want %v", err, tt.err)
			}
			if err == nil && date(d.Due) != tt.want {
				t.Errorf("Extend = %s; want %s", date(d.Due), tt.want)
			}
		})
	}
}

func TestPauseMovesGDPRAlone(t *testing.T) {
	in := clocks.Intake{Kind: request.Access, Received: at("2027-02-10"), Regimes: clocks.All(), Pause: 5 * 24 * time.Hour}
	d := clocks.Derive(in)
	if got := due(d, clocks.GDPR); got != "2027-03-15" {
		t.Errorf("GDPR with five days of doubt = %s; want 2027-03-15", got)
	}
	if date(d.Due) != "2027-03-12" || due(d, clocks.Policy) != "2027-03-12" {
		t.Errorf("Due = %s; want the policy's 2027-03-12, which nothing pauses", date(d.Due))
	}
}

func TestZoneStated(t *testing.T) {
	zone := time.FixedZone("UTC-8", -8*3600)
	received := time.Date(2027, 3, 1, 2, 0, 0, 0, time.UTC) // 28 February where the person lives
	in := clocks.Intake{Kind: request.Access, Received: received, Regimes: []clocks.Regime{clocks.GDPR}}
	if got := due(clocks.Derive(in), clocks.GDPR); got != "2027-04-01" {
		t.Errorf("counted in UTC = %s; want 2027-04-01", got)
	}
	in.Zone = zone
	d := clocks.Derive(in)
	for _, s := range d.Steps {
		if s.Regime == clocks.GDPR && date(s.Due.In(zone)) != "2027-03-28" {
			t.Errorf("counted where they live = %s; want 2027-03-28", date(s.Due.In(zone)))
		}
	}
}

func TestRegimes(t *testing.T) {
	tests := []struct {
		name string
		in   clocks.Residence
		want []clocks.Regime
	}{
		{"unknown: all apply", clocks.Residence{}, clocks.All()},
		{"Germany", clocks.Residence{Country: "DE"}, []clocks.Regime{clocks.Policy, clocks.GDPR}},
		{"Norway", clocks.Residence{Country: "NO"}, []clocks.Regime{clocks.Policy, clocks.GDPR}},
		{"United Kingdom", clocks.Residence{Country: "GB"}, []clocks.Regime{clocks.Policy, clocks.GDPR}},
		{"California", clocks.Residence{Country: "US", Region: "CA"}, []clocks.Regime{clocks.Policy, clocks.CCPA}},
		{"United States, state unknown", clocks.Residence{Country: "US"}, []clocks.Regime{clocks.Policy, clocks.CCPA}},
		{"Texas", clocks.Residence{Country: "US", Region: "TX"}, []clocks.Regime{clocks.Policy}},
		{"Canada", clocks.Residence{Country: "CA"}, []clocks.Regime{clocks.Policy, clocks.PIPEDA}},
		{"Canada is not California", clocks.Residence{Country: "CA", Region: "QC"}, []clocks.Regime{clocks.Policy, clocks.PIPEDA}},
		{"elsewhere", clocks.Residence{Country: "JP"}, []clocks.Regime{clocks.Policy}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := clocks.Regimes(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("Regimes(%v) = %v; want %v", tt.in, got, tt.want)
			}
		})
	}
}

func TestAddYears(t *testing.T) {
	tests := []struct{ from, want string }{
		{"2028-02-29", "2035-02-28"},
		{"2025-02-28", "2032-02-28"},
		{"2029-02-28", "2036-02-28"},
		{"2026-12-31", "2033-12-31"},
	}
	for _, tt := range tests {
		if got := date(clocks.AddYears(at(tt.from), 7)); got != tt.want {
			t.Errorf("AddYears(%s, 7) = %s; want %s", tt.from, got, tt.want)
		}
	}
}

func TestBreach(t *testing.T) {
	aware := time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	want := []string{"2026-11-23", "2026-12-20", "2027-01-04"}
	for i, s := range clocks.Breach(aware, aware) {
		if date(s.Due) != want[i] {
			t.Errorf("Breach step %d = %s; want %s", i, date(s.Due), want[i])
		}
	}
}

func intake(t *rapid.T) clocks.Intake {
	first := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	in := clocks.Intake{
		Kind:     rapid.SampledFrom(request.Kinds()).Draw(t, "kind"),
		Received: time.Unix(first+rapid.Int64Range(0, 40*366*86400).Draw(t, "second"), 0).UTC(),
		Regimes:  rapid.SliceOfDistinct(rapid.SampledFrom(clocks.All()), rapid.ID[clocks.Regime]).Draw(t, "regimes"),
		Pause:    time.Duration(rapid.IntRange(0, 20*86400).Draw(t, "pause")) * time.Second,
	}
	if rapid.Bool().Draw(t, "zoned") {
		in.Zone = time.FixedZone("somewhere", rapid.IntRange(-12*3600, 14*3600).Draw(t, "offset"))
	}
	return in
}

func TestNoAnswerIsEverDueAfterThirtyDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := intake(t)
		d := clocks.Derive(in)
		if span := d.Due.Sub(in.Received); span <= 0 || span > 30*24*time.Hour {
			t.Fatalf("due %v after receipt; want more than nothing and at most 30 days", span)
		}
		for _, s := range d.Steps {
			if s.Due.Before(d.Due) {
				t.Fatalf("%s is due %v, before the earliest %v", s.Regime, s.Due, d.Due)
			}
			if s.Rule == "" || s.Note == "" {
				t.Fatalf("%s has no rule or note", s.Regime)
			}
		}
	})
}

func TestMoreRegimesNeverGiveMoreTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := intake(t)
		some := clocks.Derive(in).Due
		in.Regimes = clocks.All()
		if all := clocks.Derive(in).Due; all.After(some) {
			t.Fatalf("all regimes give %v, some give %v", all, some)
		}
	})
}

func TestAnExtensionStaysWithinEveryMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := intake(t)
		in.Pause = 0
		first := clocks.Derive(in)
		told := in.Received.Add(time.Duration(rapid.Int64Range(0, 40*86400).Draw(t, "told")) * time.Second)
		d, err := clocks.Extend(in, told)
		if err != nil {
			if errors.Is(err, clocks.ErrLate) == told.Before(first.Due) {
				t.Fatalf("told %v, first due %v: %v", told, first.Due, err)
			}
			return
		}
		if !d.Due.After(first.Due) {
			t.Fatalf("extended to %v, which is no later than %v", d.Due, first.Due)
		}
		days := int(d.Due.Sub(in.Received).Hours() / 24)
		if slices.Contains(in.Regimes, clocks.PIPEDA) && days > 60 || due(d, clocks.CCPA) != "" && days > 90 || days > 92 {
			t.Fatalf("extended to %d days under %v", days, in.Regimes)
		}
	})
}

func TestBusinessDaysNeverEndOnAWeekend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := intake(t).Received
		n := rapid.IntRange(1, 40).Draw(t, "days")
		to := clocks.BusinessDays(from, n)
		if to.Weekday() == time.Saturday || to.Weekday() == time.Sunday {
			t.Fatalf("BusinessDays(%v, %d) = %v, a %v", from, n, to, to.Weekday())
		}
		between := 0
		for d := from.AddDate(0, 0, 1); !d.After(to); d = d.AddDate(0, 0, 1) {
			if d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
				between++
			}
		}
		if between != n {
			t.Fatalf("BusinessDays(%v, %d) spans %d business days", from, n, between)
		}
	})
}
