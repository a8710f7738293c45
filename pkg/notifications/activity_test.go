package notifications_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/notifications"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
)

const studio = id.Organization("org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")

// made is a record of a new client of an organization, so many milliseconds after nine.
func made(n int) string {
	at := storetest.Start.UnixMilli() + int64(n)
	return record(n, "INSERT", "", fmt.Sprintf(`{"PK":{"S":"ORG#%s#CLIENT"},"SK":{"S":"cli_%d"},"_type":{"S":"CLIENT"},"_v":{"N":"1"},"_by":{"S":"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB/r"},"id":{"S":"cli_%d"},"updated":{"N":"%d"}}`, studio, n, n, at))
}

func several(from, to int) string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, made(n))
	}
	return strings.Join(all, ",")
}

func recordActs(st *store.Store, log *bytes.Buffer, records string) error {
	now := func() time.Time { return storetest.Start.Add(time.Hour) }
	return notifications.DispatchChanges(&taken{from: -1}).Do(context.Background(), []byte(`{"Records":[`+records+`]}`), st, telemetry.New(log, now), now, "run")
}

// acts are what the feed of an organization tells of, in its order.
func acts(t *testing.T, st *store.Store, of id.Organization) []string {
	t.Helper()
	h := st.BindOrganization(of, store.Actor{Who: "test"})
	var all []string
	for a, err := range store.All[feed.Act](context.Background(), h, store.Query{Partition: h.Scope().Partition(feed.Family, feed.Month(storetest.Start)), Limit: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a.Object)
	}
	return all
}

