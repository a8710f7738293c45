package publishing_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"pixeltrack.io/platform/pkg/bus"
	"pixeltrack.io/platform/pkg/bus/publishing"
	"pixeltrack.io/platform/pkg/store"
)

type entry struct{ EventBusName, Source, DetailType, Detail string }

// service is EventBridge. It refuses what refuse says, by the number of the call and the entry's detail.
type service struct {
	taken  []entry
	sizes  []int // entries of each call
	refuse func(call int, e entry) bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Entries []entry }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.sizes = append(s.sizes, len(in.Entries))
	type result struct {
		EventID   string `json:"EventId,omitempty"`
		ErrorCode string `json:",omitempty"`
	}
	var out struct {
		FailedEntryCount int
		Entries          []result
	}
	for _, e := range in.Entries {
		if s.refuse != nil && s.refuse(len(s.sizes), e) {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, result{ErrorCode: "ThrottlingException"})
			continue
		}
		s.taken = append(s.taken, e)
		out.Entries = append(out.Entries, result{EventID: "e"})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(out) //nolint:errcheck // a client that has gone is no news
}

func publisher(t *testing.T, s http.Handler) *publishing.Publisher {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return publishing.New(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(web.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, "pixeltrack-test")
}

func queued(n int) []bus.Event {
	var all []bus.Event
	for i := range n {
		all = append(all, bus.OutboxQueued{Row: bus.RowOf(store.Key{PK: "p", SK: string(rune('a' + i))})})
	}
	return all
}

func TestPublish(t *testing.T) {
	s := &service{}
	if err := publisher(t, s).Publish(context.Background(), queued(23)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.sizes, []int{10, 10, 3}) {
		t.Errorf("calls of %v entries; want 10, 10 and 3", s.sizes)
	}
	if want := (entry{"pixeltrack-test", "pixeltrack", "OutboxQueued", `{"pk":"p","sk":"a"}`}); s.taken[0] != want {
		t.Errorf("the first entry is %+v; want %+v", s.taken[0], want)
	}
}

func TestPublishTriesAgainWhatWasRefused(t *testing.T) {
	s := &service{refuse: func(call int, e entry) bool { return call == 1 && strings.Contains(e.Detail, `"b"`) }}
	if err := publisher(t, s).Publish(context.Background(), queued(3)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.sizes, []int{3, 1}) || len(s.taken) != 3 {
		t.Errorf("calls of %v entries, %d taken; want 3 and 1, and 3", s.sizes, len(s.taken))
	}
}

func TestPublishNamesWhatIsLeft(t *testing.T) {
	s := &service{refuse: func(_ int, e entry) bool {
		return strings.Contains(e.Detail, `"b"`) || strings.Contains(e.Detail, `"d"`)
	}}
	err := publisher(t, s).Publish(context.Background(), queued(5))
	var left *bus.Unpublished
	if !errors.As(err, &left) || !slices.Equal(left.Places, []int{1, 3}) || !strings.Contains(err.Error(), "ThrottlingException") {
		t.Errorf("Publish = %v; want the places 1 and 3 unpublished", err)
	}
	if len(s.taken) != 3 {
		t.Errorf("%d taken; want 3", len(s.taken))
	}
}

func TestPublishWithoutABus(t *testing.T) {
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	var left *bus.Unpublished
	if err := publisher(t, down).Publish(context.Background(), queued(2)); !errors.As(err, &left) || len(left.Places) != 2 {
		t.Errorf("Publish = %v; want both unpublished", err)
	}
}
