package retention_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDue(t *testing.T) {
	tests := []struct {
		name        string
		class       registry.Class
		start, want string
	}{
		{"an account, 30 days", registry.ClassAccount, "2026-11-23", "2026-12-23"},
		{"an invoice, 7 years", registry.ClassFinance, "2026-11-23", "2033-11-23"},
		{"an invoice of a leap day", registry.ClassFinance, "2028-02-29", "2035-02-28"},
		{"a leap day into a leap year", registry.ClassFinance, "2029-02-28", "2036-02-28"},
		{"a ticket, 2 years", registry.ClassSupport, "2026-11-23", "2028-11-23"},
		{"a ticket of a leap day", registry.ClassSupport, "2028-02-29", "2030-02-28"},
		{"usage, 90 days and not 91", registry.ClassUsage, "2026-11-23", "2027-02-21"},
		{"what people did, 365 days in a leap year too", registry.ClassActivity, "2027-11-23", "2028-11-22"},
		{"an export package, 7 days", registry.ClassExport, "2026-11-23", "2026-11-30"},
		{"a request, 36 months", registry.ClassRequest, "2026-11-30", "2029-11-30"},
		{"a consent, 36 months", registry.ClassConsent, "2028-02-29", "2031-02-28"},
		{"a breach of a leap day", registry.ClassRegister, "2028-02-29", "2033-02-28"},
		{"audit, 7 years", registry.ClassAudit, "2026-11-23", "2033-11-23"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rule, ok := retention.Of(tt.class)
			if !ok {
				t.Fatalf("no rule for %s", tt.class)
			}
			got, ok := rule.Due(day(tt.start))
			if !ok || got.Format(time.DateOnly) != tt.want {
				t.Errorf("Due(%s) = %s; want %s", tt.start, got.Format(time.DateOnly), tt.want)
			}
		})
	}
}

func TestEveryClassHasARule(t *testing.T) {
	classes := []registry.Class{registry.ClassAccount, registry.ClassSecurity, registry.ClassProject, registry.ClassFinance,
		registry.ClassSupport, registry.ClassConsent, registry.ClassRequest, registry.ClassExport, registry.ClassAudit,
		registry.ClassUsage, registry.ClassLedger, registry.ClassRegister, registry.ClassPlatform, registry.ClassWork, registry.ClassActivity}
	for _, c := range classes {
		if _, ok := retention.Of(c); !ok {
			t.Errorf("no rule for %s", c)
		}
	}
	if len(retention.Schedule()) != len(classes) {
		t.Errorf("%d rules for %d classes", len(retention.Schedule()), len(classes))
	}
}

func TestARequestIsKeptAsLongAsCaliforniaWants(t *testing.T) {
	if retention.RequestMonths < retention.RequestFloor {
		t.Errorf("RequestMonths = %d; want at least %d", retention.RequestMonths, retention.RequestFloor)
	}
}

func TestTheLedgerOutlivesEveryBackup(t *testing.T) {
	rule, _ := retention.Of(registry.ClassLedger)
	start := day("2026-11-23")
	if due, _ := rule.Due(start); !due.After(start.Add(retention.Backup)) {
		t.Errorf("the ledger goes on %v, while a backup may live until %v", due, start.Add(retention.Backup))
	}
}

func TestPurgeAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deleted := time.Unix(rapid.Int64Range(1_700_000_000, 2_500_000_000).Draw(t, "deleted"), 0)
		due := deleted.Add(time.Duration(rapid.IntRange(1, 90*86400).Draw(t, "due")) * time.Second)
		at := retention.PurgeAt(deleted, due)
		if at.After(due) || at.After(deleted.Add(retention.Account)) {
			t.Fatalf("purged %v, deleted %v, answer due %v", at, deleted, due)
		}
		if at != due && at != deleted.Add(retention.Account) {
			t.Fatalf("purged %v, which is neither date", at)
		}
		if retention.PurgeAt(deleted, time.Time{}) != deleted.Add(retention.Account) {
			t.Fatal("without a request it is not 30 days")
		}
	})
}
