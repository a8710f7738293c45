package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/door"
	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/stream"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/infra/local/ttl"
)

var server *dynoxide.Server

func TestMain(m *testing.M) {
	code := 1
	defer func() { os.Exit(code) }()
	s, err := dynoxide.Start(context.Background(), "../../..")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer s.Stop()
	server = s
	code = m.Run()
}

// functions takes batches and answers as the test says.
type functions struct {
	mu      sync.Mutex
	batches [][]string // the partition keys of each batch
	raw     []string
	letters []lambda.DeadLetter
	kept    map[string]string
	answer  func(keys []string, sequences []string) lambda.Result
}

func (f *functions) Invoke(_ context.Context, _ string, payload []byte, _ string) (lambda.Result, error) {
	var event struct {
		Records []struct {
			Dynamodb struct {
				Keys           map[string]struct{ S string }
				SequenceNumber string
			} `json:"dynamodb"`
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return lambda.Result{}, err
	}
	var keys, sequences []string
	for _, r := range event.Records {
		keys, sequences = append(keys, r.Dynamodb.Keys["PK"].S), append(sequences, r.Dynamodb.SequenceNumber)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches, f.raw = append(f.batches, keys), append(f.raw, string(payload))
	if f.answer == nil {
		return lambda.Result{}, nil
	}
	return f.answer(keys, sequences), nil
}

func (f *functions) Bury(d lambda.DeadLetter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.letters = append(f.letters, d)
}

func (f *functions) Keep(_ context.Context, _ *template.Function, bucket, _ string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[bucket] += string(body)
	return nil
}

type world struct {
	t      *testing.T
	f      *functions
	clock  *simclock.Clock
	reader *stream.Reader
	table  *dynamodb.Client
	name   string
}

func start(t *testing.T, mapping template.Stream, answer func(keys, sequences []string) lambda.Result) *world {
	t.Helper()
	w := &world{t: t, f: &functions{kept: map[string]string{}, answer: answer}, clock: new(simclock.Clock), name: "stream-" + strings.ToLower(t.Name())}
	d := door.New(server.Endpoint, identity.New(), w.clock.Now, new(calls.Recorder), new(calls.Faults))
	before := httptest.NewServer(d)
	t.Cleanup(before.Close)
	w.table = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &before.URL, Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")})
	if err := dynoxide.CreateTable(context.Background(), w.table, w.name); err != nil {
		t.Fatal(err)
	}
	cloud := &template.Cloud{Table: template.Table{Name: w.name, TTL: "expires_at"}, Functions: []*template.Function{{Name: "Reader", Stream: &mapping}}}
	reader, err := stream.Start(stream.Options{Cloud: cloud, Functions: w.f, Keeper: w.f, Clock: w.clock,
		Backoff: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	w.reader, d.Tell = reader, reader.Offer
	d.Set(w.name, door.Settings{Stream: true})
	t.Cleanup(reader.Close)
	return w
}

func (w *world) put(pk string, expires time.Time) {
	w.t.Helper()
	item := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: "1"}}
	if !expires.IsZero() {
		item["expires_at"] = &types.AttributeValueMemberN{Value: fmt.Sprint(expires.Unix())}
	}
	if _, err := w.table.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &w.name, Item: item}); err != nil {
		w.t.Fatal(err)
	}
}

// settle waits until everything written has been given.
func (w *world) settle() {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for w.reader.Pending() > 0 {
		if time.Now().After(deadline) {
			w.t.Fatal("the stream does not come to rest")
		}
		time.Sleep(time.Millisecond)
	}
}

func (w *world) seen() []string {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return slices.Concat(w.f.batches...)
}

func TestRecordsComeInOrderAndFiltered(t *testing.T) {
	w := start(t, template.Stream{BatchSize: 2, Retries: 0, Filters: []string{`{"dynamodb":{"Keys":{"PK":{"S":[{"prefix":"ORG#"}]}}}}`}}, nil)
	for i := range 5 {
		w.put(fmt.Sprintf("ORG#%d", i), time.Time{})
		w.put(fmt.Sprintf("USER#%d", i), time.Time{})
	}
	w.settle()
	if got, want := w.seen(), []string{"ORG#0", "ORG#1", "ORG#2", "ORG#3", "ORG#4"}; !slices.Equal(got, want) {
		t.Errorf("records = %v; want %v", got, want)
	}
}

