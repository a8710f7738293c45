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
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/id"
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
			target := store.UserScope(id.New[id.User](ids)).Key("NOTHING", "x")
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
	all() // warm
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
