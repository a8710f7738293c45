package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/admin/deadline"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/notices"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// dueKinds lists the kinds of due rows that the sources declare.
func dueKinds(t *testing.T) []store.DueKind {
	t.Helper()
	declared := regexp.MustCompile(`store\.DueKind = "([^"]+)"`)
	var all []store.DueKind
	err := fs.WalkDir(os.DirFS("../../pkg"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile("../../pkg/" + path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			all = append(all, store.DueKind(m[1]))
		}
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("kinds of due rows: %v, %v", all, err)
	}
	return all
}

// arm puts n due rows of each kind into the table, past the product: from a time on, one a second, each about something of
// somebody that is not there. It gives their keys.
func arm(t *testing.T, kinds []store.DueKind, n int, from time.Time) []store.Key {
	t.Helper()
	var keys []store.Key
	var batch []types.WriteRequest
	write := func() {
		left := map[string][]types.WriteRequest{cloud.Cloud.Table.Name: batch}
		for len(left) > 0 && len(batch) > 0 {
			out, err := cloud.Table.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: left})
			if err != nil {
				t.Fatal(err)
			}
			left = out.UnprocessedItems
		}
		batch = nil
	}
	ids := id.NewSource(cloud.Clock.Now)
	for _, kind := range kinds {
		for i := range n {
			user, name := id.New[id.User](ids), fmt.Sprint("x", i)
			target := store.UserScope(user).Key("NOTHING", name)
			switch kind { // the families that the roles of their workers reach
			case access.DueAPIToken:
				target = access.APITokenKey(user, id.New[id.APIToken](ids))
			case retention.AccountPurge:
				target = access.UserGateKey(user)
			case invoicing.ReconcileDue:
				target = invoicing.MarkerKey("acct_" + name)
			case mailroom.DueArrival:
				target = mailroom.Key(name)
			case deadline.Due, privacy.HoldReviewDue, notices.Due:
				target = store.PlatformScope().Key(map[store.DueKind]store.Family{deadline.Due: deadline.Family, privacy.HoldReviewDue: privacy.FamilyHold, notices.Due: notices.FamilyRound}[kind], name, name)
			}
			d := store.NewDue(kind, from.Add(time.Duration(i)*time.Second), target)
			key := d.Keys().Primary
			keys = append(keys, key)
			batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				"PK": &types.AttributeValueMemberS{Value: key.PK}, "SK": &types.AttributeValueMemberS{Value: key.SK},
				"_type": &types.AttributeValueMemberS{Value: "DUE"}, "_v": &types.AttributeValueMemberN{Value: "1"},
				"kind": &types.AttributeValueMemberS{Value: string(kind)}, "at": &types.AttributeValueMemberN{Value: fmt.Sprint(d.At)},
				"target": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
					"PK": &types.AttributeValueMemberS{Value: target.PK}, "SK": &types.AttributeValueMemberS{Value: target.SK}}}}}})
			if len(batch) == 25 {
				write()
			}
		}
	}
	write()
	return keys
}

// disarm deletes due rows, past the product.
func disarm(t *testing.T, keys []store.Key) {
	t.Helper()
	for part := range slices.Chunk(keys, 25) {
		var batch []types.WriteRequest
		for _, k := range part {
			batch = append(batch, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: keyOf(k)}})
		}
		if _, err := cloud.Table.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{cloud.Cloud.Table.Name: batch}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoWorkerCostsWhatIsStored runs every job with a schedule among few rows, and among many: rows of other people, and due
