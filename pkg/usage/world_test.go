package usage_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/usage"
)

// world is a table with people, and the vault.
type world struct {
	*apitest.World
	vault *blobtest.Bucket
	log   *telemetry.Log
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t), vault: &blobtest.Bucket{Overwrites: true}}
	w.log = telemetry.New(w.Log, w.Clock.Now)
	return w
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// choose lets a person say what they think of analytics.
func (w *world) choose(c apitest.Caller, act string) {
	w.T.Helper()
	text, _ := purpose.Current(purpose.Analytics, purpose.DefaultLocale)
	w.Want(w.Call(privacy.CreateConsent(w.Store), c, apitest.Request{Body: map[string]any{"purpose": purpose.Analytics, "act": act,
		"text_sha256": text.SHA256(), "source": "screen"}}), http.StatusCreated, "")
}

// agreeing is a person who has agreed.
func (w *world) agreeing() apitest.Caller {
	w.T.Helper()
	c := w.Organization()
	w.choose(c, "given")
	return c
}

func used(feature string) map[string]any {
	return map[string]any{"name": "feature_used", "feature": feature, "platform": "web"}
}

// tell tells of events by a function that has just started.
func (w *world) tell(c apitest.Caller, r apitest.Request, events ...map[string]any) apitest.Answer {
	w.T.Helper()
	if r.Body == nil {
		r.Body = map[string]any{"events": events}
	}
	return w.Call(usage.CreateEvent(w.Store, w.vault), c, r)
}

// told tells of events and wants them to be kept.
func (w *world) told(c apitest.Caller, events ...map[string]any) {
	w.T.Helper()
	a := w.tell(c, apitest.Request{}, events...)
	w.Want(a, http.StatusAccepted, "")
	var b usage.EventsBody
	if a.Into(w.T, &b); b.Kept != len(events) {
		w.T.Fatalf("kept = %d of %d (%s)", b.Kept, len(events), b.Stop)
	}
}

// rows are all rows of a type as they lie in the table.
func (w *world) rows(rowType string) []map[string]any {
	w.T.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(w.AWS), &dynamodb.ScanInput{TableName: aws.String(w.Table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, item := range page.Items {
			var row map[string]any
			w.must(attributevalue.UnmarshalMap(item, &row))
			if row["_type"] == rowType {
				all = append(all, row)
			}
		}
	}
	return all
}

// people are the pseudonyms in the table.
func (w *world) people() map[string]int {
	w.T.Helper()
	all := map[string]int{}
	for _, r := range w.rows("USAGE") {
		all[r["person"].(string)]++
	}
	return all
}

// run fires the job for its schedule at the clock's time.
func (w *world) run(ctx context.Context) error {
	payload := fmt.Sprintf(`{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.scheduler","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return usage.AggregateEvents(w.vault).Do(ctx, []byte(payload), w.Store, w.log, w.Clock.Now, "run")
}

// totals are the totals of a day, cell by cell, nil when there are none.
func (w *world) totals(day string) map[usage.Cell]usage.Total {
	w.T.Helper()
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	t, err := store.Get[usage.Totals](context.Background(), p, store.PlatformScope().Key(usage.FamilyTotals, day))
	if err == store.ErrMissing {
		return nil
	}
	w.must(err)
	all := map[usage.Cell]usage.Total{}
	for _, c := range t.Cells {
		all[c.Cell] = c
	}
	return all
}

// salted says whether the salt of a day is there.
func (w *world) salted(day string) bool { return strings.Contains(w.vault.All(), "salts/"+day+"\n") }
