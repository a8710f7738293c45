package policy_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/privacy/policy"
)

var update = flag.Bool("update", false, "add the versions that are new to the golden; a published version never changes")

// The golden only grows: a hash in it is of a text that people have accepted.
func TestPublishedVersionsNeverChange(t *testing.T) {
	path := filepath.Join("testdata", "versions.json")
	golden := map[string]string{}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
	}
	now := map[string]string{}
	for _, v := range policy.Versions() {
		now[strconv.Itoa(v.Number)] = v.Effective.Format(time.DateOnly) + " " + v.SHA256()
	}
	for number, want := range golden {
		if now[number] != want {
			t.Errorf("version %s is %q; want %q as it was published: make a new version", number, now[number], want)
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
		t.Errorf("%d versions, %d in the golden; run with -update", len(now), len(golden))
	}
}

func TestVersionsAreInOrder(t *testing.T) {
	for i, v := range policy.Versions() {
		if v.Number != i+1 {
			t.Errorf("version %d stands at place %d", v.Number, i+1)
		}
		if i > 0 && !v.Effective.After(policy.Versions()[i-1].Effective) {
			t.Errorf("version %d takes effect before the one it replaces", v.Number)
		}
		if !strings.Contains(string(v.Text), "Version "+strconv.Itoa(v.Number)+".") ||
			!strings.Contains(string(v.Text), v.Effective.Format("2 January 2006")) {
			t.Errorf("version %d does not state its number and date", v.Number)
		}
	}
}

func TestEveryVersionHasAllSections(t *testing.T) {
	for _, v := range policy.Versions() {
		text := string(v.Text)
		for n := 1; n <= 15; n++ {
			if !strings.Contains(text, "\n## "+strconv.Itoa(n)+". ") {
				t.Errorf("version %d has no section %d", v.Number, n)
			}
		}
		for _, must := range []string{
			"privacy@pixeltrack.io", "dpo@pixeltrack.io", "30 days", "7 years", "2 years", "under 13", "TLS 1.3", "AES-256",
			"Amazon Web Services", "AWS Lambda", "API Gateway", "DynamoDB", "S3", "CloudFront", "KMS", "Stripe", "Resend",
			"standard contractual clauses", "Agency plan", "Article 27", "sell no personal data",
		} {
			if !strings.Contains(text, must) {
				t.Errorf("version %d does not speak of %q", v.Number, must)
			}
		}
		for _, mustNot := range []string{"Vercel", "MongoDB", "[Your", "TBD"} {
			if strings.Contains(text, mustNot) {
				t.Errorf("version %d speaks of %q", v.Number, mustNot)
			}
		}
	}
}

func TestInEffect(t *testing.T) {
	tests := []struct {
		name string
		at   time.Time
		want int
	}{
		{"before the first takes effect it is still the first", time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), 1},
		{"from its first moment", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1},
		{"years on", time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := policy.InEffect(tt.at).Number; got != tt.want {
				t.Errorf("InEffect(%v) = %d; want %d", tt.at, got, tt.want)
			}
		})
	}
	if _, ok := policy.Of(0); ok {
		t.Error("Of(0) is there; want none")
	}
}
