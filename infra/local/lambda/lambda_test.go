package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/lambda"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/local/template"
)

type answer struct {
	Served int     `json:"served"`
	PID    int     `json:"pid"`
	Left   float64 `json:"left"`
	Offset string  `json:"offset"`
	Own    string  `json:"own"`
	Home   string  `json:"home"`
}

func service(t *testing.T, change func(*template.Function)) *lambda.Service {
	t.Helper()
	f := &template.Function{Name: "Moody", Dir: "infra/local/lambda/testdata/moody", Timeout: 20 * time.Second, Memory: 128,
		Environment: map[string]string{"OWN": "yes"}, Policy: &iam.Policy{}, Retries: 2, OnFailure: "arn:aws:sqs:us-east-1:000000000000:FailuresQueue"}
	if change != nil {
		change(f)
	}
	s := &lambda.Service{Cloud: &template.Cloud{Functions: []*template.Function{f}}, Builder: &lambda.Builder{Root: "../../.."}, Clock: new(simclock.Clock),
		Identities: identity.New(), Backoff: func(int) time.Duration { return time.Millisecond }, Limit: 8,
		Allow: func(*template.Function, []iam.Request) error { return nil }}
	t.Cleanup(s.Close)
	return s
}

func invoke(t *testing.T, s *lambda.Service, order string) (answer, lambda.Result) {
	t.Helper()
	r, err := s.Invoke(context.Background(), "Moody", []byte(order), "")
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if r.Error == "" {
		if err := json.Unmarshal(r.Payload, &a); err != nil {
			t.Fatalf("answer %s: %v", r.Payload, err)
		}
	}
	return a, r
}

func TestAFunctionStaysWarmAndHasItsOwnEnvironmentAlone(t *testing.T) {
	s := service(t, nil)
	first, _ := invoke(t, s, `{}`)
	second, _ := invoke(t, s, `{}`)
	if second.PID != first.PID || second.Served != 2 {
		t.Errorf("the second call ran in %d as its %d.; want the same process %d as its 2.", second.PID, second.Served, first.PID)
	}
	if first.Own != "yes" || first.Home != "" || first.Left < 15 || first.Left > 20 {
		t.Errorf("answer = %+v; want its own variable, no variable of this process and its own deadline", first)
	}
	s.Clock.Advance(time.Hour)
	s.Recycle()
	third, _ := invoke(t, s, `{}`)
	if third.PID == first.PID || third.Offset == first.Offset {
		t.Errorf("after a move of the clock the same process answers with offset %s", third.Offset)
	}
}

func TestAProcessIsGivenWhatItsKeyTells(t *testing.T) {
	s := service(t, nil)
	s.Own = func(id identity.Identity) []string { return []string{"OWN=" + id.Function + " " + id.AccessKey} }
	first, _ := invoke(t, s, `{}`)
	s.Recycle()
	second, _ := invoke(t, s, `{}`)
	if !strings.HasPrefix(first.Own, "Moody LOCAL") || second.Own == first.Own {
		t.Errorf("two processes were given %q and %q; want a key of each one's own", first.Own, second.Own)
	}
}

func TestFailuresOfAFunction(t *testing.T) {
	s := service(t, func(f *template.Function) { f.Timeout = time.Second })
	for order, want := range map[string]string{"fail": "as ordered", "panic": "as ordered", "exit": "Runtime exited", "sleep": "timed out after 1.00 seconds"} {
		t.Run(order, func(t *testing.T) {
			_, r := invoke(t, s, `{"do":"`+order+`"}`)
			if !strings.Contains(r.Error, want) {
				t.Errorf("error = %q; want %q in it", r.Error, want)
			}
			if _, r := invoke(t, s, `{}`); r.Error != "" {
				t.Errorf("the next call fails: %s", r.Error)
			}
		})
	}
}

func TestSeveralRunAtOnceUpToTheirLimit(t *testing.T) {
	s := service(t, func(f *template.Function) { f.Concurrency = 2 })
	file := filepath.Join(t.TempDir(), "go")
	order, err := json.Marshal(map[string]string{"do": "wait", "file": file})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { invoke(t, s, string(order)) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for { // once both are under way a third must wait
		if _, err := s.Invoke(ctx, "Moody", []byte(`{}`), ""); errors.Is(err, context.DeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	invoke(t, s, `{}`)
}

func TestAnAsynchronousEventIsTriedAgainAndThenKept(t *testing.T) {
	s := service(t, nil)
	file := filepath.Join(t.TempDir(), "runs")
	order, err := json.Marshal(map[string]string{"do": "append", "file": file})
	if err != nil {
		t.Fatal(err)
	}
	s.InvokeAsync("Moody", order)
	wait(t, func() bool { return s.Pending() == 0 })
	runs, err := os.ReadFile(file)
	if err != nil || strings.Count(string(runs), "run") != 3 {
		t.Errorf("%q, %v; want three runs", runs, err)
	}
	letters := s.DeadLetters()
	if len(letters) != 1 || string(letters[0].Event) != string(order) || letters[0].Queue == "" || !strings.Contains(letters[0].Error, "as ordered") {
		t.Errorf("dead letters = %+v; want the event in its queue", letters)
	}
}

func TestARoleThatMayNotSendLosesTheEvent(t *testing.T) {
	s := service(t, func(f *template.Function) { f.Retries = 0 })
	s.Allow = func(*template.Function, []iam.Request) error { return errors.New("not allowed") }
	s.InvokeAsync("Moody", []byte(`{"do":"fail"}`))
	wait(t, func() bool { return s.Pending() == 0 })
	if l := s.DeadLetters(); len(l) != 1 || l[0].Queue != "" || !strings.Contains(l[0].Error, "not kept") {
		t.Errorf("dead letters = %+v; want one that is in no queue", l)
	}
}

func TestKill(t *testing.T) {
	s := service(t, nil)
	done := make(chan lambda.Result, 1)
	go func() {
		r, err := s.Invoke(context.Background(), "Moody", []byte(`{"do":"sleep"}`), "the-request")
		if err != nil {
			r.Error = err.Error()
		}
		done <- r
	}()
	wait(t, func() bool { return s.Kill("the-request") })
	if r := <-done; !strings.Contains(r.Error, "Runtime exited") {
		t.Errorf("error = %q; want the end of the runtime", r.Error)
	}
}

func TestWhatAFunctionWritesIsKept(t *testing.T) {
	s := service(t, nil)
	invoke(t, s, `{}`)
	wait(t, func() bool {
		for _, l := range s.Lines(time.Time{}) {
			if l.Text == "served 1" && l.Function == "Moody" && l.Request != "" {
				return true
			}
		}
		return false
	})
}

func TestAFunctionThatDoesNotBuildIsAnError(t *testing.T) {
	s := service(t, func(f *template.Function) { f.Dir = "functions/no/such-function" })
	if _, err := s.Invoke(context.Background(), "Moody", nil, ""); err == nil {
		t.Error("a function without a source is run")
	}
	if _, err := s.Invoke(context.Background(), "Nobody", nil, ""); err == nil {
		t.Error("a function that does not exist is run")
	}
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
		<-time.After(time.Millisecond)
	}
}