func TestAChangeThatComesAgainIsOneAct(t *testing.T) {
	st, _ := storetest.New(t)
	for _, records := range []string{several(0, 3), several(1, 5), made(2), several(0, 2) + "," + several(0, 2), several(0, 5)} {
		if err := recordActs(st, new(bytes.Buffer), records); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := acts(t, st, studio), []string{"cli_0", "cli_1", "cli_2", "cli_3", "cli_4"}; !slices.Equal(got, want) {
		t.Errorf("the feed has %v; want %v", got, want)
	}
	if got := acts(t, st, "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"); len(got) != 0 {
		t.Errorf("another organization's feed has %v; want nothing", got)
	}
}

func TestChangesInAnyOrderAreActsInTheOrderOfTheirTime(t *testing.T) {
	st, _ := storetest.New(t)
	for _, n := range []int{3, 0, 2, 1} {
		if err := recordActs(st, new(bytes.Buffer), made(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := acts(t, st, studio), []string{"cli_0", "cli_1", "cli_2", "cli_3"}; !slices.Equal(got, want) {
		t.Errorf("the feed has %v; want %v", got, want)
	}
}

func TestABatchThatComesTwiceAtOnceIsKeptOnce(t *testing.T) {
	st, _ := storetest.New(t)
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			if err := recordActs(st, new(bytes.Buffer), several(0, 60)); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if got := acts(t, st, studio); len(got) != 60 {
		t.Errorf("%d acts; want 60", len(got))
	}
}

func TestABurstIsKeptWhole(t *testing.T) {
	st, _ := storetest.New(t)
	if err := recordActs(st, new(bytes.Buffer), several(0, 500)); err != nil {
		t.Fatal(err)
	}
	if got := acts(t, st, studio); len(got) != 500 {
		t.Errorf("%d acts; want 500", len(got))
	}
}

// failing lets calls through until some number of them, then answers as an overwhelmed table does.
type failing struct {
	after int64
	calls atomic.Int64
}

// Do makes or refuses a call.
func (f *failing) Do(r *http.Request) (*http.Response, error) {
	if f.calls.Add(1) > f.after {
		return nil, errors.New("throttled")
	}
	return http.DefaultClient.Do(r)
}

func TestARunThatDiesBetweenItsWritesIsMadeUpFor(t *testing.T) {
	cfg, table := storetest.Table(t)
	now := func() time.Time { return storetest.Start }
	st := store.New(cfg, table, now)
	broken := cfg.Copy()
	broken.HTTPClient, broken.Retryer = &failing{after: 1}, func() aws.Retryer { return aws.NopRetryer{} }
	err := recordActs(store.New(broken, table, now), new(bytes.Buffer), several(0, 250))
	if err == nil || errors.As(err, new(*job.Partial)) {
		t.Errorf("a batch of which the table takes a part = %v; want all of it to come again", err)
	}
	if got := acts(t, st, studio); len(got) != 100 {
		t.Fatalf("%d acts after a run that died; want those of the first write", len(got))
	}
	if err := recordActs(st, new(bytes.Buffer), several(0, 250)); err != nil {
		t.Fatal(err)
	}
	if got := acts(t, st, studio); len(got) != 250 {
		t.Errorf("%d acts; want 250", len(got))
	}
}

func TestTheBusHearsOfABatchWhoseActsAreNotTaken(t *testing.T) {
	cfg, table := storetest.Table(t)
	now := func() time.Time { return storetest.Start }
	cfg.HTTPClient, cfg.Retryer = &failing{}, func() aws.Retryer { return aws.NopRetryer{} }
	b := &taken{from: -1}
	mail := record(9, "INSERT", "", row("MAIL_OUT", "usr_1/r", "queued", ""))
	err := notifications.DispatchChanges(b).Do(context.Background(), []byte(`{"Records":[`+made(1)+","+mail+`]}`), store.New(cfg, table, now), telemetry.New(new(bytes.Buffer), now), now, "run")
	if want := (bus.OutboxQueued{Row: bus.Row{PK: "USER#usr_1#F", SK: "1"}}); err == nil || len(b.events) != 1 || b.events[0] != want {
		t.Errorf("dispatch = %v with %v; want an error, and the mail sent all the same", err, b.events)
	}
}

func TestAChangeThatNoActIsReadFromHoldsNothingUp(t *testing.T) {
	st, _ := storetest.New(t)
	bad := record(7, "INSERT", "", fmt.Sprintf(`{"PK":{"S":"ORG#%s#CLIENT"},"SK":{"S":"cli_7"},"_type":{"S":"CLIENT"},"name":{"S":"Grace Example"}}`, studio))
	var log bytes.Buffer
	if err := recordActs(st, &log, made(0)+","+bad+","+made(1)); err != nil {
		t.Fatal(err)
	}
	if got, want := acts(t, st, studio), []string{"cli_0", "cli_1"}; !slices.Equal(got, want) {
		t.Errorf("the feed has %v; want %v", got, want)
	}
	if text := log.String(); strings.Count(text, "act_not_read") != 1 || strings.Contains(text, "Grace") {
		t.Errorf("the log says %s; want one line that names nobody", text)
	}
}

func TestAMarkOnAnActOutlivesTheChangeThatComesAgain(t *testing.T) {
	st, _ := storetest.New(t)
	ctx := context.Background()
	if err := recordActs(st, new(bytes.Buffer), several(0, 2)); err != nil {
		t.Fatal(err)
	}
	h := st.BindOrganization(studio, store.Actor{Who: "test"})
	rows, _, err := store.List[feed.Act](ctx, h, store.Query{Partition: h.Scope().Partition(feed.Family, feed.Month(storetest.Start)), Limit: 1})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	rows[0].Held, rows[0].ExpiresAt = true, 0
	tx := st.Begin()
	tx.Replace(h, rows[0])
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := recordActs(st, new(bytes.Buffer), several(0, 3)); err != nil {
		t.Fatal(err)
	}
	if again, err := store.Get[feed.Act](ctx, h, rows[0].Keys().Primary); err != nil || !again.Held {
		t.Errorf("the act = %+v, %v; want the mark still there", again, err)
	}
	if got := acts(t, st, studio); len(got) != 3 {
		t.Errorf("the feed has %v; want 3 acts", got)
	}
}
