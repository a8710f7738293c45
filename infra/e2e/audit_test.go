package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// verified says whether the organization's audit chain is intact and vouched for by a signed head.
func (c *caller) verified() bool {
	c.t.Helper()
	body := string(c.must(200, journey.Call{Method: "GET", Path: "/v1/audit/verification"}).Body)
	return strings.Contains(body, `"intact":true`) && strings.Contains(body, `"signed":`)
}

// reviewed says that the chain of what staff did is intact and vouched for, as far as one call goes.
func (c *caller) reviewed() {
	c.t.Helper()
	for cursor := ""; ; {
		a := c.must(200, journey.Call{Method: "GET", Path: "/v1/admin/audit/verification?cursor=" + cursor})
		if !strings.Contains(string(a.Body), `"intact":true`) {
			c.t.Errorf("the chain of staff is not intact: %s", a.Body)
		}
		if cursor = a.Text("next_cursor"); cursor != "" {
			continue
		}
		if !strings.Contains(string(a.Body), `"signed":`) {
			c.t.Errorf("the chain of staff is not signed: %s", a.Body)
		}
		return
	}
}

// signsOff lets a day pass after which the chains of what was done are signed.
func (c *caller) signsOff(t *testing.T) {
	t.Helper()
	c.settle()
	pass(20 * time.Minute)
	once1(t, "seal-audit")
	pass(25 * time.Hour)
	once1(t, "sign-audit-heads")
	c.logIn()
}

// TestAuditHeadsAreSignedEveryDay lets an organization act on two days: each day leaves a signed head, locked for seven
// years, and the chain is held against the newest.
func TestAuditHeadsAreSignedEveryDay(t *testing.T) {
	p := signUp(t)
	staff(t, access.SecurityLead).must(200, journey.Call{Method: "GET", Path: "/v1/admin/me"})
	for day := range 2 {
		p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"name": "Studio " + unique()}})
		p.signsOff(t)
		if !p.verified() {
			t.Errorf("after day %d the chain is not intact and signed", day+1)
		}
		staff(t, access.SecurityLead).reviewed()
	}
	gone := signUp(t)
	gone.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"name": "Studio " + unique()}})
	gone.settle()
	pass(20 * time.Minute)
	once1(t, "seal-audit")
	gone.logIn()
	gone.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: gone.deletion()})
	gone.settle()
	gone.purge()
	once1(t, "sign-audit-heads") // late: the chain has gone with its organization

	heads := 0
	for _, o := range cloud.S3.Objects() {
		if !strings.Contains(o.Key, p.organization) || !strings.Contains(o.Bucket, "heads") {
			continue
		}
		heads++
		if o.LockedUntil == nil || o.LockedUntil.Before(o.Created.AddDate(7, 0, 0)) {
			t.Errorf("%s is locked until %v; want seven years", o.Key, o.LockedUntil)
		}
	}
	if heads != 2 {
		t.Errorf("%d signed heads; want one of each day", heads)
	}
}

// TestAnErasureLeavesARecordThatIsNobodys signs up and erases an account: that it began stays on record, under a hash whose
// key has gone from the vault.
func TestAnErasureLeavesARecordThatIsNobodys(t *testing.T) {
	p := signUp(t)
	p.settle()
	recorded := func() (commitment string) {
		t.Helper()
		rows, err := cloud.Rows(t.Context(), "USER#"+p.user+"#COMMITMENT")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			commitment, _ = r["commitment"].(string)
		}
		return commitment
	}
	onRecord := func(commitment string) (acts int) {
		t.Helper()
		rows, err := cloud.Rows(t.Context(), "PLATFORM#AUDIT")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r["actor"] == commitment {
				acts++
			}
		}
		return acts
	}
	keys := func() (n int) {
		for _, o := range cloud.S3.Objects() {
			if strings.HasPrefix(o.Key, "keys/") {
				n++
			}
		}
		return n
	}
	commitment, before := recorded(), keys()
	if commitment == "" || onRecord(commitment) != 1 || before == 0 {
		t.Fatalf("the account is on record %d times under %q, %d keys; want it once under a key", onRecord(commitment), commitment, before)
	}
	// A run that dies behind the key and before its record leaves the key, which the next one opens.
	if _, err := cloud.Table.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &cloud.Cloud.Table.Name, Key: keyOf(store.UserScope(id.User(p.user)).Key("COMMITMENT"))}); err != nil {
		t.Fatal(err)
	}
	pass(time.Second)
	run(t, "record-accounts", fmt.Appendf(nil, `{"source":"pixeltrack","detail-type":"AccountChanged","detail":{"pk":"USER#%s#PROFILE","sk":"ONLY"}}`, p.user))
	if recorded() != commitment || onRecord(commitment) != 2 {
		t.Errorf("after a run that died: %q, on record %d times; want %q twice", recorded(), onRecord(commitment), commitment)
	}
	p.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		p.settle()
		p.runLater("work-requests", 16*time.Minute)
	}
	p.settle()
	if recorded() != "" || onRecord(commitment) != 2 || keys() != before-1 {
		t.Errorf("after the erasure: %q, on record %d times, %d keys of %d; want the record alone", recorded(), onRecord(commitment), keys(), before)
	}
}