func TestABadRecordIsCutOutAndKeptWhole(t *testing.T) {
	w := start(t, template.Stream{BatchSize: 10, Retries: 2, Bisect: true, FailedBucket: "failed"}, func(keys, _ []string) lambda.Result {
		if slices.Contains(keys, "bad") {
			return lambda.Result{Error: "it hurts"}
		}
		return lambda.Result{}
	})
	w.reader.Off()
	for _, pk := range []string{"a", "b", "bad", "c", "d"} {
		w.put(pk, time.Time{})
	}
	w.settle()
	w.reader.On()
	w.settle()
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	for _, pk := range []string{"a", "b", "c", "d"} {
		if !slices.ContainsFunc(w.f.batches, func(b []string) bool { return slices.Contains(b, pk) && !slices.Contains(b, "bad") }) {
			t.Errorf("%s was never given without the bad record", pk)
		}
	}
	if len(w.f.letters) != 1 || !strings.Contains(w.f.kept["failed"], `bad`) || !strings.Contains(w.f.kept["failed"], `NewImage`) {
		t.Errorf("kept %q, letters %+v; want the bad record, whole", w.f.kept, w.f.letters)
	}
}

func TestABatchGoesOnFromTheRecordThatWasNotDone(t *testing.T) {
	failed := false
	w := start(t, template.Stream{BatchSize: 10, Retries: 3, PartialBatch: true}, func(keys, sequences []string) lambda.Result {
		i := slices.Index(keys, "b")
		if i < 0 || failed {
			return lambda.Result{Payload: []byte("null")}
		}
		failed = true
		return lambda.Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"` + sequences[i] + `"}]}`)}
	})
	w.reader.Off()
	for _, pk := range []string{"a", "b", "c"} {
		w.put(pk, time.Time{})
	}
	w.settle()
	w.reader.On()
	w.settle()
	if got, want := w.seen(), []string{"a", "b", "c", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("records = %v; want %v", got, want)
	}
}

func TestTTLDeletesWithTheServicesIdentity(t *testing.T) {
	w := start(t, template.Stream{BatchSize: 10, Filters: []string{`{"userIdentity":{"type":["Service"],"principalId":["dynamodb.amazonaws.com"]}}`}}, nil)
	now := time.Now()
	w.put("gone", now.Add(-time.Minute))
	w.put("later", now.Add(time.Hour))
	w.put("ancient", now.AddDate(-6, 0, 0))
	w.put("own", time.Time{})
	w.settle()
	if _, err := w.table.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &w.name,
		Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "own"}, "SK": &types.AttributeValueMemberS{Value: "1"}}}); err != nil {
		t.Fatal(err)
	}
	s := &ttl.Sweeper{Client: w.table, Table: w.name, Attribute: "expires_at", Stream: w.reader}
	n, err := s.Sweep(context.Background(), now)
	if err != nil || n != 1 {
		t.Fatalf("Sweep = %d, %v; want 1", n, err)
	}
	w.settle()
	if got := w.seen(); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("deletions by the service = %v; want gone alone", got)
	}
	if n, err := s.Sweep(context.Background(), now.AddDate(10, 0, 0)); err != nil || n != 1 {
		t.Errorf("Sweep ten years later = %d, %v; want 1: what expired in between would have gone then", n, err)
	}
}

func TestAStreamThatWasOffLosesWhatIsOlderThanADay(t *testing.T) {
	w := start(t, template.Stream{BatchSize: 10}, nil)
	w.reader.Off()
	w.put("old", time.Time{})
	w.settle()
	w.clock.Advance(25 * time.Hour)
	w.put("new", time.Time{})
	w.settle()
	w.reader.On()
	w.settle()
	if got := w.seen(); !slices.Equal(got, []string{"new"}) {
		t.Errorf("records = %v; want new alone", got)
	}
}
