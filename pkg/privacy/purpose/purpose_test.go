package purpose_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

var update = flag.Bool("update", false, "add the texts that are new to the golden; a text that was served never changes")

func TestEveryPurposeHasOneOfFourBases(t *testing.T) {
	bases := map[registry.Basis]bool{registry.Contract: true, registry.Interest: true, registry.Consent: true, registry.Obligation: true}
	seen := map[string]bool{}
	used := map[registry.Basis]bool{}
	id := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, p := range purpose.All() {
		if seen[p.ID] || !id.MatchString(p.ID) {
			t.Errorf("purpose %q: twice, or not a fixed word", p.ID)
		}
		seen[p.ID], used[p.Basis] = true, true
		if !bases[p.Basis] {
			t.Errorf("%s: basis %q; want one of the four", p.ID, p.Basis)
		}
		if p.Title == "" || p.Description == "" || p.Section == "" {
			t.Errorf("%s: title, description and section are needed", p.ID)
		}
		if (p.Basis == registry.Interest) != (p.Interest != "") {
			t.Errorf("%s: an interest is named if and only if it is the basis", p.ID)
		}
		if p.Objectable && p.Basis != registry.Interest && p.Basis != registry.Consent {
			t.Errorf("%s: nobody can object to %s", p.ID, p.Basis)
		}
	}
	if len(used) != len(bases) {
		t.Errorf("bases used = %v; want all four", used)
	}
}

func TestOf(t *testing.T) {
	if _, ok := purpose.Of("sale"); ok {
		t.Error("Of(sale) is there; no purpose sells or shares personal data")
	}
	if p, ok := purpose.Of(purpose.Analytics); !ok || p.Basis != registry.Consent {
		t.Errorf("Of(analytics) = %v, %v; want consent", p.Basis, ok)
	}
}

func TestConsentAge(t *testing.T) {
	for country, want := range map[string]int{"SE": 13, "US": 13, "ES": 14, "FR": 15, "DE": 16, "": 16, "ZZ": 16} {
		if got := purpose.ConsentAge(country); got != want {
			t.Errorf("ConsentAge(%q) = %d; want %d", country, got, want)
		}
	}
}

func TestOldEnough(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for born, want := range map[string]bool{"2010-03-02": true, "2010-03-03": false, "1990-04-01": true} {
		day, err := time.Parse(time.DateOnly, born)
		if err != nil {
			t.Fatal(err)
		}
		if got := purpose.OldEnough(day, 16, now); got != want {
			t.Errorf("OldEnough(%s, 16) = %v; want %v", born, got, want)
		}
	}
}

func TestTextsBelongToConsent(t *testing.T) {
	for _, text := range purpose.Texts() {
		p, ok := purpose.Of(text.Purpose)
		if !ok || p.Basis != registry.Consent {
			t.Errorf("text of %s: the purpose does not rest on consent", text.Purpose)
		}
	}
}

func TestCurrent(t *testing.T) {
	tests := []struct{ name, purpose, locale, want string }{
		{"the language asked for", purpose.Analytics, "de", "de"},
		{"another language falls back", purpose.Analytics, "fr", "en"},
		{"a purpose without a text", purpose.ServiceDelivery, "en", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := purpose.Current(tt.purpose, tt.locale)
			if got.Locale != tt.want {
				t.Errorf("Current(%s, %s).Locale = %q; want %q", tt.purpose, tt.locale, got.Locale, tt.want)
			}
			if found, ok := purpose.Served(tt.purpose, got.SHA256()); tt.want != "" && (!ok || found != got) {
				t.Errorf("Served(%s, hash) = %v, %v; want the text", tt.purpose, found, ok)
			}
		})
	}
}

// The golden only grows: a hash in it is of a text that somebody may have agreed to.
func TestServedTextsNeverChange(t *testing.T) {
	path := filepath.Join("testdata", "texts.json")
	now := map[string]string{}
	for _, text := range purpose.Texts() {
		key := fmt.Sprintf("%s/%d/%s", text.Purpose, text.Version, text.Locale)
		if _, twice := now[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		now[key] = text.SHA256()
	}
	golden := map[string]string{}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range golden {
		if now[key] != want {
			t.Errorf("text %s has hash %q; want %q as it was served: make a new version", key, now[key], want)
		}
	}
	if *update && !t.Failed() {
		b, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(now) != len(golden) {
		t.Errorf("%d texts, %d in the golden; run with -update", len(now), len(golden))
	}
}