// rows of every kind whose time is to come. Calls and units are the same.
func TestNoWorkerCostsWhatIsStored(t *testing.T) {
	drain(t)
	kinds := dueKinds(t)
	all := func() map[string]cost {
		costs := map[string]cost{}
		for _, j := range catalog.Jobs() {
			f := cloud.Cloud.Function(function(j.ID))
			if f == nil || len(f.Schedules) == 0 {
				continue
			}
			c := costOf(cloud.Recorder.OfRequest(run(t, j.ID, bus.Event(f.Name, cloud.Clock.Now()))))
			c.Trips = 0 // depends on the machine when calls are made beside each other
			costs[j.ID] = c
		}
		return costs
	}
	for range 2 { // warm, and what other tests have left is done
		all()
	}
	few, stored := all(), size.Of(2_000, 100_000)
	later := arm(t, kinds, stored/len(kinds), cloud.Clock.Now().AddDate(50, 0, 0))
	defer disarm(t, later)
	stuff(t, stored)
	for job, c := range all() {
		if c != few[job] {
			t.Errorf("%s costs %+v among few rows and %+v among many; want the same", job, few[job], c)
		}
	}
	t.Logf("%d jobs cost the same among %d rows more", len(few), 2*stored)
}

// TestEveryWorkerCostsWhatIsDue lets few and many due rows of every kind strike, each about something that is not there any
// more: all are gone afterwards, and each of many has cost what each of few did.
func TestEveryWorkerCostsWhatIsDue(t *testing.T) {
	drain(t)
	kinds := dueKinds(t)
	work := func(n int) (each map[string]float64) {
		t.Helper()
		busy := map[string]int{}
		jobs := func(calls map[string]int) {
			for _, j := range catalog.Jobs() {
				if f := cloud.Cloud.Function(function(j.ID)); f != nil && len(f.Schedules) > 0 {
					request := cloud.Lambda.NewRequestID()
					r, err := cloud.Lambda.Invoke(t.Context(), f.Name, bus.Event(f.Name, cloud.Clock.Now()), request)
					if err != nil {
						t.Fatal(err)
					}
					if r.Error != "" {
						t.Errorf("%s: %s", j.ID, r.Error)
					}
					calls[j.ID] += costOf(cloud.Recorder.OfRequest(request)).Calls
				}
			}
		}
		idle := map[string]int{}
		for range 4 { // what other tests have left to do is not what a job does when nothing is due
			once := map[string]int{}
			jobs(once)
			for job, calls := range once {
				if least, ok := idle[job]; !ok || calls < least {
					idle[job] = calls
				}
			}
		}
		struck := arm(t, kinds, n, cloud.Clock.Now().Add(-time.Duration(n)*time.Second-time.Minute))
		defer disarm(t, struck)
		runs := 0
		for left := len(struck); left > 0 && runs < 20; runs++ {
			jobs(busy)
			left = len(there(t, struck))
		}
		left := map[string]int{}
		for _, k := range there(t, struck) {
			left[k.PK]++
		}
		if len(left) > 0 {
			t.Errorf("after %d runs these are still there: %v", runs, left)
		}
		each = map[string]float64{}
		for job, calls := range busy {
			each[job] = float64(calls-runs*idle[job]) / float64(n)
		}
		return each
	}
	small, large := size.Of(5, 50), size.Of(50, 1000)
	few, many := work(small), work(large)
	for job, c := range many {
		if c > few[job]*1.1 {
			t.Errorf("%s makes %.2f calls for each of %d that are due and %.2f for each of %d; want no more", job, few[job], small, c, large)
		}
	}
	t.Logf("calls for each of %d due rows of %d kinds: %v", large, len(kinds), many)
}

// there gives which of some rows are there.
func there(t *testing.T, keys []store.Key) []store.Key {
	t.Helper()
	var found []store.Key
	for part := range slices.Chunk(keys, 100) {
		var wanted []map[string]types.AttributeValue
		for _, k := range part {
			wanted = append(wanted, keyOf(k))
		}
		out, err := cloud.Table.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{cloud.Cloud.Table.Name: {Keys: wanted}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range out.Responses[cloud.Cloud.Table.Name] {
			found = append(found, store.Key{PK: item["PK"].(*types.AttributeValueMemberS).Value, SK: item["SK"].(*types.AttributeValueMemberS).Value})
		}
	}
	return found
}
