package numbering_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/invoicing/numbering"
)

func TestWrite(t *testing.T) {
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		pattern, number, period string
		count                   int64
	}{
		{"INV-{YYYY}-{SEQ4}", "INV-2026-0007", "2026", 7},
		{"INV-{YYYY}-{SEQ4}", "INV-2026-10000", "2026", 10000},
		{"{SEQ}", "7", "all", 7},
		{"R{YY}{MM}/{SEQ3}", "R2603/007", "2026-03", 7},
		{"No. {SEQ2} of {YY}", "No. 07 of 26", "2026", 7},
	}
	for _, tt := range tests {
		p, err := numbering.Parse(tt.pattern)
		if err != nil {
			t.Fatalf("Parse(%q) = %v", tt.pattern, err)
		}
		if got := p.Write(day, tt.count); got != tt.number || p.Period(day) != tt.period {
			t.Errorf("%s writes %q in %s; want %q in %s", tt.pattern, got, p.Period(day), tt.number, tt.period)
		}
	}
	if p, err := numbering.Parse(string(numbering.Default)); err != nil || numbering.Pattern("").Or() != p {
		t.Errorf("the default = %q, %v", p, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "INV", "INV-{YYYY}", "{SEQ}{SEQ2}", "{SEQ0}", "{SEQ}-{MM}", "{YYYY}{YY}{SEQ}", "{YYYY}{YYYY}{SEQ}", "{seq}", "{SEQ", "{SEQ}#", "{SEQ}\n",
		" {SEQ}", "{SEQ} ", "{DD}{SEQ}", "é{SEQ}", "{SEQ}" + strings.Repeat("x", 40)} {
		if p, err := numbering.Parse(text); err == nil {
			t.Errorf("Parse(%q) = %q; want a refusal", text, p)
		}
	}
}

// TestNoNumberIsWrittenTwice draws two counts of one pattern: unless they are one count of one period, their numbers differ.
func TestNoNumberIsWrittenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := numbering.Parse(rapid.SampledFrom([]string{"INV-{YYYY}-{SEQ4}", "{SEQ}", "{YY}-{MM}-{SEQ2}", "{SEQ3}/{YYYY}"}).Draw(t, "pattern"))
		if err != nil {
			t.Fatal(err)
		}
		day := func(name string) time.Time {
			return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, name))
		}
		a, b := day("a"), day("b")
		m, n := rapid.Int64Range(1, 20000).Draw(t, "m"), rapid.Int64Range(1, 20000).Draw(t, "n")
		if same := m == n && p.Period(a) == p.Period(b); same != (p.Write(a, m) == p.Write(b, n)) {
			t.Fatalf("%s: %d on %v is %s, %d on %v is %s", p, m, a, p.Write(a, m), n, b, p.Write(b, n))
		}
	})
}
