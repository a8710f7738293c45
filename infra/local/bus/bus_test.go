package bus_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

// started remembers which functions were started.
type started struct {
	mu    sync.Mutex
	names []string
}

func (s *started) InvokeAsync(function string, _ []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, function)
}

func (s *started) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.names
	s.names = nil
	return all
}

func world(t *testing.T) (*bus.Bus, *eventbridge.Client, *started, *simclock.Clock) {
	t.Helper()
	cloud := &template.Cloud{BusName: "pixeltrack-local", Functions: []*template.Function{
		{Name: "SendOutbox", Rules: []template.Rule{{Name: "Mail", Pattern: map[string]any{"source": []any{"pixeltrack"}, "detail-type": []any{"OutboxQueued"}}}}},
		{Name: "Sweep", Schedules: []template.Schedule{{Name: "Hourly", Expression: "rate(1 hour)"}}},
		{Name: "Nightly", Schedules: []template.Schedule{{Name: "Night", Expression: "cron(30 2 * * ? *)"}}},
	}}
	identities, clock, functions := identity.New(), new(simclock.Clock), new(started)
	b, err := bus.New(bus.Options{Cloud: cloud, Functions: functions, Identities: identities, Clock: clock,
		Guard: guard.Guard{Judge: func(who identity.Identity, r iam.Request) error {
			if !who.Policy.Decide(r).Allowed {
				return guard.ErrDenied
			}
			return nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	id := identities.Issue("DispatchChanges", &iam.Policy{Statements: []iam.Statement{{Effect: "Allow", Actions: []string{"events:PutEvents"},
		Resources: []string{"arn:aws:events:us-east-1:000000000000:event-bus/pixeltrack-local"}}}})
	client := eventbridge.New(eventbridge.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKey, id.Secret, "")})
	return b, client, functions, clock
}

func TestRulesStartFunctions(t *testing.T) {
	_, client, functions, _ := world(t)
	put := func(busName, kind, detail string) *eventbridge.PutEventsOutput {
		t.Helper()
		out, err := client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{EventBusName: aws.String(busName), Source: aws.String("pixeltrack"), DetailType: aws.String(kind), Detail: aws.String(detail)}}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	put("pixeltrack-local", "OutboxQueued", `{"pk":"a"}`)
	if got := functions.take(); !slices.Equal(got, []string{"SendOutbox"}) {
		t.Errorf("started %v; want SendOutbox", got)
	}
	put("pixeltrack-local", "SomethingElse", `{}`)
	if got := functions.take(); got != nil {
		t.Errorf("an event that no rule wants started %v", got)
	}
	if out := put("pixeltrack-local", "OutboxQueued", `no json`); out.FailedEntryCount != 1 || out.Entries[0].EventId != nil {
		t.Errorf("a malformed event gives %+v; want one failed entry", out)
	}
	if _, err := client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: aws.String("other"), Source: aws.String("pixeltrack"), DetailType: aws.String("X"), Detail: aws.String("{}")}}}); err == nil {
		t.Error("a bus that the role does not name is written to")
	}
}

func TestSchedulesFollowTheStacksClock(t *testing.T) {
	b, _, functions, clock := world(t)
	b.Tick()
	if got := functions.take(); got != nil {
		t.Errorf("started %v at once", got)
	}
	clock.Advance(61 * time.Minute)
	b.Tick()
	if got := functions.take(); !slices.Contains(got, "Sweep") {
		t.Errorf("started %v after an hour; want Sweep", got)
	}
	clock.Advance(10 * 365 * 24 * time.Hour)
	b.Tick()
	if got := functions.take(); len(got) != 2 {
		t.Errorf("started %v after ten years; want each once", got)
	}
	clock.Advance(-5 * 365 * 24 * time.Hour)
	b.Tick()
	clock.Advance(25 * time.Hour)
	b.Tick()
	if got := functions.take(); len(got) != 2 {
		t.Errorf("started %v a day after the clock went back; want each once", got)
	}
}

func TestParseExpression(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"rate(15 minutes)":   at.Add(15 * time.Minute),
		"rate(1 day)":        at.AddDate(0, 0, 1),
		"cron(30 2 * * ? *)": at.AddDate(0, 0, 1),
		"cron(0 3 * * ? *)":  time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC),
	} {
		next, err := bus.ParseExpression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := next(at); !got.Equal(want) {
			t.Errorf("%s after %v = %v; want %v", text, at, got, want)
		}
	}
	for _, text := range []string{"", "rate(0 hours)", "rate(1 week)", "cron(0 3 ? * MON *)", "cron(60 3 * * ? *)", "at(2026-01-01T00:00:00)"} {
		if _, err := bus.ParseExpression(text); err == nil {
			t.Errorf("%q is a schedule; want an error", text)
		}
	}
}
