package e2e_test

import (
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/bus"
	"pixeltrack.io/platform/pkg/catalog"
)

// function is the name of the function of an operation: create-client becomes CreateClient.
func function(operation string) string {
	name := []byte{}
	upper := true
	for _, c := range []byte(operation) {
		switch {
		case c == '-':
			upper = true
		case upper:
			name, upper = append(name, c-'a'+'A'), false
		default:
			name = append(name, c)
		}
	}
	return string(name)
}

// run invokes a job with an event and gives the id of the invocation.
func run(t testing.TB, job string, event []byte) string {
	t.Helper()
	request := cloud.Lambda.NewRequestID()
	r, err := cloud.Lambda.Invoke(t.Context(), function(job), event, request)
	if err != nil {
		t.Fatal(err)
	}
	if r.Error != "" {
		t.Fatalf("%s: %s", job, r.Error)
	}
	return request
}

// jobCosts measures every job when there is nothing to do.
func jobCosts(t *testing.T) map[string]cost {
	t.Helper()
	all := map[string]cost{}
	cloud.Door.Slow(20 * time.Millisecond)
	defer cloud.Door.Slow(0)
	for _, j := range catalog.Jobs() {
		f := cloud.Cloud.Function(function(j.ID))
		if f == nil {
			t.Errorf("the job %s has no function", j.ID)
			continue
		}
		event := bus.Event(f.Name, cloud.Clock.Now())
		if len(f.Schedules) == 0 {
			event = []byte(`{"Records":[]}`)
		}
		if len(f.Rules) > 0 && len(f.Schedules) == 0 {
			continue // an event of the bus is always about something; see TestTheCostOfFollowUps
		}
		run(t, j.ID, event) // warm
		all[j.ID] = costOf(cloud.Recorder.OfRequest(run(t, j.ID, event)))
	}
	return all
}
