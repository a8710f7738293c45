package subprocessor_test

import (
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/subprocessor"
)

func TestRegister(t *testing.T) {
	current := policy.Versions()[len(policy.Versions())-1]
	seen := map[string]bool{}
	for _, p := range subprocessor.All() {
		if seen[p.ID] {
			t.Errorf("%s is there twice", p.ID)
		}
		seen[p.ID] = true
		if len(p.Country) != 2 || len(p.Mechanisms) == 0 || p.From.IsZero() || len(p.Categories) == 0 || len(p.Hosts) == 0 {
			t.Errorf("%s: country, mechanism, start, categories and hosts are needed", p.ID)
		}
		for _, id := range p.Purposes {
			if _, ok := purpose.Of(id); !ok {
				t.Errorf("%s: purpose %q is not registered", p.ID, id)
			}
		}
		if p.Status == subprocessor.Active && !strings.Contains(string(current.Text), p.Name) {
			t.Errorf("the policy does not name %s", p.Name)
		}
	}
}

func TestReceives(t *testing.T) {
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	day := func(t time.Time) *time.Time { return &t }
	good := subprocessor.Provider{Country: "US", Mechanisms: []subprocessor.Mechanism{subprocessor.Clauses}, From: at, Status: subprocessor.Active}
	tests := []struct {
		name   string
		change func(*subprocessor.Provider)
		want   bool
	}{
		{"active and announced long enough", func(*subprocessor.Provider) {}, true},
		{"notice still runs", func(p *subprocessor.Provider) { p.From = at.Add(time.Hour) }, false},
		{"only announced", func(p *subprocessor.Provider) { p.Status = subprocessor.Announced }, false},
		{"ended", func(p *subprocessor.Provider) { p.Status = subprocessor.Ended }, false},
		{"no mechanism for its country", func(p *subprocessor.Provider) { p.Mechanisms = nil }, false},
		{"no mechanism, and none needed", func(p *subprocessor.Provider) { p.Country, p.Mechanisms = "DE", nil }, true},
		{"a review to come", func(p *subprocessor.Provider) { p.ReviewBy = day(at.Add(time.Second)) }, true},
		{"a review that is overdue", func(p *subprocessor.Provider) { p.ReviewBy = day(at) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := good
			tt.change(&p)
			if got := p.Receives(at); got != tt.want {
				t.Errorf("Receives = %v; want %v", got, tt.want)
			}
		})
	}
}
