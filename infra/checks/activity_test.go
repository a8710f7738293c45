package checks_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/catalog"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// TestTheFeedKnowsTheRowsItReads holds the feed's table against the rows as they are, the filter of the stream, and what a
// list can be asked for: the feed reads rows by the names of their attributes.
func TestTheFeedKnowsTheRowsItReads(t *testing.T) {
	cloud, err := template.Read(root, map[string]string{"Stage": "test", "PublicUrl": "https://api.example.com", "AllowedOrigins": "https://example.com", "MailFrom": "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	var filter struct {
		DynamoDB struct {
			NewImage map[string]struct{ S []string }
		} `json:"dynamodb"`
	}
	if err := json.Unmarshal([]byte(cloud.Function("DispatchChanges").Stream.Filters[0]), &filter); err != nil {
		t.Fatal(err)
	}
	heard := filter.DynamoDB.NewImage["_type"].S
	if !slices.Contains(heard, store.TombstoneType) || slices.Contains(heard, new(feed.Act).Type()) {
		t.Errorf("the filter has %v; want tombstones in it, and no acts", heard)
	}
	for _, k := range feed.Kinds() {
		if !slices.Contains(heard, k.Row) {
			t.Errorf("the filter keeps %s from the feed", k.Row)
		}
		at := slices.IndexFunc(catalog.Rows(), func(r registry.Row) bool { return r.Type == k.Row })
		if at < 0 {
			t.Errorf("the feed reads %s, which is no row", k.Row)
			continue
		}
		there := registry.Attributes(catalog.Rows()[at].Sample)
		for _, name := range slices.Concat([]string{k.Object, k.Parent, k.Status, k.Removal}, k.Watched, k.Counts) {
			if name != "" && !slices.Contains(there, name) {
				t.Errorf("the feed reads %s of %s, which has no such attribute", name, k.Row)
			}
		}
	}
	field, _ := reflect.TypeFor[activity.Filter]().FieldByName("Type")
	if got, want := strings.Split(field.Tag.Get("enum"), ","), feed.Names(); !slices.Equal(got, want) {
		t.Errorf("a list can be asked for %v; want %v", got, want)
	}
	if feed.Life != retention.Activity {
		t.Errorf("acts are kept for %v; the schedule says %v", feed.Life, retention.Activity)
	}
}
